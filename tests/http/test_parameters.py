"""What the function of a handler of requests gets: the event, or its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, APIGatewayProxyEventV2, event_source
from pydantic import BaseModel
from typing_extensions import TypedDict

from resilient_lambda import Idempotency, MemoryStore, Record, current_deadline, resilient_handler
from resilient_lambda.testing import http_event, lambda_context


class Model(BaseModel):
    """A body."""

    total: int


@dataclass
class Data:
    """A body."""

    total: int


class Typed(TypedDict):
    """A body."""

    total: int


def received(kind, event):
    """Return what a function with this annotation gets."""
    got = []

    def function(argument):
        got.append(argument)

    function.__annotations__ = {} if kind is None else {"argument": kind}
    for policies in ([], [Idempotency(MemoryStore())]):
        handler = resilient_handler(http=True, policies=policies, principal=None)(function)
        assert handler(event, lambda_context())["statusCode"] == 204
    return got[-1]


EVENT = http_event(b'{"total": 5}', idempotency_key="k")


@pytest.mark.parametrize("kind", [None, dict, dict[str, Any], Mapping, Mapping[str, Any], Any], ids=str)
def test_without_a_type_it_is_the_event(kind):
    """Headers, path and all."""
    assert received(kind, EVENT) == EVENT


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Model, Model(total=5)),
        (Data, Data(5)),
        (Typed, {"total": 5}),
        (dict[str, int], {"total": 5}),
        (str, '{"total": 5}'),
        (bytes, b'{"total": 5}'),
    ],
    ids=str,
)
def test_with_a_type_it_is_the_body(kind, value):
    """Decoded from base64, and validated."""
    assert received(kind, EVENT) == value


def test_a_record_has_both():
    """``Record[Model]``: the body as ``value``, the event as ``raw``."""
    record = received(Record[Model], EVENT)

    assert record.value == Model(total=5)
    assert record.raw is EVENT
    assert record.body == b'{"total": 5}'


@pytest.mark.parametrize(
    ("kind", "api"), [(APIGatewayProxyEvent, "rest"), (APIGatewayProxyEventV2, "http")], ids=["REST", "HTTP"]
)
def test_a_data_class_of_powertools_is_the_event(kind, api):
    """With its properties."""
    event = received(kind, http_event({"total": 5}, api=api, path="/orders", idempotency_key="k"))

    assert isinstance(event, kind)
    assert event.path == "/orders"
    assert event.json_body == {"total": 5}


def test_an_event_that_powertools_has_wrapped_is_read():
    """``event_source`` may stand above the handler."""
    seen = []

    @event_source(data_class=APIGatewayProxyEventV2)
    @resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal="caller")
    def handler(event):
        seen.append(event)
        return {"statusCode": 201}

    for _ in range(2):
        assert handler(http_event({}, caller="a", idempotency_key="k"), lambda_context()) == {"statusCode": 201}

    assert [event.http_method if hasattr(event, "http_method") else event["rawPath"] for event in seen]
    assert len(seen) == 1


def test_the_context_and_the_deadline_are_there(paint):
    """The second parameter is Lambda's context, and the deadline is that of the invocation."""

    def function(event, context):
        return {"statusCode": 200, "body": f"{context.aws_request_id} {current_deadline().remaining_s() > 1}"}

    answer = resilient_handler(http=True)(paint(function))(http_event(), lambda_context(request_id="r"))

    assert answer["body"] == "r True"
