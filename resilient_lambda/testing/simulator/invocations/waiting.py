"""
Where a handler can have an invocation wait, and what it reads of the records that Lambda left in a bucket.

Sources: "SendMessage", Amazon SQS API Reference, for delays; "CreateSchedule", Amazon EventBridge Scheduler API
Reference, for one-time schedules, of which a name exists once; "GetObject", Amazon S3 API Reference.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..queues.sqs import Queue
from .api import InvokeApi, Request
from .requests import request
from .service_errors import Operation

if TYPE_CHECKING:
    from ..environment import Environment
    from ..world import World

SEND_MESSAGE = Operation("sqs", "SendMessage", "RequestThrottled", "InternalError")
CREATE_SCHEDULE = Operation("scheduler", "CreateSchedule", "ThrottlingException", "InternalServerException")
GET_OBJECT = Operation("s3", "GetObject", "SlowDown", "InternalError")


class Waiting:
    """What handlers ask for beside invocations."""

    def __init__(self, world: World, invoke: InvokeApi) -> None:
        self._world = world
        self._invoke = invoke
        self._schedules: set[str] = set()

    def put_off(self, place: str, wait_s: float, asked: dict[str, Any]) -> None:
        """
        Have something wait for *wait_s* seconds.

        Args:
            place: The URL of a queue, or the environment variable that has it: a queue of the simulation with the name
                that the URL ends in. Or the group of schedules.
            asked: The request, as a client takes it.
        """
        if "MessageBody" in asked:
            queue = self._queue(os.environ.get(place, place).rpartition("/")[2])
            body = asked["MessageBody"]
            request(self._world, SEND_MESSAGE, queue.name, lambda _: queue.send(body, after_s=wait_s))
        else:
            name = f"{place}/{asked['Name']}"
            request(self._world, CREATE_SCHEDULE, name, lambda _: self._schedule(name, wait_s, asked["Target"]))

    def read(self, bucket: str, key: str, version: str) -> bytes:
        """Return the content of an object."""

        def take(environment: Environment | None) -> bytes:
            found = self._world.buckets.get(bucket)
            if found is None:
                GET_OBJECT.refuse("NoSuchBucket", 404, "The specified bucket does not exist")
            if key not in found.objects:
                GET_OBJECT.refuse("NoSuchKey", 404, "The specified key does not exist.")
            return found.objects[key]

        return request(self._world, GET_OBJECT, key, take)

    def _queue(self, name: str) -> Queue:
        for source in self._world.sources:
            if isinstance(source, Queue) and source.name == name:
                return source
        raise RuntimeError(f"there is no queue {name!r} in this simulation: delivery.sqs(handler, name={name!r})")

    def _schedule(self, name: str, wait_s: float, target: dict[str, Any]) -> None:
        if name in self._schedules:
            return  # ConflictException: there is one already
        self._schedules.add(name)

        def begin() -> None:
            self._invoke.take(Request(target["Arn"], None, "Event", target["Input"].encode()))

        self._world.clock.after(wait_s, begin)
