"""
What an invoked function failed of: its time limit, its memory, an exit, or an exception of its own.

Lambda says it by ``errorType`` and ``errorMessage`` alone, and a function may raise an exception that quotes either. So
a text counts only where it is all of the message, and only without a stack trace, which Lambda's own errors lack.
"""

from __future__ import annotations

import re
from typing import Any

TIMEOUT = "timeout"
OUT_OF_MEMORY = "out_of_memory"
EXIT = "exit"
HANDLER = "handler"
KINDS = (TIMEOUT, OUT_OF_MEMORY, EXIT, HANDLER)

# Both shapes were recorded on AWS: with the type Sandbox.Timedout, and without any type but with a date.
_TIMED_OUT = re.compile(r"RequestId: (\S+) Error: Task timed out after \d+(?:\.\d+)? seconds\s*")
_TIMED_OUT_DATED = re.compile(r"\d{4}-\d\d-\d\dT\S+ (\S+) Task timed out after \d+(?:\.\d+)? seconds\s*")
# Of emulators, which name no request.
_TIMED_OUT_BARE = re.compile(r"Task timed out after \d+(?:\.\d+)? seconds\s*")
_EXITED = re.compile(r"RequestId: (\S+) Error: Runtime exited (?:with error: (.+)|without providing a reason)\s*")


def kind_of(payload: Any, request_id: str = "") -> str:
    """
    Return which of `KINDS` the error *payload* of an invocation is, as Lambda answers it or puts it into a record.

    Args:
        payload: ``errorType``, ``errorMessage``, ``stackTrace``; of any shape, for a function may answer anything.
        request_id: The invocation's, if known: what names another one is quoted.
    """
    if not isinstance(payload, dict) or payload.get("stackTrace") or payload.get("trace"):  # Node.js says trace
        return HANDLER
    error_type, message = payload.get("errorType"), payload.get("errorMessage")
    if not isinstance(message, str):
        return HANDLER
    if error_type in (None, ""):
        found = _TIMED_OUT_DATED.fullmatch(message) or _TIMED_OUT.fullmatch(message)
        return TIMEOUT if found and _is_of(found, request_id) else HANDLER
    if error_type == "Runtime.OutOfMemory":
        return OUT_OF_MEMORY
    if error_type not in ("Sandbox.Timedout", "Runtime.ExitError"):
        return HANDLER
    if error_type == "Sandbox.Timedout" and _TIMED_OUT_BARE.fullmatch(message):
        return TIMEOUT
    # A segmentation fault has been seen as Sandbox.Timedout: the message decides.
    found = _TIMED_OUT.fullmatch(message)
    if found is not None:
        return TIMEOUT if error_type == "Sandbox.Timedout" and _is_of(found, request_id) else HANDLER
    found = _EXITED.fullmatch(message)
    if found is None or not _is_of(found, request_id):
        return EXIT if error_type == "Runtime.ExitError" else HANDLER
    return OUT_OF_MEMORY if found[2] == "signal: killed" else EXIT


def _is_of(found: re.Match[str], request_id: str) -> bool:
    return not request_id or found[1] == request_id
