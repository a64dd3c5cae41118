"""
Synchronous invocation: whoever invokes waits for the answer, and retries if it wants to.

Source: "Invoke a Lambda function synchronously", AWS Lambda Developer Guide: the caller learns of a function error or a
throttle, and Lambda retries nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .source import Source, State

if TYPE_CHECKING:
    from .environment import Result
    from .function import Function
    from .history import Kind
    from .source import Item, Key
    from .world import World


class Reply(NamedTuple):
    """
    What a caller has been told.

    Attributes:
        id: Of the event.
        kind: `Kind.ANSWERED`, or why there is no answer: `Kind.FAILED`, `TIMED_OUT`, `CRASHED`, `THROTTLED`.
        payload: The answer, or the function error's payload; None if it was throttled.
    """

    id: str
    kind: Kind
    payload: Any


class SynchronousCalls(Source):
    """
    Callers that wait.

    Args:
        attempts: How often a caller invokes in all, until it has an answer; the CLI and SDKs retry by default, too.
        wait_s: How long it waits before it does so again.

    Attributes:
        replies: What callers were told, in order.
    """

    def __init__(
        self, world: World, function: Function, *, name: str, key: Key, attempts: int = 1, wait_s: float = 1.0
    ) -> None:
        super().__init__(world, function, name, key)
        self.replies: list[Reply] = []
        self._attempts = attempts
        self._wait_s = wait_s

    def send(self, event: Any, *, after_s: float = 0.0) -> str:
        """Have a caller invoke the function with *event* after *after_s* seconds; return the id of the event."""
        item = self.add(f"{self.name}-{len(self.items) + 1}", event, lane=None)
        self._world.clock.after(after_s, lambda: self._invoke(item, 1))
        return item.id

    def _invoke(self, item: Item, attempt: int) -> None:
        item.state = State.IN_FLIGHT
        item.receives += 1
        self.function.invoke(
            item.body, lambda result: self._hear(item, attempt, result), source=self.name, ids=(item.id,)
        )

    def _hear(self, item: Item, attempt: int, result: Result) -> None:
        self.replies.append(Reply(item.id, result.kind, result.answer))
        if result.is_answered:
            self.acknowledge([item])
        elif attempt < self._attempts:
            self.comes_again([item])
            self._world.clock.after(self._wait_s, lambda: self._invoke(item, attempt + 1))
        else:
            self.discard([item], f"the caller gave up after {attempt} attempts: {result.kind.value}")
