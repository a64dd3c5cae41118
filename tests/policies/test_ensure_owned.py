"""`current_claim`: what it says, and how a function makes sure that it is not too late."""

from __future__ import annotations

import asyncio

import pytest

from resilient_lambda import Idempotency, InProgressError, LeaseLostError, MemoryStore, batch_handler, current_claim
from resilient_lambda.errors import LeaseLostError as FromErrors
from resilient_lambda.testing import lambda_context, sqs_event
from tests.policies.stores import KEY


def test_outside_there_is_no_claim(make):
    """Before, after, and where no `Idempotency` stands."""
    make().deliver("a")
    with pytest.raises(RuntimeError, match="no claim here"):
        current_claim()


def test_the_claim_is_that_of_the_record_that_runs(make):
    """Its key is the stored key."""
    seen = []
    make(lambda body: seen.append(current_claim().key)).deliver("a")

    assert seen == [KEY]


def test_the_claim_does_not_show_what_it_holds(make):
    """Its text names the key and the attempt."""
    seen = []
    make(lambda body: seen.append(repr(current_claim()))).deliver("a")

    assert seen == [f"<claim on {KEY}, attempt 1>"]


def test_while_the_lease_is_long_enough_it_costs_no_request(other, store):
    """The owner believes in its lease."""

    def work(body):
        for _ in range(100):
            current_claim().ensure_owned(for_s=5)

    other(work).deliver("a")

    assert store.steps == ["claim", "complete"]


@pytest.mark.parametrize(("passed_s", "for_s", "renews"), [(0, 18, False), (0, 18.1, True), (13, 5, False), (14, 5, 1)])
def test_it_renews_when_less_is_left_than_asked_for(  # half of them are fixtures
    other, store, time, passed_s, for_s, renews
):
    """The lease of 20 s is trusted for 18; what is left afterwards is at least what was asked for."""
    left = []

    def work(body):
        store.lay(
            time.now(),
            version=current_claim().entry.version,
            lease_until_s=time.now() + 20,
        )
        current_claim().entry = store.entry()
        time.advance(passed_s)
        store.steps.clear()
        current_claim().ensure_owned(for_s=for_s)
        left.append(store.entry().lease_until_s - 2 - time.now())

    # The first beat, after 20 s, comes too late to help.
    other(work, lease_s=60, skew_s=2).deliver("a")

    assert ("renew" in store.steps) is bool(renews)
    assert left[0] >= for_s


def test_more_can_be_asked_for_than_a_lease_has(other, store, time):
    """The renewal covers it, and the skew of clocks."""
    left = []

    def work(body):
        current_claim().ensure_owned(for_s=500)
        left.append(store.entry().lease_until_s - time.now())

    assert other(work).deliver("a") == []
    assert left == [502.0]


def lose_lease(store, time):
    """Let another environment take the key."""
    time.advance(200)
    store.lay(time.now(), lease_until_s=time.now() + 60)


def test_a_lost_lease_passes_except_exception(other, store, time):
    """The record comes again, the new owner's entry stays, nothing after the check is done."""
    effects = []

    def work(body):
        lose_lease(store, time)
        try:
            current_claim().ensure_owned()
            effects.append("charged")
        except Exception:
            effects.append("swallowed")

    environment = other(work)

    assert environment.deliver("a") == ["m0"]
    assert effects == []
    assert store.entry().version == "other.0"
    assert not issubclass(LeaseLostError, Exception)
    assert LeaseLostError is FromErrors


@pytest.mark.parametrize("then", ["live", "released", "absent"])
def test_a_lost_lease_that_is_swallowed_is_no_success(other, store, time, then):
    """A bare ``except`` cannot turn it into one: nothing was done, so nothing is recorded or acknowledged."""

    def work(body):
        lose_lease(store, time)
        try:
            current_claim().ensure_owned()
        except BaseException:
            if then == "released":
                store.lay(time.now(), "RELEASED")
            elif then == "absent":
                store.take_away()

    environment = other(work)

    assert environment.deliver("a") == ["m0"]
    assert store.status() != "COMPLETED"


def test_a_lost_lease_is_no_attempt_and_never_set_aside(other, store, time, sink):
    """Where the store was away at the check, the record comes again, whatever ``max_attempts`` says."""

    def work(body):
        store.fail("renew", times=4)
        current_claim().ensure_owned(for_s=500)

    environment = other(work, sink=sink, max_attempts=1)

    assert environment.deliver("a") == ["m0"]
    assert sink.letters == []
    assert (store.status(), store.entry().attempts) == ("RELEASED", 0)


def test_a_lost_lease_is_asked_about_once(other, store, time):
    """Once lost, a claim is not asked for again."""

    def work(body):
        lose_lease(store, time)
        for _ in range(3):
            with pytest.raises(LeaseLostError):
                current_claim().ensure_owned()

    other(work).deliver("a")

    assert store.steps.count("renew") == 1


def test_a_lapsed_lease_that_nobody_took_is_renewed(other, store, time):
    """Being late is not losing."""

    def work(body):
        time.advance(200)
        current_claim().ensure_owned()

    assert other(work).deliver("a") == []
    assert store.status() == "COMPLETED"


def test_a_key_that_vanished_is_lost(other, store, time):
    """Somebody deleted it: another one may run, so this one may not go on."""

    def work(body):
        time.advance(200)
        store.take_away()
        current_claim().ensure_owned()

    environment = other(work)

    assert environment.deliver("a") == ["m0"]


def test_in_a_single_event_it_becomes_an_in_progress_error(other, store, time):
    """The runtime reports an Exception; a BaseException would end the environment."""

    def work(body):
        store.lay(time.now(), lease_until_s=time.now() + 60)
        time.advance(30)
        current_claim().ensure_owned()

    with pytest.raises(InProgressError):
        other(work, is_single=True).invoke("a", timeout_s=900)


def test_an_asynchronous_function_awaits_aensure_owned(time):
    """It is the same check."""
    store, seen = MemoryStore(), []

    @batch_handler(policies=[Idempotency(store, lease_s=60)])
    async def handler(record):
        await asyncio.sleep(0)
        await current_claim().aensure_owned(for_s=500)
        seen.append(current_claim().entry.lease_until_s - time.now())

    assert handler(sqs_event(["1"]), time.context()) == {"batchItemFailures": []}
    assert seen == [502.0]


def test_an_asynchronous_function_may_not_call_ensure_owned():
    """It would block the loop; the error says what to write instead."""
    errors = []

    @batch_handler(policies=[Idempotency(MemoryStore())])
    async def handler(record):
        try:
            current_claim().ensure_owned()
        except RuntimeError as error:
            errors.append(str(error))

    handler(sqs_event(["1"]), lambda_context())

    assert errors == ["in an async handler, use: await current_claim().aensure_owned(...)"]


def test_two_events_in_one_loop_have_their_own_claims():
    """`current_claim` follows the task."""
    seen = {}

    @batch_handler(policies=[Idempotency(MemoryStore(), key="k")], model=dict)
    async def handler(body):
        before = current_claim().key
        await asyncio.sleep(0)
        seen[body["k"]] = (before, current_claim().key)

    async def both():
        context = lambda_context()
        await asyncio.gather(*(handler.aio(sqs_event([{"k": name}]), context) for name in "ab"))

    asyncio.run(both())

    assert len({key for pair in seen.values() for key in pair}) == 2
    assert all(before == after for before, after in seen.values())
