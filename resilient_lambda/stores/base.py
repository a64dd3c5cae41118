"""The store protocol: one verb decides, compare-and-set. No policy lives in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    from .._core.cas import Expected, Item, PutResult, Write
    from ..errors import StoreError

    TransactItem: TypeAlias = Mapping[str, Mapping[str, Any]]


class Store(Protocol):
    """
    Where claims, circuits and counters live.

    All methods block. All are safe to call from several threads, and to repeat with the same arguments after
    `StoreUnavailableError`, except `add`. Keys are strings of at most 2,048 bytes in UTF-8 (DynamoDB's limit). An item
    is a flat mapping of names to str, int, float or bytes, and always carries a ``version`` that no other write uses.

    Raises (every method):
        StoreUnavailableError: No answer, or asked to slow down; the write may have taken effect.
        StoreError: Refused for good (no such table, no permission, a number or text that the store cannot keep).
        ItemTooLargeError: The `StoreError` for an item that is too large; a smaller one can be written.
        TypeError: A value is no str, int, float or bytes; a bool is none either.
    """

    def warm(self) -> None:
        """Do what the first call would have to do: import, build the client. Touches no network."""
        ...

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """
        Return the items under *keys*; a key without an item is missing from the result.

        Args:
            consistent: False allows a copy that is a moment old, at half the price.
        """
        ...

    def put_if(self, key: str, item: Item, expected: Expected) -> PutResult:
        """
        Replace the item under *key* as a whole if it is still as *expected*.

        A write of one's own whose answer was lost is recognised by its version and is `Stored`.
        """
        ...

    def put_many_if(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        """
        Do several `put_if` with one result per entry, in order; an entry's failure is that entry's.

        Raises:
            ValueError: A key is named twice.
        """
        ...

    def delete_if(self, key: str, expected: Expected) -> PutResult:
        """Delete the item under *key* if it is still as *expected*; an absent item is `Stored`."""
        ...

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """
        Add *deltas* to the counters under *key*, drop the counters named in *remove*, return all counters.

        A counter that is dropped and added to starts anew. Other fields of the item stay, and are not returned.

        Tried once: adding is not idempotent. After `StoreUnavailableError` treat the delta as applied.

        Args:
            expires_at_s: When the item may be removed, in seconds since the epoch.
        """
        ...


class TransactionalStore(Store, Protocol):
    """A store that can write the library's item and items of the user's together: what ``commit_with`` needs."""

    def transact(self, own: Write | None, items: Sequence[TransactItem], *, token: str) -> PutResult:
        """
        Do *own* and *items*, all of them or none.

        May be repeated with the same arguments after `StoreUnavailableError`; *token* tells repetitions from new
        transactions for ten minutes, after that the version of *own* does.

        Args:
            own: The library's own write; None to write *items* alone.
            items: ``{"Put": {...}}``, ``{"Update": {...}}``, ``{"Delete": {...}}`` or ``{"ConditionCheck": {...}}``
                with the parameters of DynamoDB's TransactWriteItems, values as plain Python or as DynamoDB writes them.
            token: At most 36 characters.

        Returns:
            `Stored`, also if an earlier try whose answer was lost took effect; `Conflict` if the condition of *own*
            does not hold.

        Raises:
            CommitConditionError: The condition of one of *items* does not hold.
            CommitLimitError: More or larger items than a transaction takes, one item named twice, the key of *own*
                among *items*, or an item of a form that DynamoDB does not know. Nothing was sent.
            StoreUnavailableError: No answer, throttled, or another transaction is under way on an item; it may have
                taken effect.
            StoreError: Refused for good.
        """
        ...
