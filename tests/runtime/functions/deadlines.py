"""
Handlers that meet an order that hangs, one for each way in which they run and end it.

An order may have ``hangs``: it sleeps for so many seconds. ``{"report": true}`` instead of a batch returns where the
keys of this process stand in its store, without entering the library.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from resilient_lambda import Idempotency, MemoryStore, batch_handler, current_claim

store = MemoryStore()
keys: dict[str, str] = {}
OPTIONS: dict[str, Any] = {"policies": [Idempotency(store, key="order_id", namespace="orders")], "interrupt": True}


def work(order: dict) -> None:
    """Sleep for as long as the order says."""
    keys[order["order_id"]] = current_claim().key
    time.sleep(order.get("hangs", 0))


async def work_async(order: dict) -> None:
    """Do the same in a task."""
    keys[order["order_id"]] = current_claim().key
    await asyncio.sleep(order.get("hangs", 0))


async def work_stubbornly(order: dict) -> None:
    """Do the same, whoever cancels it."""
    keys[order["order_id"]] = current_claim().key
    until_s = time.monotonic() + order.get("hangs", 0)
    while time.monotonic() < until_s:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


def reporting(handler):
    """Return *handler* with reports beside it."""

    def handle(event, context):
        if "report" not in event:
            return handler(event, context)
        items = store.get(list(keys.values()))
        return {
            "pid": os.getpid(),
            "statuses": {name: items[key]["status"] for name, key in keys.items() if items.get(key)},
        }

    return handle


one = reporting(batch_handler(**OPTIONS)(work))
one_kept = reporting(batch_handler(after_interrupt="keep", **OPTIONS)(work))
three = reporting(batch_handler(concurrency=3, **OPTIONS)(work))
three_kept = reporting(batch_handler(concurrency=3, after_interrupt="keep", **OPTIONS)(work))
one_async = reporting(batch_handler(**OPTIONS)(work_async))
three_async = reporting(batch_handler(concurrency=3, **OPTIONS)(work_async))
stubborn_async = reporting(batch_handler(after_interrupt="keep", **OPTIONS)(work_stubbornly))
patient = reporting(batch_handler(**{**OPTIONS, "interrupt": False})(work))
