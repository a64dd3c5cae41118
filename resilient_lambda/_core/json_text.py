"""JSON of values that `json` does not write, to the last digit."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from ..errors import InvalidRecordError


def json_text(value: Any, *, sorts_names: bool = False) -> str:
    """
    Return *value* as JSON: Decimals with all their digits, bytes as base64, sets as sorted lists.

    Args:
        sorts_names: True to have the names of objects sorted, so that equal values have equal texts.

    Raises:
        InvalidRecordError: There is something else in it.
    """
    try:
        return _text(value, sorts_names)
    except (TypeError, ValueError, RecursionError):
        raise InvalidRecordError("the record's value is no JSON") from None  # the cause may show it


def _text(value: Any, sorts_names: bool) -> str:
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("a name is no text")
        named = list(value.items())
        if sorts_names:
            named.sort(key=itemgetter(0))
        return "{" + ", ".join(f"{json.dumps(name)}: {_text(part, sorts_names)}" for name, part in named) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_text(part, sorts_names) for part in value]) + "]"
    if isinstance(value, (set, frozenset)):
        return "[" + ", ".join([_text(part, sorts_names) for part in sorted(value)]) + "]"
    if isinstance(value, bytes):
        from base64 import b64encode

        return f'"{b64encode(value).decode()}"'
    if type(value).__name__ == "Decimal" and value.is_finite():
        return str(value)
    return json.dumps(value)
