"""Three ways to write the function: with the library, and the two that one sees without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from resilient_lambda import DeadLetter, Idempotency, NonRetryableError, batch_handler, current_claim
from resilient_lambda.errors import InvalidRecordError

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda import Store
    from resilient_lambda.events import Event

    class Payments(Protocol):
        """The payment provider's client."""

        def charge(self, order_id: str, *, idempotency_key: str | None = None) -> None:
            """Take the money: once per key, or once per call without one."""
            ...


MAX_ATTEMPTS = 5
PARKING = "https://sqs.us-east-1.amazonaws.com/123456789012/parked-orders"


def with_the_library(
    payments: Payments,
    *,
    store: Store,
    namespace: str,
    observer: Callable[[Event], object],
) -> Callable[[Any, Any], Any]:
    """Return the handler as a user of the library writes it."""

    @batch_handler(
        policies=[Idempotency(store, key="order_id", namespace=namespace)],
        dead_letter=DeadLetter.sqs(PARKING),
        max_attempts=MAX_ATTEMPTS,
        observers=[observer],
        model=order_model(),
    )
    def handler(body: Any) -> None:
        order = read_order(body)
        if order.total <= 0:
            raise NonRetryableError("the total must be positive")
        payments.charge(order.order_id, idempotency_key=current_claim().key)

    return handler


def plain_and_raising(payments: Payments) -> Callable[[Any, Any], Any]:
    """Return a handler that leaves the queue to try again."""

    def handler(event: Any, context: Any) -> None:
        for record in event["Records"]:
            _charge_plainly(record, payments)

    return handler


def plain_and_swallowing(payments: Payments) -> Callable[[Any, Any], Any]:
    """Return a handler that logs what fails and goes on."""

    def handler(event: Any, context: Any) -> None:
        for record in event["Records"]:
            try:
                _charge_plainly(record, payments)
            except Exception:  # the mistake on show: a log line, and the message is deleted
                continue

    return handler


def _charge_plainly(record: Any, payments: Payments) -> None:
    order = json.loads(record["body"])
    if order["total"] <= 0:
        raise ValueError("the total must be positive")
    payments.charge(order["order_id"])


class PlainOrder(NamedTuple):
    """An order, where pydantic is not installed."""

    order_id: str
    total: int


def order_model() -> type:
    """Return the order's pydantic model, or dict where pydantic is not installed."""
    global _model
    if _model is None:
        try:
            from pydantic import BaseModel
        except ImportError:
            _model = dict
        else:

            class Order(BaseModel):
                order_id: str
                total: int

            _model = Order
    return _model


def read_order(body: Any) -> PlainOrder:
    """
    Return *body* as an order: the model has checked it, or else this does.

    Raises:
        InvalidRecordError: It is a dict that is no order.
    """
    if not isinstance(body, dict):
        order: PlainOrder = body
        return order
    content = cast("dict[str, object]", body)
    total = content.get("total")
    if not isinstance(total, int):
        raise InvalidRecordError("total: must be a whole number")
    return PlainOrder(str(content.get("order_id")), total)


_model: type | None = None
