"""What becomes of orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from app import handler

from resilient_lambda.testing import lambda_context, sqs_event, sqs_record

EVENTS = Path(__file__).parent.parent / "events"
NOTHING_COMES_BACK = {"batchItemFailures": []}


def order(order_id: str, total_cents: int = 500) -> dict:
    """Return an order."""
    return {"order_id": order_id, "total_cents": total_cents}


def charged(payments) -> list[str]:
    """Return the orders that were charged, in order."""
    return [charge["order_id"] for charge in payments.charges.values()]


def test_each_order_is_charged(payments):
    """Every order of a batch is charged, and none comes back."""
    answer = handler(sqs_event([order("a"), order("b")]), lambda_context())

    assert charged(payments) == ["a", "b"]
    assert answer == NOTHING_COMES_BACK


def test_an_order_sent_twice_is_charged_once(payments):
    """Two messages with one order_id are one order, in one batch and across invocations."""
    handler(sqs_event([order("twice"), order("twice")]), lambda_context())
    answer = handler(sqs_event([order("twice")]), lambda_context())

    assert charged(payments) == ["twice"]
    assert answer == NOTHING_COMES_BACK


@pytest.mark.parametrize("body", [order("poison", -1), {"order_id": "poison"}, {"total_cents": 5}, "not JSON"])
def test_an_order_that_cannot_succeed_is_parked(payments, aws, body):
    """Poison goes to the queue of parked orders; the order beside it is charged."""
    answer = handler(sqs_event([body, order("beside")]), lambda_context())

    assert answer == NOTHING_COMES_BACK
    assert [letter.sink for letter in aws.dead_letters] == ["PARKED_QUEUE_URL"]
    assert charged(payments) == ["beside"]


def test_an_order_that_the_api_refuses_is_parked(payments, aws):
    """A status that will be the same next time is no reason to ask again."""
    payments.refuses_with = [422]

    assert handler(sqs_event([order("refused")]), lambda_context()) == NOTHING_COMES_BACK
    assert "422" in str(aws.dead_letters[0].error)


@pytest.mark.parametrize("status", [429, 503])
def test_an_order_comes_back_while_the_api_is_busy(payments, status):
    """A throttled order is the only one to be delivered again, and is charged then."""
    payments.refuses_with = [status]
    first = handler(sqs_event([sqs_record(order("busy"), message_id="m-1"), order("next")]), lambda_context())
    again = handler(sqs_event([sqs_record(order("busy"), message_id="m-1", receives=2)]), lambda_context())

    assert first == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert again == NOTHING_COMES_BACK
    assert charged(payments) == ["next", "busy"]


def test_a_charge_whose_answer_was_lost_is_not_repeated(payments):
    """The order is run again, under the key under which the API has charged it."""
    payments.fails_with = [500]
    handler(sqs_event([order("lost")]), lambda_context())
    handler(sqs_event([order("lost")], receives=2), lambda_context())

    assert charged(payments) == ["lost"]


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_events_for_sam_local_are_handled(payments, path):
    """The files in events/ are batches of this queue, and nothing of them comes back."""
    answer = handler(json.loads(path.read_text()), lambda_context())

    assert answer == NOTHING_COMES_BACK
    assert payments.charges
