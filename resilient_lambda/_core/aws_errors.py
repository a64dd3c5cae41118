"""
How an answer of AWS is judged: by its error code, and what that means stands in `aws_codes`.

Never by its HTTP status alone: Lambda answers a permanent KMSDisabledException with 502. Only the status of an
*unknown* code is looked at, and only to tell throttling and server faults apart; every unknown code is retryable. What
is answered to a HEAD request has no body and so no name: botocore puts the status there, which then is all there is.

Imported when the first answer of AWS must be judged, not before.
"""

from __future__ import annotations

from typing import Any, cast

from .aws_codes import BOTOCORE_CLASSES, MANAGEMENT, MODELLED, NON_RETRYABLE, RETRYABLE
from .backoff import asked_wait_s
from .http_errors import judge_status
from .model import Category, Classification, Verdict
from .retry_after import wait_in


def _by_code() -> dict[str, Classification]:
    """Return the tables as one; what stands in a later table wins."""
    yes, no = Verdict.RETRYABLE, Verdict.NON_RETRYABLE
    tables = (
        *((yes, category, codes) for category, codes in MODELLED.items()),
        *((verdict, category, codes) for (verdict, category), codes in MANAGEMENT.items()),
        *((yes, category, codes) for category, codes in RETRYABLE.items()),
        *((no, category, codes) for category, codes in NON_RETRYABLE.items()),
    )
    return {
        code: Classification(verdict, category, reason=code, source="aws code")
        for verdict, category, codes in tables
        for code in codes
    }


BY_CODE = _by_code()
BY_BOTOCORE_CLASS = {
    name: Classification(verdict, category, reason=name, source="botocore")
    for (verdict, category), names in BOTOCORE_CLASSES.items()
    for name in names
}


def code_in(response: dict[str, Any]) -> str:
    """Return the error code in an answer, as botocore parses it; "" if there is none."""
    code = _mapping(response.get("Error")).get("Code")
    return code if isinstance(code, str) else ""


def judge_answer(response: dict[str, Any], now_s: float | None = None) -> tuple[str, Classification] | None:
    """
    Return the error code in an answer, as botocore parses it, with the verdict; None if there is no code.

    Args:
        now_s: Wall clock, for a ``Retry-After`` that is a date.
    """
    code = code_in(response)
    if not code:
        return None
    found = BY_CODE.get(code)
    if found is None:
        reasons = response.get("CancellationReasons")
        if code == "TransactionCanceledException" and isinstance(reasons, list):
            found = _judge_cancellation(code, cast("list[object]", reasons))
        elif code.isascii() and code.isdecimal() and len(code) == 3 and code[0] in "45":
            found = judge_status(int(code))
        else:
            found = Classification(Verdict.RETRYABLE, _category_by_status(response), None, code, "aws status")
    if found.verdict is Verdict.RETRYABLE and (wait_s := _asked_wait_s(response, now_s)) is not None:
        found = found._replace(retry_after_s=wait_s)
    return code, found


def _judge_cancellation(code: str, reasons: list[object]) -> Classification:
    """Judge a cancelled transaction: one permanent reason makes it permanent, or else one throttled makes it that."""
    category = Category.CONFLICT
    for reason in reasons:
        name = _mapping(reason).get("Code")
        if not isinstance(name, str) or name == "None":  # AWS's word for an item that was not at fault
            continue
        found = BY_CODE.get(name, Classification(Verdict.RETRYABLE, Category.UNKNOWN))
        if not found.is_retryable:
            return found._replace(reason=f"{code}: {name}")
        if category is not Category.THROTTLING:
            category = found.category
    return Classification(Verdict.RETRYABLE, category, None, code, "aws code")


def _category_by_status(response: dict[str, Any]) -> Category:
    """Return the category of an unknown code."""
    status = _mapping(response.get("ResponseMetadata")).get("HTTPStatusCode")
    if not isinstance(status, int):
        return Category.UNKNOWN
    if status in (429, 509):  # 509: bandwidth limit; botocore slows down for it too
        return Category.THROTTLING
    return Category.TRANSIENT if status >= 500 else Category.UNKNOWN


def _asked_wait_s(response: dict[str, Any], now_s: float | None) -> float | None:
    """Return the wait in Lambda's ``retryAfterSeconds`` or in the ``Retry-After`` header, in seconds."""
    wait_s = asked_wait_s(response.get("retryAfterSeconds"))
    if wait_s is not None:
        return wait_s
    headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
    return wait_in(headers, now_s) if "retry-after" in headers else None  # botocore has them in lower case


def _mapping(value: object) -> dict[str, Any]:
    """Return *value* if it is a dict, or else an empty one: an answer may be of any shape."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
