"""Destinations of asynchronous invocations: the exact records, and their envelopes."""

from __future__ import annotations

import json

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery

AT = "2027-01-15T08:00:00.500Z"  # simulations begin at 08:00:00
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


class Orders:
    """A function that ends after half a second, as *end* says, and what it saw."""

    def __init__(self, delivery, end=lambda: None, **settings):
        self._end = end
        self.request_ids = []
        settings = {"name": "orders", "takes": 0.25, **settings}  # a cold start takes as long
        self.function = delivery.function(self, **settings)

    def __call__(self, event, context):
        self.request_ids.append(context.aws_request_id)
        return self._end()


def raises():
    """Fail."""
    raise ValueError("no")


def exits():
    """Crash."""
    raise SystemExit(1)


def record_of(delivery, orders, event, **settings):
    """Send *event* and return the one record that stands in a queue for failures."""
    calls = delivery.asynchronous(orders.function, on_failure="sqs", **settings)
    calls.send(event)
    delivery.run()
    (letter,) = calls.dead_letters
    return json.loads(letter.body)


def test_the_record_of_a_failure_is_as_on_aws(delivery):
    """Every name and every value, as they were recorded."""
    orders = Orders(delivery, raises)

    assert record_of(delivery, orders, {"order": 1}, retries=0) == {
        "version": "1.0",
        "timestamp": AT,
        "requestContext": {
            "requestId": orders.request_ids[0],
            "functionArn": ARN + ":$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"order": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "no",
            "errorType": "ValueError",
            "requestId": orders.request_ids[0],
            "stackTrace": [],
        },
    }


def test_the_record_of_a_success_is_as_on_aws(delivery):
    """It has the answer, and no function error."""
    orders = Orders(delivery, lambda: {"paid": True})
    calls = delivery.asynchronous(orders.function, on_success="sqs")
    calls.send({"order": 1})
    delivery.run()

    (body,) = calls.successes
    assert json.loads(body) == {
        "version": "1.0",
        "timestamp": AT,
        "requestContext": {
            "requestId": orders.request_ids[0],
            "functionArn": ARN + ":$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"order": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"paid": True},
    }
    assert calls.dead_letters == []


def test_a_record_counts_all_attempts(delivery):
    """Two retries make three invocations."""
    record = record_of(delivery, Orders(delivery, raises), {})

    assert record["requestContext"]["approximateInvokeCount"] == 3


def test_a_timeout_has_one_of_two_shapes():
    """One names ``Sandbox.Timedout``, the other begins with a date and names nothing: code must know both."""
    shapes = {}
    for seed in range(20):
        with Delivery(seed) as delivery:
            orders = Orders(delivery, timeout_s=1.0, takes=9.0)
            payload = record_of(delivery, orders, {}, retries=0)["responsePayload"]
            shapes["errorType" in payload] = (payload, orders.request_ids[0])

    named, request_id = shapes[True]
    assert named == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    dated, request_id = shapes[False]
    assert dated == {"errorMessage": f"2027-01-15T08:00:01.250Z {request_id} Task timed out after 1.00 seconds"}


def test_a_crash_is_an_exit_error(delivery):
    """The process ended; the platform says so for it."""
    payload = record_of(delivery, Orders(delivery, exits), {}, retries=0)["responsePayload"]

    assert payload["errorType"] == "Runtime.ExitError"
    assert "Runtime exited with error" in payload["errorMessage"]


def test_the_record_of_what_never_ran_has_no_response(delivery):
    """There was nothing but throttles until the event was too old."""
    delivery.faults(throttle=1.0)
    record = record_of(delivery, Orders(delivery), {"order": 1}, max_age_s=60)

    assert set(record) == {"version", "timestamp", "requestContext", "requestPayload"}
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_the_record_of_what_became_too_old_may_have_a_response():
    """AWS does not say; code must live with both."""
    found = set()
    for seed in range(20):
        with Delivery(seed) as delivery:
            record = record_of(delivery, Orders(delivery, raises), {}, max_age_s=60)
            assert record["requestContext"]["condition"] == "EventAgeExceeded"
            found.add("responsePayload" in record)

    assert found == {True, False}


def test_a_function_without_concurrency_is_told_by_its_record(delivery):
    """The condition is one of its own, and nothing has run."""
    record = record_of(delivery, Orders(delivery, concurrency=0), {"order": 1})

    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"order": 1}


def test_a_bus_gets_the_record_as_the_detail_of_an_event(delivery):
    """``source`` is "lambda" without "aws.", and the outcome stands in ``detail-type``."""
    calls = delivery.asynchronous(
        Orders(delivery, raises).function, retries=0, on_failure="eventbridge", on_success="eventbridge"
    )
    calls.send({})
    delivery.run()

    (letter,) = calls.dead_letters
    event = letter.body
    assert event["source"] == "lambda"
    assert event["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert event["resources"][1] == ARN + ":$LATEST"
    assert event["time"] == "2027-01-15T08:00:00Z"
    assert event["detail"]["requestContext"]["condition"] == "RetriesExhausted"


def test_a_bus_is_told_of_success_by_another_detail_type(delivery):
    """Rules match on it."""
    calls = delivery.asynchronous(Orders(delivery).function, on_success="eventbridge")
    calls.send({})
    delivery.run()

    assert [event["detail-type"] for event in calls.successes] == ["Lambda Function Invocation Result - Success"]


def test_a_bucket_gets_the_record_under_a_key_of_function_and_time(delivery):
    """The prefix is Lambda's own."""
    calls = delivery.asynchronous(Orders(delivery, raises).function, retries=0, on_failure="s3")
    calls.send({"order": 1})
    delivery.run()

    (letter,) = calls.dead_letters
    assert json.loads(letter.body)["requestPayload"] == {"order": 1}
    assert letter.attributes["Key"].startswith("aws/lambda/async/orders/2027/01/15/2027-01-15T08.00.00-")


@pytest.mark.parametrize(("size", "is_there"), [(200_000, True), (262_144, False)])
def test_a_topic_gets_a_large_record_without_its_payload(delivery, size, is_there):
    """A message of SNS holds 256 KB, an asynchronous event 1 MB."""
    calls = delivery.asynchronous(Orders(delivery, raises).function, retries=0, on_failure="sns")
    calls.send("x" * size)
    delivery.run()

    (letter,) = calls.dead_letters
    record = json.loads(letter.body)
    assert ("requestPayload" in record) is is_there
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_a_queue_gets_a_large_record_whole(delivery):
    """Queues hold a megabyte."""
    assert record_of(delivery, Orders(delivery, raises), "x" * 300_000, retries=0)["requestPayload"] == "x" * 300_000


def test_a_function_is_invoked_with_the_record(delivery):
    """A Lambda destination gets the record as its event, asynchronously."""
    seen = []
    calls = delivery.asynchronous(
        Orders(delivery, raises).function, on_failure=delivery.function(lambda event, context: seen.append(event))
    )
    calls.send({"order": 1})
    delivery.run()

    (record,) = seen
    assert record["requestPayload"] == {"order": 1}
    assert [letter.body for letter in calls.dead_letters] == [record]


def test_a_function_is_invoked_with_successes_too(delivery):
    """That is how chains of functions are built."""
    seen = []
    following = delivery.function(lambda event, context: seen.append(event["responsePayload"]))
    delivery.asynchronous(Orders(delivery, lambda: "done").function, on_success=following).send({})
    delivery.run()

    assert seen == ["done"]


def test_a_destination_that_fails_is_tried_again(delivery):
    """A Lambda destination is invoked asynchronously, so it has attempts of its own."""
    runs = []

    def follower(event, context):
        runs.append(context.aws_request_id)
        raise ValueError

    delivery.asynchronous(Orders(delivery, raises).function, on_failure=delivery.function(follower)).send({})
    delivery.run()

    assert len(runs) == 3
    assert len(set(runs)) == 1


def test_a_destination_may_have_settings_and_destinations_of_its_own(delivery):
    """Its `AsynchronousCalls` in the place of a function say how it is invoked, and what becomes of its failures."""
    follower = Orders(delivery, raises, name="follower")
    following = delivery.asynchronous(follower.function, name="following", retries=0, dead_letter=True)
    calls = delivery.asynchronous(Orders(delivery, raises).function, on_failure=following)
    calls.send({"order": 1})
    delivery.run()

    assert len(follower.request_ids) == 1
    assert json.loads(following.dead_letters[0].body)["requestPayload"] == {"order": 1}


def test_a_dead_letter_queue_and_a_destination_both_get_theirs(delivery):
    """AWS allows both: the record goes to one, the event to the other."""
    calls = delivery.asynchronous(Orders(delivery, raises).function, on_failure="sqs", dead_letter=True)
    calls.send({"order": 1})
    delivery.run()

    record, event = (json.loads(letter.body) for letter in calls.dead_letters)
    assert record["requestPayload"] == event == {"order": 1}


@pytest.mark.parametrize(
    "options",
    [
        {"on_success": "s3"},
        {"on_failure": "fifo"},
        {"on_success": "arn:aws:sqs:us-east-1:123456789012:orders.fifo"},
        {"on_failure": "arn:aws:sns:us-east-1:123456789012:orders.fifo"},
        {"on_failure": "kinesis"},
    ],
    ids=str,
)
def test_a_destination_that_lambda_refuses_is_refused(delivery, options):
    """Records go to standard queues and topics, buses and functions; to buckets on failure only."""
    with pytest.raises(ValueError, match=next(iter(options))):
        delivery.asynchronous(lambda event, context: None, **options)
