"""Handlers that tell what they were given, and which attempt it was."""

from __future__ import annotations

from typing import Any

from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler, current_attempt, resilient_handler

seen: list[Any] = []


def attempt() -> dict[str, Any]:
    """Return which attempt this is, as JSON."""
    return current_attempt()._asdict()


@resilient_handler
def single(event, context):
    """Return the event as it came, and the attempt."""
    return {"event": event, "attempt": attempt()}


@resilient_handler
async def single_async(event, context):
    """Do the same on an event loop."""
    return {"event": event, "attempt": attempt()}


@resilient_handler(policies=[Idempotency(MemoryStore(), key="job_id")])
def claiming(event, context):
    """Do the same, and know in which invocations it has run."""
    seen.append(attempt()["invocation"])
    return {"event": event, "attempt": attempt(), "seen": seen}


@batch_handler(raw=True)
def batch(raw):
    """Keep the records as they came."""
    seen.append({"record": raw, "attempt": attempt()})


@resilient_handler
def told(event, context):
    """Return what the batch handler was given."""
    return seen


def batch_and_told(event, context):
    """Hand a batch to the batch handler; return its answer, and what its function was given."""
    seen.clear()
    return {"answer": batch(event, context), "seen": list(seen)}


@batch_handler
def records(record: Record):
    """Know nothing but the body."""
    seen.append({"body": record.body, "attempt": attempt()})


def records_and_told(event, context):
    """Do the same with the other kind of parameter."""
    seen.clear()
    return {"answer": records(event, context), "seen": list(seen)}
