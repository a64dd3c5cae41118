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

if TYPE_CHECKING:
    from .._core.idempotency import Entry

_IN_PROGRESS = Classification(Verdict.RETRYABLE, Category.CONFLICT, reason="in progress elsewhere")
_REMEMBERED = Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN, reason="failed for good before")
_CRASH_LOOP = Classification(Verdict.NON_RETRYABLE, Category.CRASH, reason="max_attempts reached by crashes")
_NOT_STARTED = Classification(Verdict.RETRYABLE, Category.TIMEOUT, reason="no time left to start")
_MISMATCH = Classification(Verdict.NON_RETRYABLE, Category.CONFLICT, reason="other payload under a used key")


def not_started() -> Failure:
    """Return the outcome for a record for which there is no time left."""
    error = DeadlineExceededError("the invocation has no time left to start this record")
    return Failure(error, _NOT_STARTED, ran=False)


def mismatch() -> Failure:
    """Return the outcome for another payload under a used key."""
    error = FingerprintMismatchError("this idempotency key was used before with another payload")
    return Failure(error, _MISMATCH, ran=False)


def in_progress(wait_s: float) -> Failure:
    """Return the outcome for a key that another environment has, for *wait_s* seconds at the longest."""
    error = InProgressError(
        f"another environment has this key, for {wait_s:.1f} s at the longest should it have crashed",
        retry_after_s=wait_s,
    )
    return Failure(error, _IN_PROGRESS._replace(retry_after_s=wait_s), ran=False)


def remembered(entry: Entry) -> Failure:
    """Return the outcome for a delivery whose failure is remembered in *entry*."""
    error = RememberedFailureError(
        f"this delivery failed for good before with {entry.error}; it was not run again",
        error_type=entry.error,
        parked=entry.parked or None,
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
