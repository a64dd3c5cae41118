"""One run of a handler, and what Lambda learns of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .history import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# What is called by a name alone.
LATEST = "$LATEST"


class Killed(BaseException):
    """
    The environment is dead: unwinds what runs in it.

    A real one ends without a word. Here ``finally`` blocks are run; whatever they reach for of the simulation, a store,
    a sink, an effect, raises this again.
    """


class Result(NamedTuple):
    """
    What Lambda learns of an invocation.

    Attributes:
        kind: `Kind.ANSWERED`, `Kind.FAILED`, `Kind.TIMED_OUT`, `Kind.CRASHED` or `Kind.THROTTLED`.
        answer: What the handler returned, or the payload of the function error; None if it was throttled.
    """

    kind: Kind
    answer: Any

    @property
    def is_answered(self) -> bool:
        """The handler returned."""
        return self.kind is Kind.ANSWERED


class Invocation:
    """
    One run of a handler.

    Attributes:
        number: Counts the invocations of the simulation, from 1.
        ids: What the source calls the events in it.
        qualifier: The version or alias that it was called by.
        ends_at_s: When Lambda stops it.
        steps: How many steps it has passed.
        calls: How many calls to stores and sinks it has made.
    """

    __slots__ = (
        "_on_end",
        "calls",
        "ends_at_s",
        "environment",
        "event",
        "ids",
        "number",
        "qualifier",
        "request_id",
        "source",
        "steps",
        "steps_left",
        "strikes",
        "thread",
    )

    def __init__(
        self,
        number: int,
        event: Any,
        on_end: Callable[[Result], None],
        *,
        request_id: str,
        source: str,
        ids: Sequence[str],
        qualifier: str,
    ) -> None:
        self.number = number
        self.event = event
        self.request_id = request_id
        self.source = source
        self.ids = ids
        self.qualifier = qualifier
        self.ends_at_s = 0.0
        self.steps = 0
        self.calls = 0
        self.thread = 0
        self.steps_left: int | None = None  # of one that was given up, and thawed
        self.strikes: dict[int, str] = {}
        self._on_end: Callable[[Result], None] | None = on_end

    @property
    def is_over(self) -> bool:
        """Lambda waits for it no longer."""
        return self._on_end is None

    def end(self, result: Result) -> None:
        """Tell the source, once."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(result)
