"""
The functions under test. Every order says in its body what shall go wrong with it, and each run is noted in a file.

``visibility=False`` leaves it to the queue, whose timeout is a second, when a message comes back.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from resilient_lambda import (
    Backoff,
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    Record,
    RetryableError,
    batch_handler,
)
from resilient_lambda.events import VisibilityChanged


def note(**facts):
    """Add a line to the file of this function: one write, so that several environments may do it at once."""
    with Path(os.environ["NOTES"]).open("ab", buffering=0) as file:
        file.write(json.dumps(facts).encode() + b"\n")


def runs_of(name):
    """Return how often the order of this name has been run, here or in another environment."""
    lines = Path(os.environ["NOTES"]).read_text("utf-8").splitlines()
    return sum(json.loads(line)["name"] == name for line in lines)


def run(record: Record):
    """Run an order, and fail as it says."""
    order = record.json()
    note(name=order["name"], receives=record.receives, at_s=time.time(), group=record.lane, environment=os.getpid())
    number = runs_of(order["name"])
    time.sleep(order.get("takes_s", 0))
    if number <= order.get("exits", 0):
        os._exit(1)
    if order.get("is_poison") and not Path(os.environ["MENDED"]).exists():
        raise NonRetryableError("nobody wants it")
    if number <= order.get("fails", 0):
        raise RetryableError("not yet")
    note(name=f"{order['name']} done", at_s=time.time())


@batch_handler(visibility=False)
def plain(record: Record):
    """Run an order; failures come back when the queue says."""
    run(record)


@batch_handler(visibility=False, dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"))
def parking(record: Record):
    """Run an order, and set aside what cannot succeed."""
    run(record)


@batch_handler(visibility=Backoff(base_s=1, cap_s=2))
def hiding(record: Record):
    """Run an order; failures come back after a second, then after two."""
    run(record)


@batch_handler(visibility=Backoff(base_s=3))
def pausing(record: Record):
    """Run an order; failures come back after three seconds."""
    run(record)


@batch_handler(
    policies=[Idempotency(DynamoDBStore("resilience"), key="order_id", lease_s=0.6, skew_s=0.05)], visibility=False
)
def once(record: Record):
    """Run each order once; a claim is free soon after its environment has died."""
    run(record)


def note_hidden(event):
    """Note for how long a message is hidden."""
    if isinstance(event, VisibilityChanged):
        note(name=f"hidden for {event.hidden_s} s", at_s=time.time())


@batch_handler(
    policies=[Idempotency(DynamoDBStore("resilience"), key="order_id", skew_s=0.05)],
    visibility=Backoff(base_s=1),
    observers=[note_hidden],
)
def once_hiding(record: Record):
    """Run each order once; a duplicate is hidden as long as the first one may run."""
    run(record)
