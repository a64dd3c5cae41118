"""What is in a function's queue of asynchronous invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..source import State

if TYPE_CHECKING:
    from ..invocation import Result
    from ..source import Item


class Event:
    """
    What is in the queue, usually once.

    Attributes:
        waiting: How many copies of it wait.
        running: With how many of them the function is being invoked.
    """

    __slots__ = ("accepted_at_s", "item", "request_id", "running", "text", "waiting")

    def __init__(self, item: Item, text: str, request_id: str) -> None:
        self.item = item
        self.text = text
        self.request_id = request_id
        self.accepted_at_s = 0.0
        self.waiting = 0
        self.running = 0

    def settle(self) -> None:
        """Have the item's state be what its copies have come to: one that was answered outweighs one given up."""
        item = self.item
        if self.running:
            item.state = State.IN_FLIGHT
        elif self.waiting:
            item.state = State.WAITING
        elif item.answers:
            item.state = State.DONE


class Copy:
    """
    One copy of an event, with the attempts that were made with it.

    Attributes:
        result: How the last one ended.
    """

    __slots__ = ("event", "invocations", "result", "throttles")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.invocations = 0
        self.throttles = 0
        self.result: Result | None = None
