"""`DeadLetter.sqs`: what is acknowledged is what SQS confirmed, entry by entry."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from resilient_lambda import DeadLetter, NonRetryableError, batch_handler
from resilient_lambda.events import SinkRejected
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import COLOURS
from tests.sinks.conftest import URL, confirm_all, refuse

MEBIBYTE = 1_048_576


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def send(request, queue, time):
    """Set aside records with these bodies; return the ids that come again."""

    def send(*bodies, observers=(), timeout_s=30.0):
        def function(record):
            raise NonRetryableError("poison")

        sink = DeadLetter.sqs(URL, client=queue)
        handler = batch_handler(dead_letter=sink, observers=observers)(request.param(function))
        event = sqs_event(sqs_record(body, message_id=f"m{number}") for number, body in enumerate(bodies))
        return failed(handler(event, time.context(timeout_s=timeout_s)))

    return send


def refused_whole(code, status=400):
    """Return the error that botocore raises for *code*."""
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendMessageBatch"
    )


def test_what_is_confirmed_is_acknowledged(send, queue):
    """One request to the queue's URL, each record's own body."""
    assert send("a", "b", "c") == []
    assert queue.urls == [URL]
    assert queue.bodies == ["a", "b", "c"]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_ten_letters_go_in_a_request(send, queue, count, sizes):
    """More than ten are sent in several requests, none twice."""
    assert send(*map(str, range(count))) == []
    assert [len(request) for request in queue.requests] == sizes
    assert queue.bodies == [str(number) for number in range(count)]


def test_the_ids_of_a_request_are_distinct(send, queue):
    """SQS refuses a request that names an id twice."""
    send(*"aaaaaaaaaaaaaaa")

    for request in queue.requests:
        assert len({entry["Id"] for entry in request}) == len(request)


@pytest.mark.parametrize(
    ("sizes", "requests"),
    [([600_000, 600_000], 2), ([500_000, 500_000], 1), ([MEBIBYTE - 2_000] * 3, 3), ([MEBIBYTE, 10], 2)],
)
def test_a_request_is_never_larger_than_a_mebibyte(send, queue, sizes, requests):
    """Bodies and attributes of one request together stay below what SQS takes."""
    assert send(*("x" * size for size in sizes)) == []
    assert len(queue.requests) == requests
    for request in queue.requests:
        assert sum(size_of(entry) for entry in request) <= MEBIBYTE


def size_of(entry):
    """Return the bytes that SQS counts: body, and names, types and values of attributes."""
    size = len(entry["MessageBody"].encode())
    for name, attribute in entry.get("MessageAttributes", {}).items():
        value = attribute.get("BinaryValue") or attribute["StringValue"].encode()
        size += len(name.encode()) + len(attribute["DataType"]) + len(value)
    return size


def test_an_entry_that_failed_is_sent_again_alone(send, queue):
    """The server's fault for one entry: the others are not sent twice."""
    queue.script = [refuse("b")]

    assert send("a", "b", "c") == []
    assert queue.bodies == ["a", "b", "c", "b"]


def test_an_entry_that_keeps_failing_comes_again(send, queue):
    """After three tries the record goes back to its source, the others do not."""
    queue.script = [refuse("b")] * 3

    assert send("a", "b", "c") == ["m1"]
    assert queue.bodies == ["a", "b", "c", "b", "b"]


def test_an_entry_that_is_the_senders_fault_is_not_sent_again(send, queue):
    """The same message would be refused again: it is reported as permanent and comes again."""
    seen = []
    queue.script = [refuse("b", sender_fault=True)]

    assert send("a", "b", "c", observers=[seen.append]) == ["m1"]
    assert queue.bodies == ["a", "b", "c"]
    assert [event for event in seen if isinstance(event, SinkRejected)] == [
        SinkRejected("m1", "NonRetryableError", is_permanent=True)
    ]


@pytest.mark.parametrize(
    "answer",
    [{}, {"Successful": [], "Failed": []}, {"Successful": [{"Id": "0", "MessageId": "x"}]}],
    ids=["empty", "empty lists", "one of three"],
)
def test_an_entry_in_neither_list_is_not_confirmed(send, queue, answer):
    """Whatever is not named as successful may not have been sent."""
    queue.script = [lambda entries: answer] * 3

    assert send("a", "b", "c") == [
        f"m{n}" for n in range(3) if n or "Successful" not in answer or not answer["Successful"]
    ]


def test_an_entry_in_neither_list_is_sent_again(send, queue):
    """The next try may confirm it."""
    queue.script = [lambda entries: {"Successful": [], "Failed": []}]

    assert send("a") == []
    assert queue.bodies == ["a", "a"]


@pytest.mark.parametrize(
    "error",
    [
        refused_whole("RequestThrottled"),
        refused_whole("ThrottlingException"),
        refused_whole("InternalError", 500),
        EndpointConnectionError(endpoint_url=URL),
        TimeoutError("read"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_request_that_failed_is_sent_again(send, queue, error):
    """Throttled, unavailable, or its answer lost: sent again, at worst twice, never not at all."""
    queue.script = [error, error]

    assert send("a", "b") == []
    assert queue.bodies == ["a", "b"] * 3


def test_a_queue_that_is_down_confirms_nothing(send, queue, time):
    """All records come again; the tries took a moment, not the invocation."""
    queue.script = [refused_whole("ServiceUnavailable", 503)] * 3

    assert send("a", "b") == ["m0", "m1"]
    assert sum(time.slept_s) < 3


def test_one_bad_letter_does_not_keep_its_neighbours(send, queue):
    """A request that is refused as a whole for one message's sake is split, so that the others are parked."""

    def act(entries):
        if any(entry["MessageBody"] == "bad" for entry in entries):
            raise refused_whole("InvalidMessageContents")
        return confirm_all(entries)

    queue.script = [act] * 30

    assert send("a", "bad", "c") == ["m1"]


def test_parameters_that_botocore_refuses_confirm_nothing(send, queue):
    """An error before anything was sent is as good as a refusal."""
    queue.script = [ParamValidationError(report="x")] * 5

    assert send("a") == ["m0"]


def test_a_failing_group_does_not_keep_the_next_one(send, queue):
    """Each request stands for itself."""

    def act(entries):
        if any(entry["MessageBody"] == "0" for entry in entries):
            raise refused_whole("InternalError", 500)
        return confirm_all(entries)

    queue.script = [act] * 10

    assert set(send(*map(str, range(15)))).isdisjoint({f"m{n}" for n in range(10, 15)})


def test_nothing_is_sent_when_the_deadline_has_passed(send, queue, time):
    """Each request takes 2 s: what would be sent after the end of the invocation comes again instead."""

    def slow(entries):
        time.advance(2)
        return confirm_all(entries)

    queue.script = [slow] * 100
    ends_at_s = time.now() + 5
    names = send(*map(str, range(100)), timeout_s=5)

    assert len(queue.requests) <= 3
    assert len(names) == 100 - 10 * len(queue.requests)
    assert time.now() <= ends_at_s + 2


def test_waits_between_tries_end_before_the_deadline(send, queue, time):
    """A throttled sink does not sleep the invocation away."""
    queue.script = [refused_whole("RequestThrottled")] * 10
    ends_at_s = time.now() + 0.05

    send("a", timeout_s=0.05)

    assert time.now() <= ends_at_s


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_missing_variable_keeps_the_records_and_says_so(monkeypatch, caplog, queue, time, value):
    """The record comes again, and the log has the variable's name and what to do; nothing is waited for."""
    if value is not None:
        monkeypatch.setenv("PARKING_URL", value)

    def function(record):
        raise NonRetryableError("poison")

    sink = DeadLetter.sqs(env="PARKING_URL", client=queue)
    names = failed(
        batch_handler(dead_letter=sink)(function)(sqs_event([sqs_record("a", message_id="m0")]), time.context())
    )

    assert names == ["m0"]
    assert "PARKING_URL" in caplog.text
    assert time.slept_s == []


def test_the_variable_is_named_also_where_no_client_can_be_built(monkeypatch, caplog, time):
    """Without a region there is no client; the first thing that is wrong is the variable."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    def function(record):
        raise NonRetryableError("poison")

    batch_handler(dead_letter=DeadLetter.sqs(env="PARKING_URL"))(function)(sqs_event(["a"]), time.context())

    assert "PARKING_URL" in caplog.text


def test_the_variable_is_read_when_it_is_first_used(monkeypatch, queue):
    """Importing the module before the environment is set is fine."""

    def function(record):
        raise NonRetryableError("poison")

    handler = batch_handler(dead_letter=DeadLetter.sqs(env="PARKING_URL", client=queue))(function)
    monkeypatch.setenv("PARKING_URL", URL)

    assert handler(sqs_event(["a"]), lambda_context()) == NOTHING_FAILED
    assert queue.urls == [URL]
