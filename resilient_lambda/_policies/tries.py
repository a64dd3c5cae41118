"""The tries of one call, from its first failure on: what is decided, waited for and told. Loaded with that failure."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.model import Category, Classification, Verdict
from .._core.retrying import Again, GiveUp, decide
from .._io.blocking import drive
from ..errors import LeaseLostError, NotRunError, StoreUnavailableError
from . import deadline
from .attempt import Attempt, current
from .double_retries import warn_of_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.classify import Classifier
    from .._io.base import Io
    from .claim import ActiveClaim
    from .retry import Retry

T = TypeVar("T")

logger = logging.getLogger("resilient_lambda")

_NOTE = "resilient_lambda: "
# What was not run, and the end of an iterator, which will be there the next time, too.
_NO_FAILURES = (NotRunError, StopIteration, StopAsyncIteration)
_NOT_RUN = Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN, reason="not run")

_default: Classifier | None = None


class Tries:
    """
    The tries of one call that has failed.

    Args:
        name: What is tried, for people.
        until_s: Wall clock before which a wait must end; by default the deadline of the invocation, if there is one.
        classify: Says whether another try can help, instead of the classifier of *retry*.
        has_no_commit: True if what is tried makes no commit of its own: then one that was made before forbids nothing.

    Attributes:
        failed: How many tries have failed.
        wait_s: The wait before the next try.
        verdict: That on the last failure.
    """

    __slots__ = (
        "_base",
        "_classify",
        "_has_no_commit",
        "_holds_token",
        "_io",
        "_name",
        "_own_s",
        "_retry",
        "_until_s",
        "failed",
        "verdict",
        "wait_s",
    )

    def __init__(
        self,
        retry: Retry,
        io: Io,
        name: str,
        *,
        until_s: float | None = None,
        classify: Callable[[BaseException], Classification] | None = None,
        has_no_commit: bool = False,
    ) -> None:
        self._retry = retry
        self._io = io
        self._name = name
        self._classify = classify
        self._has_no_commit = has_no_commit
        if until_s is None:
            running = deadline.current.get()
            until_s = float("inf") if running is None else min(running.stop_at_s, running.at_s)
        self._until_s = until_s
        self._base = current.get() or Attempt()
        self._own_s = 0.0
        self._holds_token = False
        self.failed = 0
        self.wait_s = 0.0
        self.verdict = _NOT_RUN

    def fail(self, error: Exception, verdict: Classification | None = None, *, takes_s: float = 0.0) -> GiveUp | None:
        """
        Take notice that a try has ended with *error*; return why there is no other, None if there is after `wait_s`.

        Args:
            verdict: Whether another try can help, if that is known.
            takes_s: What another try may take, in seconds.
        """
        self._holds_token = False  # spent on the try that has failed
        self.failed += 1
        self.verdict = _NOT_RUN if isinstance(error, _NO_FAILURES) else verdict or self._judge(error)
        found = self._decide(takes_s)
        if isinstance(found, GiveUp):
            self.stop(error, found)
            return found
        self.wait_s, self._own_s = found
        logger.info(
            "%s failed with %s (%s); try %d of %d in %.3f s",
            self._name,
            type(error).__name__,
            self.verdict.category.value,
            self.failed + 1,
            self._retry.attempts,
            self.wait_s,
        )
        warn_of_answer(error, self._name, self._retry)
        return None

    def _judge(self, error: Exception) -> Classification:
        return _classifier_of(self._retry).classify(error) if self._classify is None else self._classify(error)

    def _decide(self, takes_s: float) -> Again | GiveUp:
        claim = current_claim()
        if claim is not None:
            # A commit that was refused is known not to be written, and another try may make another one.
            is_committed = claim.has_committed or isinstance(claim.refusal, StoreUnavailableError)
            if is_committed and not self._has_no_commit:
                return GiveUp.COMMITTED
            if claim.is_lost or isinstance(claim.refusal, LeaseLostError):
                return GiveUp.LEASE
        found = decide(
            self.verdict,
            tries=self.failed,
            attempts=self._retry.attempts,
            backoff=self._retry.backoff,
            previous_s=self._own_s,
            left_s=self._until_s - self._io.now() - takes_s,
            rand=self._io.random(),
        )
        if isinstance(found, Again) and self._retry.budget is not None:
            # Taken now, and not when the wait is over: what is in back-off is a retry already.
            self._holds_token = self._retry.budget.take()
            return found if self._holds_token else GiveUp.BUDGET
        return found

    def follow(self, leader: Tries) -> None:
        """Take over what was decided for *leader*, whose try this one was part of: one wait, one token, one line."""
        self._holds_token = False
        self.failed = leader.failed
        self.verdict = leader.verdict
        self.wait_s, self._own_s = leader.wait_s, leader._own_s

    def stop(self, error: Exception, why: GiveUp) -> None:
        """Say in the log and on *error* why it is not tried again, unless nobody would have thought that it is."""
        self.release()
        if self.failed == 1 and (why is GiveUp.NOT_RETRYABLE or self._retry.attempts == 1):
            return
        said = f"given up after try {self.failed} of {self._retry.attempts}: {why.text}"
        logger.warning("%s failed with %s; %s", self._name, type(error).__name__, said)
        if sys.version_info >= (3, 11):
            with suppress(Exception):  # one that is frozen, or has notes of another kind
                # An error that is raised again and again, a constant for example, must not collect them.
                notes: Any = getattr(error, "__notes__", None)
                if isinstance(notes, list):
                    notes[:] = [note for note in notes if not str(note).startswith(_NOTE)]
                error.add_note(f"{_NOTE}{said}")

    async def wait(self, seconds: float | None = None) -> None:
        """
        Wait until the next try may begin.

        Args:
            seconds: What is left to wait, `wait_s` by default.
        """
        try:
            await self._io.sleep(self.wait_s if seconds is None else seconds)
        except BaseException:
            self.release()  # cancelled, or interrupted: there is no retry
            raise

    def begin(self) -> None:
        """Have `current_attempt` say which try begins."""
        current.set(self._base._replace(number=self.failed + 1))

    def end(self) -> None:
        """Have `current_attempt` say what it said before. Not by a token: a coroutine may be closed anywhere."""
        current.set(self._base)

    def release(self) -> None:
        """Give back the token of a retry that has succeeded, or is not made after all."""
        if self._holds_token and self._retry.budget is not None:
            self._retry.budget.give_back()
        self._holds_token = False


def again_blocking(tries: Tries, once: Callable[[], T], error: Exception) -> T:
    """Do what `again` does, for ``def``."""
    try:
        while tries.fail(error) is None:
            drive(tries.wait())
            tries.begin()
            try:
                result = once()
            except Exception as failed:  # the border to user code
                error = failed
            else:
                tries.release()
                return result
            finally:
                tries.end()
        raise error
    finally:
        del error  # or the frames that its traceback keeps would keep it


async def again(tries: Tries, once: Callable[[], Awaitable[T]], error: Exception) -> T:
    """
    Try *once* again after it has failed with *error*; return what it returns.

    Raises:
        Exception: Its last error, with a note why it was not tried again.
    """
    try:
        while tries.fail(error) is None:
            await tries.wait()
            tries.begin()
            try:
                result = await once()
            except Exception as failed:  # the border to user code
                error = failed
            else:
                tries.release()
                return result
            finally:
                tries.end()
        raise error
    finally:
        del error  # or the frames that its traceback keeps would keep it


def current_claim() -> ActiveClaim | None:
    """Return the claim under which this runs, None if there is none."""
    # Where its module was never loaded there is none; loading it to be told so would cost milliseconds.
    claims: Any = sys.modules.get(f"{__package__}.claim")
    if claims is None:
        return None
    try:
        found: ActiveClaim = claims.current_claim()
    except RuntimeError:
        return None
    return found


def _classifier_of(retry: Retry) -> Classifier:
    global _default
    if retry.classifier is not None:
        return retry.classifier
    if _default is None:
        from .._core.classify import Classifier  # with all the tables, once something has failed

        _default = Classifier()
    return _default
