"""SNS, S3, EventBridge and FIFO queues in moto, through the real clients and the real handlers."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from resilient_lambda import DeadLetter, NonRetryableError, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import COLOURS

OURS = "resilient_lambda"


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """AWS in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def sqs():
    """The client with which the tests look into queues."""
    return boto3.client("sqs")


@pytest.fixture
def new_queue(sqs):
    """Return a new queue's URL and ARN."""

    def new_queue(name, **attributes):
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    return new_queue


def set_aside(sink, count=12):
    """Set records aside; return the ids that come again."""

    def function(record):
        raise NonRetryableError("poison")

    event = sqs_event(sqs_record({"n": n, "text": "ä😀"}, message_id=f"m{n}") for n in range(count))
    return failed(batch_handler(dead_letter=sink)(function)(event, lambda_context()))


def received(sqs, url):
    """Take all messages out of a queue."""
    messages = []
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        if not found.get("Messages"):
            return messages
        messages += found["Messages"]
        for message in found["Messages"]:  # a group of a FIFO queue gives the next ones only then
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def ids(envelopes):
    """Return the ids of the records in envelopes, each checked."""
    for envelope in envelopes:
        assert json.loads(envelope["record"]["body"])["text"] == "ä😀"
        assert envelope[OURS]["error"] == "NonRetryableError"
    return sorted(envelope[OURS]["id"] for envelope in envelopes)


EXPECTED = sorted(f"m{n}" for n in range(12))


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_a_topics_subscribers_get_the_letters(sqs, new_queue, suffix):
    """Twelve letters, two requests, through a subscription with raw delivery into a queue."""
    attributes = {"FifoQueue": "true"} if suffix else {}
    url, arn = new_queue(f"parked{suffix}", **attributes)
    sns = boto3.client("sns")
    topic = sns.create_topic(Name=f"parking{suffix}", Attributes={"FifoTopic": "true"} if suffix else {})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    assert set_aside(DeadLetter.sns(topic)) == []
    assert ids([json.loads(message["Body"]) for message in received(sqs, url)]) == EXPECTED


@pytest.mark.parametrize("paint", COLOURS.values(), ids=COLOURS.keys())
def test_a_bucket_gets_the_letters(paint):
    """One object each, under source, day and id; sent twice they are the same objects."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="parking")
    event = sqs_event(sqs_record({"n": n, "text": "ä😀"}, message_id=f"m{n}") for n in range(12))

    def function(record):
        raise NonRetryableError("poison")

    handler = batch_handler(dead_letter=DeadLetter.s3("parking", prefix="dead"))(paint(function))
    for _ in range(2):
        assert handler(event, lambda_context()) == NOTHING_FAILED
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="parking", Prefix="dead/sqs/20")["Contents"]]
    objects = [s3.get_object(Bucket="parking", Key=key) for key in keys]

    assert ids([json.loads(found["Body"].read()) for found in objects]) == EXPECTED
    assert {found["ContentType"] for found in objects} == {"application/json"}


def test_a_bus_gets_the_letters(sqs, new_queue):
    """Matched by a rule on source, detail type and resource, into a queue."""
    url, arn = new_queue("parked")
    events = boto3.client("events")
    events.create_event_bus(Name="parking")
    pattern = {
        "source": ["orders"],
        "detail-type": ["Dead letter"],
        "detail": {OURS: {"error": ["NonRetryableError"]}},
    }
    events.put_rule(Name="r", EventBusName="parking", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", EventBusName="parking", Targets=[{"Id": "1", "Arn": arn}])

    assert set_aside(DeadLetter.eventbridge("parking", source="orders")) == []
    received_events = [json.loads(message["Body"]) for message in received(sqs, url)]
    assert ids([event["detail"] for event in received_events]) == EXPECTED
    assert received_events[0]["resources"] == ["arn:aws:sqs:us-east-1:123456789012:orders"]


def test_a_fifo_queue_gets_each_letter_once(sqs, new_queue):
    """Set aside twice, as after a crash: one message, in its group."""
    url, _ = new_queue("parked.fifo", FifoQueue="true")
    event = sqs_event([sqs_record("a", message_id="m")])

    @batch_handler(dead_letter=DeadLetter.sqs(url))
    def handler(record):
        raise NonRetryableError("poison")

    for _ in range(2):
        assert handler(event, lambda_context()) == NOTHING_FAILED
    (message,) = received(sqs, url)

    assert message["Body"] == "a"
    assert message["Attributes"]["MessageGroupId"].startswith("sqs-")


@pytest.mark.parametrize(
    "sink",
    [
        lambda: DeadLetter.sns("arn:aws:sns:us-east-1:123456789012:gone"),
        lambda: DeadLetter.s3("gone-for-good"),
        lambda: DeadLetter.sqs("https://sqs.us-east-1.amazonaws.com/123456789012/gone"),
    ],
    ids=["sns", "s3", "sqs"],
)
def test_what_does_not_exist_confirms_nothing(sink, caplog):
    """The records come again, and the log says why."""
    assert set_aside(sink(), 3) == ["m0", "m1", "m2"]
    assert "refused" in caplog.text


def test_a_letter_too_large_for_its_queue_is_in_the_bucket(sqs, new_queue):
    """A whole event of the largest size."""
    url, _ = new_queue("parked")
    boto3.client("s3").create_bucket(Bucket="parking")
    sink = DeadLetter.sqs(url, too_large=DeadLetter.s3("parking"))

    @resilient_handler(dead_letter=sink)
    def handler(event):
        raise NonRetryableError("poison")

    handler({"text": "x" * 2_000_000}, lambda_context())
    (found,) = boto3.client("s3").list_objects_v2(Bucket="parking", Prefix="invocation/")["Contents"]

    assert found["Size"] > 2_000_000
    assert received(sqs, url) == []


def test_a_region_is_the_clients(sqs):
    """The default is that of the address, else the function's own."""
    sns = boto3.client("sns", region_name="eu-west-1")
    topic = sns.create_topic(Name="parking")["TopicArn"]

    assert set_aside(DeadLetter.sns(topic), 1) == []
    assert set_aside(DeadLetter.sns(topic, region="eu-west-1"), 1) == []
