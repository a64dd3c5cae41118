"""
What classes of errors mean: this library's own, Python's, and those of packages that are known by name.

No package is imported for it: a class is known by its top-level package and its name.
"""

from __future__ import annotations

import errno

from ..errors import (
    ConfigurationError,
    CrashLoopError,
    DeadlineExceededError,
    FingerprintMismatchError,
    InProgressError,
    InvalidRecordError,
    LeaseLostError,
    NonRetryableError,
    NotRunError,
    ResilienceError,
    RetryableError,
    SinkError,
    StoreError,
    StoreUnavailableError,
)
from .backoff import asked_wait_s
from .model import Category, Classification, Verdict


def _of_classes(table: dict[type, tuple[Verdict, Category]]) -> dict[type, Classification]:
    return {
        kind: Classification(verdict, category, reason=kind.__name__) for kind, (verdict, category) in table.items()
    }


# Not failures of the user's function, or its explicit word: a broad class such as Exception in the user's options
# does not reach them. Parking an InProgressError would set aside an event that never ran.
OWN = _of_classes(
    {
        RetryableError: (Verdict.RETRYABLE, Category.TRANSIENT),
        NonRetryableError: (Verdict.NON_RETRYABLE, Category.UNKNOWN),
        InvalidRecordError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        FingerprintMismatchError: (Verdict.NON_RETRYABLE, Category.CONFLICT),
        CrashLoopError: (Verdict.NON_RETRYABLE, Category.CRASH),
        NotRunError: (Verdict.RETRYABLE, Category.TRANSIENT),
        InProgressError: (Verdict.RETRYABLE, Category.CONFLICT),
        DeadlineExceededError: (Verdict.RETRYABLE, Category.TIMEOUT),
        StoreError: (Verdict.RETRYABLE, Category.ACCESS),  # an operator mends the table; nothing may be lost until then
        StoreUnavailableError: (Verdict.RETRYABLE, Category.TRANSIENT),
        SinkError: (Verdict.RETRYABLE, Category.TRANSIENT),
        ConfigurationError: (Verdict.RETRYABLE, Category.ACCESS),
        ResilienceError: (Verdict.RETRYABLE, Category.UNKNOWN),
        LeaseLostError: (Verdict.RETRYABLE, Category.CONFLICT),
    }
)
NOT_FOR_PARKING = (NotRunError, StoreError, SinkError)

_BUILT_IN = _of_classes(
    {
        TimeoutError: (Verdict.RETRYABLE, Category.TIMEOUT),
        ConnectionError: (Verdict.RETRYABLE, Category.TRANSIENT),
        MemoryError: (Verdict.RETRYABLE, Category.CRASH),
        SystemExit: (Verdict.RETRYABLE, Category.CRASH),
        UnicodeDecodeError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    }
)

# (top-level package, class name). botocore's own are in aws_errors, which is imported when one is met.
_BY_NAME = {
    key: Classification(verdict, category, reason=key[1])
    for key, (verdict, category) in {
        ("asyncio", "TimeoutError"): (Verdict.RETRYABLE, Category.TIMEOUT),  # until Python 3.10; the built-in one since
        ("concurrent", "TimeoutError"): (Verdict.RETRYABLE, Category.TIMEOUT),
        ("socket", "gaierror"): (Verdict.RETRYABLE, Category.TRANSIENT),
        ("ssl", "SSLError"): (Verdict.RETRYABLE, Category.TRANSIENT),
        ("json", "JSONDecodeError"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        ("pydantic", "ValidationError"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),  # pydantic 1
        ("pydantic_core", "ValidationError"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        ("jsonschema", "ValidationError"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        ("fastjsonschema", "JsonSchemaValueException"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        ("aws_lambda_powertools", "SchemaValidationError"): (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    }.items()
}

_NETWORK_ERRNOS = frozenset(
    getattr(errno, name)
    for name in ("EADDRNOTAVAIL", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENOTCONN")
    if hasattr(errno, name)  # not every platform has each
)


def judge_class(error: BaseException) -> tuple[Classification, bool]:
    """Return the verdict by the class of *error*, and whether it is the same for every error of that class."""
    kind = type(error)
    if isinstance(error, (ResilienceError, LeaseLostError)):
        return _judge_own(error)
    for parent in kind.__mro__:
        found = _BUILT_IN.get(parent) or _by_name(parent)
        if found is not None:
            return found, True
    if isinstance(error, OSError):
        is_network = error.errno in _NETWORK_ERRNOS
        reason = errno.errorcode.get(error.errno or 0, kind.__name__)
        return Classification(
            Verdict.RETRYABLE, Category.TRANSIENT if is_network else Category.UNKNOWN, reason=reason
        ), False
    return Classification(Verdict.RETRYABLE, Category.UNKNOWN, reason=kind.__name__), True


def _judge_own(error: ResilienceError | LeaseLostError) -> tuple[Classification, bool]:
    found = next(OWN[parent] for parent in type(error).__mro__ if parent in OWN)
    # Attributes are asked for with care: a subclass of the user's need not have called our constructor.
    if isinstance(error, (RetryableError, NotRunError)):
        wait_s = asked_wait_s(getattr(error, "retry_after_s", None))
        return Classification(found.verdict, found.category, wait_s, found.reason), False
    if isinstance(error, SinkError):
        category = Category.ACCESS if getattr(error, "is_permanent", False) else found.category
        return Classification(found.verdict, category, reason=found.reason), False
    return found, True


def _by_name(parent: type) -> Classification | None:
    package = parent.__module__.partition(".")[0]
    if package == "botocore":
        from .aws_errors import BY_BOTOCORE_CLASS

        return BY_BOTOCORE_CLASS.get(parent.__name__)
    return _BY_NAME.get((package, parent.__name__))
