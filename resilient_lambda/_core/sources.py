"""
Event sources as rows of a table.

A row says where a source keeps its records, what identifies one, what its body is, and what to do about a twin (the
same idempotency key in progress elsewhere). The rules and JSON are Lambda's; see docs/architecture.md for the table.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import UnknownEventError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    Raw: TypeAlias = Mapping[str, Any]


class Twin(Enum):
    """What a source does with a record whose idempotency key is in progress elsewhere."""

    BOUNCE = "bounce"  # give it back: the queue brings it again
    WAIT = "wait"  # wait inside the invocation: giving it back would spend one of few retries (protocols.md A2)


class Source(NamedTuple):
    """
    One event source.

    Attributes:
        name: Its name for people and for ``source=``.
        event_source: What its records carry as ``eventSource``.
        id_field: The field of a record that the answer names.
        body_of: Returns a record's body.
        receives_of: Returns how often a record was received, or None where the source does not say.
        twin: What to do about a twin in progress.
        has_short_lease: True if claims use a short lease with heartbeat instead of the invocation's remaining time.
        keeps_results: True if somebody waits for the function's result, so that a replay must give it again.
    """

    name: str
    event_source: str
    id_field: str
    body_of: Callable[[Raw], str | bytes]
    receives_of: Callable[[Raw], int | None]
    twin: Twin
    has_short_lease: bool
    keeps_results: bool


def _sqs_body(raw: Raw) -> str:
    return raw["body"]  # type: ignore[no-any-return]


def _sqs_receives(raw: Raw) -> int | None:
    attributes = raw.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    return int(count) if isinstance(count, str) and count.isdecimal() and len(count) < 10 else None


def _event_body(raw: Raw) -> str:
    return json.dumps(raw)


def _no_receives(raw: Raw) -> int | None:
    return None


SQS = Source(
    "sqs", "aws:sqs", "messageId", _sqs_body, _sqs_receives, Twin.BOUNCE, has_short_lease=False, keeps_results=False
)

# A single event, invoked synchronously or asynchronously: the event does not say which. A crash under a lease as long
# as the timeout would outlast Lambda's two asynchronous retries, so the lease is short (protocols.md A2).
INVOCATION = Source(
    "invocation", "", "", _event_body, _no_receives, Twin.WAIT, has_short_lease=True, keeps_results=True
)

BATCH_SOURCES = {row.event_source: row for row in (SQS,)}


def open_batch(event: Raw) -> tuple[Source, Sequence[Raw]]:
    """
    Return the source of a batch event and its records.

    An empty batch is taken for SQS: there is nothing to lose.

    Raises:
        UnknownEventError: The event is of no known source, mixed, or of a kind that is not supported yet.
    """
    try:
        records = event["Records"]
        if not isinstance(records, list):
            raise TypeError(f"'Records' is {type(records).__name__}")
        names = {raw["eventSource"] for raw in records}
    except (KeyError, TypeError) as error:
        raise UnknownEventError(
            "this event has no list 'Records' whose entries carry 'eventSource'; batch_handler takes batches of "
            f"{_known()}; for single events use resilient_handler"
        ) from error
    if not names:
        return SQS, ()
    source = BATCH_SOURCES.get(names.pop())
    if source is None or names:
        found = sorted({str(raw["eventSource"]) for raw in records})
        raise UnknownEventError(f"the batch holds records of {', '.join(found)}; batch_handler takes {_known()}")
    if str(records[0].get("eventSourceARN", "")).endswith(".fifo"):
        # Run as a standard queue, a FIFO queue would lose the order of its groups.
        raise UnknownEventError("FIFO queues are not supported yet; nothing was run, the messages stay in the queue")
    return source, records


def _known() -> str:
    return ", ".join(sorted(BATCH_SOURCES))
