"""
Messages of SQS and the batches that Lambda makes of them.

Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide, the example events of standard and FIFO queues.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..clock import Timer
    from ..source import Item

REGION = "us-east-1"
# Since 2025; of one message and of one batch that is sent.
MOST_BYTES = 1_048_576
# What an invocation takes: a batch ends before it is more than that.
MOST_BATCH_BYTES = 6_000_000


class Message:
    """
    One message, as the queue keeps it.

    Attributes:
        item: What a test sees of it.
        group: Its message group; None in a standard queue.
        fixed: The attributes of its records that never change.
        number_of_bytes: Of its body.
        first_received_s: When it was received first; 0 if it never was.
        visible_at_s: From when on it may be received.
        is_hidden: It is in flight: received, and its visibility timeout has not ended.
        is_stored: It has neither been deleted, nor given up.
        has_copy: A second copy of it, which nothing has deleted, is still to be delivered.
    """

    __slots__ = (
        "first_received_s",
        "fixed",
        "group",
        "has_copy",
        "is_hidden",
        "is_stored",
        "item",
        "md5",
        "number_of_bytes",
        "text",
        "visible_at_s",
    )

    def __init__(self, item: Item, text: str, fixed: dict[str, str], *, group: str | None) -> None:
        encoded = text.encode("utf-8", "surrogatepass")
        self.item = item
        self.text = text
        self.md5 = hashlib.md5(encoded, usedforsecurity=False).hexdigest()
        self.number_of_bytes = len(encoded)
        self.fixed = fixed
        self.group = group
        self.first_received_s = 0.0
        self.visible_at_s = item.sent_at_s
        self.is_hidden = False
        self.is_stored = True
        self.has_copy = False

    @property
    def handle(self) -> str:
        """Its newest receipt handle."""
        return f"{self.item.id}/{self.item.receives}"

    def record(self, arn: str) -> dict[str, Any]:
        """Return its record in an event, for the receive that has just taken place."""
        item = self.item
        return {
            "messageId": item.id,
            "receiptHandle": self.handle,
            "body": self.text,
            "attributes": {
                "ApproximateReceiveCount": str(item.receives),
                "ApproximateFirstReceiveTimestamp": str(int(self.first_received_s * 1000)),
                **self.fixed,
            },
            "messageAttributes": {},
            "md5OfBody": self.md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": REGION,
        }


class Batch:
    """
    What one invocation gets.

    Attributes:
        number: Counts the batches of the queue, from 1.
        received_at_s: When its first message was received.
        messages: Its messages, in the order of the event.
        receipts: Of each message, the number of the receive: a receipt handle is good until the next one.
        ids: Of each message, its id.
        records: What the handler gets.
        timers: Each has messages of it come back when their visibility timeout ends.
        number_of_bytes: Of all bodies.
    """

    __slots__ = ("ids", "messages", "number", "number_of_bytes", "receipts", "received_at_s", "records", "timers")

    def __init__(self, number: int, received_at_s: float) -> None:
        self.number = number
        self.received_at_s = received_at_s
        self.messages: list[Message] = []
        self.receipts: list[int] = []
        self.ids: list[str] = []
        self.records: list[dict[str, Any]] = []
        self.timers: list[Timer] = []
        self.number_of_bytes = 0

    def take(self, message: Message, arn: str) -> None:
        """Add *message*, which has just been received from the queue with *arn*."""
        item = message.item
        self.messages.append(message)
        self.receipts.append(item.receives)
        self.ids.append(item.id)
        self.records.append(message.record(arn))
        self.number_of_bytes += message.number_of_bytes


def text_of(body: Any) -> str:
    """
    Return what is stored of *body*: a text as it is, anything else as JSON.

    Raises:
        ValueError: It is more than SQS takes.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    if len(text) > MOST_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise ValueError(f"a body of {len(text)} characters is more than the {MOST_BYTES} bytes that SQS takes")
    return text
