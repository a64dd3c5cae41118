"""What becomes of bookings, account by account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from app import handler

from resilient_lambda.testing import lambda_context, sqs_event, sqs_record

EVENTS = Path(__file__).resolve().parents[1] / "events"


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Name the table, as the template does."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "resilience")


def booking(number: int, account: str, amount_cents: int, message_id: str | None = None) -> dict:
    """Return a message of the queue."""
    body = {"booking_id": f"b-{number}", "account": account, "amount_cents": amount_cents}
    return sqs_record(body, group=account, message_id=message_id)


def deliver(*messages: dict) -> list[str]:
    """Deliver a batch; return the ids of the messages that come back."""
    answer = handler(sqs_event(messages), lambda_context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_bookings_of_an_account_are_in_order(ledger):
    """Each account gets its amounts as they were sent, whatever is between them."""
    come_back = deliver(booking(1, "a", 5), booking(2, "b", 7), booking(3, "a", -3), booking(4, "b", 1))

    assert come_back == []
    assert ledger.amounts == {"a": [5, -3], "b": [7, 1]}


def test_an_account_that_is_locked_keeps_its_order_and_no_other_waits(ledger):
    """All bookings of the account come back, and are made in order by the next delivery."""
    first, second, other = booking(1, "a", 5, "m-1"), booking(2, "a", -3, "m-2"), booking(3, "b", 7)
    ledger.locked.add("a")
    come_back = deliver(first, other, second)
    ledger.locked.clear()
    deliver(first, second)

    assert come_back == ["m-1", "m-2"]
    assert ledger.amounts == {"b": [7], "a": [5, -3]}


def test_a_locked_account_waits_as_a_whole(ledger, aws):
    """Its messages are hidden for the same short time: SQS delivers none of them before the last is visible."""
    ledger.locked.add("a")
    deliver(booking(1, "a", 5), booking(2, "a", -3))
    hidden_s = {message.hidden_s for message in aws.hidden}

    assert len(aws.hidden) == 2
    assert len(hidden_s) == 1
    assert 5 <= hidden_s.pop() <= 7


def test_a_booking_that_is_sent_again_is_made_once(ledger):
    """A second message with the id of a booking, much later, changes nothing."""
    deliver(booking(1, "a", 5))
    come_back = deliver(booking(1, "a", 5))

    assert come_back == []
    assert ledger.amounts == {"a": [5]}


def test_an_empty_booking_is_parked_and_its_account_goes_on(ledger, aws):
    """What cannot succeed is set aside with its reason, before the next booking of the account starts."""
    come_back = deliver(booking(1, "a", 5), booking(2, "a", 0), booking(3, "a", -3))

    assert come_back == []
    assert [str(letter.error) for letter in aws.dead_letters] == ["a booking needs an amount"]
    assert ledger.amounts == {"a": [5, -3]}


def test_the_event_of_the_example_works(ledger):
    """events/bookings.json is what Lambda would deliver."""
    answer = handler(json.loads((EVENTS / "bookings.json").read_text("utf-8")), lambda_context())

    assert answer == {"batchItemFailures": []}
    assert ledger.amounts == {"alice": [5000, -1250], "bob": [700]}
