"""What the function receives, by the annotation of its first parameter."""

from __future__ import annotations

import gzip
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.utilities.data_classes.kafka_event import KafkaEventRecord
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic takes the one of typing from Python 3.12 on

from resilient_lambda import ConfigurationError, Record, batch_handler, resilient_handler
from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    dynamodb_event,
    dynamodb_record,
    eventbridge_envelope,
    kafka_event,
    kafka_record,
    kinesis_event,
    lambda_context,
    rabbitmq_event,
    s3_event,
    sns_envelope,
    sns_event,
    sqs_event,
    sqs_record,
)
from tests.handlers.answers import NOTHING_FAILED, failed


class Order(BaseModel):
    """A pydantic model."""

    order_id: str


@dataclass
class Item:
    """A dataclass."""

    order_id: str


class Typed(TypedDict):
    """A typed dict."""

    order_id: str


BODY = '{"order_id": "a"}'
EVENT = sqs_event([sqs_record(BODY, message_id="m")])


@pytest.fixture
def received(paint):
    """Return what a function with the given annotation gets for a body."""

    def received(annotation: Any, body: str = BODY, **options: Any) -> Any:
        seen: list[Any] = []

        def function(first):
            seen.append(first)

        if annotation is not None:
            function.__annotations__ = {"first": annotation}
        handler = batch_handler(**options)(paint(function))
        event = sqs_event([sqs_record(body, message_id="m")])

        assert handler(event, lambda_context()) == NOTHING_FAILED
        return seen[0]

    return received


@pytest.mark.parametrize("annotation", [None, Record])
def test_without_an_annotation_and_for_record_it_is_the_record(received, annotation):
    """The record itself, its body parsed only when asked."""
    record = received(annotation)

    assert type(record) is Record
    assert (record.id, record.source, record.body, record.receives) == ("m", "sqs", BODY, 1)
    assert record.json() == {"order_id": "a"}
    assert record.raw["messageId"] == "m"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Order, Order(order_id="a")), (Item, Item("a")), (Typed, {"order_id": "a"}), (dict[str, str], {"order_id": "a"})],
)
def test_record_of_a_type_has_the_validated_body_as_its_value(received, kind, expected):
    """``Record[T]`` is the record with ``value`` as a T."""
    record = received(Record[kind])

    assert type(record) is Record
    assert record.value == expected
    assert type(record.value) is type(expected)
    assert record.id == "m"


def test_powertools_data_class_wraps_the_record(received):
    """Who comes from Powertools keeps its data class."""
    record = received(SQSRecord)

    assert type(record) is SQSRecord
    assert (record.message_id, record.body) == ("m", BODY)


@pytest.mark.parametrize(
    ("annotation", "body", "expected"),
    [
        (Order, BODY, Order(order_id="a")),
        (Item, BODY, Item("a")),
        (Typed, BODY, {"order_id": "a"}),
        (dict, BODY, {"order_id": "a"}),
        (dict[str, Any], BODY, {"order_id": "a"}),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Mapping, BODY, {"order_id": "a"}),
        (Mapping[str, Any], BODY, {"order_id": "a"}),
        (typing.Dict, BODY, {"order_id": "a"}),  # noqa: UP006  # users write it, and it is no plain class
        (typing.Dict[str, Any], BODY, {"order_id": "a"}),  # noqa: UP006
        (typing.Mapping, BODY, {"order_id": "a"}),
        (typing.List, "[1, 2]", [1, 2]),  # noqa: UP006
        (list, "[1, 2]", [1, 2]),
        (list[int], "[1, 2]", [1, 2]),
        (list[Order], f"[{BODY}]", [Order(order_id="a")]),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (str, "any text", "any text"),
        (str, BODY, BODY),
        (bytes, "ä", "ä".encode()),
        (int, "5", 5),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (int | None, "null", None),
        (Order | int, "5", 5),
        (Annotated[int, Field(gt=1)], "5", 5),
        (Any, BODY, {"order_id": "a"}),
        (object, "[1]", [1]),
    ],
    ids=repr,
)
def test_any_other_annotation_is_the_type_of_the_body(received, annotation, body, expected):
    """The body, read as what the function says it takes."""
    value = received(annotation, body)

    assert value == expected
    assert type(value) is type(expected)


def test_a_model_overrides_the_annotation(received):
    """``model=`` is for functions whose annotation says something else, or nothing."""
    assert received(Record, model=Order) == Order(order_id="a")
    assert received(None, model=str) == BODY
    assert received("NoSuchName", model=dict) == {"order_id": "a"}
    assert received(None, model=Record[Order]).value == Order(order_id="a")


def test_raw_hands_over_the_events_own_dict(paint):
    """Not a copy, and no record around it."""
    seen = []

    def function(raw):
        seen.append(raw)

    batch_handler(raw=True)(paint(function))(EVENT, lambda_context())

    assert seen[0] is EVENT["Records"][0]


def test_raw_overrides_an_annotation(received):
    """``raw=True`` does not look at the annotation."""
    assert received(Order, raw=True)["messageId"] == "m"


@pytest.mark.parametrize("options", [{}, {"raw": True}, {"model": Order}])
def test_the_second_parameter_receives_the_context(paint, options):
    """A second parameter gets the Lambda context, whatever the first one takes."""
    seen = []

    def function(first, context):
        seen.append(context)

    context = lambda_context()
    batch_handler(**options)(paint(function))(EVENT, context)

    assert seen == [context]


def test_a_list_of_records_is_refused():
    """A whole lane at once does not exist yet, and says so at import."""

    def function(records):
        del records

    function.__annotations__ = {"records": list[Record[Order]]}

    with pytest.raises(ConfigurationError, match="Record inside something else"):
        batch_handler(function)


@pytest.mark.parametrize("annotation", [Record | None, 5, "5"], ids=repr)
def test_an_annotation_that_cannot_be_a_body_is_refused(annotation):
    """Found at import, not by every record in turn."""

    def function(record):
        del record

    function.__annotations__ = {"record": annotation}

    with pytest.raises(ConfigurationError):
        batch_handler(function)


def test_an_annotated_record_is_a_record(received):
    """A note for other tools changes nothing."""
    assert received(Annotated[Record, "note"]).id == "m"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes typing.TypedDict since Python 3.12")
def test_a_typed_dict_that_pydantic_does_not_take_is_refused():
    """Before Python 3.12 it must be the one of typing_extensions: said at import, with what to do."""

    class Old(typing.TypedDict):
        order_id: str

    def function(body: Old):
        del body

    with pytest.raises(ConfigurationError, match="typing_extensions"):
        batch_handler(function)


def test_warming_finds_a_type_that_cannot_be_validated(monkeypatch):
    """In Lambda's INIT phase the adapter is built at decoration, so a type without a schema fails at import."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")

    class Unknown:
        pass

    def function(body: Unknown):
        del body

    with pytest.raises(ConfigurationError, match="Unknown"):
        batch_handler(function)


EVENTS = [{"order_id": "a"}, {"id": "x", "order_id": "a", "body": 1, "messageAttributes": {"a": "b"}}]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("annotation", "expected_type"),
    [(None, dict), (dict, dict), (dict[str, Any], dict), (Mapping[str, Any], dict), (Order, Order), (Item, Item)],
)
def test_a_single_event_is_the_body_itself(paint, event, annotation, expected_type):
    """`resilient_handler` hands over the event, validated if the annotation asks for more than a dict."""
    seen = []

    def function(event):
        seen.append(event)

    if annotation is not None:
        function.__annotations__ = {"event": annotation}
    resilient_handler(paint(function))(event, lambda_context())

    assert type(seen[0]) is expected_type
    assert expected_type is not dict or seen[0] is event


@pytest.mark.parametrize("event", [[1, 2], "text", 5, None, True, 1.5], ids=repr)
def test_a_single_event_may_be_any_json(paint, event):
    """Lambda hands over whatever JSON it was invoked with."""

    def function(event):
        return event

    assert resilient_handler(paint(function))(event, lambda_context()) == event


def test_bodies_are_validated_once_per_record(paint):
    """Two records, two validations, in order; a failed one does not disturb the next."""
    seen = []

    def function(order: Order):
        seen.append(order.order_id)

    event = sqs_event([sqs_record("{}", message_id="m"), BODY])

    assert failed(batch_handler(paint(function))(event, lambda_context())) == ["m"]
    assert seen == ["a"]


def first_of(paint, event: dict[str, Any], annotation: Any, **options: Any) -> Any:
    """Return what a function with this annotation gets for the first record of *event*."""
    seen: list[Any] = []

    def function(first):
        seen.append(first)

    if annotation is not None:
        function.__annotations__ = {"first": annotation}
    assert failed(batch_handler(**options)(paint(function))(event, lambda_context())) == []
    return seen[0]


class Stock(BaseModel):
    """An item of DynamoDB."""

    id: int
    price: Decimal
    tags: set[str] = set()
    picture: bytes = b""


ITEM = {"id": 1, "price": Decimal("1.10"), "tags": {"a"}, "picture": b"\xff"}


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ((ITEM,), Stock(**ITEM)),
        ((ITEM, {**ITEM, "price": 2}), Stock(**ITEM)),
        ((None, ITEM), Stock(**ITEM)),
    ],
    ids=["INSERT", "MODIFY", "REMOVE"],
)
def test_a_model_gets_the_image_of_a_change(paint, images, expected):
    """The new one, and the old one of what was removed; as plain Python, with all digits and bytes."""
    event = dynamodb_event([dynamodb_record(*images)])

    assert first_of(paint, event, Stock) == expected
    assert first_of(paint, event, Record[Stock]).value == expected
    assert first_of(paint, event, dict) == ITEM


def test_a_text_of_a_change_is_its_json(paint):
    """With all digits."""
    event = dynamodb_event([{"id": 1, "price": Decimal("1.10")}])

    assert first_of(paint, event, str) == '{"id": 1, "price": 1.10}'
    assert first_of(paint, event, bytes) == b'{"id": 1, "price": 1.10}'


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [(Order | None, None), (bytes | None, None), (Any, None), (Record[Order | None], None)],
    ids=repr,
)
def test_a_tombstone_is_none(paint, annotation, expected):
    """For a type that can be None."""
    found = first_of(paint, kafka_event([None]), annotation)

    assert (found.value if isinstance(found, Record) else found) == expected


def test_bytes_that_are_no_text_are_the_record_s_failure(paint):
    """A function of text is not called with something that was not sent."""

    def function(body: str):
        pytest.fail("called")

    answer = batch_handler(paint(function))(kafka_event([kafka_record(b"\xff", offset=3)]), lambda_context())

    assert failed(answer) == [{"partition": "orders-0", "offset": 3}]


@pytest.mark.parametrize("annotation", [Order, dict, Record[Order], str, bytes], ids=repr)
def test_a_tombstone_is_no_record_of_a_type_that_cannot_be_none(paint, annotation):
    """It is the record's own failure: the function is not called with None."""

    def function(first):
        pytest.fail("called")

    function.__annotations__ = {"first": annotation}
    answer = batch_handler(paint(function))(kafka_event([kafka_record(None, offset=3)]), lambda_context())

    assert failed(answer) == [{"partition": "orders-0", "offset": 3}]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (kinesis_event([BODY]), Order(order_id="a")),
        (kafka_event([BODY.encode()]), Order(order_id="a")),
        (activemq_event([BODY]), Order(order_id="a")),
        (rabbitmq_event([BODY]), Order(order_id="a")),
        (sns_event([BODY]), Order(order_id="a")),
    ],
    ids=["kinesis", "kafka", "activemq", "rabbitmq", "sns"],
)
def test_a_model_gets_the_json_that_was_sent(paint, event, expected):
    """Whatever brought it."""
    assert first_of(paint, event, Order) == expected
    assert first_of(paint, event, str) == BODY
    assert first_of(paint, event, dict) == {"order_id": "a"}


@pytest.mark.parametrize("unwrap", [None, "s3", ("sns", "s3")])
def test_an_s3_record_is_handed_over_with_its_key_decoded(paint, unwrap):
    """From S3 itself, and from inside a queue's messages."""
    event = s3_event(["red flower.jpg"])
    event = {None: event, "s3": sqs_event([event]), ("sns", "s3"): sqs_event([sns_envelope(event)])}[unwrap]

    assert first_of(paint, event, dict, unwrap=unwrap)["s3"]["object"]["key"] == "red flower.jpg"


def test_the_detail_of_eventbridge_is_validated(paint):
    """The envelope is gone."""
    event = sqs_event([eventbridge_envelope({"order_id": "a"})])

    assert first_of(paint, event, Order, unwrap="eventbridge") == Order(order_id="a")


def test_a_change_of_documentdb_is_handed_over_whole(paint):
    """A model of it has ``fullDocument`` and whatever else it needs."""
    found = first_of(paint, documentdb_event([{"order_id": "a"}]), dict)

    assert (found["operationType"], found["fullDocument"]["order_id"]) == ("insert", "a")


@pytest.mark.parametrize("annotation", [Order, Any, object], ids=repr)
def test_what_decode_returns_is_the_value(paint, annotation):
    """An object of any kind, validated by the type that the function names."""
    event = kinesis_event([gzip.compress(BODY.encode())])

    assert first_of(paint, event, Order, decode=gzip.decompress) == Order(order_id="a")
    decoded = first_of(paint, event, annotation, decode=lambda sent: Order(order_id="decoded"))
    assert decoded == Order(order_id="decoded")


@pytest.mark.parametrize(
    ("event", "kind", "read"),
    [
        (kinesis_event([BODY]), KinesisStreamRecord, lambda record: record.kinesis.data_as_text()),
        (kafka_event([BODY]), KafkaEventRecord, lambda record: record.decoded_value.decode()),
    ],
    ids=["kinesis", "kafka"],
)
def test_data_classes_of_other_sources_wrap_the_record(paint, event, kind, read):
    """As for SQS."""
    found = first_of(paint, event, kind)

    assert type(found) is kind
    assert read(found) == BODY
