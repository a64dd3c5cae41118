"""Batch and idempotency with this library."""

from __future__ import annotations

from resilient_lambda import DynamoDBStore, Idempotency, Record, batch_handler


@batch_handler(policies=[Idempotency(DynamoDBStore("orders"), key="order_id")])
def handler(record: Record) -> None:
    """Handle one order."""
