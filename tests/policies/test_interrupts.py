"""What leaves a function but is no Exception: the claim is given back, and it passes."""

from __future__ import annotations

import asyncio

import pytest

from resilient_lambda import Idempotency, NonRetryableError, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event
from tests.policies.stores import KEY, key_of


@pytest.mark.parametrize("is_single", [True, False])
def test_it_passes_and_the_claim_is_given_back(make, store, is_single):
    """The next delivery need not wait for the lease; the run counts as an attempt."""

    def work(body):
        raise KeyboardInterrupt

    environment = make(work, is_single=is_single)
    with pytest.raises(KeyboardInterrupt):
        (environment.invoke if is_single else environment.deliver)("a")

    assert (store.status(), store.entry().attempts, store.entry().error) == ("RELEASED", 1, "KeyboardInterrupt")


def test_an_exit_is_a_failure_of_its_record(make, store):
    """``sys.exit()`` in one record does not keep those behind it from running, now and in every delivery."""

    def work(body):
        if body["k"] == "a":
            raise SystemExit

    environment = make(work)

    assert environment.deliver("a", "b") == ["m0"]
    assert environment.runs == ["a", "b"]
    assert (store.status(), store.entry().attempts, store.entry().error) == ("RELEASED", 1, "SystemExit")


def test_what_was_done_before_is_done(make, store):
    """The batch comes back as a whole; its finished record does not run again."""

    def work(body):
        if body["k"] == "b":
            raise KeyboardInterrupt

    environment = make(work)
    with pytest.raises(KeyboardInterrupt):
        environment.deliver("a", "b")
    environment.work = lambda body: None

    assert environment.deliver("a", "b", receives=2) == []
    assert environment.runs == ["a", "b", "b"]


def test_the_journal_outlives_an_interrupt(make, store):
    """In the next invocation of the environment, should it live on, at the latest."""

    def work(body):
        if body["k"] == "b":
            raise KeyboardInterrupt

    store.fail("complete", times=4)
    environment = make(work)
    with pytest.raises(KeyboardInterrupt):
        environment.deliver("a", "b")

    assert store.status(key_of("b")) == "RELEASED"

    environment.deliver("c")

    assert store.status(KEY) == "COMPLETED"


def test_a_store_that_is_away_does_not_hide_the_interrupt(make, store):
    """The lease ends on its own."""

    def work(body):
        store.fail("any", times=999)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(work).deliver("a")

    assert store.status() == "IN_PROGRESS"


class SuspendExecution(BaseException):
    """What a durable function raises to be suspended, by that name."""


def test_a_suspended_durable_function_keeps_its_claim(make, store):
    """It goes on later: a duplicate must not start a second execution."""

    def work(body):
        raise SuspendExecution

    with pytest.raises(SuspendExecution):
        make(work, is_single=True).invoke("a")

    assert store.status() == "IN_PROGRESS"


def test_a_cancelled_run_gives_its_claim_back(store):
    """Whoever awaits ``aio`` may give up."""
    policies = [Idempotency(store, key="k", namespace="orders")]

    @resilient_handler(policies=policies)
    async def handler(event):
        await asyncio.sleep(60)

    async def give_up():
        await asyncio.wait_for(handler.aio({"k": "a"}, lambda_context()), 0.05)

    with pytest.raises((TimeoutError, asyncio.TimeoutError)):
        asyncio.run(give_up())

    assert store.status() == "RELEASED"


def test_a_run_happens_once_whatever_it_raises(paint, store):
    """An error of this library's own, raised by nested use, does not have the function run again."""
    from resilient_lambda.errors import LeaseLostError, StoreUnavailableError

    runs, errors = [], []

    def function(record):
        runs.append(record.id)
        raise errors[-1]

    handler = batch_handler(policies=[Idempotency(store)])(paint(function))
    for error in (StoreUnavailableError("nested"), LeaseLostError("nested"), ValueError()):
        errors.append(error)
        event = sqs_event(["1"])

        assert len(handler(event, lambda_context())["batchItemFailures"]) == 1
    assert len(runs) == 3


def test_what_waited_for_its_letter_is_released_when_the_batch_ends_badly(make, store, sink):
    """None is sent; the run counts as the attempt that it was."""

    def work(body):
        if body["k"] == "b":
            raise KeyboardInterrupt
        raise NonRetryableError

    with pytest.raises(KeyboardInterrupt):
        make(work, sink=sink).deliver("a", "b")
    assert (store.status(), store.entry().attempts, sink.letters) == ("RELEASED", 1, [])
