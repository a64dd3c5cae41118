"""A store in this process's memory: for tests, demonstrations and one-process programs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .._core.cas import STORED, Conflict, holds, judge, refuse_other_types, refuse_repeated_keys
from ..errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .._core.cas import Expected, Item, PutResult, Write
    from .base import TransactItem


class MemoryStore:
    """
    A `Store` in memory, safe for threads. Nothing survives the process, nothing is shared with another one.

    Items that have expired stay until they are overwritten, as in DynamoDB, where the deletion lags by days: readers
    check expiry themselves.

    Attributes:
        committed: The items that transactions have written, in order, with plain values; for tests.
    """

    def __init__(self) -> None:
        self.committed: list[TransactItem] = []
        self._lock = threading.Lock()
        self._items: dict[str, Item] = {}
        self._transactions: dict[str, object] = {}

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._items)} items)"

    def warm(self) -> None:
        """Do nothing: there is nothing to warm."""

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """Return the items under *keys*."""
        with self._lock:
            return {key: dict(self._items[key]) for key in keys if key in self._items}

    def put_if(self, key: str, item: Item, expected: Expected) -> PutResult:
        """Replace the item under *key* if it is still as *expected*."""
        refuse_other_types(item)
        with self._lock:
            return self._put_if_locked(key, item, expected)

    def put_many_if(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        """Do several `put_if` at once."""
        refuse_repeated_keys(writes)
        for write in writes:
            refuse_other_types(write.item)
        with self._lock:
            return [self._put_if_locked(write.key, write.item, write.expected) for write in writes]

    def delete_if(self, key: str, expected: Expected) -> PutResult:
        """Delete the item under *key* if it is still as *expected*; an absent item is `Stored`."""
        with self._lock:
            current = self._items.get(key)
            if current is None:
                return STORED
            if not holds(expected, current):
                return Conflict(dict(current))
            del self._items[key]
            return STORED

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """Add *deltas* to the counters under *key* and return all counters."""
        with self._lock:
            item = {name: value for name, value in self._items.get(key, {}).items() if name not in remove}
            for name, delta in deltas.items():
                count = item.get(name, 0)
                if not isinstance(count, (int, float)):
                    raise StoreError(f"the field {name!r} holds a {type(count).__name__}; only numbers can be added to")
                item[name] = count + delta
            item["expires_at_s"] = expires_at_s
            self._items[key] = item
            return {name: value for name, value in item.items() if isinstance(value, int) and name != "expires_at_s"}

    def transact(self, own: Write | None, items: Sequence[TransactItem], *, token: str) -> PutResult:
        """
        Do *own*, and keep *items* in `committed`; all of them or none.

        A condition of the form ``attribute_not_exists(name)``, several joined by ``AND``, is evaluated on a Put,
        against what transactions have put into that table, with ``name`` taken as its key; no other condition is.
        """
        # In the function: whoever does without transactions does not load what they need.
        from ._memory_transact import as_plain, committing, refuse_false_condition
        from ._transact_items import OwnItem, check_items, check_token

        check_token(token)
        entries = check_items(items, None if own is None else OwnItem("", {}, 0), ())
        arguments: Any = [entry.parameters for entry in entries]
        if own is not None:
            refuse_other_types(own.item)
            arguments = (own.key, dict(own.item), own.expected, arguments)
        with committing, self._lock:
            is_repeated = token in self._transactions
            if is_repeated and self._transactions[token] == arguments:
                return STORED
            if own is not None:
                current = self._items.get(own.key)
                if not holds(own.expected, current):
                    return judge(own.item, dict(current) if current is not None else None)
            if is_repeated:
                raise StoreError("the token was used before for other items; nothing was written by this call")
            refuse_false_condition(entries, self.committed)
            if own is not None:
                self._items[own.key] = dict(own.item)
            self.committed += [as_plain(item, entry) for item, entry in zip(items, entries, strict=True)]
            self._transactions[token] = arguments
            return STORED

    def _put_if_locked(self, key: str, item: Item, expected: Expected) -> PutResult:
        current = self._items.get(key)
        if holds(expected, current):
            self._items[key] = dict(item)
            return STORED
        return judge(item, dict(current) if current is not None else None)
