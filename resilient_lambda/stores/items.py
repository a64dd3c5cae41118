"""Items for ``commit_with``: what is written together with the completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CommitLimitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .base import TransactItem


def put_if_absent(table: str, item: Mapping[str, Any], *, key: str | Sequence[str] = "id") -> TransactItem:
    """
    Return the transact item that puts *item* into *table* unless the table has one under the same key.

    If it has, `CommitConditionError.item` is the one that is there, as DynamoDB writes it.

    Args:
        table: The table's name or ARN.
        item: Plain Python values, or all of them as DynamoDB writes them (``{"S": "..."}``).
        key: The table's partition key; with a sort key, both names.

    Raises:
        CommitLimitError: *item* lacks an attribute of its key.
    """
    names = (key,) if isinstance(key, str) else tuple(key)
    missing = [name for name in names if name not in item]
    if missing or not names:
        raise CommitLimitError(
            f"put_if_absent into table {table!r}: the item has no attribute {', '.join(map(repr, missing)) or 'named'};"
            " key= names the table's key attributes, and the item must have each of them"
        )
    return {
        "Put": {
            "TableName": table,
            "Item": dict(item),
            # The partition key alone would do in DynamoDB; the fake in memory learns from it what the key is.
            "ConditionExpression": " AND ".join(f"attribute_not_exists(#k{n})" for n in range(len(names))),
            "ExpressionAttributeNames": {f"#k{n}": name for n, name in enumerate(names)},
            # A refused write costs the same with it, and the caller can tell an equal item from another one.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
