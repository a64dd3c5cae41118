"""The outcomes of events that are not run: errors of the policy itself, never written to the key's entry (B17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.model import Category, Classification, Failure, Outcome, Success, Verdict
from ..errors import (
    CrashLoopError,
    DeadlineExceededError,
    FingerprintMismatchError,
    InProgressError,
    RememberedFailureError,
)
from .results import decode

if TYPE_CHECKING:
    from .._core.idempotency import Busy, Entry


def _refusal(verdict: Verdict, category: Category, reason: str) -> Classification:
    return Classification(verdict, category, None, reason, "library")


LEASE_LOST = _refusal(Verdict.RETRYABLE, Category.CONFLICT, "lease lost")
_IN_PROGRESS = _refusal(Verdict.RETRYABLE, Category.CONFLICT, "in progress elsewhere")
_REMEMBERED = _refusal(Verdict.NON_RETRYABLE, Category.UNKNOWN, "failed for good before")
_CRASH_LOOP = _refusal(Verdict.NON_RETRYABLE, Category.CRASH, "max_attempts reached by crashes")
_NOT_STARTED = _refusal(Verdict.RETRYABLE, Category.TIMEOUT, "no time left to start")
_CUT_SHORT = _refusal(Verdict.RETRYABLE, Category.TIMEOUT, "cut short at the deadline")
_MISMATCH = _refusal(Verdict.NON_RETRYABLE, Category.CONFLICT, "other payload under a used key")


def not_started() -> Failure:
    """Return the outcome for a record for which there is no time left."""
    error = DeadlineExceededError("the invocation has no time left to start this record")
    return Failure(error, _NOT_STARTED, ran=False)


def cut_short() -> Failure:
    """Return the outcome for a run that did not end in time: an attempt, for the function ran."""
    return Failure(DeadlineExceededError("the function was cut short at the deadline"), _CUT_SHORT)


def mismatch() -> Failure:
    """Return the outcome for another payload under a used key."""
    error = FingerprintMismatchError("this idempotency key was used before with another payload")
    return Failure(error, _MISMATCH, ran=False)


def in_progress(busy: Busy, now_s: float) -> Failure:
    """Return the outcome for a key that another environment has, as *busy* says."""
    wait_s = max(0.0, busy.until_s - now_s)
    error = InProgressError(
        f"another environment has this key, for {wait_s:.1f} s at the longest should it have crashed",
        retry_after_s=wait_s,
        lease_until_s=busy.until_s,
        deadline_s=busy.deadline_s or None,
    )
    return Failure(error, _IN_PROGRESS._replace(retry_after_s=wait_s), ran=False)


def remembered(entry: Entry) -> Failure:
    """Return the outcome for a delivery whose failure is remembered in *entry*."""
    error = RememberedFailureError(
        f"this delivery failed for good before with {entry.error}; it was not run again",
        error_type=entry.error,
        parked=entry.parked or None,
        answer=None if entry.result is None else decode(entry.result),
    )
    return Failure(error, _REMEMBERED, ran=False)


def crash_loop(entry: Entry) -> Failure:
    """Return the outcome for a key whose runs ended without a word too often."""
    error = CrashLoopError(f"{entry.lapses} runs ended without a word, {entry.attempts} failed")
    return Failure(error, _CRASH_LOOP, ran=False)


def attached(outcome: Outcome) -> Outcome:
    """Return *outcome* for a later record of the same key, which is not run."""
    if isinstance(outcome, Success):
        return Success(outcome.value, ran=False)
    return Failure(outcome.error, outcome.classification, ran=False)
