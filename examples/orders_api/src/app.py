"""Take each order once, however often the shop's page sends it."""

import json

from payments import ChargeRefusedError, charge
from pydantic import BaseModel, PositiveInt

from resilient_lambda import DynamoDBStore, Idempotency, current_claim, resilient_handler


class Order(BaseModel):
    """What the page sends."""

    order_id: str
    total_cents: PositiveInt


@resilient_handler(
    http=True,
    # The key is the Idempotency-Key header. The table's name comes from RESILIENT_LAMBDA_TABLE.
    policies=[Idempotency(DynamoDBStore())],
    # A key belongs to the user whose token API Gateway has checked: nobody gets another's answer by sending its key.
    principal="caller",
)
def handler(order: Order) -> dict:
    """Charge one order."""
    try:
        # The same key for every run of this request. Should this environment die between the charge and the record of
        # it, the page's next try charges under the same key, and the payments API does it once.
        receipt = charge(order.order_id, order.total_cents, idempotency_key=current_claim().key)
    except ChargeRefusedError:
        # The function's word on this request: it is recorded, and a repeated request gets it again.
        return response(402, {"order_id": order.order_id, "reason": "the charge was refused"})
    return response(201, {"order_id": order.order_id, "receipt": receipt})


def response(status: int, body: dict) -> dict:
    """Return what API Gateway sends."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
