"""
The harness itself: the rounds of test_commits.py convict what is not exactly once.

Of the convictions half are left to long runs (RESILIENT_LAMBDA_SEEDS=50).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from .charging import SEEDS, Played, play
from .strikes import Aims, Pace

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_MOST_SEEDS = 8  # most are convicted by the first
LONG = pytest.mark.skipif(SEEDS < 50, reason="a long run, RESILIENT_LAMBDA_SEEDS=50, convicts it")


@pytest.fixture
def rounds_of(environments_of, ledger):
    """Return a function that plays seed after seed with a function, as long as one asks for more."""

    def rounds(function: str) -> Iterator[Played]:
        environments, pace, aims = environments_of(f"commits.{function}"), Pace(), Aims(random.Random(0))
        for seed in range(AT_MOST_SEEDS):
            prefix = f"{function}-{seed}-"
            yield play(seed, environments, ledger, pace=pace, aims=aims, prefix=prefix)

    return rounds


@pytest.mark.parametrize(
    "function",
    [
        "charge_without_the_library",
        "charge_beside_the_claim",  # the row first, by a write of its own, then the completion
        "charge_without_completion",  # the transaction holds the row, but not the completion
        pytest.param("charge_in_two_steps", marks=LONG),  # the completion in the request after the transaction
    ],
)
def test_row_outside_the_completion_is_written_twice(rounds_of, function):
    """What is not written in one transaction with the completion is written again after a kill."""
    assert any(played.doubles for played in rounds_of(function))


@LONG
def test_completion_before_the_row_loses_it(rounds_of):
    """An order that is completed first, and then written, is lost by a kill between the two."""
    assert any(played.lost for played in rounds_of("charge_in_the_wrong_order"))


@LONG
def test_completions_that_are_lost_in_a_group_let_orders_run_again(rounds_of):
    """Where a group of completions is not written, an order is run again although its invocation has answered."""
    assert any(played.unlawful for played in rounds_of("charge_without_groups"))
