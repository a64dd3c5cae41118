"""Handlers that invoke other functions of the simulation: what arrives, what is answered, what goes wrong."""

from __future__ import annotations

import json
import sys

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from resilient_lambda.invoke import InvokeRequest
from resilient_lambda.invoke import _seam as seam
from resilient_lambda.testing.simulator.delivery import Delivery

ARN = "arn:aws:lambda:us-east-1:123456789012:function:pricing"


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def invoke(function="pricing", event=None, *, type="RequestResponse", qualifier=None, timeout_s=60.0, payload=None):
    """Call Invoke, as the library's invokers do."""
    body = json.dumps(event).encode() if payload is None else payload
    return seam.redirect(InvokeRequest(function, qualifier, type, body, timeout_s=timeout_s))


def call_from_a_handler(delivery, **request):
    """Have a handler invoke another function; return what it was answered, or what was raised."""
    found = []

    def handler(event, context):
        try:
            found.append(invoke(**request))
        except Exception as error:
            found.append(error)

    delivery.synchronous(delivery.function(handler, name="caller", timeout_s=300.0)).send({})
    delivery.run()
    return found[0]


def code_of(error):
    """Return the code of a refusal, as botocore's errors have it."""
    return error.response["Error"]["Code"]


@pytest.mark.parametrize("name", ["pricing", ARN, f"{ARN}:$LATEST", "pricing:$LATEST", "123456789012:function:pricing"])
def test_a_function_is_reached_by_all_its_names(delivery, name):
    """A name, a partial and a whole ARN, with and without the version."""
    delivery.function(lambda event, context: {"price": event["n"] * 2}, name="pricing")
    answer = call_from_a_handler(delivery, function=name, event={"n": 4})

    assert (answer.status, json.loads(answer.payload), answer.function_error) == (200, {"price": 8}, "")
    assert answer.executed_version == "$LATEST"


def test_time_passes_for_whoever_waits_for_an_answer(delivery):
    """The caller's clock shows what the function has taken."""
    seen = []

    def handler(event, context):
        before_ms = context.get_remaining_time_in_millis()
        invoke()
        seen.append((before_ms - context.get_remaining_time_in_millis()) / 1000)

    delivery.function(lambda event, context: delivery.work(10), name="pricing", takes=0.0, cold_start_s=0.0)
    delivery.synchronous(handler).send({})
    delivery.run()

    assert seen == [pytest.approx(10.1, abs=0.15)]


def test_a_caller_that_waits_for_too_long_is_stopped(delivery):
    """Its own timeout counts, not that of the function that it waits for."""
    delivery.function(lambda event, context: delivery.work(100), name="pricing", timeout_s=200.0)
    caller = delivery.function(lambda event, context: invoke(timeout_s=900), name="caller", timeout_s=3.0)
    calls = delivery.synchronous(caller)
    calls.send({})
    delivery.run()

    (reply,) = calls.replies
    assert reply.payload["errorType"] == "Sandbox.Timedout"


def test_a_read_timeout_leaves_the_function_running(delivery):
    """The caller is told nothing, and the effect takes place."""

    def slow(event, context):
        delivery.work(10)
        delivery.effect("priced")

    delivery.function(slow, name="pricing")

    assert isinstance(call_from_a_handler(delivery, timeout_s=2.0), ReadTimeoutError)
    assert delivery.effects == ["priced"]


def test_a_function_error_is_an_answer(delivery):
    """With status 200, the marker and the payload of the error."""

    def fails(event, context):
        raise ValueError("no price")

    delivery.function(fails, name="pricing")
    answer = call_from_a_handler(delivery)

    assert (answer.status, answer.function_error) == (200, "Unhandled")
    assert json.loads(answer.payload)["errorType"] == "ValueError"


def test_a_function_that_is_busy_is_a_refusal(delivery):
    """Its reserved concurrency is used up."""
    delivery.function(lambda event, context: None, name="pricing", concurrency=0)
    error = call_from_a_handler(delivery)

    assert isinstance(error, ClientError)
    assert code_of(error) == "TooManyRequestsException"
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "pricing:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:pricing",
        "999999999999:function:pricing",
    ],
)
@pytest.mark.parametrize("type", ["RequestResponse", "Event", "DryRun"])
def test_a_function_that_is_not_there_is_a_refusal(delivery, name, type):
    """Nor is an unknown alias there, another region, or another account."""
    delivery.function(lambda event, context: None, name="pricing")
    error = call_from_a_handler(delivery, function=name, type=type)

    assert code_of(error) == "ResourceNotFoundException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert type_name(error) == "ResourceNotFoundException"


def type_name(error):
    """Return the class of an error, by name."""
    return type(error).__name__


def test_a_dry_run_runs_nothing(delivery):
    """It is answered by 204."""
    delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")
    answer = call_from_a_handler(delivery, type="DryRun")

    assert (answer.status, answer.payload) == (204, b"")
    assert delivery.effects == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"payload": b"{"}, "InvalidRequestContentException"),
        ({"type": "Event", "event": "x" * 1_048_576}, "RequestTooLargeException"),
        ({"event": "x" * 6 * 1_048_576}, "RequestTooLargeException"),
        ({"function": "no name"}, "InvalidParameterValueException"),
        ({"function": "pricing:a", "qualifier": "b"}, "InvalidParameterValueException"),
    ],
    ids=["no-json", "large-event", "large-request", "no-name", "two-qualifiers"],
)
def test_what_lambda_does_not_take_is_refused(delivery, request_, code):
    """Nothing runs."""
    delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")

    assert code_of(call_from_a_handler(delivery, **request_)) == code
    assert delivery.effects == []


def test_two_functions_of_one_name_are_told_apart_by_nobody(delivery):
    """The handler fails, and says what to do."""
    for _ in range(2):
        delivery.function(lambda event, context: None, name="pricing")
    error = call_from_a_handler(delivery)

    assert isinstance(error, RuntimeError)
    assert "name=" in str(error)


def test_an_event_goes_to_the_functions_queue_with_its_settings(delivery):
    """Retries and destinations are those of ``delivery.asynchronous``; the request id is that of all attempts."""
    request_ids = []

    def fails(event, context):
        request_ids.append(context.aws_request_id)
        raise ValueError

    events = delivery.asynchronous(delivery.function(fails, name="pricing"), retries=1, on_failure="sqs")
    answer = call_from_a_handler(delivery, type="Event", event={"n": 1})

    assert (answer.status, answer.payload) == (202, b"")
    assert request_ids == [answer.request_id] * 2
    (letter,) = events.dead_letters
    assert json.loads(letter.body)["requestContext"]["requestId"] == answer.request_id


def test_an_event_of_a_function_without_settings_has_lambdas_own(delivery):
    """Three attempts, and no destination: `delivery.sources` has the queue that was made for it."""
    runs = []

    def fails(event, context):
        runs.append(event)
        raise ValueError

    delivery.function(fails, name="pricing")
    call_from_a_handler(delivery, type="Event", event={"n": 1})

    assert runs == [{"n": 1}] * 3
    assert [source.lost for source in delivery.sources if source.name == "pricing-events"] == [["pricing-events-1"]]


def test_each_event_has_a_request_id_of_its_own(delivery):
    """Also where the same event is sent twice."""
    sent = []

    def handler(event, context):
        sent.extend(invoke(type="Event", event={}).request_id for _ in range(2))

    delivery.function(lambda event, context: None, name="pricing")
    delivery.asynchronous(delivery.function(handler, name="caller")).send({})
    delivery.run()

    assert len(set(sent)) == 2


@pytest.mark.parametrize("by_name", [True, False])
def test_an_alias_has_settings_of_its_own(delivery, by_name):
    """Its function knows by what it was called, and so does the record."""
    seen = []

    def fails(event, context):
        seen.append(context.invoked_function_arn)
        raise ValueError

    function = delivery.function(fails, name="pricing")
    live = delivery.asynchronous(function, name="live", retries=0, on_failure="sqs", qualifier="live")
    latest = delivery.asynchronous(function, name="latest")
    called = {"function": "pricing:live"} if by_name else {"function": "pricing", "qualifier": "live"}
    call_from_a_handler(delivery, type="Event", **called)

    assert seen == [f"{ARN}:live"]
    assert latest.items == {}
    record = json.loads(live.dead_letters[0].body)
    assert record["requestContext"]["functionArn"] == f"{ARN}:live"
    assert record["responseContext"]["executedVersion"] == "1"


def test_the_test_itself_may_send_events(delivery):
    """It waits for nothing, and nothing goes wrong with it."""
    delivery.function(lambda event, context: delivery.effect(event["n"]), name="pricing")
    delivery.faults(invoke_error=1.0)
    answer = invoke(type="Event", event={"n": 1})
    delivery.run()

    assert answer.status == 202
    assert delivery.effects == [1]


def test_the_test_itself_cannot_wait(delivery):
    """There is no time that could pass."""
    delivery.function(lambda event, context: None, name="pricing")

    with pytest.raises(RuntimeError, match="synchronous"):
        invoke()


def test_invoke_fails_in_all_ways_before_and_after_it_took_effect():
    """Throttled, an internal error, not reached, no answer; an answer that is lost has had its effect."""
    found = {}
    for seed in range(60):
        with Delivery(seed) as delivery:
            worker = delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")
            delivery.asynchronous(worker)
            delivery.faults(invoke_error=1.0)
            error = call_from_a_handler(delivery, type="Event")
            name = code_of(error) if isinstance(error, ClientError) else type_name(error)
            found.setdefault(name, set()).add(len(delivery.effects))

    assert found == {
        "TooManyRequestsException": {0},
        "ServiceException": {0, 1},
        ConnectTimeoutError.__name__: {0},
        ReadTimeoutError.__name__: {1},
    }


def test_a_caller_may_die_before_and_after_its_call_took_effect():
    """Both are steps at which environments crash."""
    found = set()
    for seed in range(60):
        with Delivery(seed) as delivery:
            delivery.function(lambda event, context: delivery.effect("priced"), name="pricing")
            calls = delivery.synchronous(delivery.function(lambda event, context: invoke(type="Event"), name="caller"))
            delivery.faults(crash=1.0)
            calls.send({})
            delivery.run(for_s=0.9)
            crashed = [each.text for each in delivery.happenings if each.text.startswith("at ")]
            found |= set(crashed)

    assert {"at before Invoke of pricing", "at after Invoke of pricing"} <= found


@pytest.mark.parametrize("seed", range(12))
def test_without_botocore_errors_are_shaped_alike(monkeypatch, seed):
    """A refusal has its ``response``; what is lost or not reached is a timeout or a connection error of Python's."""
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    with Delivery(seed) as delivery:
        delivery.function(lambda event, context: None, name="pricing")
        delivery.faults(invoke_error=1.0)
        error = call_from_a_handler(delivery, type="Event")

    assert isinstance(error, TimeoutError | ConnectionError) or code_of(error) in str(error)
