"""
What a function's log says of one invocation, once for each attempt.

Lambda retries an asynchronous event under the same request id, so one id has several STARTs. An environment runs one
invocation at a time and writes to one stream: what stands in that stream between two STARTs is of one attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from .log_lines import EXIT_TYPE, read

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_ERROR_LINES = 20


class LogLine(NamedTuple):
    """
    One event of CloudWatch Logs.

    Attributes:
        at_s: When it was written, in seconds since the epoch.
        stream: The log stream: one for each environment.
    """

    at_s: float
    stream: str
    text: str


class TracedAttempt(NamedTuple):
    """
    One attempt at an invocation.

    Attributes:
        started_s: When it began, in seconds since the epoch; None if that line is not within the window.
        ended_s: When it ended; None if it has not, or its environment died without a word.
        duration_ms: For how long it ran.
        billed_ms: For how long that costs.
        memory_mb: How much memory it may use.
        used_mb: How much it used.
        timed_out: True if it ran into the function's time limit.
        error_type: What it failed of, ``"ValueError"`` or ``"Runtime.ExitError"`` for example; "" if of nothing that
            the log shows.
        errors: Lines of the log that show errors: the function's own text, which may hold data of its event.
        stream: Its log stream.
    """

    started_s: float | None = None
    ended_s: float | None = None
    duration_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: float | None = None
    used_mb: float | None = None
    timed_out: bool = False
    error_type: str = ""
    errors: tuple[str, ...] = ()
    stream: str = ""

    @property
    def failed(self) -> bool:
        """True if it timed out, or failed of something that the log shows."""
        return self.timed_out or bool(self.error_type)


class Trace(NamedTuple):
    """
    What became of an invocation, as far as the log says.

    Attributes:
        request_id: Lambda's id of it.
        attempts: In the order in which they began; empty if there is nothing of it in the log.
    """

    request_id: str
    attempts: tuple[TracedAttempt, ...] = ()

    @property
    def is_found(self) -> bool:
        """True if the log has anything of it. Lines come some seconds late, and a queued event has none yet."""
        return bool(self.attempts)

    @property
    def is_running(self) -> bool:
        """True if the last attempt has begun and not ended."""
        return bool(self.attempts) and self.attempts[-1].ended_s is None

    @property
    def has_succeeded(self) -> bool:
        """True if the last attempt ended, and the log shows no error of it."""
        return bool(self.attempts) and self.attempts[-1].ended_s is not None and not self.attempts[-1].failed

    @property
    def summary(self) -> str:
        """All of it in a sentence."""
        if not self.attempts:
            return (
                f"{self.request_id}: nothing in the log; it is queued, was never accepted, ran outside of the window, "
                "or its lines are on their way"
            )
        count, last = len(self.attempts), self.attempts[-1]
        if self.is_running:
            end = "has begun and not ended"
        elif last.timed_out:
            end = "timed out"
        elif last.error_type:
            end = f"failed of {last.error_type}"
        else:
            end = "ended without an error"
        took = "" if last.duration_ms is None else f", after {last.duration_ms:.0f} ms"
        return f"{self.request_id}: attempt {count} {end}{took}"


def trace_of(request_id: str, lines: Iterable[LogLine]) -> Trace:
    """
    Return what *lines* say of an invocation.

    Args:
        lines: In any order; those of other invocations are passed over, where they say so.
    """
    attempts: list[_Attempt] = []
    open_in: dict[str, _Attempt] = {}
    told = [(line, *said) for line in dict.fromkeys(lines) if (said := read(line.text, request_id)) is not None]
    for line, kind, facts in sorted(told, key=lambda each: (each[0].at_s, _RANKS[each[1]])):
        attempt = open_in.get(line.stream)
        if attempt is None or (kind == "start" and attempt.is_begun):
            attempt = open_in[line.stream] = _Attempt(line.stream)
            attempts.append(attempt)
        attempt.take(kind, line, facts)
    found = [attempt.result() for attempt in attempts]
    return Trace(request_id, tuple(sorted(found, key=_begin_of)))


# Lines of one millisecond are in no order that one could rely on.
_RANKS = {"start": 0, "error": 1, "end": 2, "report": 3}


def _begin_of(attempt: TracedAttempt) -> float:
    return attempt.started_s or attempt.ended_s or 0.0


class _Attempt:
    """An attempt while its lines are read."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.is_begun = False
        self.facts: dict[str, Any] = {}
        self.errors: list[str] = []

    def take(self, kind: str, line: LogLine, facts: dict[str, Any]) -> None:
        """Add what one line says."""
        if kind == "start":
            self.is_begun = True
            self.facts["started_s"] = line.at_s
        elif kind in ("end", "report"):
            self.facts["ended_s"] = line.at_s
        elif kind == "error" and len(self.errors) < _MOST_ERROR_LINES:
            self.errors.append(line.text.rstrip())
            if facts.get("timed_out") or facts.get("error_type") == EXIT_TYPE:  # nothing follows, perhaps no REPORT
                self.facts.setdefault("ended_s", line.at_s)
        known = self.facts.get("error_type")
        self.facts.update({name: value for name, value in facts.items() if value not in (None, "")})
        # The function's own exception says more than "Function.Unhandled" of the report.
        if known and kind != "error":
            self.facts["error_type"] = known

    def result(self) -> TracedAttempt:
        if self.facts.get("started_s") is None and self.facts.get("ended_s") is not None:
            duration_ms = self.facts.get("duration_ms")
            if duration_ms is not None:
                self.facts["started_s"] = self.facts["ended_s"] - duration_ms / 1000
        return TracedAttempt(**self.facts, errors=tuple(self.errors), stream=self.stream)
