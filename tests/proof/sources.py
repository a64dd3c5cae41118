"""Where a schedule's orders are sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.testing import Delivery
    from resilient_lambda.testing.simulator.function import Function

    from .schedule import Order, Schedule


def source_of(schedule: Schedule, delivery: Delivery, function: Function) -> Any:
    """Return the source of *schedule*, with nothing in it."""
    make = getattr(delivery, "kafka" if schedule.source == "share-group" else schedule.source)
    return make(function, **schedule.settings)


def send(schedule: Schedule, source: Any, at_s: float, order: Order) -> str:
    """Send *order* at *at_s*; return the id of the event."""
    id: str = _SENDERS[schedule.source](source, at_s, order)
    return id


def _to_queue(source: Any, at_s: float, order: Order) -> Any:
    return source.send(order._asdict(), after_s=at_s)


def _to_fifo(source: Any, at_s: float, order: Order) -> Any:
    return source.send(order._asdict(), group=order.lane, after_s=at_s)


def _to_kinesis(source: Any, at_s: float, order: Order) -> Any:
    return source.send(order._asdict(), partition_key=order.lane, after_s=at_s)


def _to_table(source: Any, at_s: float, order: Order) -> Any:
    return source.send({"id": order.lane, **order._asdict()}, after_s=at_s)


def _to_kafka(source: Any, at_s: float, order: Order) -> Any:
    return source.send(order._asdict(), key=order.lane, after_s=at_s)


_SENDERS: dict[str, Callable[[Any, float, Order], Any]] = {
    "sqs": _to_queue,
    "fifo": _to_fifo,
    "kinesis": _to_kinesis,
    "dynamodb": _to_table,
    "kafka": _to_kafka,
    "share-group": _to_kafka,
    "asynchronous": _to_queue,
    "synchronous": _to_queue,
}
