"""The deadline of an invocation: when Lambda stops it, and when nothing more is started."""

from __future__ import annotations

from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MARGIN_SHARE = 10
LONGEST_MARGIN_S = 5.0
LARGEST_MARGIN_SHARE = 0.9


class Deadline:
    """
    When the current invocation ends.

    Attributes:
        at_s: Wall clock at which Lambda stops it, in seconds since the epoch; infinite if the context does not say.
        stop_at_s: Wall clock after which no further record is started, and with ``interrupt=True`` at which those that
            still run are cut short.
    """

    __slots__ = ("_now", "at_s", "stop_at_s")

    def __init__(self, at_s: float | None, stop_at_s: float, now: Callable[[], float]) -> None:
        self.at_s = inf if at_s is None else at_s
        self.stop_at_s = stop_at_s
        self._now = now

    def __repr__(self) -> str:
        return f"<deadline in {self.remaining_s():.3f} s>"

    def remaining_s(self) -> float:
        """Return how long the function may still take, in seconds: until `stop_at_s`, never less than 0."""
        return max(0.0, self.stop_at_s - self._now())


current: ContextVar[Deadline | None] = ContextVar("resilient_lambda_deadline", default=None)


def current_deadline() -> Deadline:
    """
    Return the deadline of the current invocation: give what you call no longer than that.

    Raises:
        RuntimeError: No handler of this library is running here.
    """
    deadline = current.get()
    if deadline is None:
        raise RuntimeError("there is no deadline here: current_deadline() works inside the function of a handler")
    return deadline


def time_limits(now_s: float, context: Any, margin_s: float | None) -> tuple[float | None, float]:
    """
    Return the invocation's deadline and when to stop starting, both as wall clock.

    Args:
        margin_s: Time kept for the end of the invocation, in seconds; by default a tenth of what remains at the start,
            at most 5 s; never more than nine tenths of it.
    """
    ask = getattr(context, "get_remaining_time_in_millis", None)
    remaining_ms = None if ask is None else ask()
    if not isinstance(remaining_ms, int | float):  # none, or a mock
        return None, float("inf")
    remaining_s = remaining_ms / 1000
    if margin_s is None:
        margin_s = min(LONGEST_MARGIN_S, remaining_s / MARGIN_SHARE)
    # A margin as long as what remains would have nothing started, at every delivery.
    margin_s = min(margin_s, remaining_s * LARGEST_MARGIN_SHARE)
    return now_s + remaining_s, now_s + remaining_s - margin_s
