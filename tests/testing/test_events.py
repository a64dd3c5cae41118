"""Events and contexts for users' tests: as Lambda makes them."""

from __future__ import annotations

import hashlib
import json

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.parser.models import SqsModel

from resilient_lambda.testing import FakeIo, LambdaContext, lambda_context, sqs_event, sqs_record


@pytest.mark.parametrize(
    ("body", "text"), [("text", "text"), ('{"a": 1}', '{"a": 1}'), ({"a": 1}, '{"a": 1}'), ([1], "[1]"), (5, "5")]
)
def test_a_body_is_text_or_becomes_json(body, text):
    """A text is sent as it is, anything else as JSON, with the digest that SQS would give."""
    record = sqs_record(body)

    assert record["body"] == text
    assert record["md5OfBody"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_an_event_has_the_shape_of_lambdas():
    """Powertools' model and data class accept it, with attributes and all."""
    attributes = {"kind": {"dataType": "String", "stringValue": "order"}}
    event = sqs_event([{"a": 1}, sqs_record("x", message_id="m", receives=3, attributes=attributes)])

    assert [record.messageId for record in SqsModel.model_validate(event).Records][1] == "m"
    record = list(SQSEvent(event).records)[1]
    assert record.attributes.approximate_receive_count == "3"
    assert record.message_attributes["kind"].string_value == "order"
    assert json.loads(json.dumps(event)) == event


def test_records_have_ids_of_their_own():
    """Two records are two messages unless the test says otherwise."""
    ids = {record["messageId"] for record in sqs_event(["1"] * 50)["Records"]}
    handles = {record["receiptHandle"] for record in sqs_event(["1"] * 50)["Records"]}

    assert (len(ids), len(handles)) == (50, 50)


def test_the_receive_count_is_set_for_all_bodies_but_not_for_finished_records():
    """A record made by `sqs_record` keeps its own."""
    event = sqs_event(["1", sqs_record("2", receives=7)], receives=3)

    assert [record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]] == ["3", "7"]


def test_a_queue_can_be_named():
    """The region follows from its ARN."""
    record = sqs_record("1", queue_arn="arn:aws:sqs:eu-west-1:1:other")

    assert (record["eventSourceARN"], record["awsRegion"]) == ("arn:aws:sqs:eu-west-1:1:other", "eu-west-1")


def test_a_group_makes_the_queue_a_fifo_queue():
    """With what SQS adds for one; sequence numbers rise."""
    first, second = sqs_event(["1", "2"], group="g")["Records"]

    assert first["eventSourceARN"].endswith(":orders.fifo")
    assert first["attributes"]["MessageGroupId"] == "g"
    assert int(first["attributes"]["SequenceNumber"]) < int(second["attributes"]["SequenceNumber"])
    assert first["attributes"]["MessageDeduplicationId"] != second["attributes"]["MessageDeduplicationId"]
    assert SqsModel.model_validate({"Records": [first, second]}).Records[0].attributes.MessageGroupId == "g"


def test_a_context_looks_like_lambdas():
    """What handlers and Powertools' logger read is there."""
    context = lambda_context("orders", timeout_s=10, request_id="r")

    assert isinstance(context, LambdaContext)
    assert (context.function_name, context.aws_request_id) == ("orders", "r")
    assert context.invoked_function_arn.endswith(":function:orders")
    assert 9_000 < context.get_remaining_time_in_millis() <= 10_000


def test_two_contexts_are_two_invocations():
    """Each has its own request id."""
    assert lambda_context().aws_request_id != lambda_context().aws_request_id


def test_the_remaining_time_never_goes_below_zero():
    """As Lambda's own."""
    io = FakeIo()
    context = lambda_context(timeout_s=5, clock=io.now)
    io.advance(2)
    left_ms = context.get_remaining_time_in_millis()
    io.advance(10)

    assert (left_ms, context.get_remaining_time_in_millis()) == (3_000, 0)
