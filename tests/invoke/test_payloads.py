"""Payloads and answers: what is sent, how much of it, and what comes back as what."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import threading
import uuid
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from resilient_lambda import LambdaInvoker
from resilient_lambda.errors import (
    ConfigurationError,
    InvalidPayloadError,
    PayloadTooLargeError,
)
from resilient_lambda.invoke._content import result_of
from tests.naming import id_of


class Order(BaseModel):
    order_id: str
    total: int = Field(alias="sum")


@dataclasses.dataclass
class Parcel:
    kilos: float
    sent: datetime.date


class Price(TypedDict):
    total: int


PAYLOADS = [
    (None, b"{}"),
    ({"a": [1, "é", None]}, '{"a":[1,"é",null]}'.encode()),
    ([], b"[]"),
    ("text", b'"text"'),
    (0, b"0"),
    (b'{"as": "it is"}', b'{"as": "it is"}'),
    (bytearray(b"null"), b"null"),
    (Order(order_id="a", sum=5), b'{"order_id":"a","sum":5}'),
    ({"orders": [Order(order_id="a", sum=5)]}, b'{"orders":[{"order_id":"a","sum":5}]}'),
    (Parcel(1.5, datetime.date(2026, 11, 21)), b'{"kilos":1.5,"sent":"2026-11-21"}'),
    (
        {"n": decimal.Decimal("1.10"), "id": uuid.UUID(int=1)},
        b'{"n":"1.10","id":"00000000-0000-0000-0000-000000000001"}',
    ),
]


@pytest.mark.parametrize(("payload", "sent"), PAYLOADS, ids=id_of)
def test_a_payload_is_sent_as_json(fakes, invoker_of, payload, sent):
    """Models and data classes too, by their aliases; bytes as they are; an empty object for none."""
    invoker_of().call("price", payload)

    assert fakes.invocations[0].payload == sent


@pytest.mark.parametrize(
    "payload", [{"secret": float("nan")}, {"secret": object()}, {("secret",): 1}, threading.Lock()], ids=id_of
)
def test_a_payload_that_is_no_json_is_refused_without_being_quoted(fakes, invoker_of, payload):
    """Nothing is sent, and the error says of which type it is only."""
    with pytest.raises(InvalidPayloadError, match="the payload is no JSON") as raised:
        invoker_of().call("price", payload)

    assert "secret" not in str(raised.value)
    assert fakes.invocations == []


def test_a_cycle_is_refused(fakes):
    """A payload that holds itself has no end."""
    payload: dict[str, Any] = {}
    payload["self"] = payload
    with pytest.raises(InvalidPayloadError):
        LambdaInvoker().call("price", payload)


@pytest.mark.parametrize(("method", "limit"), [("call", 6_291_456), ("send", 1_048_576)])
def test_a_payload_of_the_limit_is_sent_and_one_byte_more_is_not(fakes, invoker_of, method, limit):
    """6 MB if waited for, 1 MB if handed over, checked before anything is sent."""
    send = getattr(invoker_of(), method)
    send("price", b"1" * limit)
    with pytest.raises(PayloadTooLargeError, match=f"{limit + 1:,} bytes.*{limit:,}") as raised:
        send("price", b"1" * (limit + 1))

    assert (raised.value.size_bytes, raised.value.limit_bytes) == (limit + 1, limit)
    assert len(fakes.invocations) == 1


def test_a_client_context_has_a_limit_too(fakes):
    """3,583 bytes in base64."""
    LambdaInvoker().call("price", client_context={"a": "x" * 2_677})
    with pytest.raises(PayloadTooLargeError, match="client_context has 3,584 bytes"):
        LambdaInvoker().call("price", client_context={"a": "x" * 2_678})

    assert len(fakes.invocations) == 1


def test_a_client_context_is_refused_for_an_event(fakes, invoker_of):
    """Lambda would drop it without a word."""
    with pytest.raises(ConfigurationError, match="does not travel on asynchronous invocations"):
        invoker_of().send("worker", client_context={"a": 1})

    assert fakes.invocations == []


@pytest.mark.parametrize(
    ("returns", "answer", "expected"),
    [
        (None, {"a": [1]}, {"a": [1]}),
        (Order, {"order_id": "a", "sum": 5}, Order(order_id="a", sum=5)),
        (Parcel, {"kilos": 1, "sent": "2026-11-21"}, Parcel(1.0, datetime.date(2026, 11, 21))),
        (Price, {"total": 5}, {"total": 5}),
        (list[int], [1, 2], [1, 2]),
        (int | None, None, None),
        (bytes, {"a": 1}, b'{"a": 1}'),
    ],
    ids=id_of,
)
def test_an_answer_is_returned_as_its_type(fakes, invoker_of, returns, answer, expected):
    """Validated by pydantic, whatever kind of type it is; bytes are the answer itself."""
    fakes.answer("price", answer)

    assert invoker_of().call("price", returns=returns) == expected


@pytest.mark.parametrize("answer", [{"order_id": "secret"}, "secret", None], ids=id_of)
def test_an_answer_that_does_not_fit_is_not_quoted(fakes, invoker_of, answer):
    """The error says where and of which kind; neither it nor its chain holds the data."""
    fakes.answer("price", answer)
    with pytest.raises(InvalidPayloadError, match="the answer of 'price' does not fit") as raised:
        invoker_of().call("price", returns=Order)

    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("returns", [Order(order_id="a", sum=1), "Order", {"a": int}, threading.Lock], ids=id_of)
def test_what_is_no_type_is_refused_before_anything_is_sent(fakes, invoker_of, returns):
    """The function has not run when the caller learns that it cannot read the answer."""
    with pytest.raises(ConfigurationError, match="returns="):
        invoker_of().call("price", returns=returns)

    assert fakes.invocations == []


def test_types_made_at_run_time_are_told_apart(fakes):
    """However many there are."""
    fakes.answer("price", 5)
    for n in range(300):
        assert LambdaInvoker().call("price", returns=Annotated[int, Field(ge=-n)]) == 5


def test_a_type_that_cannot_be_hashed_is_a_type(fakes):
    """Annotated with a list, for one."""
    fakes.answer("price", 5)

    assert LambdaInvoker().call("price", returns=Annotated[int, ["no hash"]]) == 5


@pytest.mark.parametrize("answer", [b"<html>secret", b"[" * 100_000], ids=["a page", "deep"])
def test_an_answer_that_is_no_json_is_not_quoted(answer):
    """A proxy's page, for one."""
    with pytest.raises(InvalidPayloadError, match="is no JSON") as raised:
        result_of(answer, None, "price")

    assert "secret" not in str(raised.value)
