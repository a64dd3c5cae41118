"""
A standard SQS queue with a Lambda event source mapping, in the test's own process and in real time.

A message is invisible for ``visibility_s`` after each receive and is deleted only by an answer that names the batch
without it. Every other end (an exception, a timeout, a killed process) does nothing, as on AWS: the message comes back
by itself. Two faults of at-least-once delivery are drawn from the given random source: *twins*, a message that is
delivered to two receivers at once, and *ghosts*, a message that is delivered once more after it was deleted.

Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS"; what an answer means was recorded on AWS.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from .environment import Answered, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH_LIMIT = 10  # without a batching window; with one it is 10,000


class Message:
    """One message: what it carries, how often it was received, and when it can be received again."""

    def __init__(self, body: str, now_s: float) -> None:
        self.id = str(uuid.uuid4())
        self.body = body
        self.receives = 0
        self.receipt = ""
        self.visible_at_s = now_s
        self.was_ghost = False


class Delivery(NamedTuple):
    """A message as one receiver got it. Only the newest receipt of a message can delete it."""

    message: Message
    receipt: str
    receives: int

    @property
    def id(self) -> str:
        """The message's id."""
        return self.message.id


class Queue:
    """
    The queue; several threads may receive from it.

    Args:
        visibility_s: How long a received message stays hidden.
        max_receives: After so many receives the next one puts the message among `dead`; None for no limit.
        twins: Share of the receives that do not hide the message.
        ghosts: Share of the messages that are delivered once more after they were deleted.
        batch_limit: The most messages of one receive.
        rng: Decides on twins and ghosts.
    """

    def __init__(
        self,
        *,
        visibility_s: float,
        max_receives: int | None = None,
        twins: float = 0.0,
        ghosts: float = 0.0,
        batch_limit: int = BATCH_LIMIT,
        rng: random.Random | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._visibility_s = visibility_s
        self._max_receives = max_receives
        self._twins, self._ghosts = twins, ghosts
        self._batch_limit = batch_limit
        self._rng = rng or random.Random(0)
        self._now = now
        self._lock = threading.Lock()
        self._messages: dict[str, Message] = {}
        self.dead: list[Message] = []

    def send(self, body: Any) -> str:
        """Put a message with *body* (as JSON) on the queue; return its id."""
        with self._lock:
            message = Message(json.dumps(body), self._now())
            self._messages[message.id] = message
        return message.id

    @property
    def is_empty(self) -> bool:
        """No message is left, visible or hidden."""
        with self._lock:
            return not self._messages

    @property
    def left(self) -> list[Message]:
        """The messages that are still on the queue, for the report of a failed test."""
        with self._lock:
            return list(self._messages.values())

    def receive(self, at_most: int | None = None) -> list[Delivery]:
        """Return the messages that are visible now, the longest visible first."""
        with self._lock:
            now_s = self._now()
            visible = [message for message in self._messages.values() if message.visible_at_s <= now_s]
            limit = self._batch_limit if at_most is None else min(at_most, self._batch_limit)
            batch: list[Delivery] = []
            for message in sorted(visible, key=lambda message: message.visible_at_s)[:limit]:
                if message.receives == self._max_receives:
                    self.dead.append(self._messages.pop(message.id))
                    continue
                message.receives += 1
                message.receipt = str(uuid.uuid4())
                if self._rng.random() >= self._twins:
                    message.visible_at_s = now_s + self._visibility_s
                batch.append(Delivery(message, message.receipt, message.receives))
            return batch

    def settle(self, batch: Sequence[Delivery], result: Result) -> list[str]:
        """Delete what *result* lets go; return the ids of those that come back."""
        if not isinstance(result, Answered):
            return [delivery.id for delivery in batch]
        failed = failed_ids(result.payload, {delivery.id for delivery in batch})
        with self._lock:
            for delivery in batch:
                # An old receipt deletes nothing: the worst that SQS allows.
                if delivery.id not in failed and delivery.receipt == delivery.message.receipt:
                    self._delete_locked(delivery.message)
        return [delivery.id for delivery in batch if delivery.id in failed]

    def _delete_locked(self, message: Message) -> None:
        if message.was_ghost or self._rng.random() >= self._ghosts:
            self._messages.pop(message.id, None)
            return
        message.was_ghost = True
        message.visible_at_s = self._now()


def failed_ids(answer: Any, ids: set[str]) -> set[str]:
    """
    Return the messages that *answer* sends back: those it names, or all if it names one wrongly.

    An answer without failures (``None``, ``{}``, an empty list) lets the whole batch go.
    """
    entries = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    named = [entry.get("itemIdentifier") for entry in entries or ()]
    return set(named) if set(named) <= ids else ids


def event_of(batch: Sequence[Delivery]) -> dict[str, Any]:
    """Return *batch* as the event that Lambda hands to the function."""
    return {
        "Records": [
            {
                "messageId": delivery.id,
                "receiptHandle": delivery.receipt,
                "body": delivery.message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(delivery.receives),
                    "SentTimestamp": "1767225600000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1767225600001",
                },
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(delivery.message.body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
                "awsRegion": "us-east-1",
            }
            for delivery in batch
        ]
    }
