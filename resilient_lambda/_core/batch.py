"""The decisions of a batch: what becomes of a record, and what the answer to Lambda says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BatchFailedError, RememberedFailureError
from .model import Disposition, Failure, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import Outcome


def dispose(outcome: Outcome, *, attempts: int | None, max_attempts: int | None, has_sink: bool) -> Disposition:
    """
    Decide what becomes of a record whose run ended with *outcome*.

    Without a sink nothing is ever given up: the source keeps the record, and its own dead-letter queue decides. A
    bounce is no attempt, so `max_attempts` is asked only after the function ran and failed (protocols.md A5).

    Args:
        attempts: Real attempts so far, this one included; None if unknown.
        max_attempts: Real attempts after which a retryable record is set aside; None for no limit.
        has_sink: True if there is a dead-letter sink.
    """
    if not isinstance(outcome, Failure):
        return Disposition.ACK
    if isinstance(outcome.error, RememberedFailureError) and outcome.error.parked is not None:
        return Disposition.ACK  # this very delivery is in the sink already (protocols.md A1)
    if not has_sink:
        return Disposition.RETRY
    if outcome.classification.verdict is Verdict.NON_RETRYABLE:
        return Disposition.DEAD_LETTER
    if outcome.ran and max_attempts is not None and attempts is not None and attempts >= max_attempts:
        return Disposition.DEAD_LETTER
    return Disposition.RETRY


def answer(failed_ids: Iterable[str]) -> dict[str, Any]:
    """
    Return the answer that has *failed_ids* delivered again, each named once.

    Raises:
        BatchFailedError: An identifier is empty. Lambda takes such an answer for a failure of the whole batch;
            raising says so openly, and loses nothing.
    """
    named = dict.fromkeys(failed_ids)
    if "" in named:
        raise BatchFailedError(
            "a record that must be delivered again has no identifier, so the whole batch is returned; "
            "finished records are skipped then if the handler has an Idempotency policy"
        )
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in named]}
