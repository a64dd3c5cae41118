"""
What the library decided, as immutable values for observers.

An observer is any callable taking one event: ``batch_handler(observers=[print])``. Events carry keys, ids and class
names, never payloads. An observer that fails is logged once and never disturbs the handler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from ._core.model import Classification, Disposition


class RecordSettled(NamedTuple):
    """
    A record's disposition is final.

    Attributes:
        record_id: What the source calls the record.
        disposition: What the answer says of it.
        error_type: Class name of the failure, None for a success.
        classification: The verdict on the failure, None for a success.
        ran: False if the function was not run.
    """

    record_id: str
    disposition: Disposition
    error_type: str | None
    classification: Classification | None
    ran: bool


class LaneStopped(NamedTuple):
    """
    Records were not started because one before them in their lane must be delivered again.

    Attributes:
        lane: A message group, a topic-partition, or "batch" for a stream; never a key, which may be personal data.
        left: How many records were not started.
    """

    lane: str
    left: int


class ClaimTaken(NamedTuple):
    """
    A key was claimed; the function runs next.

    Attributes:
        key: The stored key.
        attempt: 1 for the first run.
        lapses: How many earlier claims ended without a word.
        is_takeover: True if a lapsed claim was replaced.
    """

    key: str
    attempt: int
    lapses: int
    is_takeover: bool


class ClaimLost(NamedTuple):
    """A claim was found to be another environment's while, or after, the function ran."""

    key: str


class DuplicateSuppressed(NamedTuple):
    """
    An event was answered without a run because its key is done or in progress.

    Attributes:
        key: The stored key.
        reason: ``"completed"``, ``"in_progress"``, ``"failed"`` or ``"same_batch"``.
        is_observed_only: True under ``mode="observe"``: the function ran all the same.
    """

    key: str
    reason: str
    is_observed_only: bool


class CompletionUnrecorded(NamedTuple):
    """A success could not be recorded yet; it is in this environment's journal and will be tried again."""

    key: str


class FailedAfterCommit(NamedTuple):
    """The function raised after `commit_with` had recorded its success; the event is acknowledged."""

    key: str
    error_type: str


class ResultDropped(NamedTuple):
    """A result was not JSON, or too large: the key is recorded as done without it, a replay returns None."""

    key: str
    reason: str


class ReleaseFailed(NamedTuple):
    """A claim could not be given back; its lease ends on its own."""

    key: str
    error_type: str


class StoreBypassed(NamedTuple):
    """The store was unavailable and ``on_store_error="run"``: the function runs without protection."""

    key: str
    error_type: str


class DeadLettered(NamedTuple):
    """
    A record was set aside, and the sink confirmed it.

    Attributes:
        confirmation: What the sink answered, a message id for example.
    """

    record_id: str
    error_type: str
    confirmation: str


class SinkRejected(NamedTuple):
    """A dead letter was not confirmed; the record goes back to its source."""

    record_id: str
    error_type: str
    is_permanent: bool


class VisibilityChanged(NamedTuple):
    """
    A failed message of a queue is hidden for a while, and delivered again then.

    Attributes:
        hidden_s: For how long, in seconds.
    """

    record_id: str
    hidden_s: int


class RetryScheduled(NamedTuple):
    """
    A run failed, and `Retry` runs it again within the invocation, after a wait.

    Attributes:
        record_id: What the source calls the record.
        attempt: Which try comes next: 2 for the first retry.
        wait_s: The wait before it, in seconds.
        error_type: Class name of the failure.
        category: Why it failed, as the classification says: ``"throttling"`` for example.
    """

    record_id: str
    attempt: int
    wait_s: float
    error_type: str
    category: str


class RetryGaveUp(NamedTuple):
    """
    `Retry` runs a record no more within this invocation; the failure goes on as it would without it.

    Attributes:
        record_id: What the source calls the record.
        attempts: How many tries have failed.
        reason: ``"attempts"``, ``"deadline"``, ``"too_long"`` (the wait that was asked for), ``"budget"``,
            ``"not_retryable"`` (only after a retry), ``"committed"`` or ``"lease"``.
        error_type: Class name of the last failure.
    """

    record_id: str
    attempts: int
    reason: str
    error_type: str


class Reinvoked(NamedTuple):
    """
    `timeout_reinvoker` has had a function invoked once more, or has put that off.

    Attributes:
        record_id: What the source calls the record of the failure.
        function: The function's ARN, with the qualifier if there is one.
        root: Lambda's request id of the first invocation.
        attempt: Which invocation of the event this is: 2 for the first re-invocation.
        request_id: Lambda's id of this one; "" if it was put off.
    """

    record_id: str
    function: str
    root: str
    attempt: int
    request_id: str


class ReinvocationParked(NamedTuple):
    """
    `timeout_reinvoker` sets the record of a failure aside, which the sink has still to confirm: see `DeadLettered`.

    Attributes:
        record_id: What the source calls the record.
        function: The ARN of the function that failed; "" if the record names none.
        attempt: Which invocation of the event it was that failed; 0 if unknown.
        reason: Why, in words.
    """

    record_id: str
    function: str
    attempt: int
    reason: str


if TYPE_CHECKING:
    Event: TypeAlias = (
        RecordSettled
        | LaneStopped
        | ClaimTaken
        | ClaimLost
        | DuplicateSuppressed
        | CompletionUnrecorded
        | FailedAfterCommit
        | ResultDropped
        | ReleaseFailed
        | StoreBypassed
        | DeadLettered
        | SinkRejected
        | VisibilityChanged
        | RetryScheduled
        | RetryGaveUp
        | Reinvoked
        | ReinvocationParked
    )
    Observer: TypeAlias = Callable[[Event], object]
