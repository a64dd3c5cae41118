"""
Values of the user's items: plain Python, or written as DynamoDB writes them (``{"S": "x"}``). Pure.

boto3 has a serializer for plain values. It is not used here: importing it costs a cold start 22 ms (the package
``boto3`` comes along, which the library's own client does without), it refuses floats, takes half surrogates and empty
sets, puts values into its errors, and renders a set in no fixed order, where a repeated transaction must be
the same to the byte.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from ..errors import CommitLimitError, StoreError
from ._dynamodb_wire import DIGITS, check_text, to_attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ._dynamodb_wire import Attribute, Attributes

NESTING = 32  # DynamoDB's limit of lists and maps within each other
LARGEST_EXPONENT, SMALLEST_EXPONENT = 125, -130

_NUMBER = re.compile(r"[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,6}))?", re.ASCII)


def _is_list_of(*types: type) -> Callable[[Any], bool]:
    return lambda content: isinstance(content, (list, tuple)) and all(isinstance(part, types) for part in content)


# DynamoDB's types, and what botocore takes for each.
_FITS: dict[str, Callable[[Any], bool]] = {
    "S": lambda content: isinstance(content, str),
    "N": lambda content: isinstance(content, str),
    "B": lambda content: isinstance(content, (bytes, bytearray)),
    "BOOL": lambda content: isinstance(content, bool),
    "NULL": lambda content: content is True,
    "SS": _is_list_of(str),
    "NS": _is_list_of(str),
    "BS": _is_list_of(bytes, bytearray),
    "L": lambda content: isinstance(content, (list, tuple)) and all(map(is_written, content)),
    "M": lambda content: isinstance(content, dict) and all(map(is_written, content.values())),
}


def is_written(value: object) -> bool:
    """Tell whether *value* is as DynamoDB writes it: a dict of one type's name and a value that fits it."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    fits = _FITS.get(kind)
    try:
        return fits is not None and fits(content)
    except RecursionError:  # a list that contains itself
        return False


def check_written(what: str, value: Attribute, depth: int = 1) -> Attribute:
    """
    Return a copy of what `is_written`, without what DynamoDB would refuse.

    Args:
        what: Where the value is, for the message.

    Raises:
        CommitLimitError: DynamoDB cannot keep it.
    """
    ((kind, content),) = value.items()
    if kind == "S":
        return {"S": _text(what, content)}
    if kind == "N":
        return {"N": _number(what, content)}
    if kind == "B":
        return {"B": bytes(content)}
    if kind in ("SS", "NS", "BS"):
        return _set(what, [check_written(what, {kind[0]: part}) for part in content])
    if kind == "L":
        _refuse_depth(what, depth)
        return {"L": [check_written(what, part, depth + 1) for part in content]}
    if kind == "M":
        _refuse_depth(what, depth)
        return {"M": {_name(what, name): check_written(what, part, depth + 1) for name, part in content.items()}}
    return {kind: content}


def write(what: str, value: Any, depth: int = 1) -> Attribute:
    """
    Return a plain *value* as DynamoDB writes it.

    Floats are written by their shortest text (0.1 is 0.1). A set is sorted.

    Args:
        what: Where the value is, for the message.

    Raises:
        CommitLimitError: DynamoDB cannot keep it.
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, bytearray) or type(value).__module__ == "boto3.dynamodb.types":  # its Binary, read before
        value = bytes(value)
    if isinstance(value, (str, bytes, int, float)):
        try:
            return to_attribute(what, value)
        except StoreError as error:
            raise CommitLimitError(str(error)) from None  # the cause of that one would carry the text
    if _is_decimal(value):
        return {"N": _number(what, str(value))}
    if isinstance(value, dict):
        _refuse_depth(what, depth)
        return {"M": {_name(what, name): write(what, part, depth + 1) for name, part in value.items()}}
    if isinstance(value, (list, tuple)):
        _refuse_depth(what, depth)
        return {"L": [write(what, part, depth + 1) for part in value]}
    if isinstance(value, (set, frozenset)):
        return _set(what, [write(what, part) for part in value])
    raise CommitLimitError(
        f"the field {what!r} holds a {type(value).__name__}; DynamoDB keeps str, int, float, Decimal, bool, None,"
        " bytes, list, dict and sets of str, of numbers or of bytes"
    )


def size_of(attributes: Attributes) -> int:
    """Return the bytes that DynamoDB counts for *attributes*, or a little less: names, values, nesting."""
    return sum(len(name.encode()) + _size(value) for name, value in attributes.items())


def _size(attribute: Attribute) -> int:
    ((kind, content),) = attribute.items()
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode())
    if kind == "B":
        return len(content)
    if kind == "N":
        return 1 + len(_digits(content)) // 2
    if kind == "M":
        return 3 + len(content) + size_of(content)
    if kind == "L":
        return 3 + len(content) + sum(map(_size, content))
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: part}) for part in content)
    return 1


def _text(what: str, text: str) -> str:
    try:
        check_text(f"the field {what!r}", text)
    except StoreError as error:
        raise CommitLimitError(str(error)) from None
    return text


def _name(what: str, name: object) -> str:
    if not isinstance(name, str):
        raise CommitLimitError(f"the field {what!r} holds a map with a {type(name).__name__} as a name; use strings")
    return _text(what, name)


def _number(what: str, text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        raise CommitLimitError(f"the field {what!r} is no finite number; store a str")
    digits = (found[1] + found[2]).lstrip("0")
    exponent = len(digits) - 1 - len(found[2]) + int(found[3] or 0)  # of the first digit that is not 0
    if digits and not SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT:
        raise CommitLimitError(f"the field {what!r} is a number beyond DynamoDB's 1e-130 to 1e126; store a str")
    if len(digits.rstrip("0")) > DIGITS:
        raise CommitLimitError(f"the field {what!r} is a number of more than {DIGITS} digits; store a str")
    return text


def _digits(text: str) -> str:
    return re.split("[eE]", text)[0].lstrip("+-").replace(".", "").strip("0")


def _set(what: str, parts: Iterable[Attribute]) -> Attribute:
    by_kind: dict[str, list[Any]] = {}
    for part in parts:
        ((kind, content),) = part.items()
        by_kind.setdefault(kind, []).append(content)
    kinds = "".join(sorted(by_kind))
    if kinds not in ("B", "N", "S"):
        raise CommitLimitError(
            f"the field {what!r} is a set that is empty or mixed; DynamoDB keeps sets of str, of numbers or of bytes"
        )
    return {f"{kinds}S": sorted(by_kind[kinds])}


def _refuse_depth(what: str, depth: int) -> None:
    if depth > NESTING:
        raise CommitLimitError(f"the field {what!r} is nested deeper than DynamoDB's {NESTING} levels; store a str")


def _is_decimal(value: object) -> bool:
    # Who has one has imported its module; here it would be imported at every cold start.
    decimal = sys.modules.get("decimal")
    return decimal is not None and isinstance(value, decimal.Decimal)


def write_all(where: str, values: Mapping[str, Any]) -> Attributes:
    """Return plain *values* as DynamoDB writes them; *where* begins the message of an error."""
    return _each(where, values, write)


def check_all(where: str, values: Mapping[str, Any]) -> Attributes:
    """Return a copy of *values*, which are as DynamoDB writes them; *where* begins the message of an error."""
    return _each(where, values, check_written)


def _each(where: str, values: Mapping[str, Any], convert: Callable[[str, Any], Attribute]) -> Attributes:
    try:
        return {_name(repr(name), name): convert(name, value) for name, value in values.items()}
    except CommitLimitError as error:
        raise CommitLimitError(f"{where}: {error}") from None
