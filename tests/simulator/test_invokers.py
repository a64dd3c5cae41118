"""The library's own invoker inside a simulation: answers, retries and outcomes in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from resilient_lambda import LambdaInvoker, Retry, resilient_handler
from resilient_lambda.errors import FunctionError, FunctionNotFoundError, OutcomeUnknownError
from resilient_lambda.testing import Delivery


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def outcome_of(delivery, ask, *, timeout_s=60.0):
    """Have a handler ask an invoker; return what it was told, or the error."""
    told = []

    def handler(event, context):
        try:
            told.append(ask(LambdaInvoker()))
        except Exception as error:
            told.append(error)

    delivery.synchronous(delivery.function(resilient_handler(handler), name="caller", timeout_s=timeout_s)).send({})
    delivery.run()
    return told[0]


def test_call_returns_what_the_function_returned(delivery):
    """By the name that the test gave it."""
    delivery.function(lambda event, context: {"price": event["n"] * 2}, name="pricing")

    assert outcome_of(delivery, lambda invoker: invoker.call("pricing", {"n": 4})) == {"price": 8}


def test_a_function_that_times_out_is_an_error_that_says_so(delivery):
    """Its kind is that of a timeout."""
    delivery.function(lambda event, context: delivery.work(99), name="pricing", timeout_s=5.0)
    error = outcome_of(delivery, lambda invoker: invoker.call("pricing", {}))

    assert isinstance(error, FunctionError)
    assert error.kind == "timeout"


def test_an_answer_that_does_not_come_in_time_is_an_unknown_outcome(delivery):
    """The invoker stops waiting before its own handler is stopped."""
    delivery.function(lambda event, context: delivery.work(40), name="pricing", timeout_s=60.0)
    error = outcome_of(delivery, lambda invoker: invoker.call("pricing", {}), timeout_s=10.0)

    assert isinstance(error, OutcomeUnknownError)


def test_a_function_that_is_not_there_is_not_found(delivery):
    """As on AWS, whatever is asked of it."""
    refused = outcome_of(delivery, lambda invoker: invoker.send("pricing", {}))
    unknown = outcome_of(delivery, lambda invoker: invoker.check("pricing"))

    assert refused.response["Error"]["Code"] == "ResourceNotFoundException"
    assert isinstance(unknown, FunctionNotFoundError)


def test_a_function_that_is_there_may_be_invoked(delivery):
    """There are no permissions in a simulation."""
    delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")

    assert outcome_of(delivery, lambda invoker: invoker.check("pricing")).is_allowed
    assert delivery.effects == []


def test_send_returns_the_request_id_that_the_function_has(delivery):
    """It runs after the caller has gone on."""
    seen = []
    delivery.function(lambda event, context: seen.append(context.aws_request_id), name="pricing")
    request_id = outcome_of(delivery, lambda invoker: invoker.send("pricing", {}))

    assert seen == [request_id]


def send_five_times(_):
    """Send, whatever happens, with an invoker that does not give up."""
    invoker = LambdaInvoker(retry=Retry(attempts=20))
    return [invoker.send("pricing", {}, idempotent=True) for _ in range(5)]


def test_what_is_throttled_is_tried_again_in_virtual_time():
    """Waits of retries pass no real time, and are those of the seed."""
    found = []
    for _ in range(2):
        with Delivery(3) as delivery:
            delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")
            delivery.faults(invoke_error=0.5)
            outcome_of(delivery, send_five_times)
            found.append((delivery.strikes, delivery.now_s, len(delivery.effects)))

    assert found[0] == found[1]
    assert found[0][0]
    assert found[0][2] >= 5


def test_an_asynchronous_handler_awaits_its_calls(delivery):
    """In the loop of the simulation."""
    told = []

    @resilient_handler
    async def handler(event, context):
        await asyncio.sleep(1)
        told.append(await LambdaInvoker().aio.call("pricing", {"n": 1}))

    delivery.function(lambda event, context: {"price": event["n"]}, name="pricing")
    delivery.synchronous(delivery.function(handler, name="caller")).send({})
    delivery.run()

    assert told == [{"price": 1}]
