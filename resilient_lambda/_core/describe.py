"""Errors as text for logs and dead letters: what went wrong and where, never what the data was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_TEXT_CHARS = 1_000
_MAX_ENTRIES = 5
_FIELD = re.compile(r"[A-Za-z_$@][\w-]{0,39}", re.ASCII)


def describe(error: BaseException) -> str:
    """
    Return what *error* says, for logs and dead letters, in at most 1,000 characters.

    Of a validation error only where and of which kind: its own text quotes the input. Of undecodable text and JSON
    only the position. The text of any other error is its author's, and is cut only.
    """
    try:
        text = _describe_data_error(error) or str(error) or type(error).__name__
    except Exception as broken:  # a border: __str__ and errors() of foreign errors can raise anything
        text = f"{type(error).__name__} has no text: {type(broken).__name__} while it was made"
    return text if len(text) <= _MAX_TEXT_CHARS else text[: _MAX_TEXT_CHARS - 3] + "..."


def _describe_data_error(error: Any) -> str | None:
    """Return the text of an error whose own would quote the data; None for any other error."""
    for parent in type(error).__mro__:
        match parent.__module__.partition(".")[0], parent.__name__:
            case "builtins", ("UnicodeDecodeError" | "UnicodeEncodeError"):
                return f"{error.encoding} text is broken at position {error.start}: {error.reason}"
            case _, "JSONDecodeError":
                return f"not JSON at line {error.lineno}, column {error.colno}"
            case (("pydantic" | "pydantic_core"), "ValidationError"):
                return _describe_entries([(entry["loc"], entry["type"]) for entry in _pydantic_errors(error)])
            case "jsonschema", "ValidationError":
                return _describe_entries([(error.absolute_path, error.validator)])
            case ("aws_lambda_powertools", "SchemaValidationError") | ("fastjsonschema", "JsonSchemaValueException"):
                return _describe_entries([(error.path, error.rule)])
            case "botocore", ("ParamValidationError" | "ValidationError"):
                return "the parameters of a call to AWS are invalid (the text that says which would quote them)"
            case _:
                pass
    return None


def _pydantic_errors(error: Any) -> list[Any]:
    try:
        return list(error.errors(include_input=False, include_url=False, include_context=False))
    except TypeError:  # pydantic 1 knows no such options
        return list(error.errors())


def _describe_entries(entries: list[tuple[Iterable[object], object]]) -> str:
    shown = [f"{_location(location, kind)}: {kind}" for location, kind in entries[:_MAX_ENTRIES]]
    more = len(entries) - len(shown)
    return "invalid data: " + "; ".join(shown) + (f"; and {more} more" if more else "")


def _location(location: Iterable[object], kind: object) -> str:
    """Return the dotted place; a key that is itself what is wrong, or looks like no field, is hidden."""
    parts = [str(part) if isinstance(part, int) or part == "[key]" else _shown(str(part)) for part in location]
    if parts and kind == "extra_forbidden":
        parts[-1] = "*"
    # A key that fails its type is followed by this mark, and by more where the type is a union.
    for position in range(1, len(parts)):
        if parts[position] == "[key]":
            parts[position - 1] = "*"
    return ".".join(parts) or "(body)"


def _shown(part: str) -> str:
    return part if _FIELD.fullmatch(part) else "*"
