"""What becomes of orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from app import handler

from resilient_lambda.testing import http_event, lambda_context

EVENTS = Path(__file__).parent.parent / "events"


def send(body: object = None, *, user: str | None = "alice", key: str | None = "key-1") -> dict:
    """Send an order as the page does; return the answer."""
    body = {"order_id": "1001", "total_cents": 1990} if body is None else body
    return handler(http_event(body, path="/orders", caller=user, idempotency_key=key), lambda_context())


def test_an_order_is_charged(payments):
    """The answer has the receipt."""
    answer = send()

    assert answer["statusCode"] == 201
    assert json.loads(answer["body"]) == {"order_id": "1001", "receipt": "r-1"}


def test_an_order_sent_twice_is_charged_once(payments):
    """The page gets the first answer again."""
    assert send() == send()
    assert len(payments.receipts) == 1


def test_another_user_with_the_same_key_has_an_order_of_his_own(payments):
    """Nobody gets another's receipt."""
    first, second = send(user="alice"), send(user="bob")

    assert first["body"] != second["body"]
    assert len(payments.receipts) == 2


def test_another_order_under_a_used_key_is_refused(payments):
    """The page has mixed up its keys."""
    send()

    assert send({"order_id": "1001", "total_cents": 1})["statusCode"] == 422
    assert len(payments.receipts) == 1


@pytest.mark.parametrize("body", [{"order_id": "1001"}, {"order_id": "1001", "total_cents": -1}, []])
def test_an_order_that_does_not_fit_is_refused(payments, body):
    """422, and nothing is charged."""
    assert send(body)["statusCode"] == 422
    assert payments.receipts == {}


@pytest.mark.parametrize(("options", "status"), [({"key": None}, 400), ({"user": None}, 403)])
def test_an_order_without_key_or_user_is_refused(payments, options, status):
    """What cannot be told from others is not charged."""
    assert send(**options)["statusCode"] == status
    assert payments.receipts == {}


def test_a_refused_charge_is_the_answer(payments):
    """402, also for a repeated request: the payments API is not asked again."""
    payments.refuses_with = [402]
    answers = [send(), send()]

    assert [answer["statusCode"] for answer in answers] == [402, 402]
    assert payments.receipts == {}


@pytest.mark.parametrize("status", [401, 409, 429, 503])
def test_while_the_payments_api_is_busy_the_page_is_to_come_back(payments, status):
    """503 with Retry-After, also while an earlier charge goes on or our token is wrong; then the order is charged."""
    payments.refuses_with = [status]
    busy, done = send(), send()

    assert (busy["statusCode"], busy["headers"]["retry-after"]) == (503, "5")
    assert done["statusCode"] == 201


def test_a_charge_whose_answer_was_lost_is_not_repeated(payments):
    """The page's next try runs again, under the key under which the API has charged it."""
    payments.fails_with = [500]

    assert [send()["statusCode"], send()["statusCode"]] == [503, 201]
    assert len(payments.receipts) == 1


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_events_for_sam_local_are_handled(payments, path):
    """The files in events/ are requests to this API."""
    assert handler(json.loads(path.read_text()), lambda_context())["statusCode"] == 201
