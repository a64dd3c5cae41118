"""Contexts and events of SQS as Lambda makes them."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from . import _clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
FIFO_QUEUE_ARN = QUEUE_ARN + ".fifo"

_sequence = itertools.count(18_849_496_460_467_696_128)


class LambdaContext:
    """
    The context that Lambda hands to a handler.

    Args:
        function_name: The name of the function.
        timeout_s: How long the invocation may take, from now.
        request_id: Lambda's id of the invocation; random by default.
        clock: Returns seconds; the one of a `FakeIo` makes the remaining time virtual.
    """

    function_version = "$LATEST"
    memory_limit_in_mb = 128
    log_stream_name = "2026/01/01/[$LATEST]00000000000000000000000000000000"
    identity = None
    client_context = None

    def __init__(
        self,
        function_name: str = "test-function",
        *,
        timeout_s: float = 30.0,
        request_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.function_name = function_name
        self.aws_request_id = request_id or str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
        self._clock = clock
        self._ends_at_s = clock() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take, never less than 0."""
        return max(0, int((self._ends_at_s - self._clock()) * 1000))


def lambda_context(
    function_name: str = "test-function",
    *,
    timeout_s: float = 30.0,
    request_id: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> LambdaContext:
    """Return a context; see `LambdaContext` for the arguments."""
    return LambdaContext(function_name, timeout_s=timeout_s, request_id=request_id, clock=clock)


def sqs_record(
    body: object,
    *,
    message_id: str | None = None,
    receives: int = 1,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    queue_arn: str | None = None,
    group: str | None = None,
) -> dict[str, Any]:
    """
    Return one record of an SQS event.

    Args:
        body: Sent as it is if it is a text, as JSON otherwise.
        message_id: Random by default.
        receives: How often the message was received, this time included.
        attributes: Message attributes as SQS spells them: ``{"name": {"dataType": ..., "stringValue": ...}}``.
        queue_arn: The queue's ARN.
        group: The message group; the queue is a FIFO queue then.

    Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide, example standard and FIFO queue message events.
    """
    queue_arn = queue_arn or (QUEUE_ARN if group is None else FIFO_QUEUE_ARN)
    text = body if isinstance(body, str) else json.dumps(body)
    sent_ms = str(int(_clock.now_s() * 1000))
    fifo = {
        "SequenceNumber": str(next(_sequence)),
        "MessageGroupId": group,
        "MessageDeduplicationId": str(uuid.uuid4()),
    }
    return {
        "messageId": message_id or str(uuid.uuid4()),
        "receiptHandle": f"handle-{uuid.uuid4()}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": sent_ms,
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": sent_ms,
            **({} if group is None else fifo),
        },
        "messageAttributes": {name: dict(value) for name, value in (attributes or {}).items()},
        "md5OfBody": hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def sqs_event(bodies: Iterable[object], *, receives: int = 1, group: str | None = None) -> dict[str, Any]:
    """
    Return an SQS event.

    Args:
        bodies: One per record: a text, anything that is JSON, or a record made by `sqs_record`.
        receives: How often the messages were received, this time included.
        group: The message group of all bodies; the queue is a FIFO queue then.
    """
    return {
        "Records": [
            body
            if isinstance(body, dict) and "receiptHandle" in body
            else sqs_record(body, receives=receives, group=group)
            for body in bodies
        ]
    }
