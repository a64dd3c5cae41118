"""The heartbeat: renews while the function runs, and has ended before the answer."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic, sleep

import pytest

from resilient_lambda import Idempotency, RetryableError, batch_handler, resilient_handler
from resilient_lambda.events import ClaimLost
from resilient_lambda.testing import lambda_context, sqs_event
from tests.policies.stores import FaultyStore, key_of

# In real time: beats every 0.4 s, and has 0.8 s to spare where the machine is busy.
LEASE_S = 1.2


def heartbeats():
    """Return the threads of heartbeats that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "resilient_lambda-heartbeat"]


def test_it_renews_at_a_third_of_the_lease(make, store, time):
    """A minute under a lease of 20 s takes nine renewals, and the key is never free."""
    environment = make(lambda body: time.advance(61), is_single=True)
    environment.invoke("a", timeout_s=900)

    assert store.steps == ["claim", *["renew"] * 9, "complete"]


def test_each_renewal_is_a_new_version(make, store, time):
    """Whoever read the key before a renewal cannot take it over."""
    versions = []
    store.before_call = lambda step: versions.append(store.entry().version) if step in ("renew", "complete") else None
    make(lambda body: time.advance(61), is_single=True).invoke("a", timeout_s=900)

    assert len(set(versions)) == 10


def test_a_renewed_lease_keeps_others_out(make, other, store, time):
    """However long the function takes."""
    second = other(on_in_progress="retry")

    def slow(body):
        for _ in range(20):
            time.advance(10)
            assert second.deliver("a") == ["m0"]

    first = make(slow, lease_s=20)

    assert first.deliver("a", timeout_s=900) == []
    assert second.runs == []


def test_a_lease_that_reaches_to_the_invocations_end_is_not_renewed(make, store, time):
    """Nothing would be gained by the write."""
    make(lambda body: time.advance(13), is_single=True, lease_s=18).invoke("a", timeout_s=15)

    assert store.steps == ["claim", "complete"]


def test_a_message_under_the_default_lease_needs_none(make, store, time):
    """Its lease ends with the invocation."""
    make(lambda body: time.advance(25)).deliver("a")

    assert store.steps == ["claim", "complete"]


def test_what_is_settled_is_not_renewed(make, store, time):
    """While the second record runs, the first one's key gets no further write."""
    environment = make(lambda body: time.advance(60) if body["k"] == "b" else None, lease_s=30)
    environment.deliver("a", "b", timeout_s=900)

    assert store.steps == ["claim", "claim", "complete", *["renew"] * 6, "complete"]


def test_what_waits_for_the_sink_is_renewed(make, store, time, sink):
    """A failed record is this environment's until its letter is confirmed, however long its neighbours take."""
    from resilient_lambda import NonRetryableError

    def work(body):
        if body["k"] == "a":
            raise NonRetryableError
        time.advance(100)

    environment = make(work, lease_s=30, sink=sink)

    assert environment.deliver("a", "b", timeout_s=900) == []
    assert sink.letters == [("m0", "NonRetryableError")]


def test_it_ends_with_the_answer(make, store, time):
    """Afterwards time passes without a write."""
    make(lambda body: time.advance(12), is_single=True).invoke("a")
    store.steps.clear()
    time.advance(1_000)

    assert store.steps == []


@pytest.mark.parametrize(("error", "raised"), [(ValueError, ValueError), (SystemExit, RetryableError)])
def test_it_ends_when_the_function_raises(make, store, time, error, raised):
    """Whatever it raises; the runtime is given exceptions only."""

    def work(body):
        time.advance(12)
        raise error

    with pytest.raises(raised):
        make(work, is_single=True).invoke("a")
    store.steps.clear()
    time.advance(1_000)

    assert store.steps == []


def test_it_does_not_renew_a_lease_that_has_ended(make, store, time):
    """A process that was frozen past its lease must not claim the key again behind others' backs."""
    store.fail("renew", times=4)
    environment = make(lambda body: time.advance(100), lease_s=30)
    environment.deliver("a", timeout_s=900)

    assert store.steps == ["claim", "renew", "renew", "complete"]


def test_a_failed_beat_is_made_up_by_the_next(make, store, time):
    """One throttled renewal costs nothing."""
    store.fail("renew", times=1)
    environment = make(lambda body: time.advance(35), lease_s=30)

    assert environment.deliver("a", timeout_s=900) == []
    assert store.steps == ["claim", "renew", "renew", "renew", "complete"]
    assert store.entry().lapses == 0


def test_it_stops_when_the_lease_is_lost(make, store, time):
    """One refused renewal is the last."""

    def work(body):
        store.lay(time.now(), lease_until_s=time.now() + 600)
        time.advance(100)

    environment = make(work, lease_s=30)

    assert environment.deliver("a", timeout_s=900) == []
    assert store.steps.count("renew") == 1
    assert len(environment.heard(ClaimLost)) == 1


def wait_for_renewals(store, count):
    """Block until the store saw *count* renewals, in real time; the test fails after five seconds."""
    end_s = monotonic() + 5
    while store.steps.count("renew") < count and monotonic() < end_s:
        sleep(0.005)


def test_a_real_thread_beats_and_is_joined():
    """In real time: it renews beside the function, is gone with the answer, and no write comes after."""
    store, seen = FaultyStore(), []

    @batch_handler(policies=[Idempotency(store, lease_s=LEASE_S, skew_s=0)])
    def handler(record):
        wait_for_renewals(store, 1)
        seen.append(len(heartbeats()))

    assert handler(sqs_event(["1"]), lambda_context()) == {"batchItemFailures": []}
    assert seen == [1]
    assert heartbeats() == []
    assert store.steps[-1] == "complete"
    assert store.steps.count("renew") >= 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_real_thread_is_joined_when_the_function_raises(error):
    """Nothing of it is left to be frozen with the environment."""
    store = FaultyStore()

    @resilient_handler(policies=[Idempotency(store, key="k", lease_s=LEASE_S, skew_s=0)])
    def handler(event):
        wait_for_renewals(store, 1)
        raise error

    with pytest.raises(error):
        handler({"k": 1}, lambda_context())

    assert heartbeats() == []
    assert store.steps[-1] == "release"


def test_a_real_task_beats_and_is_awaited():
    """The same in a loop, which is left without tasks."""
    store, left = FaultyStore(), []

    @batch_handler(policies=[Idempotency(store, lease_s=LEASE_S, skew_s=0)])
    async def handler(record):
        for _ in range(1_000):
            if store.steps.count("renew") >= 1:
                return
            await asyncio.sleep(0.005)

    async def main():
        answer = await handler.aio(sqs_event(["1"]), lambda_context())
        left.extend(task for task in asyncio.all_tasks() if task is not asyncio.current_task())
        return answer

    assert asyncio.run(main()) == {"batchItemFailures": []}
    assert left == []
    assert store.steps[-1] == "complete"
    assert store.steps.count("renew") >= 1


@pytest.mark.parametrize("count", [1, 3])
def test_without_a_thread_for_it_nothing_is_run_and_nothing_stays_claimed(other, store, time, count):
    """The process is at its limit: what could not be kept is given back."""

    def refuse(interval_s, beat):
        raise RuntimeError("can't start new thread")

    time.every = refuse
    environment = other(lease_s=20)

    assert len(environment.deliver(*range(count))) == count
    assert environment.runs == []
    assert {store.status(key_of(n)) for n in range(count)} == {"RELEASED"}
