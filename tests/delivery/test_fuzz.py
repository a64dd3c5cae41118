"""Events of every source with anything wrong in them: only documented errors come out, and never a wrong answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, Record, batch_handler
from resilient_lambda.errors import BatchFailedError, ConfigurationError, InvalidRecordError, UnknownEventError
from resilient_lambda.testing import lambda_context
from tests.delivery import model
from tests.delivery.mutations import mutated
from tests.delivery.test_golden import GOLDEN, SOURCES
from tests.handlers.colours import COLOURS

ATTRIBUTES = [
    "id",
    "source",
    "body",
    "value",
    "receives",
    "lane",
    "content",
    "origin",
    "default_key",
    "key",
    "headers",
    "change",
    "new_image",
    "old_image",
    "is_tombstone",
]
HOLDERS = ("Records", "records", "messages", "rmqMessagesByQueue", "events")
EACH_SOURCE = pytest.mark.parametrize("name", SOURCES)
BOTH_COLOURS = pytest.mark.parametrize("colour", COLOURS)
EXAMPLES = 60


def marked(event):
    """Return *event* with a number in each record that is an object, however the event looks."""
    numbers = iter(range(10**6))
    for holder in HOLDERS:
        held = event.get(holder) if isinstance(event, dict) else None
        for raws in held.values() if isinstance(held, dict) else [held]:
            for raw in raws if isinstance(raws, list) else []:
                if isinstance(raw, dict):
                    raw["number"] = next(numbers)
    return event


def number_of(raw):
    """Return the number of a record; None for what is none."""
    return raw.get("number") if isinstance(raw, dict) else None


def names_of(item):
    """Return what a source may call a record by."""
    return {repr(item.name), repr(item.raw.get("eventID") if isinstance(item.raw, dict) else None)}


def look_at_everything(record):
    """Read each attribute, which gives something or says that the record is invalid; return what else was raised."""
    odd = []
    for attribute in ATTRIBUTES:
        try:
            getattr(record, attribute)
        except InvalidRecordError:
            pass
        except Exception as error:
            odd.append((attribute, repr(error)))
    try:
        record.json()
    except InvalidRecordError:
        pass
    except Exception as error:
        odd.append(("json()", repr(error)))
    return odd


def policies_for(kind):
    """Return none, Idempotency with a key that every record has, or with the source's own."""
    if kind == "none":
        return []
    key = {"key": lambda record: record.raw["number"]} if kind == "numbered" else {}
    return [Idempotency(MemoryStore(), namespace="fuzz", **key)]


@EACH_SOURCE
@BOTH_COLOURS
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_wrong_event_is_refused_or_answered_rightly(name, colour, data):
    """Whatever is not delivered again has run to its end, or is in the sink."""
    event = marked(data.draw(mutated(GOLDEN[name]["event"]), label="event"))
    fates = data.draw(st.lists(st.sampled_from(["ok", "ok", "retry", "poison"]), min_size=12, max_size=12))
    kind = data.draw(st.sampled_from(["none", "numbered", "default"]))
    ran, finished, odd = [], set(), []

    def function(record):
        ran.append(record)
        odd.extend(look_at_everything(record))
        fate = fates[number_of(record.raw) % len(fates)]
        if fate == "retry":
            raise ValueError(fate)
        if fate == "poison":
            raise NonRetryableError(fate)
        finished.add(number_of(record.raw))

    function.__annotations__["record"] = Record
    sink = DeadLetter(lambda record, error: finished.add(number_of(record.raw)))
    handler = batch_handler(policies=policies_for(kind), dead_letter=sink)(COLOURS[colour](function))
    try:
        answer = handler(event, lambda_context())
    except UnknownEventError:
        assert ran == []
        return
    except BatchFailedError as error:
        answer = error

    assert odd == []
    source = SOURCES[name]
    batch = model.items(source, event)
    again = model.delivered_again(source, event, answer)
    # With the source's own key, records that the mutation has given one id are one.
    done = [item for item in batch if number_of(item.raw) in finished] if kind == "default" else []
    answered_as = {name for item in done for name in names_of(item)}
    lost = [
        item
        for position, item in enumerate(batch)
        if position not in again and number_of(item.raw) not in finished and answered_as.isdisjoint(names_of(item))
    ]
    if kind != "default" or source.partial is not model.Partial.NONE:
        assert lost == []


@EACH_SOURCE
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_wrong_event_meets_every_option(name, data):
    """Only documented errors come out of any combination of options."""
    event = data.draw(mutated(GOLDEN[name]["event"]), label="event")
    options = {
        "order": data.draw(st.sampled_from([None, "key"])),
        "share_group": data.draw(st.booleans()),
        "concurrency": data.draw(st.sampled_from([1, 3])),
        "stop_lane_on_dead_letter": data.draw(st.booleans()),
        "raise_if_all_failed": data.draw(st.booleans()),
        "source": data.draw(st.sampled_from([None, "sqs", "kinesis", "dynamodb", "kafka", "s3", "sns", "documentdb"])),
        "unwrap": data.draw(st.sampled_from([None, "sns", "s3", "eventbridge", ("sns", "s3")])),
        "decode": data.draw(st.sampled_from([None, bytes.decode, len])),
        "model": data.draw(st.sampled_from([None, Record, Record[dict], dict, str, bytes, Record[int]])),
        "policies": [Idempotency(MemoryStore(), key=lambda value: "a", namespace="fuzz")],
    }

    try:
        handler = batch_handler(**options)(lambda value: None)
    except ConfigurationError:
        return
    try:
        answer = handler(event, lambda_context())
    except (UnknownEventError, BatchFailedError, ConfigurationError):
        return

    assert isinstance(answer["batchItemFailures"], list)
