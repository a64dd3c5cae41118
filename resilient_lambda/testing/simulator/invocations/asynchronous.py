"""
Asynchronous invocation: Lambda keeps events in a queue of its own, invokes, and retries; nobody waits for the answer.

S3, SNS, EventBridge and ``Invoke`` with the type ``Event`` invoke so.

Sources: "Invoking a Lambda function asynchronously", "How Lambda handles errors and retries with asynchronous
invocation" and "Configuring reserved concurrency", AWS Lambda Developer Guide. What they leave open is marked with (?).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..function import Function
from ..history import Kind
from ..invocation import LATEST
from ..queues.sqs import Queue
from ..source import Source, State
from . import destinations
from .queued import Copy, Event

if TYPE_CHECKING:
    from ..invocation import Result
    from ..source import Key
    from ..world import World
    from .destinations import Destination

# Before the second and before the third attempt, after function errors.
RETRY_S = (60.0, 120.0)
# Throttled events wait for twice as long each time, for no longer than 5 minutes.
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 1.0, 300.0
LATE_S = (60.0, 900.0)
# The queue is only eventually consistent: an event may be read from it twice, at the same time or later (?).
DUPLICATE_S = (0.0, 180.0)
MOST_EVENT_BYTES = 1_048_576


class AsynchronousCalls(Source):
    """
    A function's queue of asynchronous invocations.

    Whatever the handler returns is success; an exception, a timeout and a crash are function errors.

    Args:
        retries: How often an event is tried again after function errors, from 0 to 2. Throttles do not count.
        max_age_s: How old an event may become in the queue, from 60 to 21,600 s.
        on_success: Where records of answered events go: a function that is invoked asynchronously with the record, or
            its `AsynchronousCalls`; a standard queue, whose messages they are; a topic or bus. Or "sqs", "sns",
            "eventbridge", where nobody reads them.
        on_failure: Where records of events that were given up go: the same, or a bucket, or "s3".
        dead_letter: There is a dead-letter queue, which gets such events themselves. AWS allows both.
        qualifier: The version or alias whose events these are: each has settings of its own.

    Attributes:
        successes: What stands in the destination of answered events, in order.
    """

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str,
        key: Key,
        retries: int = 2,
        max_age_s: float = 21_600.0,
        on_success: Destination | None = None,
        on_failure: Destination | None = None,
        dead_letter: bool = False,
        qualifier: str = LATEST,
    ) -> None:
        if not 0 <= retries <= 2:
            raise ValueError(f"retries={retries} must be 0, 1 or 2")
        if not 60 <= max_age_s <= 21_600:
            raise ValueError(f"max_age_s={max_age_s} must be from 60 to 21600 seconds")
        destinations.check(on_success, "on_success")
        destinations.check(on_failure, "on_failure")
        super().__init__(world, function, name, key)
        self.successes: list[Any] = []
        self._retries = retries
        self._max_age_s = max_age_s
        self._on_success = on_success
        self._on_failure = on_failure
        self._dead_letter = dead_letter
        self._qualifier = qualifier
        function.queues[qualifier] = self

    def send(self, event: Any, *, after_s: float = 0.0) -> str:
        """
        Have the function invoked with *event*, which arrives in the queue after *after_s* seconds; return its id.

        Raises:
            ValueError: It has more than 1 MB, which Lambda refuses.
        """
        text = json.dumps(event)
        if len(text.encode()) > MOST_EVENT_BYTES:
            raise ValueError(
                f"the event has {len(text.encode())} bytes; Lambda takes {MOST_EVENT_BYTES} asynchronously"
            )
        return self._keep(event, text, after_s).item.id

    def accept(self, event: Any) -> str:
        """Have the function invoked with *event*, as Invoke does; return the request id, the same for all attempts."""
        return self._keep(event, json.dumps(event), 0.0).request_id

    def take(self, record: dict[str, Any], function: Function) -> tuple[Any, dict[str, str]]:
        """Be the destination of *function*: have this one invoked with *record*."""
        self._keep(record, json.dumps(record), 0.0)
        return record, {}

    def _keep(self, event: Any, text: str, after_s: float) -> Event:
        item = self.add(f"{self.name}-{len(self.items) + 1}", event, lane=None)
        # One for all attempts, and also for duplicates (?).
        request_id = f"{self.number:08x}-0000-4000-a000-{item.number + 1:012x}"
        queued = Event(item, text, request_id)
        self._world.clock.after(after_s, lambda: self._accept(queued))
        return queued

    def _accept(self, event: Event) -> None:
        chance, numbers = self._world.chance, (self.number, event.item.number)
        event.accepted_at_s = self._world.clock.now_s
        wait_s = chance.between(*LATE_S, "late by", *numbers) if chance.strikes_at("late", *numbers) else 0.0
        self._wait(Copy(event), wait_s)
        if chance.strikes_at("duplicate", *numbers):
            self._wait(Copy(event), wait_s + chance.between(*DUPLICATE_S, "duplicate after", *numbers))

    def _wait(self, copy: Copy, seconds: float) -> None:
        """Leave *copy* in the queue for *seconds*, or until the event is too old."""
        clock, event = self._world.clock, copy.event
        event.waiting += 1
        too_old_at_s = event.accepted_at_s + self._max_age_s
        if clock.now_s + seconds > too_old_at_s:
            clock.at(too_old_at_s, lambda: self._leave(copy, destinations.EVENT_AGE_EXCEEDED))
        else:
            clock.after(seconds, lambda: self._invoke(copy))

    def _leave(self, copy: Copy, condition: str) -> None:
        copy.event.waiting -= 1
        self._give_up(copy, condition)

    def _invoke(self, copy: Copy) -> None:
        event = copy.event
        if self.function.concurrency == 0:
            # Nothing is retried then: the event is given up at once.
            self._leave(copy, destinations.ZERO_RESERVED_CONCURRENCY)
            return
        event.waiting -= 1
        event.running += 1
        event.item.state = State.IN_FLIGHT
        event.item.receives += 1
        self.function.invoke(
            json.loads(event.text),
            lambda result: self._hear(copy, result),
            source=self.name,
            ids=(event.item.id,),
            request_id=event.request_id,
            qualifier=self._qualifier,
        )

    def _hear(self, copy: Copy, result: Result) -> None:
        event = copy.event
        event.running -= 1
        if result.kind is Kind.THROTTLED:
            event.item.receives -= 1  # it never reached the function
            wait_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**copy.throttles)
            copy.throttles += 1
            self._try_again(copy, wait_s)
            return
        copy.invocations += 1
        copy.result = result
        if result.is_answered:
            self.acknowledge([event.item])
            event.settle()
            self._tell_success(copy)
        elif copy.invocations <= self._retries:
            self._try_again(copy, RETRY_S[copy.invocations - 1])
        else:
            self._give_up(copy, destinations.RETRIES_EXHAUSTED)

    def _try_again(self, copy: Copy, wait_s: float) -> None:
        self._wait(copy, wait_s)
        self.comes_again([copy.event.item], text=f"in {wait_s:.0f} s")
        copy.event.settle()

    def _give_up(self, copy: Copy, condition: str) -> None:
        event = copy.event
        if event.item.answers:
            # A duplicate of what was answered: nobody needs to hear of it (?).
            event.settle()
            return
        destination, is_kept = self._on_failure, False
        if destination is not None:
            record = self._record(copy, condition)
            body, attributes = self._put(destination, record)
            self.bury([event.item], body, reason=condition, attributes=attributes)
            is_kept = True
        if self._dead_letter:
            attributes = destinations.dead_letter_attributes(event.request_id, copy.result, condition)
            self.bury([event.item], event.text, reason=condition, attributes=attributes)
            is_kept = True
        if not is_kept:
            self.discard([event.item], condition)
        event.settle()

    def _tell_success(self, copy: Copy) -> None:
        if self._on_success is not None:
            body, _ = self._put(self._on_success, self._record(copy, destinations.SUCCESS))
            self.successes.append(body)

    def _record(self, copy: Copy, condition: str) -> dict[str, Any]:
        event, result, chance = copy.event, copy.result, self._world.chance
        numbers = (self.number, event.item.number)
        if condition == destinations.EVENT_AGE_EXCEEDED and chance.sample("aged response", *numbers) < 0.5:
            result = None  # records of it may have a response or not (?)
        return destinations.invocation_record(
            condition,
            at_s=self._world.clock.now_s,
            request_id=event.request_id,
            function=self.function,
            qualifier=self._qualifier,
            invocations=copy.invocations,
            event=json.loads(event.text),
            result=result,
            is_dated=chance.sample("timeout shape", *numbers) < 0.5,
        )

    def _put(self, destination: Destination, record: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        if isinstance(destination, Function):
            destination = queue_of(destination)
        if not isinstance(destination, str | Queue):
            return destination.take(record, self.function)
        service = destination if isinstance(destination, str) else "sqs"
        body, attributes = destinations.message_of(service, record, function_name=self.function.name)
        if isinstance(destination, Queue):
            destination.send(body)
        return body, attributes


def queue_of(function: Function, qualifier: str = LATEST) -> AsynchronousCalls:
    """Return a function's queue of asynchronous invocations; one with Lambda's own settings if none was made."""
    found = function.queues.get(qualifier)
    return found or AsynchronousCalls(
        function.world, function, name=f"{function.name}-events", key=None, qualifier=qualifier
    )
