"""`Retry` inside `Idempotency`: one claim for all tries of a run."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from resilient_lambda import (
    Backoff,
    Classifier,
    CommitConditionError,
    Idempotency,
    LeaseLostError,
    NonRetryableError,
    Retry,
    RetryBudget,
    current_claim,
    put_if_absent,
    resilient_handler,
)
from resilient_lambda._io.blocking import drive
from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.events import RetryGaveUp, RetryScheduled
from resilient_lambda.testing import lambda_context
from tests.policies.environments import Crash
from tests.policies.stores import NAMESPACE


def commit(*items):
    """Commit in either colour: in virtual time nothing suspends."""
    drive(current_claim().acommit_with(items))


def row(name):
    """Return an item of the user's."""
    return put_if_absent("ledger", {"id": name})


def flaky(*errors):
    """Return work that fails with one error after the other."""
    left = list(errors)

    def work(body):
        if left:
            raise left.pop(0)

    return work


def test_all_tries_are_under_one_claim(make, store):
    """One claim, one completion, whatever comes between."""
    environment = make(flaky(TimeoutError(), TimeoutError()), inner=[Retry()])

    assert environment.deliver("a") == []
    assert (environment.runs, store.steps) == (["a", "a", "a"], ["claim", "complete"])


def test_a_run_with_all_its_tries_is_one_attempt(make, store, sink):
    """``max_attempts`` counts runs, so two of them are six calls of the function."""
    environment = make(flaky(*[TimeoutError()] * 9), inner=[Retry()], sink=sink, max_attempts=2)
    assert environment.deliver("a", timeout_s=60) == ["m0"]
    assert store.entry().attempts == 1

    assert environment.deliver("a", timeout_s=60, receives=2) == []
    assert (len(environment.runs), sink.letters) == (6, [("m0", "TimeoutError")])


def test_a_permanent_failure_behind_a_retry_goes_to_the_sink(make, sink):
    """Its last error decides."""
    environment = make(flaky(TimeoutError(), NonRetryableError()), inner=[Retry()], sink=sink)

    assert environment.deliver("a") == []
    assert sink.letters == [("m0", "NonRetryableError")]


def test_a_later_record_of_the_key_gets_the_end_of_all_tries(make):
    """It is not run while the first one is in back-off, nor behind it."""
    environment = make(flaky(TimeoutError()), inner=[Retry()])

    assert environment.deliver("a", ("twin", "a")) == []
    assert environment.runs == ["a", "a"]


def test_a_heartbeat_keeps_the_claim_through_the_waits(make, store, time):
    """Waits of 12 s under a lease of 20 s, which is renewed meanwhile."""
    renewals = []

    def work(body):
        renewals.append(store.steps.count("renew"))
        if len(renewals) < 4:
            time.advance(12)
            raise TimeoutError

    environment = make(work, inner=[Retry(attempts=4)], is_single=True)
    environment.invoke("a", timeout_s=120)

    assert renewals == sorted(renewals)
    assert renewals[-1] >= 3
    assert store.status() == "COMPLETED"


def test_behind_a_commit_nothing_is_run_again(make, store):
    """The effect is there; another run would have it twice. The error is told, and the event is done."""

    def work(body):
        commit(row("a"))
        raise TimeoutError

    environment = make(work, inner=[Retry()])

    assert environment.deliver("a") == []
    assert (environment.runs, store.status()) == (["a"], "COMPLETED")
    assert environment.heard(RetryGaveUp) == [RetryGaveUp("m0", 1, "committed", "TimeoutError")]


def test_a_commit_of_unknown_fate_is_not_run_again(make, store):
    """The next delivery finds out, by the key; until then another run could be the second one."""

    def work(body):
        store.fail("commit", times=99)
        store.fail("read", times=99)
        commit(row("a"))

    environment = make(work, inner=[Retry()])

    assert environment.deliver("a") == ["m0"]
    assert environment.runs == ["a"]
    assert [event.reason for event in environment.heard(RetryGaveUp)] == ["committed"]


def test_a_commit_that_was_refused_may_be_tried_again(make, store):
    """Nothing was written: the way to optimistic locking, with a classifier that calls it retryable."""
    store.memory.transact(None, [row("0")], token="earlier")
    tries = []

    def work(body):
        tries.append(1)
        commit(row(str(len(tries) - 1)))

    retry = Retry(classifier=Classifier(retryable=[CommitConditionError]))
    environment = make(work, inner=[retry])

    assert environment.deliver("a") == []
    assert (len(tries), store.status()) == (2, "COMPLETED")


def test_a_lost_claim_ends_the_tries(make, store, time):
    """The heartbeat has met another environment's: that one decides, and nothing runs here any more."""

    def work(body):
        store.lay(time.now(), lease_until_s=time.now() + 90)
        time.advance(60)
        raise TimeoutError

    environment = make(work, inner=[Retry()], lease_s=10)

    assert environment.deliver("a", timeout_s=300) == ["m0"]
    assert (environment.runs, store.entry().version) == (["a"], "other.0")
    assert [event.reason for event in environment.heard(RetryGaveUp)] == ["lease"]


def test_a_claim_that_is_lost_during_the_wait_ends_the_tries(make, store, time):
    """It is made sure of before the next try."""

    def work(body):
        raise TimeoutError

    environment = make(work, inner=[Retry()], lease_s=10)
    sleep = time.sleep

    async def long(seconds):
        store.fail("renew", times=9)
        await sleep(seconds + 60)
        store.heal()
        store.lay(time.now(), lease_until_s=time.now() + 60)

    time.sleep = long

    assert environment.deliver("a", timeout_s=300) == ["m0"]
    assert (environment.runs, store.entry().version) == (["a"], "other.0")
    assert environment.heard(RetryScheduled)
    assert [event.reason for event in environment.heard(RetryGaveUp)] == ["lease"]


def test_a_function_that_was_told_of_the_lost_claim_is_not_run_again(make, store, time):
    """Even if it made an error of its own of that."""

    def work(body):
        time.advance(60)
        store.lay(time.now(), lease_until_s=time.now() + 60)
        with suppress(LeaseLostError):
            drive(current_claim().aensure_owned(for_s=900))
        raise TimeoutError

    environment = make(work, inner=[Retry()])

    assert environment.deliver("a", timeout_s=300) == ["m0"]
    assert environment.runs == ["a"]


def test_a_decorator_inside_knows_of_the_commit(make, store):
    """The whole function under `Retry` as a decorator is the same danger."""
    tries = []

    @Retry()
    def pay():
        tries.append(1)
        commit(row("a"))
        raise TimeoutError

    environment = make(lambda body: pay())

    assert environment.deliver("a") == []
    assert (tries, store.status()) == ([1], "COMPLETED")


def test_a_crash_in_a_later_try_is_one_lapse(make, other, store, time):
    """The next environment takes over when the lease has ended, and runs it to its end."""

    def work(body):
        if len(first.runs) == 1:
            raise TimeoutError
        store.fail(times=float("inf"))
        raise Crash

    first = make(work, inner=[Retry()])
    with pytest.raises(Crash):
        first.deliver("a")
    store.heal()
    time.advance(120)
    second = other(inner=[Retry()])

    assert second.deliver("a", receives=2) == []
    assert (first.runs, second.runs, store.status()) == (["a", "a"], ["a"], "COMPLETED")
    assert store.entry().lapses == 1


def test_an_interrupt_during_the_wait_gives_the_claim_back(other, store, time):
    """Nothing is running, so that the next delivery can begin at once."""
    environment = other(flaky(TimeoutError()), inner=[Retry()])

    async def interrupted(seconds):
        raise KeyboardInterrupt

    time.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        environment.deliver("a")

    assert store.status() == "RELEASED"


def test_a_store_that_is_away_is_no_reason_to_run(make, store):
    """The bounce of Idempotency stands outside: the retry never sees it."""
    store.fail("claim", times=99, error=StoreUnavailableError("away"))
    environment = make(inner=[Retry()])

    assert environment.deliver("a") == ["m0"]
    assert (environment.runs, environment.heard(RetryScheduled)) == ([], [])


@pytest.mark.parametrize("mode", ["observe", "switched off"])
def test_behind_a_commit_that_nobody_enforces_nothing_is_run_again(mode, make, monkeypatch, store):
    """Without Idempotency the items are written all the same, and once is enough."""
    if mode == "switched off":
        monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")

    def work(body):
        commit(row("a"))
        raise TimeoutError

    environment = make(work, inner=[Retry()], mode="observe" if mode == "observe" else "enforce")
    environment.deliver("a")

    assert (environment.runs, len(store.memory.committed)) == (["a"], 1)


def test_a_cancellation_during_the_wait_gives_the_claim_back(store):
    """In real time: the invocation ends at once, and the next delivery can begin."""
    budget = RetryBudget(1)
    retry = Retry(backoff=Backoff(base_s=100, cap_s=100, jitter="equal"), budget=budget)
    runs = []

    @resilient_handler(policies=[Idempotency(store, key="k", namespace=NAMESPACE), retry])
    async def handler(event):
        runs.append(event["k"])
        raise TimeoutError

    async def cancelled():
        task = asyncio.create_task(handler.aio({"k": "a"}, lambda_context(timeout_s=900)))
        while not budget.missing:
            await asyncio.sleep(0.001)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert (runs, store.status(), budget.left) == (["a"], "RELEASED", 1)
