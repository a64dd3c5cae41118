"""
What one line of a function's log says of an invocation: START, END, REPORT and errors, as text and as JSON.

Source: AWS Lambda Developer Guide, "View CloudWatch Logs for Python Lambda functions", "Lambda Telemetry API Event
schema reference" for the records in JSON. What a line lacks is left open.
"""

from __future__ import annotations

import json
import re
from typing import Any

EXIT_TYPE = "Runtime.ExitError"

# The whole line, or the whole message: a function may log the sentence that another one failed with.
_TIMED_OUT = re.compile(r"(?:\d{4}-\d\d-\d\dT\S+ (\S+) )?Task timed out after [\d.]+ seconds\s*")
# How the runtime's logger begins a line: level, moment, request id.
_LOGGED = re.compile(r"\[ERROR\]\t[^\t]*\t([0-9a-f]{8}-[0-9a-f-]{27})\t")
_HARMLESS = ("TRACE", "DEBUG", "INFO", "WARN", "WARNING")


def read(text: str, request_id: str) -> tuple[str, dict[str, Any]] | None:
    """
    Return what kind of line it is and what it says; None if it is of no interest, or of another invocation.

    The kinds are ``start``, ``end``, ``report`` and ``error``; what is said has the names of `TracedAttempt`.
    """
    text = text.strip()
    if text.startswith("{"):
        try:
            record: Any = json.loads(text)
        except (ValueError, RecursionError):  # a line is the user's, of any shape
            record = None
        if isinstance(record, dict):
            return _read_json(record, request_id)
    for kind in ("START", "END", "REPORT"):
        if text.startswith(f"{kind} RequestId: "):
            if text.split(maxsplit=3)[2] != request_id:
                return None
            return kind.lower(), _reported(text) if kind == "REPORT" else {}
    return _read_error(text, request_id)


def _read_error(text: str, request_id: str) -> tuple[str, dict[str, Any]] | None:
    late = _TIMED_OUT.fullmatch(text)
    if late is not None and late[1] == request_id:
        return "error", {"timed_out": True}
    exited = re.match(r"RequestId: (\S+) Error: (Runtime exited.*)", text)
    if exited is not None:
        return ("error", {"error_type": EXIT_TYPE}) if exited[1] == request_id else None
    logged = _LOGGED.match(text)
    if not text.startswith("[ERROR]") or (logged is not None and logged[1] != request_id):
        return None
    # The runtime's line of an exception, "[ERROR] ValueError: no", or one of the function's logger, which has tabs.
    raised = re.match(r"\[ERROR\] ([A-Za-z_][\w.]*)(?::|\n|$)", text)
    return "error", {} if raised is None else {"error_type": raised[1]}


def _reported(text: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        name: float(found[1])
        for name, pattern in (
            ("duration_ms", r"\tDuration: ([\d.]+) ms"),
            ("billed_ms", r"\tBilled Duration: ([\d.]+) ms"),
            ("memory_mb", r"\tMemory Size: ([\d.]+) MB"),
            ("used_mb", r"\tMax Memory Used: ([\d.]+) MB"),
        )
        if (found := re.search(pattern, text))
    }
    status = re.search(r"\bStatus: (\w+)", text)
    if status is not None and status[1] == "timeout":
        facts["timed_out"] = True
    error_type = re.search(r"\bError Type: (\S+)", text)
    if error_type is not None:
        facts["error_type"] = error_type[1]
    elif status is not None and status[1] in ("error", "failure"):
        facts["error_type"] = status[1]
    return facts


def _read_json(record: dict[str, Any], request_id: str) -> tuple[str, dict[str, Any]] | None:
    said = record.get("record")
    if isinstance(said, dict) and isinstance(record.get("type"), str):
        if said.get("requestId") != request_id:
            return None
        match record["type"]:
            case "platform.start":
                return "start", {}
            case "platform.report":
                return "report", _reported_json(said)
            case "platform.runtimeDone":
                return "end", _status_of(said)
            case _:
                return None
    named = record.get("requestId", record.get("AWSRequestId", record.get("function_request_id")))
    level = record.get("log_level", record.get("level"))
    message = record.get("errorMessage", record.get("message"))
    if named not in (None, request_id):
        return None
    late = _TIMED_OUT.fullmatch(message) if isinstance(message, str) and level not in _HARMLESS else None
    if late is not None and late[1] in (None, request_id):
        return "error", {"timed_out": True}
    if level not in ("ERROR", "FATAL", "CRITICAL"):
        return None
    # A logger's line has a message of its own; what it tells of was caught.
    error_type = None if "message" in record else record.get("errorType")
    return "error", {"error_type": error_type} if isinstance(error_type, str) else {}


def _reported_json(said: dict[str, Any]) -> dict[str, Any]:
    metrics = said.get("metrics")
    numbers = metrics if isinstance(metrics, dict) else {}
    facts = {
        ours: float(numbers[theirs])
        for ours, theirs in (
            ("duration_ms", "durationMs"),
            ("billed_ms", "billedDurationMs"),
            ("memory_mb", "memorySizeMB"),
            ("used_mb", "maxMemoryUsedMB"),
        )
        if isinstance(numbers.get(theirs), int | float)
    }
    return {**facts, **_status_of(said)}


def _status_of(said: dict[str, Any]) -> dict[str, Any]:
    status, error_type = said.get("status"), said.get("errorType")
    facts: dict[str, Any] = {}
    if status == "timeout":
        facts["timed_out"] = True
    if isinstance(error_type, str):
        facts["error_type"] = error_type
    elif status in ("error", "failure"):
        facts["error_type"] = status
    return facts
