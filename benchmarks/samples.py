"""The events that both sides are given."""

from __future__ import annotations

from typing import Any

from resilient_lambda.testing import lambda_context, sqs_event

# Longer than any benchmark takes, so that no deadline comes into it.
CONTEXT = lambda_context("orders", timeout_s=100_000)


def orders(records: int) -> dict[str, Any]:
    """Return an SQS event of *records* small orders."""
    return sqs_event({"order_id": f"order-{n}", "total": n + 1} for n in range(records))
