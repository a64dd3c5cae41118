"""Reading letters: what a message or an object says, and what none of them may do to the command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._commands._replay_letter import Letter, as_sent, of_message, of_object
from resilient_lambda._commands.replay import time_of

from .replaying import ACCOUNT, envelope, note

PARKED = f"{ACCOUNT}:parked"


def message(body="body", **system):
    """Return a message without a note, as ReceiveMessage gives it."""
    return {"MessageId": "d-1", "Body": body, "Attributes": {"SentTimestamp": "1000", **system}}


def test_sqs_says_where_it_moved_a_message_from():
    """A message that SQS itself set aside has no note, but an origin."""
    letter = of_message(message(DeadLetterQueueSourceArn=f"{ACCOUNT}:orders"), queue_arn=PARKED)

    assert (letter.source, letter.origin, letter.error) == ("sqs", f"{ACCOUNT}:orders", "")


def test_a_fifo_queue_is_recognised_by_its_arn():
    """The source is that of FIFO queues, the group the message's."""
    system = {"DeadLetterQueueSourceArn": f"{ACCOUNT}:orders.fifo", "MessageGroupId": "g"}
    letter = of_message(message(**system), queue_arn=f"{PARKED}.fifo")

    assert (letter.source, letter.group) == ("sqs-fifo", "g")


def test_a_message_that_says_nothing_is_of_no_known_origin():
    """Its record says the queue that it lies in, for a function needs some queue."""
    letter = of_message(message(), queue_arn=PARKED)

    assert (letter.origin, letter.record["eventSourceARN"], letter.at_s) == ("", PARKED, 1.0)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"Message": 7}', '{"Message": "no"}', '{"detail": []}', "[" * 100_000]
)
def test_any_other_content_is_no_envelope(text):
    """A message is its own record then, an object is no letter."""
    assert of_message(message(text), queue_arn=PARKED).record["body"] == text
    assert of_object("k", "tag", text.encode(), at_s=0.0).record is None


def test_a_record_of_an_odd_shape_is_none():
    """An envelope whose record is no object, but for whole events."""
    assert of_object("k", "tag", envelope([1], source="sns").encode(), at_s=0.0).record is None
    assert of_object("k", "tag", envelope([1], source="invocation").encode(), at_s=0.0).record == [1]


def test_a_letter_is_shown_without_its_payload():
    """Its name, source, id, error and time."""
    letter = Letter("d-1", "d-1", note(), "sqs", "", {"body": "secret"}, {}, "", 0.0)

    assert str(letter) == "d-1 (sqs m-1, KeyError, 1970-01-01T00:00:00Z)"


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20),
        st.one_of(
            st.builds(lambda value: {"DataType": "Binary", "BinaryValue": value}, st.binary(min_size=1)),
            st.builds(
                lambda kind, value: {"DataType": kind, "StringValue": value},
                st.sampled_from(["String", "Number", "String.json"]),
                st.text(min_size=1),
            ),
        ),
        max_size=9,
    ),
    st.text(min_size=1),
)
def test_what_was_sent_is_sent_again(attributes, body):
    """Body and attributes survive the way through the event's spelling."""
    letter = of_message({**message(body), "MessageAttributes": attributes}, queue_arn=PARKED)

    assert as_sent(letter.record) == {
        "MessageBody": body,
        **({"MessageAttributes": attributes} if attributes else {}),
    }


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("90m", 1_000_000 - 5_400),
        ("2h", 1_000_000 - 7_200),
        ("3d", 1_000_000 - 259_200),
        ("10s", 999_990),
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00", 3_600),
        ("1970-01-01T01:00Z", 3_600),
        ("1970-01-01T01:00+01:00", 0),
    ],
)
def test_times_are_utc_or_ago(text, expected_s):
    """A time without a zone is UTC; a number with a unit is how long ago."""
    assert time_of(text, now_s=1_000_000) == expected_s
