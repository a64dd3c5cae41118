"""Book each amount on its account once, and in the order in which it was sent."""

from ledger import book
from pydantic import BaseModel

from resilient_lambda import (
    Backoff,
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    batch_handler,
    current_claim,
)


class Booking(BaseModel):
    """What the bank's other systems send; the message group is the account."""

    booking_id: str
    account: str
    amount_cents: int


@batch_handler(
    # A message that is sent again after five minutes is a new one to SQS, and the same booking here.
    policies=[Idempotency(DynamoDBStore(), key="booking_id")],
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"),
    # While a message is hidden its account waits: shortly at first, and never for longer than a minute.
    visibility=Backoff(base_s=5, cap_s=60),
    # Accounts are independent of each other; bookings of one account never run at the same time.
    concurrency=4,
)
def handler(booking: Booking) -> None:
    """Book one amount."""
    if booking.amount_cents == 0:
        raise NonRetryableError("a booking needs an amount")
    book(booking.account, booking.amount_cents, idempotency_key=current_claim().key)
