"""What a transaction in memory does with the user's items: check, evaluate the one condition it knows, keep."""

from __future__ import annotations

import copy
import re
import threading
from typing import TYPE_CHECKING, Any

from .._core.attribute_values import read
from ..errors import CommitConditionError
from ._dynamodb_values import write
from ._transact_items import name_of, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._transact_items import TransactEntry
    from .base import TransactItem

# One for all stores: `resilient_lambda.testing.in_memory` gives them one list of what was committed, as the user's
# tables are the same whichever table keeps the claims.
committing = threading.Lock()

_KEY_IS_ABSENT = re.compile(r"[\s(]*attribute_not_exists\s*\(\s*([^\s()]+)[\s)]*")


def refuse_false_condition(entries: Sequence[TransactEntry], committed: Sequence[TransactItem]) -> None:
    """
    Refuse entries of which one must be the first under its key, and is not.

    Raises:
        CommitConditionError: An entry puts an item if it is absent, and it is in *committed*.
    """
    for index, entry in enumerate(entries):
        names = _absent_key(entry)
        item = {name: read(value) for name, value in entry.attributes.items()}
        if not names or any(name not in item for name in names):
            continue
        there = _find(committed, entry.table, {name: item[name] for name in names})
        if there is not None:
            shows = entry.parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise CommitConditionError(
                f"{name_of(index, entry)}: its condition does not hold; nothing was written",
                index=index,
                item={name: write(name, value) for name, value in there.items()} if shows else None,
            )


def as_plain(item: TransactItem, entry: TransactEntry) -> TransactItem:
    """Return *item*, of which *entry* was made, with plain values and the condition as a text."""
    given = item[entry.verb]
    parameters = dict(entry.parameters)
    for name in ("Item", "Key", "ExpressionAttributeValues"):
        if name in parameters:
            # Plain values stay what they were, a float a float: so that a test compares with what it wrote.
            own = given.get(name, {}) if entry.was_plain else {}
            parameters[name] = {
                field: copy.deepcopy(own[field]) if field in own else read(value)
                for field, value in parameters[name].items()
            }
    return {entry.verb: parameters}


def _absent_key(entry: TransactEntry) -> list[str]:
    # The attributes that must not exist, if the condition says nothing else.
    condition = entry.parameters.get("ConditionExpression")
    if entry.verb != "Put" or condition is None:
        return []
    placeholders: Mapping[str, str] = entry.parameters.get("ExpressionAttributeNames", {})
    parts = [_KEY_IS_ABSENT.fullmatch(part) for part in re.split(r"\bAND\b", condition, flags=re.IGNORECASE)]
    return [placeholders.get(part[1], part[1]) for part in parts if part] if all(parts) else []


def _find(committed: Sequence[TransactItem], table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = None
    for item in committed:
        ((verb, parameters),) = item.items()
        attributes = parameters.get("Item") or parameters["Key"]
        if table_name(parameters["TableName"]) != table or any(
            name not in attributes or attributes[name] != value for name, value in key.items()
        ):
            continue
        if verb == "Put" or (verb == "Update" and found is None):
            found = attributes
        elif verb == "Delete":
            found = None
    return found
