"""
What somebody wants explained, read from what they have: JSON in any envelope, an error code, a line of a log. Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from .._core.destination_envelopes import is_record
from .._core.error_names import judge_name
from .._core.function_errors import HANDLER, kind_of
from ..errors import InvalidRecordError
from ._explain_finding import Finding, of_code, of_function_error, of_lambda_queue, of_note, of_record, of_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DEPTH = 8
_NOTE = "resilient_lambda"
_WRITTEN_BY_BOTO = re.compile(r"An error occurred \(([^)]+)\) when calling the (\w+) operation")
_EXITED = re.compile(r"RequestId: \S+ Error: Runtime exited .*")
_TRACEBACK = "Traceback (most recent call last):"
_OWN_NOTE = "resilient_lambda: "  # that of `Retry`, behind what it gave up
_LOG_LEVEL = "[ERROR]"  # which Lambda's runtime puts before an exception
_NAME = re.compile(r"(?:\[ERROR\]\s+)?((?:\w+[.#])*\w+)(?::.*)?")


def read(text: str) -> list[Finding]:
    """
    Return what is in *text*: JSON, an error code, a status, a traceback, a line of Lambda's log.

    Raises:
        InvalidRecordError: It is none of what is known; the message says what would be.
    """
    return _in_text(text, _DEPTH)


def _in_text(text: str, depth: int) -> list[Finding]:
    text = text.strip()
    if text[:1] in ("{", "[", '"') and not text.startswith(_LOG_LEVEL):
        try:
            return _in_value(json.loads(text), depth)
        except json.JSONDecodeError as error:
            raise InvalidRecordError(f"not JSON at line {error.lineno}, column {error.colno}") from None
        except RecursionError:
            raise InvalidRecordError("JSON that is nested too deeply") from None
    if text.isascii() and text.isdecimal():
        return [of_status(int(text))] if 400 <= int(text[:9]) <= 599 else _nothing(f"{text[:9]} is no status")
    lines = text.splitlines() or [""]
    for line in (text, *lines):
        payload = {"errorMessage": line, **({"errorType": "Runtime.ExitError"} if _EXITED.fullmatch(line) else {})}
        if kind_of(payload) != HANDLER:
            return [of_function_error(payload)]
    if (found := _WRITTEN_BY_BOTO.search(text)) is not None:
        return [of_code(found[1], operation=found[2])]
    name = _name_in([line for line in lines if not line.startswith(_OWN_NOTE)])
    return _nothing() if not name else [of_code(name)]


def _name_in(lines: list[str]) -> str:
    """Return the class or code that *lines* tell of, "" if there is none: messages and notes may have several lines."""
    begun = max((number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)), default=None)
    if begun is not None:
        # Python indents what stands between this line and the class.
        behind = next((line for line in lines[begun + 1 :] if line.strip() and not line[0].isspace()), "")
        if (found := _NAME.fullmatch(behind)) is not None:
            return _bare(found[1])
    names = [_bare(found[1]) for line in lines if (found := _NAME.fullmatch(line.strip())) is not None]
    return next((name for name in names if judge_name(name) is not None), names[0] if names else "")


def _in_value(value: Any, depth: int) -> list[Finding]:
    if depth == 0:
        return _nothing("it is nested too deeply")
    if isinstance(value, str):
        return _in_text(value, depth - 1)
    if isinstance(value, list):
        return [found for part in value for found in _in_value(part, depth - 1)] or _nothing("an empty list")
    if not isinstance(value, dict):
        return _nothing()
    note = value.get(_NOTE)
    if isinstance(note, dict) and "record" in value:
        return [of_note(note)]
    if isinstance(value.get("dedup"), str) and isinstance(value.get("error"), str):
        return [of_note(value)]
    if is_record(value):
        return [of_record(value)]
    for name in ("Records", "Messages"):
        if isinstance(value.get(name), list):
            return _in_value(value[name], depth - 1)
    attributes = _attributes(value)
    if _NOTE in attributes:
        return _in_value(attributes[_NOTE], depth - 1)
    if isinstance(value.get("errorType"), str) or isinstance(value.get("errorMessage"), str):
        return [of_function_error(value)]
    if (code := _code_in(value)) is not None:
        return [of_code(_bare(code), answer=value if isinstance(value.get("Error"), dict) else None)]
    for inner in (value.get("Sns"), value.get("detail"), value.get("Message"), value.get("body"), value.get("Body")):
        if isinstance(inner, (dict, str)):
            return of_lambda_queue(attributes) or _in_value(inner, depth - 1)
    return _nothing("an object of no kind that is known")


def _nothing(what: str = "") -> NoReturn:
    known = (
        "an error code, a class, an HTTP status from 400 to 599, or the JSON of an error of a function, of a record of "
        "a destination, or of a dead letter, in whatever envelope"
    )
    raise InvalidRecordError(f"{what or 'this'}: nothing that can be explained. What can: {known}")


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of a message's attributes, as SQS or Lambda spell them."""
    found = value.get("messageAttributes", value.get("MessageAttributes"))
    texts: Iterable[tuple[str, Any]] = found.items() if isinstance(found, dict) else ()
    return {
        name: part.get("stringValue", part.get("StringValue", part.get("Value")))
        for name, part in texts
        if isinstance(part, dict)
    }


def _code_in(value: Mapping[str, Any]) -> str | None:
    """Return the code of an answer of AWS: as botocore has it, as JSON protocols send it, as Step Functions has it."""
    error = value.get("Error")
    named = error.get("Code") if isinstance(error, dict) else error
    codes = (named, value.get("__type"), value.get("code"), value.get("Code"))
    return next((code for code in codes if isinstance(code, str) and code), None)


def _bare(name: str) -> str:
    """Return a code or a class without what stands around it: a shape's namespace, a module, ``Lambda.``."""
    name = name.partition(":")[0].rpartition("#")[2]
    if judge_name(name) is not None:
        return name
    last = name.rpartition(".")[2]
    return last if judge_name(last) is not None or name.startswith("Lambda.") else name
