"""
The user's items of a transaction: checked, and written as DynamoDB writes them. Pure.

What is wrong is said before anything is sent, by number and name, without a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import CommitLimitError
from ._dynamodb_conditions import write_condition
from ._dynamodb_values import check_all, is_written, size_of, write_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._dynamodb_wire import Attributes
    from .base import TransactItem

MOST_ITEMS = 100  # the library's own included
ITEM_BYTES = 400 * 1024
TRANSACTION_BYTES = 4 * 1024 * 1024

REQUIRED = {
    "Put": ("TableName", "Item"),
    "Update": ("TableName", "Key", "UpdateExpression"),
    "Delete": ("TableName", "Key"),
    "ConditionCheck": ("TableName", "Key", "ConditionExpression"),
}
OPTIONAL = (
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
)
RETURNED = ("ALL_OLD", "NONE")
TOKEN_CHARACTERS = 36
KEY_TYPES = ("S", "N", "B")


class TransactEntry(NamedTuple):
    """
    One of the user's items, as it is sent.

    Attributes:
        verb: ``Put``, ``Update``, ``Delete`` or ``ConditionCheck``.
        table: The table's name, also if it was given as an ARN.
        attributes: The ``Item`` of a Put, the ``Key`` of the others.
        parameters: All parameters, these attributes among them.
        was_plain: False if the user wrote the values as DynamoDB writes them.
    """

    verb: str
    table: str
    attributes: Attributes
    parameters: dict[str, Any]
    was_plain: bool


class OwnItem(NamedTuple):
    """
    The library's item of the same transaction.

    Attributes:
        table: The table's name or ARN; "" if it is not known.
        key: The item's key.
        size: Its bytes, as DynamoDB counts them.
    """

    table: str
    key: Attributes
    size: int


def check_items(
    items: Sequence[TransactItem], own: OwnItem | None, own_table_key: tuple[str, ...]
) -> list[TransactEntry]:
    """
    Return *items* as they are sent.

    Args:
        own: None if *items* are sent alone.
        own_table_key: The key attributes of the library's table; empty if they are not known.

    Raises:
        CommitLimitError: One transaction cannot do this.
    """
    most = MOST_ITEMS if own is None else MOST_ITEMS - 1
    if len(items) > most:
        raise CommitLimitError(
            f"{len(items)} items; one transaction takes {most}: commit fewer, or group them in one item"
        )
    if own is None and not items:
        raise CommitLimitError("no items: there is nothing to commit")
    entries = [_check_entry(index, item) for index, item in enumerate(items)]
    size = 0 if own is None else own.size
    for index, entry in enumerate(entries):
        # A Put's condition values are not written; of an Update the item is not known, so this is a lower bound.
        values: Attributes = {} if entry.verb == "Put" else entry.parameters.get("ExpressionAttributeValues", {})
        entry_size = size_of(entry.attributes)
        if entry_size > ITEM_BYTES:
            raise CommitLimitError(
                f"{name_of(index, entry)}: the item has {entry_size:,} bytes, DynamoDB keeps {ITEM_BYTES:,};"
                " write less, or put the rest into S3"
            )
        size += entry_size + size_of(values)
    if size > TRANSACTION_BYTES:
        raise CommitLimitError(
            f"the items have {size:,} bytes together, one transaction takes {TRANSACTION_BYTES:,}: write less"
        )
    _refuse_own_key(entries, own)
    _refuse_repeated(entries, table_name(own.table) if own is not None else "", own_table_key)
    return entries


def check_token(token: str) -> None:
    """
    Refuse a token that DynamoDB does not take.

    Raises:
        ValueError: It is empty or too long.
    """
    if not 0 < len(token) <= TOKEN_CHARACTERS:
        raise ValueError(f"the token has {len(token)} characters; DynamoDB takes 1 to {TOKEN_CHARACTERS}")


def name_of(index: int, entry: TransactEntry) -> str:
    """Return how messages call the entry at *index*."""
    return f"items[{index}] ({entry.verb} in table {entry.table!r})"


def table_name(name_or_arn: str) -> str:
    """Return the name in a table's ARN; a name is returned as it is."""
    return name_or_arn.rpartition(":table/")[2] if name_or_arn.startswith("arn:") else name_or_arn


def _check_entry(index: int, item: Any) -> TransactEntry:
    where = f"items[{index}]"
    verb = next(iter(item)) if isinstance(item, Mapping) and len(item) == 1 else None
    required = REQUIRED.get(verb) if isinstance(verb, str) else None
    if required is None or verb is None:
        raise CommitLimitError(
            f"{where} is no transact item; write a dict of one entry, {', '.join(REQUIRED)} with its parameters,"
            " or use put_if_absent(...)"
        )
    where = f"{where} ({verb})"
    given = item[verb]
    if not isinstance(given, Mapping):
        raise CommitLimitError(f"{where} holds a {type(given).__name__}; write its parameters as a dict")
    missing = [name for name in required if name not in given]
    unknown = [str(name) for name in given if name not in required and name not in OPTIONAL]
    if missing or unknown:
        problem = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
        raise CommitLimitError(
            f"{where} {problem}; its parameters are {', '.join(dict.fromkeys((*required, *OPTIONAL)))}"
        )
    _check_parameters(where, given)
    return _render(where, verb, given)


def _check_parameters(where: str, given: Mapping[str, Any]) -> None:
    for name in ("TableName", "UpdateExpression"):
        if name in given and not (isinstance(given[name], str) and given[name]):
            raise CommitLimitError(f"{where}: {name} is a {type(given[name]).__name__} or empty; write a text")
    for name in ("Item", "Key", "ExpressionAttributeNames", "ExpressionAttributeValues"):
        if name in given and not (isinstance(given[name], Mapping) and given[name]):
            raise CommitLimitError(
                f"{where}: {name} is a {type(given[name]).__name__} or empty; write a dict, or leave it out"
            )
    for placeholder, name in given.get("ExpressionAttributeNames", {}).items():
        if not isinstance(placeholder, str) or not isinstance(name, str):
            raise CommitLimitError(f"{where}: ExpressionAttributeNames maps texts to texts")
    if given.get("ReturnValuesOnConditionCheckFailure", "NONE") not in RETURNED:
        raise CommitLimitError(f"{where}: ReturnValuesOnConditionCheckFailure is one of {', '.join(RETURNED)}")


def _render(where: str, verb: str, given: Mapping[str, Any]) -> TransactEntry:
    holder = "Item" if verb == "Put" else "Key"
    values: Mapping[str, Any] = given.get("ExpressionAttributeValues", {})
    was_plain = _is_plain(where, {**given[holder], **values})
    convert = write_all if was_plain else check_all
    attributes = convert(f"{where}, {holder}", given[holder])
    if holder == "Key":
        for name, value in attributes.items():
            if next(iter(value)) not in KEY_TYPES:
                raise CommitLimitError(f"{where}, Key: {name!r} is no str, number or bytes, so it is no key attribute")
    parameters = {**given, holder: attributes}
    names: Mapping[str, str] = given.get("ExpressionAttributeNames", {})
    rendered = convert(f"{where}, ExpressionAttributeValues", values)
    if "ConditionExpression" in given:
        condition, names, rendered = write_condition(where, given["ConditionExpression"], names, rendered)
        parameters["ConditionExpression"] = condition
    # Set only if there are any: DynamoDB refuses empty ones.
    if names:
        parameters["ExpressionAttributeNames"] = dict(names)
    if rendered:
        parameters["ExpressionAttributeValues"] = rendered
    return TransactEntry(verb, table_name(given["TableName"]), attributes, parameters, was_plain)


def _is_plain(where: str, values: Mapping[str, Any]) -> bool:
    written = [name for name, value in values.items() if is_written(value)]
    if not written:
        return True
    if len(written) == len(values):
        return False
    # Taken as plain, {"S": "x"} would be stored as a map: found weeks later, by whoever reads it.
    plain = next(name for name in values if name not in written)
    raise CommitLimitError(
        f"{where}: {written[0]!r} is as DynamoDB writes it and {plain!r} is not;"
        ' write all of an entry\'s values in one way, plain or like {"S": "..."} (numbers as {"N": "5"}, with quotes)'
    )


def _refuse_own_key(entries: Sequence[TransactEntry], own: OwnItem | None) -> None:
    if own is None or not own.table:
        return
    for index, entry in enumerate(entries):
        if entry.table == table_name(own.table) and own.key.items() <= entry.attributes.items():
            raise CommitLimitError(
                f"{name_of(index, entry)}: this is the claim's own item, which the library writes in the same"
                " transaction; use another key, or another table"
            )


def _refuse_repeated(entries: Sequence[TransactEntry], own_table: str, own_table_key: tuple[str, ...]) -> None:
    """
    Refuse one item named twice, as far as the keys are known.

    The key attributes of a table are those of the ``Key`` of any other entry of that table. Where there is none, two
    Puts are compared as a whole; what is missed here is refused by DynamoDB.
    """
    of_table: dict[str, list[tuple[int, TransactEntry]]] = {}
    for numbered in enumerate(entries):
        of_table.setdefault(numbered[1].table, []).append(numbered)
    for table, numbered_entries in of_table.items():
        keys = {tuple(sorted(entry.attributes)) for _, entry in numbered_entries if entry.verb != "Put"}
        if table == own_table and own_table_key:
            keys = {tuple(sorted(own_table_key))}
        seen: list[tuple[int, Attributes]] = []
        for index, entry in numbered_entries:
            identities = [
                {name: entry.attributes[name] for name in key} for key in keys if entry.attributes.keys() >= set(key)
            ] or [entry.attributes]
            for earlier, identity in seen:
                if identity in identities:
                    raise CommitLimitError(
                        f"{name_of(index, entry)}: items[{earlier}] names the same item, and a transaction takes each"
                        " once; make one entry of the two"
                    )
            seen += [(index, identity) for identity in identities]
