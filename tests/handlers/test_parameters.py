"""What the function receives, by the annotation of its first parameter."""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic takes the one of typing from Python 3.12 on

from resilient_lambda import ConfigurationError, Record, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
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
