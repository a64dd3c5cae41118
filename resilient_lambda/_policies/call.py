"""One invocation, and one run of the user's function within it: what policies see and share."""

from __future__ import annotations

import logging
import os
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .deadline import LONGEST_MARGIN_S, Deadline, time_limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from .._core.model import Classification, Disposition, Failure
    from .._core.pace import Pace
    from .._core.record import Record
    from .._core.sources import Source
    from .._io.base import Io
    from ..events import Event, Observer
    from .held_claim import HeldClaim

logger = logging.getLogger("resilient_lambda")

_failed_observers: list[Observer] = []  # each is logged once in the life of an environment


class Invocation:
    """
    One invocation of the Lambda function.

    Attributes:
        io: Time, randomness and waiting.
        context: The Lambda context, or whatever stood in its place.
        deadline_s: Wall clock at which Lambda stops the invocation; None if the context does not say.
        stop_at_s: Wall clock after which nothing new is started: the deadline less the margin.
        end_at_s: Wall clock by which what the library itself does must be over: a quarter of the margin before the
            deadline, whatever is switched off; infinite if there is no deadline.
        deadline: Both, as the user's function sees them.
        pace: How long runs take in this environment.
        has_started: True once the user's function was run.
        concurrency: How many records may run at a time.
        upcoming: Returns the calls that have not begun, in the order in which they probably will.
        redelivers_done: True if the answer will have records delivered again that are done.
        store_call_s: How long the last store call took.
        is_store_away: True while the last store call failed although it was repeated.
        sessions: What each policy keeps for the length of this invocation.
        failed_id: Of a re-invocation: Lambda's request id of the one that failed; else "".
    """

    __slots__ = (
        "_end_at_monotonic_s",
        "_posted",
        "concurrency",
        "context",
        "deadline",
        "deadline_s",
        "end_at_s",
        "failed_id",
        "has_started",
        "io",
        "is_store_away",
        "observers",
        "pace",
        "redelivers_done",
        "sessions",
        "source",
        "stop_at_s",
        "store_call_s",
        "upcoming",
    )

    def __init__(
        self,
        io: Io,
        source: Source,
        context: Any,
        *,
        observers: Sequence[Observer],
        margin_s: float | None,
        pace: Pace,
        concurrency: int = 1,
        cuts: bool = False,
        retires: bool = True,
    ) -> None:
        self.source = source
        self.context = context
        self.observers = observers
        self.store_call_s = 0.0
        self.is_store_away = False
        self.failed_id = ""
        self.sessions: dict[object, Any] = {}
        self._posted: deque[Event] = deque()
        self.has_started = False
        self.pace = pace
        self.concurrency = concurrency
        self.redelivers_done = False
        self.upcoming: Callable[[], Iterable[Call]] = tuple
        now_s = io.now()
        self.deadline_s, self.stop_at_s = time_limits(now_s, context, margin_s)
        self.end_at_s = inf
        if self.deadline_s is not None:
            kept_s = self.deadline_s - self.stop_at_s if self.stop_at_s < inf else LONGEST_MARGIN_S
            self.end_at_s = self.deadline_s - max(0.0, kept_s) / 4
        self._end_at_monotonic_s = io.monotonic() + self.end_at_s - now_s
        self.deadline = Deadline(self.deadline_s, self.stop_at_s, io.now)
        margin = 0.0 if self.deadline_s is None else self.deadline_s - self.stop_at_s
        cut_at_s = self.stop_at_s if cuts and self.deadline_s is not None else None
        self.io = io.open(concurrency=concurrency, cut_at_s=cut_at_s, grace_s=margin / 2, retires=retires)

    def time_left_s(self) -> float:
        """Return for how long the library itself may still do something, in seconds."""
        return self._end_at_monotonic_s - self.io.monotonic()

    def may_start(self) -> bool:
        """
        Tell whether a run that starts now would end in time, if it takes as long as others did.

        The first run of an invocation may take what there is: or else one that took long would be the last ever.
        """
        now_s = self.io.now()
        return now_s < self.stop_at_s and (not self.has_started or now_s + self.pace.longest_s <= self.stop_at_s)

    def has_time_for_store(self, wait_s: float = 0.0) -> bool:
        """Tell whether a store call after *wait_s* would end before the deadline, if it takes as long as the last."""
        return self.deadline_s is None or self.io.now() + wait_s + self.store_call_s < self.deadline_s

    @property
    def request_id(self) -> str:
        """Lambda's id of this invocation, "" if unknown; the same for all attempts of an asynchronous event."""
        return str(getattr(self.context, "aws_request_id", "") or "")

    @property
    def function_name(self) -> str:
        """
        The name of the Lambda function.

        Raises:
            ConfigurationError: Neither the context nor the environment tells it.
        """
        name = getattr(self.context, "function_name", None) or os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        if not name:
            raise ConfigurationError(
                "the function's name is unknown (no context.function_name, no AWS_LAMBDA_FUNCTION_NAME); "
                "pass Idempotency(namespace=...)"
            )
        return str(name)

    def post(self, event: Event) -> None:
        """Have *event* emitted by the invocation's own thread: observers are not made for several."""
        if self.observers:
            self._posted.append(event)

    def emit_posted(self) -> None:
        """Emit what other threads have posted."""
        while self._posted:
            self.emit(self._posted.popleft())

    def emit(self, event: Event) -> None:
        """Hand *event* to every observer; one that fails is logged once and otherwise ignored."""
        for observer in self.observers:
            try:
                observer(event)
            except Exception:  # user code: it must not disturb the handler
                if not any(observer is known for known in _failed_observers):
                    _failed_observers.append(observer)
                    logger.exception("observer %r failed on %s; the handler goes on", observer, type(event).__name__)


class Call:
    """
    One run of the user's function.

    Attributes:
        record: The record, or the whole event as a record.
        invocation: The invocation that it is part of.
        answer_of: Returns what a request that failed is answered, for its duplicates; None if this is no request.
        ended_s: When its run ended, by the monotonic clock; None before the first.
        held: The claim that is held open until the sink has answered, if any.
        before_suspect: To be awaited before a run that may end the environment: brings to safety what can be.
        max_attempts: Real attempts after which the record is set aside; None for no limit.
        is_last_resort: False while other records could run instead: then waiting for a twin, or running what may end
            the environment, is put off.
        is_together: True if it comes through the policies together with others, for one run of all: it must not wait
            for any of them.
        is_left: True if it will not begin, or not once more, as its lane has stopped.
        is_still_running: True if the function could not be stopped: what it holds must not be given back.
        put_off: Set by a policy that put this run off: how often it has ended its environment, or 0 if it waits for
            something. The fewer the sooner, and those that wait are the last.
    """

    __slots__ = (
        "_argument_of",
        "_is_prepared",
        "answer_of",
        "argument",
        "before_suspect",
        "classify",
        "dispose",
        "ended_s",
        "held",
        "invocation",
        "is_last_resort",
        "is_left",
        "is_still_running",
        "is_together",
        "max_attempts",
        "put_off",
        "record",
    )

    def __init__(
        self,
        record: Record[Any],
        invocation: Invocation,
        *,
        argument_of: Callable[[Record[Any]], Any],
        classify: Callable[[BaseException], Classification],
        dispose: Callable[[Failure, int | None], Disposition],
        max_attempts: int | None,
        before_suspect: Callable[[], Awaitable[None]],
        is_last_resort: bool = True,
    ) -> None:
        self.record = record
        self.invocation = invocation
        self.classify = classify
        self.dispose = dispose
        self.is_last_resort = is_last_resort
        self.max_attempts = max_attempts
        self.ended_s: float | None = None
        self.held: HeldClaim | None = None
        self.before_suspect = before_suspect
        self.put_off: int | None = None
        self.is_left = False
        self.is_still_running = False
        self.is_together = False
        self.answer_of: Callable[[Failure], Any] | None = None
        self.argument: Any = None
        self._argument_of = argument_of
        self._is_prepared = False

    def prepare(self) -> Any:
        """
        Return what the function gets, validated once.

        Raises:
            InvalidRecordError: The record does not fit the function's parameter.
        """
        if not self._is_prepared:
            self.argument = self._argument_of(self.record)
            self._is_prepared = True
        return self.argument
