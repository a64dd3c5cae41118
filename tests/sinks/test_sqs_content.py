"""`DeadLetter.sqs`: what a dead letter holds."""

from __future__ import annotations

import base64
import json

import pytest

from resilient_lambda import DeadLetter, NonRetryableError, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.sinks.conftest import URL

MEBIBYTE = 1_048_576
OURS = "resilient_lambda"


@pytest.fixture
def park(queue):
    """Set one record aside; return the entry that was sent."""

    def park(record, error=None):
        def function(record):
            raise error or NonRetryableError("why it failed")

        handler = batch_handler(dead_letter=DeadLetter.sqs(URL, client=queue))(function)
        assert handler({"Records": [record]}, lambda_context()) == NOTHING_FAILED
        return queue.requests[-1][0]

    return park


def note_of(entry):
    """Return our attribute, parsed."""
    return json.loads(entry["MessageAttributes"][OURS]["StringValue"])


def text(value):
    """Return a text attribute in Lambda's spelling."""
    return {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}


@pytest.mark.parametrize("body", ["{}", "not JSON", "ä€😀", " \n", "x" * 100_000], ids=lambda body: ascii(body[:9]))
def test_the_body_is_the_records_own(park, body):
    """Byte for byte, so that a redrive brings what the source brought."""
    assert park(sqs_record(body))["MessageBody"] == body


def test_our_attribute_says_what_failed_and_why(park):
    """Class and message of the error, source, id and origin of the record, a digest for consumers, and the time."""
    entry = park(sqs_record("{}", message_id="m"))
    note = note_of(entry)

    assert entry["MessageAttributes"][OURS]["DataType"] == "String"
    assert (note["error"], note["message"]) == ("NonRetryableError", "why it failed")
    assert (note["v"], note["source"], note["id"]) == (1, "sqs", "m")
    assert note["origin"] == "arn:aws:sqs:us-east-1:123456789012:orders"
    assert len(note["dedup"]) == 64
    assert set(note) == {"v", "error", "message", "source", "id", "origin", "dedup", "at"}


@pytest.mark.parametrize("message", ["x" * 100_000, "é" * 100_000, "😀" * 100_000, "\x00\x1f\ud800" * 1_000, ""])
def test_our_attribute_stays_within_a_kilobyte(park, message):
    """However long the error's text is, in whatever script; and it is JSON."""
    entry = park(sqs_record("{}", message_id="m"), NonRetryableError(message))

    assert len(entry["MessageAttributes"][OURS]["StringValue"].encode()) <= 1_024
    assert note_of(entry)["error"] == "NonRetryableError"


def test_the_records_attributes_are_kept(park):
    """Text, number and binary ones, in the spelling that SendMessage takes."""
    entry = park(
        sqs_record(
            "{}",
            attributes={
                "t": text("value"),
                "n": {"stringValue": "5", "dataType": "Number"},
                "b": {"binaryValue": base64.b64encode(b"\x00\xff").decode(), "dataType": "Binary"},
                "bc": {"binaryValue": base64.b64encode(b"zip").decode(), "dataType": "Binary.gzip"},
                "tc": {"stringValue": "x", "dataType": "String.custom"},
            },
        )
    )
    del entry["MessageAttributes"][OURS]

    assert entry["MessageAttributes"] == {
        "t": {"DataType": "String", "StringValue": "value"},
        "n": {"DataType": "Number", "StringValue": "5"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "bc": {"DataType": "Binary.gzip", "BinaryValue": b"zip"},
        "tc": {"DataType": "String.custom", "StringValue": "x"},
    }


@pytest.mark.parametrize("count", [8, 9, 10])
def test_a_letter_never_has_more_than_ten_attributes(park, count):
    """SQS takes ten: ours is one, and what has no room travels inside it."""
    entry = park(sqs_record("{}", attributes={f"a{n}": text(str(n)) for n in range(count)}))
    kept = {name for name in entry["MessageAttributes"] if name != OURS}
    inside = note_of(entry).get("attributes", {})

    assert len(entry["MessageAttributes"]) <= 10
    assert kept | set(inside) == {f"a{n}" for n in range(count)}
    assert len(inside) == max(0, count - 9)


def test_an_attribute_of_an_earlier_letter_is_replaced(park):
    """A letter that was replayed and failed again says why it failed this time."""
    entry = park(sqs_record("{}", attributes={OURS: text("{}")}))

    assert note_of(entry)["message"] == "why it failed"


@pytest.mark.parametrize("size", [MEBIBYTE, MEBIBYTE - 1, MEBIBYTE - 100])
def test_a_body_as_large_as_a_message_may_be_is_sent_alone(park, size):
    """Rather the body without our attribute than no dead letter."""
    entry = park(sqs_record("x" * size, attributes={"a": text("value")}))

    assert len(entry["MessageBody"]) == size
    assert OURS not in entry.get("MessageAttributes", {})


def test_a_message_of_the_largest_size_with_its_attributes_is_sent(park):
    """Body and attributes together filled the message: it is sent in one way or another."""
    entry = park(sqs_record("x" * (MEBIBYTE - 1_006), attributes={"a": text("y" * 999)}))
    total = len(entry["MessageBody"]) + sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"])
        for name, value in entry.get("MessageAttributes", {}).items()
    )

    assert total <= MEBIBYTE


def test_a_digest_tells_letters_apart_and_is_the_same_for_the_same_record(park):
    """Sent twice by a crash: one digest. Another record, or another queue's: another digest."""
    arn = "arn:aws:sqs:us-east-1:123456789012:other"
    first, again, other, elsewhere = (
        note_of(park(record))["dedup"]
        for record in (
            sqs_record("a", message_id="m1"),
            sqs_record("a", message_id="m1", receives=2),
            sqs_record("a", message_id="m2"),
            sqs_record("a", message_id="m1", queue_arn=arn),
        )
    )

    assert first == again
    assert len({first, other, elsewhere}) == 3


@pytest.mark.parametrize(
    ("first", "second"), [({"n": 1}, {"n": 2}), ({"n": 1}, {"n": 1}), ({"id": "a", "n": 1}, {"id": "a", "n": 2})]
)
def test_two_events_have_two_digests(queue, first, second):
    """Single events have no id of their own; two invocations are two letters, which no consumer may take for one."""

    @resilient_handler(dead_letter=DeadLetter.sqs(URL, client=queue))
    def handler(event):
        raise NonRetryableError("x")

    handler(first, lambda_context())
    handler(second, lambda_context())
    digests = [json.loads(body)[OURS]["dedup"] for body in queue.bodies]

    assert len(set(digests)) == 2


@pytest.mark.parametrize(
    "event",
    [{"a": 1}, [1, 2], "text", 5, None, {"messageAttributes": {"a": "b"}}, {"messageAttributes": [1]}, {"id": 5}],
    ids=repr,
)
def test_any_event_can_be_set_aside(queue, event):
    """It is in an envelope, as it was; names that mean something in SQS mean nothing in an event."""

    @resilient_handler(dead_letter=DeadLetter.sqs(URL, client=queue))
    def handler(event):
        raise NonRetryableError("x")

    assert handler(event, lambda_context()) is None
    envelope = json.loads(queue.bodies[0])
    assert set(envelope) == {OURS, "record"}
    assert envelope["record"] == event
    assert envelope[OURS]["source"] == "invocation"
    assert "MessageAttributes" not in queue.requests[0][0]


ODD = {
    "no body": {"body": None},
    "number as body": {"body": 5},
    "empty body": {"body": ""},
    "half a character": {"body": "\ud83d"},
    "no character": {"body": "\uffff"},
    "control character": {"body": "\x00"},
    "list of attributes": {"messageAttributes": ["a"]},
    "null attribute": {"messageAttributes": {"a": None}},
    "broken base64": {"messageAttributes": {"a": {"dataType": "Binary", "binaryValue": "!!!x"}}},
    "number as base64": {"messageAttributes": {"a": {"dataType": "Binary", "binaryValue": 5}}},
    "no value": {"messageAttributes": {"a": {"dataType": "Binary"}}},
    "empty value": {"messageAttributes": {"a": {"dataType": "String", "stringValue": ""}}},
    "half a character as value": {"messageAttributes": {"a": {"dataType": "String", "stringValue": "\ud83d"}}},
    "number as value": {"messageAttributes": {"a": {"dataType": "String", "stringValue": 5}}},
    "null type": {"messageAttributes": {"a": {"dataType": None, "stringValue": "x"}}},
    "unknown type": {"messageAttributes": {"a": {"dataType": "Text", "stringValue": "x"}}},
    "name with a space": {"messageAttributes": {"a b": {"dataType": "String", "stringValue": "x"}}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_message_that_sqs_would_not_take_back_is_sent_in_an_envelope(queue, odd):
    """Nothing of it is lost, and its neighbour is sent as a message."""

    def function(record):
        raise NonRetryableError("x")

    records = [sqs_record("a", message_id="m0"), {**sqs_record("b", message_id="m1"), **odd}]
    names = failed(
        batch_handler(dead_letter=DeadLetter.sqs(URL, client=queue))(function)({"Records": records}, lambda_context())
    )
    ordinary, envelope = queue.requests[0]

    assert names == []
    assert ordinary["MessageBody"] == "a"
    assert json.loads(envelope["MessageBody"])["record"] == records[1]
    assert json.loads(envelope["MessageBody"])[OURS]["id"] == "m1"
    envelope["MessageBody"].encode()


def test_missing_attributes_are_none(park):
    """``null`` where SQS writes an empty object."""
    entry = park({**sqs_record("body"), "messageAttributes": None})

    assert (entry["MessageBody"], set(entry["MessageAttributes"])) == ("body", {OURS})


def test_a_validation_errors_text_holds_no_payload(queue):
    """The letter's body has the payload; the attribute has where and how it is wrong."""

    @batch_handler(dead_letter=DeadLetter.sqs(URL, client=queue))
    def handler(body: dict[str, int]):
        del body

    assert handler(sqs_event(['{"s3cret name": "s3cret value"}']), lambda_context()) == NOTHING_FAILED
    note = note_of(queue.requests[0][0])

    assert note["error"] == "InvalidRecordError"
    assert "s3cret" not in json.dumps(note)
