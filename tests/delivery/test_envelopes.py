"""Messages that hold several records, or nonsense: the message comes back until all that is in it is done."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, Record, batch_handler
from resilient_lambda.errors import BatchFailedError, UnknownEventError
from resilient_lambda.testing import fake_io, lambda_context
from tests.delivery import model
from tests.delivery.events import Sent, event_of, only
from tests.delivery.mutations import mutated
from tests.handlers.colours import COLOURS

BOTH_COLOURS = pytest.mark.parametrize("paint", COLOURS.values(), ids=COLOURS.keys())
FATES = ["ok", "ok", "retry", "poison"]


def notification(text):
    """Return what SNS sends to a queue."""
    return {
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:uploads",
        "Subject": "Amazon S3 Notification",
        "Message": text,
        "Timestamp": "2026-01-01T00:00:00.000Z",
    }


def queue_event(source, messages, *, is_nested=False):
    """Return the event of a queue whose messages hold the uploads *messages*: a list of serials for each."""
    event = event_of(source, [Sent(number, lane=number % 2) for number in range(len(messages))])
    for raw, serials in zip(event["Records"], messages, strict=True):
        text = json.dumps(event_of(model.S3, [Sent(serial) for serial in serials]))
        raw["body"] = json.dumps(notification(text)) if is_nested else text
    return event


def serial_of(record):
    """Return which upload *record* is."""
    return int(record.json()["s3"]["object"]["sequencer"][-4:], 16)


@pytest.mark.parametrize("source", [model.SQS, model.FIFO], ids=str)
@BOTH_COLOURS
@settings(max_examples=25)
@given(data=st.data(), drawn=st.lists(st.lists(st.sampled_from(FATES), min_size=1, max_size=3), max_size=5))
def test_a_message_comes_back_until_all_its_records_are_done(source, paint, data, drawn):
    """One that fails brings its message back, and in a FIFO queue those behind it in its group; none is lost."""
    serials = iter(range(1_000))
    fates = [[(next(serials), fate) for fate in message] for message in drawn]
    plan = {serial: fate for message in fates for serial, fate in message}
    failing = {serial for serial, fate in plan.items() if fate == "retry"}
    is_nested = data.draw(st.booleans())
    done, parked = [], []

    def function(record):
        serial = serial_of(record)
        if serial in failing:
            failing.discard(serial)
            raise ValueError("not yet")
        if plan[serial] == "poison":
            raise NonRetryableError("poison")
        done.append(serial)

    function.__annotations__["record"] = Record
    handler = batch_handler(
        unwrap=("sns", "s3") if is_nested else "s3",
        concurrency=data.draw(st.sampled_from([1, 3])),
        policies=[Idempotency(MemoryStore(), key=lambda record: str(serial_of(record)))],
        dead_letter=DeadLetter(lambda record, error: parked.append(serial_of(record))),
    )(paint(function))
    event = queue_event(source, [[serial for serial, _ in message] for message in fates], is_nested=is_nested)
    held = {source.identity(raw): message for raw, message in zip(event["Records"], fates, strict=True)}
    with fake_io() as io:
        for _ in range(len(plan) + 1):
            answer = handler(event, io.context(timeout_s=900))
            finished = {*done, *parked}
            unfinished = [
                position
                for position, raw in enumerate(event["Records"])
                if not finished.issuperset(serial for serial, _ in held[source.identity(raw)])
            ]
            again = model.delivered_again(source, event, answer)

            assert again == model.forced_again(source, event, unfinished)
            event = only(source, event, again)
            io.advance(6_000)

    assert again == set()
    assert sorted(done) == sorted(serial for serial, fate in plan.items() if fate != "poison")
    assert sorted(parked) == sorted(serial for serial, fate in plan.items() if fate == "poison")


@BOTH_COLOURS
@settings(max_examples=150)
@given(data=st.data())
def test_a_wrong_envelope_is_its_messages_failure(paint, data):
    """Whatever stands in a message that is acknowledged: nothing of it ran and failed, or it is in the sink."""
    is_nested = data.draw(st.booleans())
    inner = data.draw(mutated(event_of(model.S3, [Sent(0), Sent(1)])))
    text = json.dumps(inner)
    body = data.draw(mutated(notification(text))) if is_nested else inner
    event = queue_event(model.SQS, [[7], [8]])
    event["Records"][0]["body"] = json.dumps(body)
    name = event["Records"][0]["messageId"]
    ran, parked = [], []

    def function(record):
        ran.append(record.id)
        raise ValueError("never")

    function.__annotations__["record"] = Record
    handler = batch_handler(
        unwrap=("sns", "s3") if is_nested else "s3",
        policies=[Idempotency(MemoryStore(), namespace="fuzz")] if data.draw(st.booleans()) else [],
        dead_letter=DeadLetter(lambda record, error: parked.append(record.id)),
    )(paint(function))
    try:
        answer = handler(event, lambda_context())
    except (UnknownEventError, BatchFailedError):
        return
    again = model.delivered_again(model.SQS, event, answer)

    assert 0 in again or name not in ran
    assert 0 in again or name in parked or is_empty(inner, body)


def is_empty(inner, body):
    """Tell whether nothing could have run: an envelope around no records, S3's test event for one."""
    found = inner if isinstance(inner, dict) else {}
    message = body.get("Message") if isinstance(body, dict) else None
    return not found.get("Records") or found.get("Event") == "s3:TestEvent" or isinstance(message, dict)
