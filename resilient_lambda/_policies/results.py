"""How the result of a function is stored with its key, to be replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# An item holds 400 KB, its key, names and other fields included.
MAX_BYTES = 350_000
# What `encode` wrote has no space around it; json.loads spends two thirds of its time on looking for some.
_decode = json.JSONDecoder().raw_decode


class UnstorableResultError(Exception):
    """The result cannot be stored; the message says why, never what it was."""


def encode(value: object, *, compresses: bool = True) -> str | bytes | None:
    """
    Return *value* as JSON text, compressed if it is larger than 350 kB; None for None.

    Pydantic models, dataclasses and decimals are stored as Lambda would send them: objects and numbers.

    Args:
        compresses: False where other programs read the result.

    Raises:
        UnstorableResultError: It is not JSON, or too large even when compressed.
    """
    if value is None:
        return None
    try:
        text = json.dumps(value, default=as_json, separators=(",", ":"))
    except Exception as error:  # the border to user code: model_dump() and attributes may raise anything
        raise UnstorableResultError(f"{type(value).__name__} is not JSON") from error
    if len(text) <= MAX_BYTES:  # ASCII: one byte a character
        return text
    if not compresses:
        raise UnstorableResultError(f"{len(text)} bytes of JSON, more than {MAX_BYTES}")
    import zlib  # 0.2 ms, for large results only

    packed = zlib.compress(text.encode(), 6)
    if len(packed) > MAX_BYTES:
        raise UnstorableResultError(f"{len(text)} bytes of JSON, {len(packed)} compressed, more than {MAX_BYTES}")
    return packed


def decode(stored: str | bytes) -> Any:
    """Return the value that `encode` stored."""
    if isinstance(stored, str):
        return _decode(stored)[0]
    import zlib

    return json.loads(zlib.decompress(stored))


def as_json(value: Any) -> Any:
    """Return the JSON that stands for *value*, a model for example; raises whatever that raises."""
    if isinstance(value, type):
        raise TypeError("a class is not JSON")
    dump: Callable[..., Any] | None = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields}
    if hasattr(value, "as_integer_ratio"):  # decimal.Decimal and its like
        return int(value) if value == int(value) else float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
