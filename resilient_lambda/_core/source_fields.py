"""Reading the fields of records that may have any shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidRecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .source_types import Raw

_b64decode: Callable[..., bytes] | None = None


def part(raw: Any, *names: str) -> Any:
    """Return what *names* lead to, one object in another; None where one of them is missing or no object."""
    try:
        for name in names:
            raw = raw[name]
    except (LookupError, TypeError):  # only objects take a text for an index
        return None
    return raw


def part_text(raw: Any, *names: str) -> str:
    """Return the text that *names* lead to; "" if there is none."""
    found = part(raw, *names)
    return found if isinstance(found, str) else ""


def whole_number(value: object) -> int | None:
    """Return *value* if it is an integer from 0 to 2**63 - 1, else None."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_one else None  # type: ignore[return-value]  # mypy does not see through the name


def body_text(what: str, value: object) -> str:
    """
    Return *value*, which must be text.

    Raises:
        InvalidRecordError: It is not.
    """
    if not isinstance(value, str):
        raise InvalidRecordError(f"{what} is {type(value).__name__}, not text")
    return value


def from_base64(what: str, value: object) -> bytes:
    """
    Return the bytes that *value* is the base64 of.

    Python's decoder skips what is no base64 unless told otherwise, and gives other bytes then than were sent.

    Raises:
        InvalidRecordError: It is no base64.
    """
    global _b64decode
    if _b64decode is None:
        from base64 import b64decode  # 1 ms that a queue's cold start need not pay; the statement alone costs 0.5 us

        _b64decode = b64decode
    text = body_text(what, value)
    try:
        if len(text) % 4:  # Python 3.10 takes "=" for nothing
            raise ValueError
        return _b64decode(text, validate=True)
    except ValueError:
        raise InvalidRecordError(f"{what} is not base64") from None  # the cause may show it


def no_number(raw: Raw) -> int | None:
    """Return None, whatever the record."""
    return None


def no_text(raw: Raw) -> str:
    """Return "", whatever the record."""
    return ""


def nothing(raw: Raw) -> Any:
    """Return None, whatever the record."""
    return None


def no_fields(raw: Raw) -> dict[str, str]:
    """Return nothing, whatever the record."""
    return {}


def no_image(raw: Raw, name: str) -> dict[str, Any] | None:
    """Return None, whatever the record."""
    return None


def is_object(value: object) -> bool:
    """Tell whether *value* is a JSON object, as a dict or as any other mapping."""
    return isinstance(value, dict) or (hasattr(value, "keys") and hasattr(value, "get"))


def url_decoded(key: str) -> str:
    """Return an S3 key as the object has it: in events it is encoded like a form, with + for a space."""
    import re

    plain = re.sub(rb"%([0-9A-Fa-f]{2})", _byte, key.replace("+", " ").encode("utf-8", "surrogatepass"))
    return plain.decode("utf-8", "replace")


def _byte(found: Any) -> bytes:
    return bytes.fromhex(found[1].decode())


def with_part(raw: Mapping[str, Any], value: object, *names: str) -> dict[str, Any]:
    """Return a copy of *raw* in which *names* lead to *value*; nothing else is copied."""
    name, *rest = names
    return {**raw, name: with_part(raw[name], value, *rest) if rest else value}
