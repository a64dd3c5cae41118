"""
Every error that the library raises or hands to a sink.

    Exception
    └── ResilienceError
        ├── ConfigurationError             a wrong option; raised when the module is imported (also a ValueError)
        ├── RetryableError                 raise it to have the event delivered again
        ├── NonRetryableError              raise it when another try cannot help
        │   ├── InvalidRecordError         the body is not JSON, fails its model, or has no key
        │   │   ├── MalformedRequestError  the request's body or idempotency key cannot be read
        │   │   └── MissingKeyError        the idempotency key is absent, null or empty
        │   ├── CallerUnknownError         the request's idempotency key needs a caller, and nobody has made sure of one
        │   ├── FingerprintMismatchError   the key was used before with another payload
        │   ├── CommitConditionError       a condition among the items of ``commit_with`` does not hold
        │   ├── CommitLimitError           ``commit_with`` was given what one transaction cannot hold
        │   ├── FunctionNotFoundError      there is no such function to invoke
        │   ├── InvalidPayloadError        what a function was to be sent, or has answered, is no JSON or does not fit
        │   ├── NotReinvokedError          the re-invoker sets a failure aside; the message says why
        │   ├── PayloadTooLargeError       the payload is larger than the invocation takes; nothing was sent
        │   ├── RememberedFailureError     this delivery failed for good before; it was not run again
        │   └── CrashLoopError             the event ended its environment too often; it was not run again
        ├── NotRunError                    the function was not run; carries ``retry_after_s``
        │   ├── InProgressError            another environment holds the idempotency key
        │   └── DeadlineExceededError      there was no time left to start, or to end
        ├── StoreError                     the store refused for good: no such table, no permission, bad key
        │   ├── StoreUnavailableError      the store did not answer, or asked to slow down: try again
        │   ├── ItemTooLargeError          the item is larger than the store takes: write less
        │   └── ItemFormatError            the stored item was written by a newer version of this library
        ├── SinkError                      the dead letter was not confirmed
        ├── FailedAnswerError              the function answered a request with a status that says that it failed
        ├── FunctionError                  a function that was invoked has failed
        ├── OutcomeUnknownError            an invoked function did not answer: it may have run, or still run
        ├── UnknownEventError              the event is of no known source; nothing was run
        └── BatchFailedError               the answer cannot name what failed: the whole batch comes back
    BaseException
    └── LeaseLostError                     the claim is no longer ours; ``except Exception`` must not catch it
"""

from __future__ import annotations

from typing import Any


class ResilienceError(Exception):
    """The root of all errors of this library but `LeaseLostError`."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied, and brought from other processes, by their texts; constructors here want more.
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[ResilienceError], args: tuple[Any, ...]) -> ResilienceError:
    return kind.__new__(kind, *args)


class ConfigurationError(ResilienceError, ValueError):
    """An option is wrong; the message names the value, what is allowed, and what to do."""


class RetryableError(ResilienceError):
    """
    Raise this from your function when the event should be delivered again.

    Args:
        message: What happened.
        retry_after_s: The wait that the dependency asked for, in seconds; None if it did not say.
    """

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NonRetryableError(ResilienceError):
    """Raise this from your function when another try cannot help: the event goes to the dead-letter sink."""


class InvalidRecordError(NonRetryableError):
    """The record's own data is wrong. The message says where and how, never what the data was."""


class MalformedRequestError(InvalidRecordError):
    """The body of a request, or its Idempotency-Key header, cannot be read. The message never says what it was."""


class MissingKeyError(InvalidRecordError):
    """The idempotency key is absent, null or empty in this record."""


class CallerUnknownError(NonRetryableError):
    """Under ``principal=`` a request's idempotency key needs a caller, and there is none. Nothing was run."""


class FingerprintMismatchError(NonRetryableError):
    """The idempotency key was used before with a different payload. Nothing was run, nothing was written."""


class CommitConditionError(NonRetryableError):
    """
    A condition among the user's items of ``commit_with`` does not hold; nothing was written.

    Unless another ``commit_with`` of the same run succeeds, the event does not count as done: it goes to the
    dead-letter sink if this error leaves your function, and is delivered again if you swallow it.

    Attributes:
        index: Which of the items, counted from 0.
        item: What is there instead, as DynamoDB writes it, if the item asked for it with
            ``ReturnValuesOnConditionCheckFailure="ALL_OLD"``; else None.
    """

    def __init__(self, message: str, *, index: int, item: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.item = item


class CommitLimitError(NonRetryableError, ValueError):
    """The items of ``commit_with`` are more, larger or other than one transaction can hold; nothing was written."""


class FunctionNotFoundError(NonRetryableError):
    """There is no function, or no version or alias, of that name in this region and account."""


class InvalidPayloadError(NonRetryableError):
    """
    What a function was to be invoked with is no JSON, or what it has answered is none, or does not fit.

    No `InvalidRecordError`: whoever has sent the event that is being handled has no part in it.
    """


class PayloadTooLargeError(NonRetryableError):
    """
    The payload is larger than an invocation of its type takes; nothing was sent.

    Attributes:
        size_bytes: How large it is.
        limit_bytes: How large it may be.
    """

    def __init__(self, message: str, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class NotReinvokedError(NonRetryableError):
    """
    `timeout_reinvoker` sets the record of a failure aside; the message says why.

    Attributes:
        function: The ARN of the function that failed, with its qualifier; "" if the record names none.
        attempt: Which invocation of the event it was that failed, 1 for the first; 0 if unknown.
    """

    def __init__(self, message: str, *, function: str = "", attempt: int = 0) -> None:
        super().__init__(message)
        self.function = function
        self.attempt = attempt


class RememberedFailureError(NonRetryableError):
    """
    This delivery failed for good before and is remembered (``remember_failures_s``); it was not run again.

    Attributes:
        error_type: Class name of the failure that is remembered.
        parked: What the dead-letter sink answered, or None if no sink confirmed it.
        answer: What the request was answered with that failed; None for anything but requests.
    """

    def __init__(self, message: str, *, error_type: str, parked: str | None, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer
        self.error_type = error_type
        self.parked = parked


class CrashLoopError(NonRetryableError):
    """The event ended its environment as often as ``max_attempts`` allows; it was set aside without another run."""


class NotRunError(ResilienceError):
    """
    The function was not run, so no attempt is counted.

    Attributes:
        retry_after_s: When another try makes sense, in seconds from now; None if unknown.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InProgressError(NotRunError):
    """
    Another environment (or an earlier, crashed invocation whose lease has not ended) holds the key.

    Attributes:
        lease_until_s: When the key is free should nothing more be heard of its holder, as wall clock; None if unknown.
        deadline_s: When the holder's invocation ends at the latest, as wall clock; None if unknown. A heartbeat moves
            the lease, but never this.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        lease_until_s: float | None = None,
        deadline_s: float | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.lease_until_s = lease_until_s
        self.deadline_s = deadline_s


class DeadlineExceededError(NotRunError):
    """The invocation had no time left to start this record; or its run was cut short, which is an attempt."""


class StoreError(ResilienceError):
    """The store refused for good; the message names the table and what to do."""


class StoreUnavailableError(StoreError):
    """
    The store did not answer in time, could not be reached, or asked to slow down.

    The write may have taken effect: repeat it with the same item and the store recognises its own success.
    """


class ItemTooLargeError(StoreError):
    """The item is larger than the store takes (DynamoDB: 400 KB with all names); nothing was written."""


class ItemFormatError(StoreError):
    """The stored item was written by a newer version of this library; deploy that version here too."""


class SinkError(ResilienceError):
    """
    A dead letter was not confirmed by its sink, so the record is not acknowledged.

    Attributes:
        is_permanent: True if the sink will never take this dead letter as it is.
    """

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class FailedAnswerError(ResilienceError):
    """
    The function answered a request with a status that says that it failed, such as 503; see ``failed_if=``.

    Attributes:
        answer: The response, which the caller gets.
    """

    def __init__(self, message: str, *, answer: dict[str, Any]) -> None:
        super().__init__(message)
        self.answer = answer


class FunctionError(ResilienceError):
    """
    A function that was invoked has failed: ``X-Amz-Function-Error`` was set.

    Attributes:
        type: Lambda's ``errorType``, the class name of the handler's exception for example; "" if it named none.
        message: Lambda's ``errorMessage``, which is the function's own text: it may hold data of its event.
        kind: ``"timeout"``, ``"out_of_memory"``, ``"exit"``, or ``"handler"`` for the handler's own exception.
        stack: The lines of its stack trace.
        request_id: Lambda's id of the invocation; "" if unknown.
        log: The last 4 KB of its log, if it was asked for.
    """

    def __init__(
        self,
        type: str,  # Lambda's word
        message: str,
        *,
        kind: str = "handler",
        stack: tuple[str, ...] = (),
        request_id: str = "",
        log: str = "",
    ) -> None:
        super().__init__(f"{type or 'error'}: {message}" if message else type or "the function failed")
        self.type = type
        self.message = message
        self.kind = kind
        self.stack = stack
        self.request_id = request_id
        self.log = log


class OutcomeUnknownError(ResilienceError):
    """
    An invocation was sent, and no answer came: the function may have run, may still run, or may never have begun.

    Attributes:
        function: The function, as the caller named it.
        waited_s: For how long the answer was waited for, in seconds.
    """

    def __init__(self, message: str, *, function: str = "", waited_s: float = 0.0) -> None:
        super().__init__(message)
        self.function = function
        self.waited_s = waited_s


class UnknownEventError(ResilienceError):
    """The event is of no source that this handler knows. Nothing was run; Lambda keeps the event."""


class BatchFailedError(ResilienceError):
    """The answer cannot name every record that must be delivered again, so the whole batch is returned."""


class LeaseLostError(BaseException):
    """
    The claim on the idempotency key is no longer held by this environment.

    Raised inside user code by ``current_claim().ensure_owned()``; a BaseException, so that ``except Exception`` in
    user code cannot turn a lost lease into a success.
    """
