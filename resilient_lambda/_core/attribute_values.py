"""Values of DynamoDB, which say their type (``{"S": "x"}``), as plain Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRecordError
from .source_fields import from_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Attribute: TypeAlias = Mapping[str, Any]

# DynamoDB's numbers have 38 digits and exponents up to 125, and come without one.
_NUMBER = re.compile(r"[+-]?(\d{1,200}\.?\d{0,200}|\.\d{1,200})([eE][+-]?\d{1,3})?", re.ASCII)

_LISTS = ("L", "SS", "NS", "BS")
_KINDS: dict[str, tuple[type, ...]] = {"S": (str,), "BOOL": (bool,), "B": (bytes, bytearray)}


def read(attribute: Attribute, binary: Callable[[Any], bytes] | None = None) -> Any:
    """
    Return what DynamoDB writes as plain Python: numbers as int, or as Decimal if they have a fraction.

    Args:
        binary: Makes bytes of what stands for them; None if they are bytes already.

    Raises:
        Exception: Of any kind, if *attribute* is not as DynamoDB writes it.
    """
    ((kind, content),) = attribute.items()
    if kind == "N":
        return read_number(content)
    if kind == "NULL":
        return None
    if kind in _LISTS:
        if not isinstance(content, (list, tuple, set)):
            raise TypeError(f"{kind} is {type(content).__name__}")  # the letters of a text would be a set as well
        if kind == "L":
            return [read(part, binary) for part in content]
        return {read({kind[0]: part}, binary) for part in content}
    if kind == "M":
        return {name: read(part, binary) for name, part in content.items()}
    if kind == "B" and binary is not None:
        return binary(content)
    if not isinstance(content, _KINDS[kind]):
        raise TypeError(f"{kind} is {type(content).__name__}")
    return content


def read_number(text: str) -> Any:
    """Return DynamoDB's text of a number as int, or as Decimal if it has a fraction."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("no number")
    if text.lstrip("+-").isdecimal():
        return int(text)
    from decimal import Decimal

    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


def _binary(content: object) -> bytes:
    return from_base64("a binary value", content)


def read_event_attributes(what: str, attributes: Any) -> dict[str, Any]:
    """
    Return the attributes of an item, as a stream's event has them, as plain Python; binary is base64 there.

    Args:
        what: What they are, for the message.

    Raises:
        InvalidRecordError: They are not as DynamoDB writes them.
    """
    try:
        return {name: read(attribute, _binary) for name, attribute in attributes.items()}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, InvalidRecordError):
        # Not chained: the cause may show the item.
        raise InvalidRecordError(f"the record's {what} is not as DynamoDB writes it") from None
