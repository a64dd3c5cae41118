"""
Synchronous invocation: whoever invokes waits for the answer, and retries if it wants to.

Source: "Invoke a Lambda function synchronously", AWS Lambda Developer Guide: the caller learns of a function error or a
throttle, and Lambda retries nothing. What SDKs and the CLI do by themselves: a connection on which no answer comes is
given up, and the function invoked once more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ..history import Kind
from ..source import Source, State

if TYPE_CHECKING:
    from ..function import Function
    from ..invocation import Result
    from ..source import Item, Key
    from ..world import World

MOST_EVENT_BYTES = 6 * 1_048_576


class Reply(NamedTuple):
    """
    What a caller has been told.

    Attributes:
        id: Of the event.
        kind: `Kind.ANSWERED`, or why there is no answer: `Kind.FAILED`, `TIMED_OUT`, `CRASHED`, `THROTTLED`.
        payload: The answer, or the payload of the error.
    """

    id: str
    kind: Kind
    payload: Any

    @property
    def status(self) -> int:
        """The HTTP status: also a function error has 200, and is told by the header ``X-Amz-Function-Error``."""
        return 429 if self.kind is Kind.THROTTLED else 200


class SynchronousCalls(Source):
    """
    Callers that wait.

    A caller to which `Faults.duplicate` happens does not hear its first answer: after *wait_s* it invokes again,
    whatever *attempts* is, and whether the first invocation is over or not.

    Args:
        attempts: How often a caller invokes in all, until it has an answer.
        wait_s: How long it waits before it does so again.

    Attributes:
        replies: What callers were told, in order.
    """

    def __init__(
        self, world: World, function: Function, *, name: str, key: Key, attempts: int = 1, wait_s: float = 1.0
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts={attempts} must be at least 1")
        super().__init__(world, function, name, key)
        self.replies: list[Reply] = []
        self._attempts = attempts
        self._wait_s = wait_s

    def send(self, event: Any, *, after_s: float = 0.0) -> str:
        """
        Have a caller invoke the function with *event* after *after_s* seconds; return the id of the event.

        Raises:
            ValueError: It has more than 6 MB, which Lambda refuses.
        """
        text = json.dumps(event)
        size_bytes = len(text.encode())
        if size_bytes > MOST_EVENT_BYTES:
            raise ValueError(f"the event has {size_bytes} bytes; Lambda takes {MOST_EVENT_BYTES} synchronously")
        item = self.add(f"{self.name}-{len(self.items) + 1}", event, lane=None)
        self._world.clock.after(after_s, lambda: self._begin(item, text))
        return item.id

    def _begin(self, item: Item, text: str) -> None:
        if self._world.chance.strikes_at("duplicate", self.number, item.number):
            self._world.clock.after(self._wait_s, lambda: self._invoke(item, text, 1, is_heard=True))
            self._invoke(item, text, 1, is_heard=False)
        else:
            self._invoke(item, text, 1, is_heard=True)

    def _invoke(self, item: Item, text: str, attempt: int, *, is_heard: bool) -> None:
        item.state = State.IN_FLIGHT
        item.receives += 1
        self.function.invoke(
            json.loads(text),
            lambda result: self._end(item, text, attempt, result, is_heard=is_heard),
            source=self.name,
            ids=(item.id,),
        )

    def _end(self, item: Item, text: str, attempt: int, result: Result, *, is_heard: bool) -> None:
        if result.kind is Kind.THROTTLED:
            item.receives -= 1  # it never reached the function
        if not is_heard:
            return
        self.replies.append(_reply_to(item, result))
        if result.is_answered:
            self.acknowledge([item])
        elif attempt < self._attempts:
            self.comes_again([item])
            self._world.clock.after(self._wait_s, lambda: self._invoke(item, text, attempt + 1, is_heard=True))
        else:
            self.discard([item], f"the caller gave up after {attempt} attempts: {result.kind.value}")


def _reply_to(item: Item, result: Result) -> Reply:
    if result.kind is Kind.THROTTLED:
        # Of `TooManyRequestsException`.
        return Reply(item.id, result.kind, {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"})
    return Reply(item.id, result.kind, result.answer)
