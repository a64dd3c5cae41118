"""
What a request is answered with, in the shape that its event asks for.

    400  the body or the Idempotency-Key header cannot be read; the key is missing; `NonRetryableError`
    403  the idempotency key needs a caller, and there is none
    409  a twin is in progress (Retry-After); a condition of ``commit_with`` does not hold
    422  the body does not fit; another request under a used key
    429  throttled (Retry-After)
    503  not run, or worth another try (Retry-After)
    500  anything else

Of the library's own refusals of the request and of `InvalidRecordError` the text is told, for it never holds data. Of
anything else nothing is: neither the message nor the class.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from .. import errors
from .._named_tuple import NamedTuple
from .describe import describe
from .http_request import Form
from .model import Category

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .http_request import HttpRequest
    from .model import Classification, Failure

RETRY_AFTER_S = {409: 1, 429: 5, 503: 5}
LONGEST_RETRY_AFTER_S = 86_400
# A twin is mostly done soon. That its lease would last longer counts only if it has crashed.
LONGEST_IN_PROGRESS_S = 5

TITLES = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict",
    410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
    421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 424: "Failed Dependency",
    425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    507: "Insufficient Storage", 508: "Loop Detected", 511: "Network Authentication Required",
}  # fmt: skip

_MISSING = (
    "this request needs an idempotency key: an Idempotency-Key header, unless the API's documentation names another"
)
_NO_CALLER = "this request needs a caller that is known"
_MISMATCH = "this idempotency key was used before with another request"
_IN_PROGRESS = "a request with this idempotency key is being handled; send it again later"
_TOLD = "told"  # the error's own text

# First match wins.
_REFUSALS: tuple[tuple[type[BaseException], int, str], ...] = (
    (errors.MissingKeyError, 400, _MISSING),
    (errors.MalformedRequestError, 400, _TOLD),
    (errors.InvalidRecordError, 422, _TOLD),
    (errors.CallerUnknownError, 403, _NO_CALLER),
    (errors.FingerprintMismatchError, 422, _MISMATCH),
    (errors.InProgressError, 409, _IN_PROGRESS),
    (errors.LeaseLostError, 409, _IN_PROGRESS),
    (errors.CommitConditionError, 409, ""),
    (errors.NotRunError, 503, ""),
)
# They speak of the request only if the function was not run: from within it they are about something else.
_OF_REQUESTS = (errors.MissingKeyError, errors.CallerUnknownError, errors.FingerprintMismatchError)
_BY_CATEGORY = {
    Category.THROTTLING: 429,
    Category.TRANSIENT: 503,
    Category.TIMEOUT: 503,
    Category.CONFLICT: 503,
}
# Of the options of a `Classifier`: who says "retryable" there means it, whatever the error is.
_USERS_WORD = ("rule", "your class", "your code")


class Problem(NamedTuple):
    """
    What is said of a failure.

    Attributes:
        status: The HTTP status.
        detail: For people; "" for nothing.
        retry_after_s: When to try again, in whole seconds; None if that is not said.
    """

    status: int
    detail: str = ""
    retry_after_s: int | None = None


def problem_of(failure: Failure, status: int | None = None) -> Problem:
    """
    Return what is said of *failure*.

    Args:
        status: The user's, which counts; None for that of the table.
    """
    error, found = failure.error, failure.classification
    usual, detail = (500, "") if failure.ran and isinstance(error, _OF_REQUESTS) else _usual(error, found)
    told = describe(error) if detail is _TOLD else detail
    if status is None:
        status = usual
    return Problem(status, told if status < 500 else "", _retry_after_s(status, error, found))


def _usual(error: BaseException, found: Classification) -> tuple[int, str]:
    for kind, status, detail in _REFUSALS:
        if isinstance(error, kind):
            return status, detail
    is_users_word = found.source in _USERS_WORD
    if found.is_retryable:
        return _BY_CATEGORY.get(found.category, 503 if is_users_word else 500), ""
    if is_users_word and found.category is Category.INVALID_INPUT:
        return 400, ""
    # The user's explicit word. What other errors are by their class is no word on the request: a JSONDecodeError may be
    # about what another service has answered. And the library's own say that something is wrong here.
    is_own = type(error).__module__ == errors.__name__ and type(error) is not errors.NonRetryableError
    return (400, "") if isinstance(error, errors.NonRetryableError) and not is_own else (500, "")


def _retry_after_s(status: int, error: BaseException, found: Classification) -> int | None:
    default_s = RETRY_AFTER_S.get(status)
    if default_s is None or (status == 409 and not isinstance(error, errors.InProgressError | errors.LeaseLostError)):
        return None
    if found.retry_after_s is None:
        return default_s
    longest_s = LONGEST_IN_PROGRESS_S if status == 409 else LONGEST_RETRY_AFTER_S
    return min(max(1, ceil(found.retry_after_s)), longest_s)


def problem_headers(problem: Problem) -> dict[str, str]:
    """Return the headers that *problem* is answered with."""
    headers = {"content-type": "application/problem+json"}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return headers


def problem_body(problem: Problem, request_id: str) -> dict[str, Any]:
    """Return *problem* as RFC 9457 has it, with what finds the request in the logs."""
    body: dict[str, Any] = {"title": title_of(problem.status), "status": problem.status}
    if problem.detail:
        body["detail"] = problem.detail
    if request_id:
        body["request_id"] = request_id
    return body


def title_of(status: int) -> str:
    """Return the phrase of *status*."""
    return TITLES.get(status, "Error")


def response(request: HttpRequest, status: int, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return a response in the shape that *request* asks for."""
    answer: dict[str, Any] = {"statusCode": status, "body": body, "isBase64Encoded": False}
    if request.form is Form.ALB:
        answer["statusDescription"] = f"{status} {title_of(status)}"
    if request.takes_many:
        answer["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
    else:
        answer["headers"] = dict(headers)
    return answer


def is_response(value: Any) -> bool:
    """Tell whether *value* is a whole response rather than what its body shall be."""
    return isinstance(value, dict) and "statusCode" in value


def status_of(answer: Mapping[str, Any]) -> int | None:
    """Return the status of a response, None if it has none that can be read."""
    status = answer.get("statusCode")
    if isinstance(status, str) and status.isascii() and status.isdecimal() and len(status) == 3:
        return int(status)
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def has_failed(answer: Mapping[str, Any]) -> bool:
    """Tell whether a response says that another try may succeed: 429, or 500 and above."""
    status = status_of(answer)
    return status is not None and (status == 429 or status >= 500)
