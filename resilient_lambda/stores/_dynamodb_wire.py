"""
How keys, items and conditions look to DynamoDB. Pure: no client, no I/O.

A field is what the library calls a value, an attribute what the table calls it. They have the same name but for the
renamed ones, of which ``expires_at_s`` -> ``expiration`` (the table's TTL attribute) is always one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._core.cas import Absent
from ..errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from .._core.cas import Expected, Item, Value

    Attribute: TypeAlias = dict[str, Any]
    Attributes: TypeAlias = dict[str, Attribute]

TTL_ATTRIBUTE = "expiration"
TTL_FIELD = "expires_at_s"

# DynamoDB's numbers: 38 significant digits, magnitude from 1e-130 to below 1e126.
DIGITS = 38
TOO_LARGE = 10**126
TOO_LARGE_FLOAT = 1e126  # a little less than 10**126
SMALLEST = 1e-130


class Layout:
    """The names under which one table keeps keys and fields."""

    __slots__ = ("_attribute_of", "_field_of", "key_attribute", "sort_key_attribute", "sort_key_value")

    def __init__(
        self,
        key_attribute: str,
        sort_key_attribute: str | None,
        sort_key_value: str,
        attributes: Mapping[str, str] | None,
    ) -> None:
        """
        Check the names against each other.

        Raises:
            ConfigurationError: A name is empty, or two things would share one attribute.
        """
        self.key_attribute = key_attribute
        self.sort_key_attribute = sort_key_attribute
        self.sort_key_value = sort_key_value
        self._attribute_of = {"version": "version", TTL_FIELD: TTL_ATTRIBUTE, **(attributes or {})}
        taken = {"key_attribute": key_attribute}
        if sort_key_attribute is not None:
            taken["sort_key_attribute"] = sort_key_attribute
            if not sort_key_value:
                raise ConfigurationError("sort_key_value is empty; DynamoDB takes no empty key: pass a string")
        taken.update((f"attributes[{field!r}]", name) for field, name in self._attribute_of.items())
        owner_of: dict[str, str] = {}
        for owner, name in taken.items():
            if not name:
                raise ConfigurationError(f"{owner} is {name!r}; an attribute's name is a string that is not empty")
            if name in owner_of:
                raise ConfigurationError(
                    f"{owner} and {owner_of[name]} both name the attribute {name!r}; give one of them another name"
                )
            owner_of[name] = owner
        self._field_of = {name: field for field, name in self._attribute_of.items()}

    def describe_key(self) -> str:
        """Return the key schema that the store uses, for messages."""
        text = f"partition key {self.key_attribute!r} (string)"
        if self.sort_key_attribute is None:
            return f"{text} and no sort key"
        return f"{text} and sort key {self.sort_key_attribute!r} (string)"

    def attribute(self, field: str) -> str:
        """
        Return the attribute that keeps *field*.

        Raises:
            StoreError: Another field or the key has that attribute.
        """
        name = self._attribute_of.get(field)
        if name is not None:
            return name
        if field in self._field_of or field in (self.key_attribute, self.sort_key_attribute):
            raise StoreError(
                f"the field {field!r} has no attribute of its own: the name is taken by the key or by a renamed field;"
                f" rename it: attributes={{{field!r}: '...'}}"
            )
        return field

    def key(self, key: str) -> Attributes:
        """Return the primary key of the item under *key*."""
        check_text("the key", key)
        if self.sort_key_attribute is None:
            return {self.key_attribute: {"S": key}}
        return {self.key_attribute: {"S": key}, self.sort_key_attribute: {"S": self.sort_key_value}}

    def to_attributes(self, key: str, item: Item) -> Attributes:
        """
        Return *item* with its key, as PutItem takes it.

        Raises:
            TypeError: A value is no str, int, float or bytes.
            StoreError: DynamoDB cannot keep a value, or a field has no attribute of its own.
        """
        attributes = self.key(key)
        for field, value in item.items():
            attributes[self.attribute(field)] = to_attribute(field, value)
        return attributes

    def to_item(self, attributes: Mapping[str, Attribute]) -> Item:
        """Return the fields of what DynamoDB answered; what another program wrote and is no scalar is left out."""
        item: dict[str, Value] = {}
        for name, attribute in attributes.items():
            if name in (self.key_attribute, self.sort_key_attribute):
                continue
            field = self._field_of.get(name)
            if field is None:
                if name in self._attribute_of:  # this field lives elsewhere: the attribute is another program's
                    continue
                field = name
            value = from_attribute(attribute)
            if value is not None:
                item[field] = value
        return item

    def condition(self, expected: Expected) -> dict[str, Any]:
        """
        Return the request parameters that make a write conditional.

        Always one of two forms: the key is absent; the named fields are as they were read.
        """
        if isinstance(expected, Absent):
            return {
                "ConditionExpression": "attribute_not_exists(#k)",
                "ExpressionAttributeNames": {"#k": self.key_attribute},
            }
        parts: list[str] = []
        names: dict[str, str] = {}
        values: Attributes = {}
        for number, (field, value) in enumerate(expected.fields):
            names[f"#c{number}"] = self.attribute(field)
            if value is None:
                parts.append(f"attribute_not_exists(#c{number})")
            else:
                parts.append(f"#c{number} = :c{number}")
                values[f":c{number}"] = to_attribute(field, value)
        if not values:
            # Only "was missing" conditions: they hold for an absent item too, and that one was not read.
            parts.append("attribute_exists(#k)")
            names["#k"] = self.key_attribute
        condition: dict[str, Any] = {"ConditionExpression": " AND ".join(parts), "ExpressionAttributeNames": names}
        if values:
            condition["ExpressionAttributeValues"] = values
        return condition

    def addition(self, deltas: Mapping[str, int], expires_at_s: int, remove: Sequence[str]) -> dict[str, Any]:
        """Return the request parameters that add *deltas* and drop the counters in *remove*."""
        names = {"#e": self.attribute(TTL_FIELD)}
        values = {":e": to_attribute(TTL_FIELD, expires_at_s)}
        added: list[str] = []
        assigned = ["#e = :e"]
        removed: list[str] = []
        dropped = dict.fromkeys(remove)
        for number, (field, delta) in enumerate(deltas.items()):
            names[f"#a{number}"] = self.attribute(field)
            values[f":a{number}"] = to_attribute(field, delta)
            if field in dropped:
                # An attribute may appear once in the expression: drop, then add = start at the delta.
                del dropped[field]
                assigned.append(f"#a{number} = :a{number}")
            else:
                added.append(f"#a{number} :a{number}")
        for number, field in enumerate(dropped):
            names[f"#r{number}"] = self.attribute(field)
            removed.append(f"#r{number}")
        clauses = [("SET", assigned), ("ADD", added), ("REMOVE", removed)]
        return {
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }


def check_text(what: str, text: str) -> None:
    """
    Refuse text that UTF-8 cannot carry: DynamoDB would store something else.

    Raises:
        StoreError: *text* holds half of a surrogate pair.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # The original error carries the text, which may be payload.
            raise StoreError(f"{what} is not valid Unicode (a lone surrogate at {error.start})") from None


def to_attribute(field: str, value: object) -> Attribute:
    """
    Return *value* as DynamoDB writes it; *field* is for the message.

    Raises:
        TypeError: *value* is no str, int, float or bytes. A bool is refused: it would come back as a number.
        StoreError: DynamoDB cannot keep it.
    """
    if isinstance(value, str):
        check_text(f"the field {field!r}", value)
        return {"S": value}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"the field {field!r} is a {type(value).__name__}; a store keeps str, int, float and bytes")
    if isinstance(value, int):
        if abs(value) >= TOO_LARGE or len(str(abs(value)).rstrip("0")) > DIGITS:
            raise StoreError(f"the field {field!r} is an integer of more than {DIGITS} digits; store it as a str")
        return {"N": str(int(value))}
    if not math.isfinite(value) or abs(value) >= TOO_LARGE_FLOAT or 0 < abs(value) < SMALLEST:
        raise StoreError(f"the field {field!r} is a float that DynamoDB cannot keep (1e-130 to 1e126); store a str")
    return {"N": float.__repr__(value)}


def from_attribute(attribute: Attribute) -> Value | None:
    """
    Return the scalar in *attribute*, or None if it holds none that an item can have (BOOL, NULL, M, L, a set).

    Bytes may be as botocore gives them or as DynamoDB wrote them, in base64.
    """
    if "S" in attribute:
        return str(attribute["S"])
    if "N" in attribute:
        text = str(attribute["N"])
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    if "B" in attribute:
        data = attribute["B"]
        if not isinstance(data, str):
            return bytes(data)
        from binascii import a2b_base64  # 0.3 ms, for bytes that botocore has not decoded

        return a2b_base64(data)
    return None
