"""The table of event sources."""

from __future__ import annotations

import pytest

from resilient_lambda._core.sources import BATCH_SOURCES, INVOCATION, SQS, open_batch
from resilient_lambda.errors import UnknownEventError

MESSAGE = {"messageId": "m", "body": "b", "eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": "3"}}


@pytest.mark.parametrize(
    ("attributes", "receives"),
    [
        ({"ApproximateReceiveCount": "1"}, 1),
        ({"ApproximateReceiveCount": "1000"}, 1000),
        ({"ApproximateReceiveCount": ""}, None),
        ({"ApproximateReceiveCount": "-1"}, None),
        ({"ApproximateReceiveCount": "1.5"}, None),
        ({"ApproximateReceiveCount": "²"}, None),
        ({"ApproximateReceiveCount": "9" * 5_000}, None),
        ({"ApproximateReceiveCount": None}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("x", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_receive_count_is_a_number_or_unknown(attributes, receives):
    """What cannot be read as a count is unknown, and raises nothing."""
    assert SQS.receives_of({**MESSAGE, "attributes": attributes}) == receives


def test_the_receive_count_of_a_message_without_attributes_is_unknown():
    """A hand-made record may lack them."""
    assert SQS.receives_of({"messageId": "m"}) is None


def test_a_batch_is_opened_with_its_source_and_its_own_records():
    """Not a copy: ten thousand records are opened for nothing."""
    event = {"Records": [MESSAGE]}
    source, records = open_batch(event)

    assert source is SQS
    assert records is event["Records"]


def test_an_empty_batch_is_open_and_empty():
    """There is nothing to lose."""
    source, records = open_batch({"Records": []})

    assert (source, list(records)) == (SQS, [])


@pytest.mark.parametrize("arn", [None, 5, "", "arn:aws:sqs:us-east-1:1:q", "arn:aws:sqs:us-east-1:1:fifo"])
def test_a_queue_that_is_no_fifo_queue_is_taken(arn):
    """Only the suffix makes a FIFO queue."""
    assert open_batch({"Records": [{**MESSAGE, "eventSourceARN": arn}]})[0] is SQS


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{**MESSAGE, "eventSourceARN": "arn:aws:sqs:us-east-1:1:q.fifo"}]},
        {"Records": [MESSAGE, {**MESSAGE, "eventSource": "aws:kinesis"}]},
        {"Records": [{**MESSAGE, "eventSource": ["aws:sqs"]}]},
        {"Records": ""},
        {"Records": {}},
        {},
        [],
        None,
        "Records",
    ],
    ids=repr,
)
def test_anything_else_is_refused(event):
    """With the one documented error."""
    with pytest.raises(UnknownEventError):
        open_batch(event)


def test_rows_are_found_by_what_their_records_carry():
    """The table's keys are the ``eventSource`` of its rows; a single event is in no batch."""
    assert all(row.event_source == name for name, row in BATCH_SOURCES.items())
    assert INVOCATION not in BATCH_SOURCES.values()


def test_a_single_event_has_a_short_lease_and_keeps_its_result():
    """A crash must not outlast Lambda's retries, and a duplicate's caller waits for the answer."""
    assert INVOCATION.has_short_lease
    assert INVOCATION.keeps_results
    assert INVOCATION.receives_of({}) is None
    assert INVOCATION.body_of({"a": 1}) == '{"a": 1}'
