"""Charge each order of the queue once, whatever happens on the way."""

from payments import charge
from pydantic import BaseModel

from resilient_lambda import DeadLetter, DynamoDBStore, Idempotency, NonRetryableError, batch_handler, current_claim


class Order(BaseModel):
    """What the shop sends."""

    order_id: str
    total_cents: int


@batch_handler(
    # Two messages with one order_id are one order. The table's name comes from RESILIENT_LAMBDA_TABLE.
    policies=[Idempotency(DynamoDBStore(), key="order_id")],
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"),
)
def handler(order: Order) -> None:
    """Charge one order."""
    if order.total_cents <= 0:
        raise NonRetryableError("the total must be positive")
    # The same key for every delivery of this order. Should this environment die between the charge and the record of
    # it, the next delivery charges under the same key, and the payments API does it once.
    charge(order.order_id, order.total_cents, idempotency_key=current_claim().key)
