"""
What may stand between Lambda and a function that reads records: a queue, a topic, a bus, a bucket.

Each takes a record as `message_of` says that it stands there, and hands it on as AWS does: a topic, a bus and a bucket
invoke functions asynchronously, and send to queues.

Sources: "Fanout to Lambda functions" and "Fanout to Amazon SQS queues", Amazon SNS Developer Guide; "Amazon S3 Event
Notifications", Amazon S3 User Guide; "Event bus targets in Amazon EventBridge", Amazon EventBridge User Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ..._notification_events import s3_event, s3_record, sns_envelope, sns_event, sns_record
from ..function import Function
from ..queues.sqs import Queue
from . import destinations
from .asynchronous import AsynchronousCalls, queue_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..world import World

    # What a relay hands records to: a function, its queue of asynchronous invocations, or a standard queue.
    Listener: TypeAlias = Function | AsynchronousCalls | Queue


class Relay:
    """
    Something between Lambda and functions.

    Args:
        listeners: Each gets every record.

    Attributes:
        name: Of the topic, bus or bucket.
        taken: How many records it has handed on.
    """

    service = ""

    def __init__(self, world: World, listeners: Sequence[Listener], *, name: str) -> None:
        self.name = name
        self.taken = 0
        self._world = world
        self._listeners = [queue_of(each) if isinstance(each, Function) else each for each in listeners]

    def take(self, record: dict[str, Any], function: Function) -> tuple[Any, dict[str, str]]:
        """Hand *record*, of an event of *function*, on; return it as it stands here, and its attributes."""
        body, attributes = destinations.message_of(self.service, record, function_name=function.name)
        self.taken += 1
        for listener in self._listeners:
            if isinstance(listener, Queue):
                listener.send(self._message(body, attributes))
            else:
                listener.send(self._event(body, attributes))
        return body, attributes

    def _event(self, body: Any, attributes: dict[str, str]) -> Any:
        """Return the event that a function gets of *body*."""
        raise NotImplementedError

    def _message(self, body: Any, attributes: dict[str, str]) -> Any:
        """Return the body of the message that a queue gets."""
        return self._event(body, attributes)


class Topic(Relay):
    """
    A topic of SNS.

    Args:
        raw: Its queues have raw message delivery.
    """

    service = "sns"

    def __init__(self, world: World, listeners: Sequence[Listener], *, name: str, raw: bool = False) -> None:
        super().__init__(world, listeners, name=name)
        self._is_raw = raw
        self._arn = f"arn:aws:sns:us-east-1:123456789012:{name}"

    def _event(self, body: Any, attributes: dict[str, str]) -> Any:
        return sns_event([sns_record(body, message_id=self._next_id(), topic_arn=self._arn)])

    def _message(self, body: Any, attributes: dict[str, str]) -> Any:
        return body if self._is_raw else sns_envelope(body, message_id=self._next_id(), topic_arn=self._arn)

    def _next_id(self) -> str:
        # Random on AWS; here it must be the same in every run.
        return f"{self.name}-{self.taken}"


class Bus(Relay):
    """A bus of EventBridge, with a rule that matches the records of Lambda."""

    service = "eventbridge"

    def _event(self, body: Any, attributes: dict[str, str]) -> Any:
        return body


class Bucket(Relay):
    """
    A bucket of S3.

    Attributes:
        objects: The contents of its objects, by key.
    """

    service = "s3"

    def __init__(self, world: World, listeners: Sequence[Listener], *, name: str) -> None:
        super().__init__(world, listeners, name=name)
        self.objects: dict[str, bytes] = {}
        world.buckets[name] = self

    def _event(self, body: Any, attributes: dict[str, str]) -> Any:
        key, content = attributes["Key"], str(body).encode()
        self.objects[key] = content
        record = s3_record(key, bucket=self.name, sequencer=f"{self.taken:018X}", size=len(content))
        return s3_event([record])
