"""Small handlers, one for each thing that the runtime client must get to see."""

from __future__ import annotations

import asyncio
import os

from resilient_lambda import (
    DynamoDBStore,
    Idempotency,
    Record,
    RetryableError,
    batch_handler,
    resilient_handler,
)

loops = []


@batch_handler
def batch(order: dict) -> None:
    """Fail for the orders that ask for it."""
    if order.get("fails"):
        raise RetryableError("not now")


@batch_handler
async def batch_async(record: Record) -> None:
    """Do the same, after a turn of the event loop."""
    await asyncio.sleep(0)
    if record.json().get("fails"):
        raise RetryableError("not now")


@resilient_handler
async def loop(event, context):
    """Return on how many event loops this process' invocations have run."""
    await asyncio.sleep(0)
    running = asyncio.get_running_loop()
    if not any(known is running for known in loops):
        loops.append(running)
    return {"pid": os.getpid(), "loops": len(loops)}


@resilient_handler(policies=[Idempotency(DynamoDBStore("orders-claims"), key="job_id")])
def job(event, context):
    """Return something that no second run would return."""
    return {"job_id": event["job_id"], "pid": os.getpid(), "token": os.urandom(8).hex()}
