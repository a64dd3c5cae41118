"""
What the answers and errors of HTTP clients mean: requests, httpx, aiohttp, urllib3, urllib, and what builds on them.

An answer is known by what hangs on the exception, a class by its package and its name; nothing is imported for either.
Imported when the first of them must be judged, not before.
"""

from __future__ import annotations

from typing import Any

from .model import UNKNOWN_SOURCE, Category, Classification, Verdict
from .retry_after import wait_in

# Every other 4xx is permanent and the request's fault, every other 5xx passes.
STATUSES: dict[int, tuple[Verdict, Category]] = {
    401: (Verdict.NON_RETRYABLE, Category.ACCESS),
    402: (Verdict.NON_RETRYABLE, Category.ACCESS),
    403: (Verdict.NON_RETRYABLE, Category.ACCESS),
    407: (Verdict.NON_RETRYABLE, Category.ACCESS),
    408: (Verdict.RETRYABLE, Category.TIMEOUT),
    # Somebody else is at it, or it is there already: the status does not say which, and a needless try is cheap.
    409: (Verdict.RETRYABLE, Category.CONFLICT),
    412: (Verdict.NON_RETRYABLE, Category.CONFLICT),  # the state of the data says no, and will say so again
    421: (Verdict.RETRYABLE, Category.TRANSIENT),  # another connection reaches the right server
    423: (Verdict.RETRYABLE, Category.CONFLICT),  # a lock ends
    425: (Verdict.RETRYABLE, Category.TRANSIENT),
    429: (Verdict.RETRYABLE, Category.THROTTLING),
    451: (Verdict.NON_RETRYABLE, Category.ACCESS),
    501: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    504: (Verdict.RETRYABLE, Category.TIMEOUT),
    505: (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    509: (Verdict.RETRYABLE, Category.THROTTLING),  # of some hosts: the bandwidth is used up
    598: (Verdict.RETRYABLE, Category.TIMEOUT),
    599: (Verdict.RETRYABLE, Category.TIMEOUT),
}

_TIMEOUT, _TRANSIENT = Category.TIMEOUT, Category.TRANSIENT
# Timeouts and connections only: a wrong address may be the event's fault or the operator's, and is left unknown.
CLASSES: dict[str, dict[str, Category]] = {
    "requests": {
        "ConnectTimeout": _TIMEOUT,  # a ConnectionError too
        "Timeout": _TIMEOUT,
        "ConnectionError": _TRANSIENT,
        "ChunkedEncodingError": _TRANSIENT,
        "ContentDecodingError": _TRANSIENT,
        "RetryError": _TRANSIENT,
        "JSONDecodeError": _TRANSIENT,  # of an answer, where json's own is of the event
    },
    "httpx": {
        "TimeoutException": _TIMEOUT,
        "TransportError": _TRANSIENT,
        "DecodingError": _TRANSIENT,
        "UnsupportedProtocol": Category.UNKNOWN,  # a wrong URL; a TransportError too
        "LocalProtocolError": Category.UNKNOWN,  # a wrong request, which was not sent
    },
    "httpcore": {
        "LocalProtocolError": Category.UNKNOWN,
        "TimeoutException": _TIMEOUT,
        "NetworkError": _TRANSIENT,
        "ProtocolError": _TRANSIENT,
        "ProxyError": _TRANSIENT,
        "ConnectionNotAvailable": _TRANSIENT,
    },
    "aiohttp": {
        "ServerTimeoutError": _TIMEOUT,
        "ClientConnectionError": _TRANSIENT,
        "ClientPayloadError": _TRANSIENT,
        "ContentTypeError": _TRANSIENT,
    },
    "urllib3": {
        "NewConnectionError": _TRANSIENT,  # a timeout too, by its class and not by what happened
        "TimeoutError": _TIMEOUT,
        "MaxRetryError": _TRANSIENT,
        "PoolError": _TRANSIENT,
        "ProtocolError": _TRANSIENT,
        "IncompleteRead": _TRANSIENT,
        "DecodeError": _TRANSIENT,
        "ProxyError": _TRANSIENT,
        "SSLError": _TRANSIENT,
        "ResponseError": _TRANSIENT,
    },
    "http": {"BadStatusLine": _TRANSIENT, "IncompleteRead": _TRANSIENT},
    "urllib": {"URLError": _TRANSIENT},
}
# Of these the exception is the answer, and its status an attribute of its own.
_ANSWERS = {("aiohttp", "ClientResponseError"): "status", ("urllib", "HTTPError"): "code"}
# These wrap another error, and are a timeout if that one is.
_WRAPPERS = {("urllib3", "MaxRetryError"), ("urllib", "URLError")}

BY_CLASS = {
    (package, name): Classification(
        Verdict.RETRYABLE, category, None, name, UNKNOWN_SOURCE if category is Category.UNKNOWN else "class"
    )
    for package, names in CLASSES.items()
    for name, category in names.items()
}


def status_of(response: Any) -> int | None:
    """Return the status of an answer that reports a failure; None if *response* is no such answer."""
    status = getattr(response, "status_code", None)
    return _failing(getattr(response, "status", None) if status is None else status)


def judge_status(status: int, headers: Any = None, now_s: float | None = None) -> Classification:
    """
    Return the verdict on an answer by its *status*, from 400 to 599, with the wait that its *headers* ask for.

    Args:
        now_s: Wall clock, for a ``Retry-After`` that is a date in an answer without one of its own.
    """
    verdict, category = STATUSES.get(status) or (
        (Verdict.NON_RETRYABLE, Category.INVALID_INPUT) if status < 500 else (Verdict.RETRYABLE, Category.TRANSIENT)
    )
    wait_s = wait_in(headers, now_s) if verdict is Verdict.RETRYABLE else None
    return Classification(verdict, category, wait_s, f"HTTP {status}", "http status")


def judge_client_error(error: Any, package: str, name: str, now_s: float | None) -> tuple[Classification | None, bool]:
    """
    Return the verdict on *error* as an instance of a class of an HTTP client, and whether it is the class's.

    Args:
        package: The class's top-level package.
        name: The class's name: it may be a parent of the error's own.
    """
    attribute = _ANSWERS.get((package, name))
    if attribute is not None:
        status = _failing(getattr(error, attribute, None))
        if status is not None:
            return judge_status(status, getattr(error, "headers", None), now_s), False
    found = BY_CLASS.get((package, name))
    if found is not None and (package, name) in _WRAPPERS:
        return (found._replace(category=_TIMEOUT) if _is_timeout(getattr(error, "reason", None)) else found), False
    return found, attribute is None


def _is_timeout(reason: Any) -> bool:
    for parent in type(reason).__mro__:
        if parent is TimeoutError:
            return True
        found = BY_CLASS.get((parent.__module__.partition(".")[0], parent.__name__))
        if found is not None:
            return found.category is _TIMEOUT
    return False


def _failing(status: Any) -> int | None:
    return status if isinstance(status, int) and 400 <= status <= 599 else None
