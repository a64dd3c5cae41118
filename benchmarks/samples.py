"""The events that both sides are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda.testing import (
    dynamodb_event,
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    lambda_context,
    sqs_event,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Longer than any benchmark takes, so that no deadline comes into it.
CONTEXT = lambda_context("orders", timeout_s=100_000)

PARTITIONS = 10  # of the topic that Kafka's records are of


def orders(records: int, source: str = "sqs") -> dict[str, Any]:
    """Return an event of *records* small orders, new ones each time where the source numbers its records."""
    return _EVENTS[source](records)


def keyed_orders(records: int, keys: int) -> dict[str, Any]:
    """Return a Kinesis event of *records* new orders whose partition keys take turns."""
    return kinesis_event(kinesis_record(body, key=f"key-{n % keys}") for n, body in enumerate(_bodies(records)))


def _bodies(records: int) -> Iterator[dict[str, Any]]:
    return ({"order_id": f"order-{n}", "total": n + 1} for n in range(records))


def _kafka(records: int) -> dict[str, Any]:
    return kafka_event(kafka_record(body, partition=n % PARTITIONS) for n, body in enumerate(_bodies(records)))


def _dynamodb(records: int) -> dict[str, Any]:
    return dynamodb_event({"id": body["order_id"], **body} for body in _bodies(records))


_EVENTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "sqs": lambda records: sqs_event(_bodies(records)),
    "kinesis": lambda records: kinesis_event(_bodies(records)),
    "dynamodb": _dynamodb,
    "kafka": _kafka,
}
