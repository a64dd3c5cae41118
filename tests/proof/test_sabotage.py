"""A library, a store or a handler that breaks one rule is convicted: a proof that cannot fail proves nothing."""

from __future__ import annotations

import pytest

from . import sabotage
from .playing import play
from .schedule import SOURCES, schedule

SEEDS = 100


def first_of(text, source, prepare, *, commits=True, **changes):
    """Return the seed of the first schedule of which *text* is said, with *changes* of what was drawn; None if none."""
    for seed in range(SEEDS):
        verdict = play(schedule(source, seed, commits=commits)._replace(**changes), prepare=prepare)
        if any(text in violation for violation in verdict.violations):
            return seed
    return None


@pytest.mark.parametrize(
    "store",
    [sabotage.UnconditionalStore, sabotage.TearingStore, sabotage.ForgetfulStore],
    ids=lambda store: store.__name__,
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_store_that_breaks_its_contract_is_convicted(source, store):
    """Dropped conditions, torn transactions and forgotten completions have a key take effect twice."""
    faults = {"duplicate": 0.5, "freeze": 0.3, "crash": 0.2}

    assert first_of("took effect", source, sabotage.over(store), faults=faults) is not None


@pytest.mark.parametrize("source", SOURCES)
def test_a_store_that_lies_is_convicted(source):
    """Refused claims that are said to be granted have a key run by two."""
    lying = sabotage.over(sabotage.LyingStore)

    assert first_of("took effect", source, lying, commits=False, faults={"duplicate": 0.5}) is not None
    assert first_of("at the same time", source, lying, commits=False, faults={"duplicate": 0.5}) is not None


@pytest.mark.parametrize("source", SOURCES)
def test_a_handler_without_idempotency_is_convicted(source):
    """Whatever is delivered twice takes effect twice."""
    faults = {"duplicate": 0.5}

    assert first_of("took effect", source, sabotage.unprotected, commits=False, faults=faults) is not None


@pytest.mark.parametrize("source", ["share-group", "asynchronous", "synchronous"])
def test_clocks_that_are_wrong_by_more_than_the_lease_allows_are_convicted(source):
    """A claim is taken over while its owner works: an effect outside is repeated, one in a transaction is not."""
    faults = {"skew_s": 60.0}

    assert first_of("took effect", source, sabotage.untouched, commits=False, faults=faults) is not None
    assert first_of("", source, sabotage.untouched, faults=faults) is None


@pytest.mark.parametrize("source", SOURCES)
def test_a_handler_that_gives_up_too_early_is_convicted(source):
    """What could have succeeded is found among what was set aside."""
    assert first_of("although it can succeed", source, sabotage.strict) is not None


@pytest.mark.parametrize("source", ["kinesis", "dynamodb"])
def test_a_handler_that_reverses_a_batch_is_convicted(source):
    """A run before its turn is found when it begins."""
    assert first_of("before order", source, sabotage.around(sabotage.reversing)) is not None


@pytest.mark.parametrize("source", ["sqs", "fifo", "kinesis", "dynamodb", "kafka", "share-group"])
def test_a_handler_that_hides_failures_is_convicted(source):
    """What was acknowledged without an effect is lost."""
    assert first_of("is lost: done", source, sabotage.around(sabotage.swallowing)) is not None


def test_a_handler_whose_answers_say_nothing_is_convicted():
    """A batch that comes back for ever is no end."""
    assert first_of("has not come to an end", "sqs", sabotage.around(sabotage.mistaken)) is not None


def test_a_handler_that_answers_something_else_is_convicted():
    """What callers are told is compared with what was committed."""
    assert first_of("was told", "synchronous", sabotage.around(sabotage.forging)) is not None
