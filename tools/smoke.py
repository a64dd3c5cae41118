"""
Use the package as its users do, in an environment that may be old, new or bare; exit with 0 if it works.

Run by the tests with the lowest versions of the dependencies, and by `make pythons` with every Python. It imports only
what users have: the package, pydantic, Powertools and boto3.

    python tools/smoke.py [--endpoint http://127.0.0.1:8000 --table resilience]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
from importlib.metadata import version
from typing import Any

import pydantic
from aws_lambda_powertools import Logger

import resilient_lambda
from resilient_lambda import (
    DynamoDBStore,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Record,
    Store,
    batch_handler,
    resilient_handler,
)
from resilient_lambda.testing import lambda_context, sqs_event


class Order(pydantic.BaseModel):
    """The body of a record."""

    order_id: str
    total: int


def expect(what: str, seen: object, wanted: object) -> None:
    """Stop with a message if *seen* is not *wanted*."""
    if seen != wanted:
        raise SystemExit(f"{what}: expected {wanted!r}, got {seen!r}")


def batch_of_models(store: Store) -> None:
    """A batch with a duplicate, a bad body and a poison message, under Powertools' logger."""
    charged: list[str] = []
    lines = io.StringIO()

    @Logger(service="smoke", stream=lines).inject_lambda_context
    @batch_handler(policies=[Idempotency(store, key="order_id")])
    def handler(order: Order) -> None:
        if order.total < 0:
            raise NonRetryableError("total is negative")
        charged.append(order.order_id)

    event = sqs_event(
        [
            {"order_id": "a", "total": 5},
            {"order_id": "a", "total": 5},
            {"order_id": "b", "total": "no number"},
            {"order_id": "c", "total": -1},
            {"order_id": "d", "total": 7},
        ]
    )
    answer: Any = handler(event, lambda_context())
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    expect("charged", charged, ["a", "d"])
    expect("failed", failed, {event["Records"][2]["messageId"], event["Records"][3]["messageId"]})
    handler(event, lambda_context())
    expect("charged after the batch came again", charged, ["a", "d"])


def batch_of_records() -> None:
    """A batch without a model."""
    seen: list[Any] = []

    @batch_handler
    def handler(record: Record) -> None:
        seen.append(record.json())

    expect("answer", handler(sqs_event([{"n": 1}]), lambda_context()), {"batchItemFailures": []})
    expect("seen", seen, [{"n": 1}])


def asynchronous_batch() -> None:
    """An ``async def`` function."""
    seen: list[str] = []

    @batch_handler(policies=[Idempotency(MemoryStore(), key="order_id")])
    async def handler(order: Order) -> None:
        seen.append(order.order_id)

    event = sqs_event([{"order_id": "a", "total": 1}, {"order_id": "a", "total": 1}])
    expect("answer", handler(event, lambda_context()), {"batchItemFailures": []})
    expect("seen", seen, ["a"])


def single_event() -> None:
    """One event, whose result is replayed."""
    runs: list[str] = []

    @resilient_handler(policies=[Idempotency(MemoryStore(), key="job_id")])
    def handler(event: dict[str, Any], context: object) -> dict[str, int]:
        runs.append(event["job_id"])
        return {"pages": 3}

    for _ in range(2):
        expect("result", handler({"job_id": "j"}, lambda_context()), {"pages": 3})
    expect("runs", runs, ["j"])


def main() -> None:
    """Run everything and say with which versions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", help="run over a DynamoDB at this address too")
    parser.add_argument("--table", default="resilience")
    options = parser.parse_args()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")

    batch_of_models(MemoryStore())
    batch_of_records()
    asynchronous_batch()
    single_event()
    # Builds the client, which names the parameters of the SDK that the store relies on; no request is made.
    DynamoDBStore(options.table, endpoint_url="http://127.0.0.1:9", region="us-east-1").warm()
    if options.endpoint:
        batch_of_models(DynamoDBStore(options.table, endpoint_url=options.endpoint, region="us-east-1"))

    with_versions = {name: version(name) for name in ("pydantic", "aws-lambda-powertools", "boto3", "botocore")}
    print(json.dumps({"python": platform.python_version(), "at": resilient_lambda.__version__, **with_versions}))


if __name__ == "__main__":
    main()
