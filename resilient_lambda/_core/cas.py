"""
Compare-and-set: what a store compares, and how a writer recognises its own write.

An *item* is a flat mapping of names to scalars. Every item that is written carries a ``version`` which was drawn once
for that logical write and is never used again. So a conflict whose current item carries the version that one was
writing is one's own write whose answer was lost (protocols.md B1), and needs no second look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    Value: TypeAlias = str | int | float | bytes
    Item: TypeAlias = Mapping[str, Value]


class Absent(NamedTuple):
    """The key must hold no item."""


class AsRead(NamedTuple):
    """
    The item must still have these fields as they were read; None means that the field was missing.

    Attributes:
        fields: Pairs of a field's name and its value.
    """

    fields: tuple[tuple[str, Value | None], ...]


ABSENT = Absent()


class Stored(NamedTuple):
    """The write took effect, now or in an earlier try whose answer was lost."""


class Conflict(NamedTuple):
    """
    The condition did not hold; nothing was written.

    Attributes:
        current: The item as it is now, or None if the key holds none.
    """

    current: Item | None


STORED = Stored()


class Write(NamedTuple):
    """
    Put *item* under *key* if the key is still as *expected*.

    Attributes:
        may_hold: Every field that the item there may hold, as far as it was this library's; None if that is not known.
            Some bulk operations update rather than replace, and must name what is to go (protocols.md D1).
    """

    key: str
    item: Item
    expected: Absent | AsRead
    may_hold: tuple[str, ...] | None = None


def holds(expected: Absent | AsRead, current: Item | None) -> bool:
    """Tell whether *current* is as *expected*."""
    if isinstance(expected, Absent):
        return current is None
    if current is None:
        return False
    return all(current.get(name) == value for name, value in expected.fields)


def judge(item: Item, current: Item | None) -> Stored | Conflict:
    """
    Judge a refused write of *item* by the item that is there now.

    Source: protocols.md B1: the version that I was writing is there, so the write was mine.
    """
    if current is not None and current.get("version") == item["version"]:
        return STORED
    return Conflict(current)


def refuse_repeated_keys(writes: Sequence[Write]) -> None:
    """
    Refuse a bulk write that names a key twice: DynamoDB would refuse all of its entries (protocols.md B10).

    Raises:
        ValueError: A key is named twice.
    """
    keys = [write.key for write in writes]
    if len(set(keys)) != len(keys):
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"a bulk write names {len(repeated)} key(s) twice, the first is {repeated[0]!r}")


def refuse_other_types(item: Mapping[str, object]) -> None:
    """
    Refuse an item that DynamoDB would not take, so that a test in memory finds it too.

    Raises:
        TypeError: A value is no str, int, float or bytes.
    """
    for field, value in item.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float, bytes)):
            raise TypeError(f"the field {field!r} is a {type(value).__name__}; a store keeps str, int, float and bytes")


if TYPE_CHECKING:
    Expected: TypeAlias = Absent | AsRead
    PutResult: TypeAlias = Stored | Conflict
