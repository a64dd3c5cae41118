"""`Record`: lazy, and silent about its payload."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.record import EventRecord, Record
from resilient_lambda._core.sources import INVOCATION, SQS
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import sqs_record


def record_of(body, **fields):
    """Return a record with this body."""
    return Record({**sqs_record("x", message_id="m", receives=2), "body": body, **fields}, SQS)


def test_a_record_reads_what_the_event_holds():
    """Id, source, body, receive count and the item itself."""
    record = record_of("text")

    assert (record.id, record.source, record.body, record.receives) == ("m", "sqs", "text", 2)
    assert record.raw["body"] == "text"
    assert record.lane is None
    assert not record.is_event


@pytest.mark.parametrize("identifier", [None, 5, [], {}, ""])
def test_an_id_that_is_no_text_is_empty(identifier):
    """The answer can name only texts."""
    assert record_of("x", messageId=identifier).id == ""


def test_json_is_parsed_once():
    """Every call returns the same object, and so does the value of a bare record."""
    record = record_of('{"a": [1]}')

    assert record.json() == {"a": [1]}
    assert record.json() is record.json()
    assert record.value is record.json()


@pytest.mark.parametrize(
    "body", ["", "{", "nojson", "[" * 100_000, "9" * 5_000, None, 5], ids=lambda body: repr(body)[:12]
)
def test_a_body_that_is_no_json_is_an_invalid_record(body):
    """The message names the record, not what it holds; a second call says the same."""
    record = record_of(body)
    for _ in range(2):
        with pytest.raises(InvalidRecordError, match="'m' is not JSON"):
            record.json()


def test_a_missing_body_is_an_invalid_record():
    """There is nothing to parse."""
    with pytest.raises(InvalidRecordError):
        Record({"messageId": "m"}, SQS).json()


def test_the_validated_value_takes_the_place_of_the_parsed_one():
    """`with_value` returns the same record, and the JSON stays."""
    record = record_of("1")

    assert record.with_value("validated") is record
    assert (record.value, record.json()) == ("validated", 1)


@given(st.text())
def test_the_representation_never_shows_the_body(body):
    """Only source and id."""
    assert repr(record_of(body)) == "Record(sqs, 'm')"


@pytest.mark.parametrize("event", [{"a": 1}, {"id": "business"}, [1], "text", 5, None], ids=repr)
def test_an_event_is_its_own_json(event):
    """No parsing, no copy, and its id is the request's, whatever the event holds."""
    record = EventRecord(event, INVOCATION, "request-1")

    assert record.json() is event
    assert record.value is event
    assert record.is_event
    assert (record.id, record.receives, record.source) == ("request-1", None, "invocation")
