"""Reads of more than one item: BatchGetItem, several at a time if one does not take all keys."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import StoreUnavailableError
from ._dynamodb_call import rendered
from ._parallel import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .._core.cas import Item
    from ._dynamodb_wire import Layout

    # (operation, the client's method, body, a stand-in of the request) -> answer
    Send = Callable[[str, str, str, Mapping[str, Any]], Mapping[str, Any]]

KEYS_PER_READ = 100  # BatchGetItem's limit
READ_TRIES = 5
READ_WAIT_S = 0.05


def read_many(keys: Sequence[str], *, consistent: bool, table: str, layout: Layout, send: Send) -> dict[str, Item]:
    """
    Return the items under *keys*, which are distinct.

    Raises:
        StoreUnavailableError: DynamoDB left keys unread again and again.
    """
    items: dict[str, Item] = {}
    parts = [keys[start : start + KEYS_PER_READ] for start in range(0, len(keys), KEYS_PER_READ)]

    def read(part: Sequence[str]) -> None:
        items.update(_read_part(part, consistent, table, layout, send))

    do_all([partial(read, part) for part in parts], at_most=len(parts))
    return items


def _read_part(keys: Sequence[str], consistent: bool, table: str, layout: Layout, send: Send) -> dict[str, Item]:
    items: dict[str, Item] = {}
    wanted: Any = {table: {"Keys": [layout.key(key) for key in keys], "ConsistentRead": consistent}}
    for attempt in range(READ_TRIES):
        if attempt:
            time.sleep(READ_WAIT_S * 2 ** (attempt - 1))
        body = rendered({"RequestItems": wanted})
        answer = send("BatchGetItem", "batch_get_item", body, {"RequestItems": {table: {"Keys": [{}]}}})
        for found in answer["Responses"].values():
            for attributes in found:
                items[attributes[layout.key_attribute]["S"]] = layout.to_item(attributes)
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return items
    raise StoreUnavailableError(f"BatchGetItem on table {table!r}: DynamoDB left keys unread {READ_TRIES} times")
