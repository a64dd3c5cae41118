"""Events can hold anything: only documented errors come out, and never a wrong answer."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda._core.batch import answer
from resilient_lambda._core.envelopes import Envelopes
from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import SOURCE_NAMES, open_batch
from resilient_lambda.errors import BatchFailedError, InvalidRecordError, UnknownEventError
from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    dynamodb_event,
    dynamodb_record,
    eventbridge_envelope,
    kafka_event,
    kafka_record,
    kinesis_event,
    rabbitmq_event,
    s3_event,
    sns_envelope,
    sns_event,
    sqs_event,
    tumbling_window,
)

EVENTS = [
    sqs_event(["1", "{}"]),
    sqs_event([sns_envelope("x"), sns_envelope(s3_event(["a", "b"])), s3_event(["a", "b"]), eventbridge_envelope({})]),
    sqs_event(["1", "2"], group="g"),
    kinesis_event(["1", b"\xff"], window=tumbling_window({"a": 1})),
    dynamodb_event([{"id": 1, "a": [1.5, {"b"}, {"c": b"x"}]}, dynamodb_record(None, {"id": "x"})]),
    kafka_event([kafka_record("1", key="k", headers=[("h", b"\xff")]), None]),
    kafka_event(["1"], cluster_arn=None),
    activemq_event(["1", b"2"]),
    rabbitmq_event(["1", "2"]),
    documentdb_event([{"a": 1}]),
    s3_event(["a b", "c"]),
    sns_event(["1", "x"]),
]
LOUD = ("content", "body", "value", "key", "headers", "new_image", "old_image")
SILENT = ("id", "default_key", "lane", "receives", "origin", "source", "change", "is_tombstone", "is_event")

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
# Text that means something somewhere.
words = st.sampled_from(
    ["", "0", "aws:sqs", "aws:kafka", "x.fifo", "YQ==", "[1]", "INSERT", "SS", "%ff", "t-0", "{}", "s3:TestEvent"]
)
containers = st.sampled_from(["Records", "records", "messages", "rmqMessagesByQueue", "events", "eventSource"])
junk = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Return the paths of everything in *value*."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*path, name))


@st.composite
def broken_events(draw):
    """Return an event of AWS with up to three things of it replaced or removed."""
    event = copy.deepcopy(draw(st.sampled_from(EVENTS)))
    for _ in range(draw(st.integers(1, 3))):
        found = sorted((path for path in places(event) if path), key=str)
        if not found:
            break
        *path, name = draw(st.sampled_from(found))
        target = event
        for step in path:
            target = target[step]
        if draw(st.booleans()):
            target[name] = draw(junk)
        else:
            del target[name]
    return event


options = st.fixed_dictionaries({}, optional={"only": st.sampled_from(SOURCE_NAMES), "share_group": st.booleans()})
envelopes = st.none() | st.sampled_from(["sns", "s3", "eventbridge", ("sns", "s3")])


def check(event, unwrap, options):
    """Open *event* and read everything of it; nothing undocumented is raised, and an answer names what is there."""
    try:
        delivery = open_batch(event, **options)
    except UnknownEventError:
        return
    if unwrap and delivery.source.name.startswith("sqs"):
        delivery = Envelopes(unwrap, None).open(delivery)
    source = delivery.source
    for raw in delivery.raws:
        record = Record(raw, source)
        for name in SILENT:
            getattr(record, name)
        if source.order_key_of is not None:
            hash(source.order_key_of(raw))
        hash(record.lane)
        for name in LOUD:
            with contextlib.suppress(InvalidRecordError):
                getattr(record, name)
        with contextlib.suppress(InvalidRecordError):
            record.json()
        assert isinstance(record.id, str)
        assert isinstance(record.origin, str)
    try:
        answered = answer(source, delivery.raws)
    except BatchFailedError:
        return
    named = [entry["itemIdentifier"] for entry in answered["batchItemFailures"]]
    assert bool(named) == bool(delivery.raws)
    text = json.dumps(event)
    for identifier in named:
        if isinstance(identifier, dict):
            assert identifier["partition"] in event["records"]
            assert type(identifier["offset"]) is int
        else:
            assert identifier
            assert json.dumps(identifier) in text


@settings(max_examples=400, deadline=None)
@given(broken_events(), envelopes, options)
def test_a_broken_event_is_refused_or_read_as_far_as_it_goes(event, unwrap, options):
    """Whatever is wrong inside an event of AWS."""
    check(event, unwrap, options)


@settings(max_examples=200, deadline=None)
@given(
    junk | st.dictionaries(st.sampled_from(["Records", "records", "messages", "events", "eventSource"]), junk), options
)
def test_junk_is_refused(event, options):
    """Whatever is no event of AWS at all."""
    check(event, None, options)


@pytest.mark.parametrize("depth", [200, 900, 5_000])
def test_an_event_may_be_nested_deeply(depth):
    """As far as JSON can be parsed, and farther."""
    deep: object = 1
    for _ in range(depth):
        deep = {"M": {"a": deep}}
    raw = dynamodb_record({"id": 1})
    raw["dynamodb"]["Keys"] = raw["dynamodb"]["NewImage"] = deep
    delivery = open_batch({"Records": [raw]})
    record = Record(raw, delivery.source)

    assert delivery.source.order_key_of is not None
    assert isinstance(delivery.source.order_key_of(raw), str)
    assert record.id
    with pytest.raises(InvalidRecordError):
        _ = record.value
