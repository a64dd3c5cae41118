"""Every envelope in which a destination's record arrives, and what is neither."""

from __future__ import annotations

import json

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from resilient_lambda import DeadLetter, MemoryStore, timeout_reinvoker
from resilient_lambda.errors import BatchFailedError, UnknownEventError
from resilient_lambda.testing import (
    destination_record,
    eventbridge_envelope,
    in_memory,
    lambda_context,
    s3_event,
    s3_record,
    sns_envelope,
    sns_event,
    sqs_event,
)
from tests.reinvoker.conftest import WORKER

NO_FAILURES = {"batchItemFailures": []}


def in_bus(record):
    """Return the event of a bus."""
    return {"source": "lambda", "detail-type": "Lambda Function Invocation Result - Failure", "detail": record}


def on_bus(key, *, bucket):
    """Return the event with which S3 tells a bus of an object."""
    found = {"bucket": {"name": bucket}, "object": {"key": key, "size": 5, "etag": "e", "sequencer": "s"}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"version": "0", **found}}


def objects(keys, *, bucket):
    """Return the notification of objects in *bucket*."""
    return s3_event([s3_record(key, bucket=bucket) for key in keys])


@pytest.fixture
def record():
    """A timeout of the worker."""
    return destination_record({"job": 1}, request_id="r-1")


@pytest.mark.parametrize(
    ("envelop", "answer"),
    [
        (lambda record: record, None),
        (in_bus, None),
        (lambda record: sqs_event([record]), NO_FAILURES),
        (lambda record: sns_event([record]), NO_FAILURES),
        (lambda record: sqs_event([sns_envelope(record)]), NO_FAILURES),
        (lambda record: sqs_event([in_bus(record)]), NO_FAILURES),
        (lambda record: sqs_event([eventbridge_envelope(record)]), NO_FAILURES),
        (lambda record: objects(["a b/ü"], bucket="failures"), NO_FAILURES),
        (lambda record: sqs_event([objects(["a b/ü"], bucket="failures")]), NO_FAILURES),
        (lambda record: sqs_event([sns_envelope(objects(["a b/ü"], bucket="failures"))]), NO_FAILURES),
        (lambda record: sns_event([objects(["a b/ü"], bucket="failures")]), NO_FAILURES),
        (lambda record: on_bus("a b/ü", bucket="failures"), None),
        (lambda record: sqs_event([on_bus("a b/ü", bucket="failures")]), NO_FAILURES),
    ],
    ids=[
        "direct", "bus", "sqs", "sns", "sns-sqs", "bus-sqs", "bus-sqs-2", "s3", "s3-sqs", "s3-sns-sqs", "s3-sns",
        "s3-bus", "s3-bus-sqs",
    ],
)  # fmt: skip
def test_a_record_is_found_in_every_envelope(aws, make, letters, record, envelop, answer):
    """Whatever is around it, the timeout is invoked again; an S3 object is read."""
    aws.objects["failures", "a b/ü"] = json.dumps(record)

    assert make()(envelop(record)) == answer
    assert letters == []
    (request,) = aws.invocations
    assert (request.function, request.qualifier, request.invocation_type) == (WORKER, None, "Event")
    assert json.loads(request.payload)["job"] == 1


@pytest.mark.parametrize(
    "event",
    [
        {}, [], "text", 7, None, {"job": 1}, {"detail": {}}, {"detail": "x"}, {"Message": "{"}, {"requestContext": {}},
        {"version": "2.0", "requestContext": {"http": {"method": "GET"}}}, {"responsePayload": 1},
        {"resilient_lambda_reinvocation": {}}, {"source": "aws.s3"}, {"source": "aws.s3", "detail": {"bucket": "b"}},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_record_is_parked(aws, make, letters, event):
    """Whoever invokes the re-invoker with something else finds it in the sink."""
    assert make()(event) is None

    assert aws.invocations == []
    assert [raw for raw, _ in letters] == [event]


def test_messages_are_parked_one_by_one(aws, make, letters, record):
    """A bad message of a batch is set aside; the others go on."""
    event = sqs_event(["no JSON", {"Records": []}, record])
    answer = make()(event)

    assert answer == NO_FAILURES
    assert [raw for raw, _ in letters] == event["Records"][:2]
    assert len(aws.invocations) == 1


def test_the_test_of_s3_is_acknowledged(aws, make, letters):
    """What S3 sends when notifications are set up is nobody's failure."""
    assert make()(sqs_event([{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}])) == NO_FAILURES

    assert (letters, aws.invocations) == ([], [])


@pytest.mark.parametrize("key", ["copied/a+b.json", "a b+c%é/x", "%2B"])
def test_an_object_is_read_under_the_key_that_it_has(aws, make, letters, record, key):
    """Notifications encode keys, which may themselves look encoded; events of a bus do not."""
    aws.objects["failures", key] = json.dumps(record)
    handler, notification = make(), objects([key], bucket="failures")
    handler(notification)
    handler(sqs_event([notification, on_bus(key, bucket="failures")]))

    assert (len(aws.invocations), letters) == (3, [])


def test_an_object_that_is_no_record_is_parked(aws, make, letters):
    """A bucket may hold other things."""
    aws.objects["failures", "k"] = b"\xff"
    make()(objects(["k"], bucket="failures"))
    aws.objects["failures", "k"] = '{"a": 1}'
    make()(objects(["k"], bucket="failures"))

    assert len(letters) == 2
    assert all("no record" in str(error) for _, error in letters)


def test_an_object_that_is_gone_is_parked(make, letters):
    """It will not come back."""
    make()(objects(["gone"], bucket="failures"))

    assert "cannot be read" in str(letters[0][1])


def test_several_records_of_s3_in_one_message_are_parked(make, letters):
    """S3 sends one; of several, one claim could not tell what is done."""
    make()(sqs_event([objects(["a", "b"], bucket="failures")]))

    assert "2 records" in str(letters[0][1])


class Body:
    """What S3 answers with."""

    def __init__(self, content):
        self.content, self.is_closed = content, False

    def read(self, amount):
        return self.content[:amount]

    def close(self):
        self.is_closed = True


class Buckets:
    """An S3 client."""

    def __init__(self, content):
        self.body, self.calls = Body(content), []

    def get_object(self, **request):
        self.calls.append(request)
        return {"Body": self.body}


def with_client(client, letters, invoked):
    """Return a re-invoker with clients of the user's own."""

    class Lambda:
        def invoke(self, **request):
            invoked.append(request)
            raise AssertionError("not reached")

    sink = DeadLetter(lambda record, error: letters.append((record.raw, error)))
    return timeout_reinvoker(functions=[WORKER], dead_letter=sink, s3_client=client, client=Lambda(), max_attempts=2)


def test_an_s3_client_of_ones_own_reads_the_version_that_was_notified():
    """The object may have been replaced since."""
    letters, invoked = [], []
    client = Buckets(json.dumps(destination_record({}, kind="handler")).encode())
    with_client(client, letters, invoked)(objects(["k"], bucket="b"), lambda_context())
    versioned = objects(["k"], bucket="b")
    versioned["Records"][0]["s3"]["object"]["versionId"] = "v7"
    with_client(client, letters, invoked)(versioned, lambda_context())
    versioned = on_bus("k", bucket="b")
    versioned["detail"]["object"]["version-id"] = "v7"
    with_client(client, letters, invoked)(versioned, lambda_context())

    named = {"Bucket": "b", "Key": "k"}
    assert client.calls == [named, {**named, "VersionId": "v7"}, {**named, "VersionId": "v7"}]
    assert client.body.is_closed
    assert (len(letters), invoked) == (3, [])


def test_a_real_bucket_is_read_by_a_client_of_the_librarys(monkeypatch):
    """Built when the first object is read, with nothing but the environment."""
    for name, value in {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    letters = []
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="failures")
        s3.put_object(Bucket="failures", Key="a b", Body=json.dumps(destination_record({}, kind="exit")))
        with_client(None, letters, [])(objects(["a b"], bucket="failures"), lambda_context())
        with_client(None, letters, [])(objects(["gone"], bucket="failures"), lambda_context())

    assert ["process exited" in str(error) for _, error in letters] == [True, False]
    assert "NoSuchKey" in str(letters[1][1])


def test_an_object_larger_than_any_record_is_not_read_to_its_end():
    """Somebody has put something else into the bucket."""
    letters, invoked = [], []
    with_client(Buckets(b"x" * (16 * 1_048_576 + 1)), letters, invoked)(objects(["k"], bucket="b"), lambda_context())

    assert "larger than any record" in str(letters[0][1])


def test_a_batch_of_no_source_is_refused_whole(make):
    """Lambda keeps it, for nothing was run."""
    with pytest.raises(UnknownEventError):
        make()({"Records": [{"eventSource": "aws:new"}]})


NAMES = st.sampled_from(
    ["requestContext", "functionArn", "condition", "requestPayload", "responsePayload", "errorType", "errorMessage",
     "detail", "Message", "Records", "s3", "bucket", "object", "key", "name", "eventSource", "body", "messageId",
     "resilient_lambda_reinvocation", "function", "qualifier", "payload", "mark", "attempt", "root", "Sns",
     "EventSource", "KinesisBatchInfo", "__resilient_lambda__", "eventSourceARN"]
)  # fmt: skip
TEXTS = st.sampled_from(
    [WORKER, f"{WORKER}:$LATEST", f"{WORKER}2", f"{WORKER}:live", "arn:aws:lambda:us-east-1:1:function:x", "aws:sqs",
     "aws:s3", "aws:sns", "Sandbox.Timedout", "Task timed out after 1.00 seconds", "RetriesExhausted", "m-1", "{}",
     json.dumps(destination_record({}, function_arn=f"{WORKER}3"))]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 20) | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(JSON | st.dictionaries(NAMES, JSON, min_size=1, max_size=6))
def test_any_json_is_answered_parked_or_refused_and_only_the_worker_is_ever_invoked(event):
    """Whatever comes, no other function is reached, and no error is raised but those that are documented."""
    letters = []
    with in_memory() as aws:
        sink = DeadLetter(lambda record, error: letters.append(record.raw))
        handler = timeout_reinvoker(functions=[WORKER], dead_letter=sink, store=MemoryStore())
        try:
            answer = handler(event, lambda_context("reinvoker"))
        except (UnknownEventError, BatchFailedError):
            answer = None

        assert answer is None or set(answer) == {"batchItemFailures"}
        assert {(request.function, request.qualifier) for request in aws.invocations} <= {(WORKER, None)}
