"""The decisions of a batch: what becomes of a record, and what the answer to Lambda says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BatchFailedError, RememberedFailureError
from .model import Disposition, Failure, Verdict
from .source_types import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .model import Outcome
    from .source_types import Raw, Source


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


def answer(source: Source, failed: Sequence[Raw]) -> dict[str, Any]:
    """
    Return the answer that has the records *failed* delivered again.

    Args:
        failed: All records that are not done, those that were not started included, in any order.

    Raises:
        BatchFailedError: The answer cannot say it: the source takes the batch as a whole, or a record has nothing by
            which it could be named. Lambda takes a wrong answer for a failure of the whole batch, or for a success;
            raising says so openly, and loses nothing.
    """
    return {"batchItemFailures": [{"itemIdentifier": found} for found in _IDENTIFIERS[source.answers](source, failed)]}


def _records(source: Source, failed: Sequence[Raw]) -> Iterable[str]:
    named = dict.fromkeys(map(source.id_of, failed))
    if "" in named:
        raise _nameless(source)
    return named


def _checkpoint(source: Source, failed: Sequence[Raw]) -> Iterable[str]:
    """Return the lowest sequence number: Lambda goes on from there, whatever else is named."""
    named = [source.id_of(raw) for raw in failed]
    if not all(found.isascii() and found.isdecimal() and len(found) <= _DIGITS for found in named):
        raise _nameless(source)
    return [min(named, key=int)] if named else []  # as text, "9" would come after "10"


def _offsets(source: Source, failed: Sequence[Raw]) -> Iterable[dict[str, Any]]:
    # Kafka wants an object here; a string makes Lambda retry the whole batch.
    return [{"partition": partition, "offset": offset} for partition, offset in dict.fromkeys(_named(source, failed))]


def _partitions(source: Source, failed: Sequence[Raw]) -> Iterable[dict[str, Any]]:
    lowest: dict[str, int] = {}
    for partition, offset in _named(source, failed):
        if partition not in lowest or offset < lowest[partition]:
            lowest[partition] = offset
    return [{"partition": partition, "offset": offset} for partition, offset in lowest.items()]


def _named(source: Source, failed: Sequence[Raw]) -> Iterator[tuple[str, int]]:
    from .kafka_row import kafka_partition  # loaded since the batch was opened
    from .source_fields import whole_number

    for raw in failed:
        partition, offset = kafka_partition(raw), whole_number(raw.get("offset"))
        if not partition or offset is None:
            raise _nameless(source)
        yield partition, offset


def _whole(source: Source, failed: Sequence[Raw]) -> Iterable[str]:
    if failed:
        count = "1 record" if len(failed) == 1 else f"{len(failed)} records"
        raise BatchFailedError(
            f"{count} must be delivered again, and {source.name} takes no partial answer, so the whole batch is "
            "returned; finished records are skipped then if the handler has an Idempotency policy"
        )
    return ()


_IDENTIFIERS: dict[Answers, Callable[[Source, Sequence[Raw]], Iterable[Any]]] = {
    Answers.RECORDS: _records,
    Answers.CHECKPOINT: _checkpoint,
    Answers.PARTITIONS: _partitions,
    Answers.OFFSETS: _offsets,
    Answers.WHOLE: _whole,
}
# Of a sequence number, at most: so say Kinesis and DynamoDB.
_DIGITS = 129


def _nameless(source: Source) -> BatchFailedError:
    return BatchFailedError(
        f"a record of {source.name} that must be delivered again has no identifier, so the whole batch is returned; "
        "finished records are skipped then if the handler has an Idempotency policy"
    )
