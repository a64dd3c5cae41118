"""`DeadLetter.sqs` against moto's SQS through the real client."""

from __future__ import annotations

import base64
import json

import boto3
import pytest
from moto import mock_aws

from resilient_lambda import DeadLetter, NonRetryableError, batch_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


@pytest.fixture
def client(monkeypatch):
    """A client of an SQS in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("sqs")


@pytest.fixture
def url(client):
    """An empty queue."""
    return client.create_queue(QueueName="parking")["QueueUrl"]


def poison(record):
    """Fail for good."""
    raise NonRetryableError("poison")


def received(client, url):
    """Return all messages of the queue."""
    messages = []
    while True:
        found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        if not found.get("Messages"):
            return messages
        messages += found["Messages"]


def test_letters_arrive_with_body_and_attributes(client, url):
    """Twelve records, two requests, text and binary attributes as they were."""
    attributes = {
        "kind": {"stringValue": "order", "dataType": "String"},
        "blob": {"binaryValue": base64.b64encode(b"\x00\xff").decode(), "dataType": "Binary"},
    }
    bodies = [json.dumps({"n": number, "text": "ä😀"}) for number in range(12)]
    event = sqs_event(sqs_record(body, attributes=attributes) for body in bodies)

    assert batch_handler(dead_letter=DeadLetter.sqs(url, client=client))(poison)(event, lambda_context()) == (
        NOTHING_FAILED
    )
    messages = received(client, url)
    assert sorted(message["Body"] for message in messages) == sorted(bodies)
    for message in messages:
        assert message["MessageAttributes"]["kind"]["StringValue"] == "order"
        assert message["MessageAttributes"]["blob"]["BinaryValue"] == b"\x00\xff"
        note = json.loads(message["MessageAttributes"]["resilient_lambda"]["StringValue"])
        assert note["error"] == "NonRetryableError"


def test_a_queue_that_does_not_exist_keeps_the_records(client, url, caplog):
    """The refusal's code is in the log."""
    handler = batch_handler(dead_letter=DeadLetter.sqs(url + "-gone", client=client))(poison)

    assert failed(handler(sqs_event([sqs_record("a", message_id="m")]), lambda_context())) == ["m"]
    assert "NonExistentQueue" in caplog.text or "QueueDoesNotExist" in caplog.text


def test_a_body_of_one_mebibyte_arrives_alone(client, url):
    """The largest message that SQS takes is parked without attributes."""
    client.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1048576"})
    handler = batch_handler(dead_letter=DeadLetter.sqs(url, client=client))(poison)

    answer = handler(sqs_event(["x" * 1_048_576]), lambda_context())

    # moto may still hold SQS's former limit of 256 KiB: then nothing is confirmed and nothing lost.
    parked = [len(message["Body"]) for message in received(client, url)]
    assert (answer == NOTHING_FAILED) == (parked == [1_048_576])


def test_ten_attributes_arrive(client, url):
    """Nine beside ours, the tenth inside it."""
    attributes = {f"a{n}": {"stringValue": str(n), "dataType": "String"} for n in range(10)}
    handler = batch_handler(dead_letter=DeadLetter.sqs(url, client=client))(poison)

    assert handler(sqs_event([sqs_record("a", attributes=attributes)]), lambda_context()) == NOTHING_FAILED
    (message,) = received(client, url)
    assert len(message["MessageAttributes"]) == 10


def test_the_shared_client_is_built_when_needed(client, url, monkeypatch):
    """Without ``client=`` one is made from the environment."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("PARKING_URL", url)
    handler = batch_handler(dead_letter=DeadLetter.sqs(env="PARKING_URL"))(poison)

    assert handler(sqs_event(["a"]), lambda_context()) == NOTHING_FAILED
    assert [message["Body"] for message in received(client, url)] == ["a"]
