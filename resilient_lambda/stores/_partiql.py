"""
Writes as PartiQL statements, rendered to the JSON that BatchExecuteStatement takes. Pure: no client, no I/O.

The text of a statement depends on the names of the fields only, and is made once for each set of names; a write then
costs its parameters. What PartiQL cannot say, or what only looks as if it could, is left to PutItem.
"""

from __future__ import annotations

from binascii import b2a_base64
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from .._core.cas import Absent
from ._dynamodb_wire import check_text, to_attribute

if TYPE_CHECKING:
    from .._core.cas import AsRead, Write
    from ._dynamodb_wire import Layout

LONGEST_TEXT = 8192  # characters of one statement: DynamoDB's limit
SHAPES = 256
PLAIN = 10**15  # a smaller number needs no check of its digits

_quoted = encode_basestring_ascii


class Statements:
    """
    The statements for one table.

    Attributes:
        table: The table's name.
    """

    __slots__ = ("_heads", "_key_names", "_layout", "_sort_key", "table")

    def __init__(self, table: str, layout: Layout) -> None:
        self.table = table
        self._layout = layout
        self._key_names = [name for name in (layout.key_attribute, layout.sort_key_attribute) if name is not None]
        self._sort_key = "" if layout.sort_key_attribute is None else f',{{"S":{_quoted(layout.sort_key_value)}}}'
        self._heads: dict[Any, str | None] = {}

    def render(self, write: Write) -> str | None:
        """
        Return one entry of the request's ``Statements``, or None if *write* must be a PutItem.

        Raises:
            TypeError: A value is no str, int, float or bytes.
            StoreError: DynamoDB cannot keep a value, or a field has no attribute of its own.
        """
        key, item, expected, may_hold = write
        fields = tuple(item)
        shape: Any = fields
        if not isinstance(expected, Absent):
            shape = (fields, tuple([(field, value is None) for field, value in expected.fields]), may_hold)
        try:
            head = self._heads[shape]
        except KeyError:
            if len(self._heads) >= SHAPES:
                self._heads.clear()
            text = (
                self._insert(fields) if isinstance(expected, Absent) else self._update(fields, expected, may_hold or ())
            )
            head = self._heads[shape] = _head_of(text)
        if head is None or (may_hold is None and not isinstance(expected, Absent)):
            return None  # an UPDATE replaces nothing: without may_hold, what else the item holds would stay
        check_text("the key", key)
        parameters = [_parameter(field, value) for field, value in item.items()]
        if isinstance(expected, Absent):
            parameters.insert(0, f'{{"S":{_quoted(key)}}}{self._sort_key}')
        else:
            parameters.append(f'{{"S":{_quoted(key)}}}{self._sort_key}')
            parameters += [_parameter(field, value) for field, value in expected.fields if value is not None]
        return f"{head}{','.join(parameters)}]}}"

    def _insert(self, fields: tuple[str, ...]) -> str:
        names = [*self._key_names, *map(self._layout.attribute, fields)]
        slots = ",".join([f"'{name}':?" for name in names])
        return f'INSERT INTO "{self.table}" VALUE {{{slots}}}' if _are_plain(names) else ""

    def _update(self, fields: tuple[str, ...], expected: AsRead, may_hold: tuple[str, ...]) -> str:
        stale = [field for field in dict.fromkeys(may_hold) if field not in fields]
        if len(fields) + len(stale) < 2:
            return ""  # moto would do an UPDATE of one field whatever its condition says
        if all(value is None for _, value in expected.fields):
            return ""  # holds for an item that is gone, too
        attribute = self._layout.attribute
        assigned = [attribute(field) for field in fields]
        removed = [attribute(field) for field in stale]
        conditions = [(name, False) for name in self._key_names]
        conditions += [(attribute(field), value is None) for field, value in expected.fields]
        if not _are_plain([*assigned, *removed, *(name for name, _ in conditions)]):
            return ""
        clauses = [*(f'SET "{name}"=?' for name in assigned), *(f'REMOVE "{name}"' for name in removed)]
        tests = [f'"{name}" IS MISSING' if is_missing else f'"{name}"=?' for name, is_missing in conditions]
        return f'UPDATE "{self.table}" {" ".join(clauses)} WHERE {" AND ".join(tests)}'


def _are_plain(names: list[str]) -> bool:
    # Nothing to quote, so no quoting to get wrong. Any other name is PutItem's, where it is no part of a text.
    return all(name.isascii() and name.replace("-", "_").isidentifier() for name in names)


def _head_of(text: str) -> str | None:
    # All of the entry up to its parameters.
    if not text or len(text) > LONGEST_TEXT:
        return None
    return f'{{"Statement":{_quoted(text)},"ReturnValuesOnConditionCheckFailure":"ALL_OLD","Parameters":['


def _parameter(field: str, value: Any) -> str:
    kind = type(value)
    if kind is str and value.isascii():
        return f'{{"S":{_quoted(value)}}}'
    if kind is int and -PLAIN < value < PLAIN:
        return f'{{"N":"{value}"}}'
    ((name, known),) = to_attribute(field, value).items()
    return f'{{"{name}":{_quoted(b2a_base64(known, newline=False).decode() if name == "B" else known)}}}'
