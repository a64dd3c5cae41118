"""Successes that could not be recorded: acknowledged, remembered here, written as soon as the store is back."""

from __future__ import annotations

import pytest

from resilient_lambda import current_claim
from resilient_lambda._io.blocking import drive
from resilient_lambda._policies.local import JOURNAL_KEYS
from resilient_lambda.errors import StoreError
from resilient_lambda.events import CompletionUnrecorded, DuplicateSuppressed
from tests.policies.stores import KEY, key_of


@pytest.fixture
def journalled(make, store):
    """An environment with one success that waits for the store."""
    environment = make(local_cache=0)
    store.fail("complete", times=999)
    assert environment.deliver("a") == []
    return environment


def test_a_success_without_a_record_is_acknowledged_and_told(journalled, store):
    """RETRY would run it again for certain."""
    assert store.status() == "IN_PROGRESS"
    assert journalled.heard(CompletionUnrecorded) == [CompletionUnrecorded(KEY)]


def test_a_duplicate_is_answered_from_the_journal(journalled, store):
    """In this environment, without a run, while the store is still away."""
    assert journalled.deliver(("other", "a")) == []
    assert journalled.runs == ["a"]
    assert journalled.heard(DuplicateSuppressed)[-1].reason == "completed"


def test_a_single_events_duplicate_gets_its_result_from_the_journal(make, store):
    """The encoded result waits with it."""
    store.fail("complete", times=999)
    environment = make(lambda body: {"paid": 5}, is_single=True)
    environment.invoke("a")

    assert environment.invoke("a") == {"paid": 5}
    assert environment.runs == ["a"]


def test_the_next_invocation_records_it(journalled, store):
    """Before it does anything else."""
    store.heal()
    store.steps.clear()
    journalled.deliver("b")

    assert store.steps[0] == "complete"
    assert store.status() == "COMPLETED"


def test_it_is_recorded_before_the_answer_if_the_store_comes_back(make, store):
    """The last thing an invocation does is to try again."""
    store.fail("complete", times=4)

    assert make().deliver("a", "b") == []
    assert [store.status(), store.status(key_of("b"))] == ["COMPLETED", "COMPLETED"]


def test_what_is_recorded_late_is_recorded_once(journalled, store):
    """After that the journal is empty."""
    store.heal()
    journalled.deliver("b")
    store.steps.clear()
    journalled.deliver("c")

    assert store.steps == ["claim", "complete"]


def test_it_is_recorded_over_its_own_lapsed_claim(journalled, store, time):
    """However late."""
    store.heal()
    time.advance(3_600)
    journalled.deliver("b")

    assert store.status() == "COMPLETED"


def test_a_lost_environment_loses_the_journal(journalled, make, store, time):
    """The exposure that remains: another environment runs the key again after the lease."""
    store.heal()
    time.advance(100)
    another = make()

    assert another.deliver("a", receives=2) == []
    assert another.runs == ["a"]


def test_one_key_that_cannot_be_recorded_does_not_hold_up_the_others(make, store, time):
    """A key under which a newer library wrote is its own problem."""
    environment = make()
    store.fail("complete", times=999)
    environment.deliver("a", "b")
    store.heal()
    store.take_away(KEY)
    store.memory.add(KEY, {"format": 99}, expires_at_s=1)
    environment.deliver("c")

    assert store.status(key_of("b")) == "COMPLETED"


def test_a_store_that_refuses_for_good_costs_no_second_run(make, store):
    """No permission to write: the success is acknowledged all the same."""
    store.fail("complete", times=999, error=StoreError("denied"))
    environment = make()

    assert environment.deliver("a") == []
    assert environment.deliver("a") == []
    assert environment.runs == ["a"]


@pytest.mark.parametrize("error", [RuntimeError(), KeyError("x"), TypeError()], ids=repr)
def test_a_store_that_raises_anything_costs_no_second_run(make, store, error):
    """A store of the user's own may break its contract: a success is still never turned into a failure."""
    store.fail("complete", times=999, error=error)
    environment = make()

    assert environment.deliver("a") == []
    assert environment.deliver("a") == []
    assert environment.runs == ["a"]


def test_an_outage_is_not_hammered_by_the_journal(make, store):
    """Fifty waiting keys cost a few tries an invocation, not fifty."""
    environment = make()
    store.fail("complete", times=9_999)
    environment.deliver(*range(50))
    before = store.requests
    store.fail("any", times=9_999)
    environment.deliver("x")

    assert store.requests - before < 10


def test_the_journal_is_bounded(make, store):
    """Beyond a thousand keys the oldest is given up: memory is not the price of an outage."""
    environment = make(local_cache=0)
    store.fail("complete", times=99_999)
    for first in range(0, JOURNAL_KEYS + 1, 50):  # an invocation starts nothing more beyond 50 of them
        environment.deliver(*range(first, min(first + 50, JOURNAL_KEYS + 1)), timeout_s=9_000)
    store.heal()
    environment.deliver("x")

    assert store.status(key_of(0)) == "IN_PROGRESS"
    assert store.status(key_of(1)) == "COMPLETED"
    assert store.status(key_of(JOURNAL_KEYS)) == "COMPLETED"


def test_the_journal_takes_a_quarter_of_the_time_at_most(make, store, time):
    """A slow store and a long journal leave the next invocation time for its own records."""
    environment = make(local_cache=0)
    store.fail("complete", times=99_999)
    environment.deliver(*range(40), timeout_s=900)
    store.heal()
    store.before_call = lambda step: time.advance(1.0)
    environment.deliver("x", timeout_s=40)

    assert environment.runs[-1] == "x"


def test_what_has_expired_in_the_journal_is_given_up(make, store, time):
    """Written after keep_s it would suppress events that are none of its duplicates."""
    environment = make(local_cache=0, keep_s=60)
    store.fail("complete", times=99)
    environment.deliver("a")
    store.heal()
    time.advance(600)

    assert environment.deliver(("later", "a")) == []
    assert environment.runs == ["a", "a"]


def test_running_without_the_store_goes_on_when_it_is_back(make, store, time):
    """The heartbeat finds no claim of this run, which is none of the function's business."""
    store.fail("any", times=4)

    def work(body):
        time.advance(12)
        drive(current_claim().aensure_owned(for_s=5))

    environment = make(work, lease_s=20, on_store_error="run")

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]
    assert store.status() == "COMPLETED"
