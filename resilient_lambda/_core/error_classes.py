"""
What classes of errors mean: this library's own, Python's, and those of packages that are known by name.

No package is imported for it: a class is known by its top-level package and its name. Those of botocore are in
`aws_codes`, those of HTTP clients in `http_errors`, which are imported when one is met.
"""

from __future__ import annotations

import errno

from ..errors import (
    ConfigurationError,
    CrashLoopError,
    DeadlineExceededError,
    FingerprintMismatchError,
    FunctionError,
    FunctionNotFoundError,
    InProgressError,
    InvalidPayloadError,
    InvalidRecordError,
    LeaseLostError,
    NonRetryableError,
    NotRunError,
    OutcomeUnknownError,
    PayloadTooLargeError,
    ResilienceError,
    RetryableError,
    SinkError,
    StoreError,
    StoreUnavailableError,
)
from .backoff import asked_wait_s
from .model import UNKNOWN_SOURCE, Category, Classification, Verdict


def _of_classes(source: str, table: dict[type, tuple[Verdict, Category]]) -> dict[type, Classification]:
    return {
        kind: Classification(verdict, category, None, kind.__name__, source)
        for kind, (verdict, category) in table.items()
    }


# Not failures of the user's function, or its explicit word: a broad class such as Exception in the user's options
# does not reach them. Parking an InProgressError would set aside an event that never ran.
OWN = _of_classes(
    "library",
    {
        RetryableError: (Verdict.RETRYABLE, Category.TRANSIENT),
        NonRetryableError: (Verdict.NON_RETRYABLE, Category.UNKNOWN),
        InvalidRecordError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        FingerprintMismatchError: (Verdict.NON_RETRYABLE, Category.CONFLICT),
        FunctionNotFoundError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        InvalidPayloadError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        PayloadTooLargeError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
        CrashLoopError: (Verdict.NON_RETRYABLE, Category.CRASH),
        NotRunError: (Verdict.RETRYABLE, Category.TRANSIENT),
        InProgressError: (Verdict.RETRYABLE, Category.CONFLICT),
        DeadlineExceededError: (Verdict.RETRYABLE, Category.TIMEOUT),
        StoreError: (Verdict.RETRYABLE, Category.ACCESS),  # an operator mends the table; nothing may be lost until then
        StoreUnavailableError: (Verdict.RETRYABLE, Category.TRANSIENT),
        SinkError: (Verdict.RETRYABLE, Category.TRANSIENT),
        OutcomeUnknownError: (Verdict.RETRYABLE, Category.TIMEOUT),
        ConfigurationError: (Verdict.RETRYABLE, Category.ACCESS),
        ResilienceError: (Verdict.RETRYABLE, Category.UNKNOWN),
        LeaseLostError: (Verdict.RETRYABLE, Category.CONFLICT),
    },
)
NOT_FOR_PARKING = (NotRunError, StoreError, SinkError)

BUILT_IN = _of_classes(
    "class",
    {
        TimeoutError: (Verdict.RETRYABLE, Category.TIMEOUT),
        ConnectionError: (Verdict.RETRYABLE, Category.TRANSIENT),
        MemoryError: (Verdict.RETRYABLE, Category.CRASH),
        SystemExit: (Verdict.RETRYABLE, Category.CRASH),
        UnicodeDecodeError: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    },
)

# (top-level package, class name)
BY_NAME = {
    key: Classification(verdict, category, None, key[1], "class")
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
HTTP_CLIENTS = frozenset({"aiohttp", "http", "httpcore", "httpx", "requests", "urllib", "urllib3"})
_GROUPS = {("builtins", "BaseExceptionGroup"), ("exceptiongroup", "BaseExceptionGroup")}

_NETWORK_ERRNOS = frozenset(
    getattr(errno, name)
    for name in ("EADDRNOTAVAIL", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENOTCONN")
    if hasattr(errno, name)  # not every platform has each
)


def is_group(kind: type) -> bool:
    """Say whether *kind* is a class of exception groups, Python's or the backport's."""
    return any((parent.__module__.partition(".")[0], parent.__name__) in _GROUPS for parent in kind.__mro__)


def judge_class(error: BaseException, now_s: float | None = None) -> tuple[Classification, bool]:
    """
    Return the verdict by the class of *error*, and whether it is the same for every error of that class.

    Args:
        now_s: Wall clock, for the answer that an error of an HTTP client may carry.
    """
    kind = type(error)
    if isinstance(error, (ResilienceError, LeaseLostError)):
        return _judge_own(error)
    is_by_type = True
    for parent in kind.__mro__:
        found = BUILT_IN.get(parent)
        if found is None:
            found, is_of_parent = _judge_by_name(error, parent, now_s)
            is_by_type = is_by_type and is_of_parent
        if found is not None:
            return found, is_by_type
    if isinstance(error, OSError):
        reason = errno.errorcode.get(error.errno or 0, kind.__name__)
        if error.errno in _NETWORK_ERRNOS:
            return Classification(Verdict.RETRYABLE, Category.TRANSIENT, None, reason, "errno"), False
        return Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, reason, UNKNOWN_SOURCE), False
    return Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, kind.__name__, UNKNOWN_SOURCE), is_by_type


def _judge_own(error: ResilienceError | LeaseLostError) -> tuple[Classification, bool]:
    if isinstance(error, FunctionError):
        from .error_names import judge_function_error

        return judge_function_error(error), False
    found = next(OWN[parent] for parent in type(error).__mro__ if parent in OWN)
    # Attributes are asked for with care: a subclass of the user's need not have called our constructor.
    if isinstance(error, (RetryableError, NotRunError)):
        return found._replace(retry_after_s=asked_wait_s(getattr(error, "retry_after_s", None))), False
    if isinstance(error, SinkError):
        category = Category.ACCESS if getattr(error, "is_permanent", False) else found.category
        return found._replace(category=category), False
    return found, True


def _judge_by_name(error: BaseException, parent: type, now_s: float | None) -> tuple[Classification | None, bool]:
    package = parent.__module__.partition(".")[0]
    if package == "botocore":
        from .aws_errors import BY_BOTOCORE_CLASS

        return BY_BOTOCORE_CLASS.get(parent.__name__), True
    if package in HTTP_CLIENTS:
        from .http_errors import judge_client_error

        return judge_client_error(error, package, parent.__name__, now_s)
    return BY_NAME.get((package, parent.__name__)), True
