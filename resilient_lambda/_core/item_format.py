"""
How entries and keys look in the table: the library's own format, or that of another library whose table one shares.

Policies reach items only through an `ItemFormat`; `_core/idempotency.py` decides about entries and knows of no format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._named_tuple import NamedTuple
from . import keys
from .cas import AsRead, Write
from .idempotency import FIELDS, parse, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .cas import Expected, Item
    from .idempotency import Entry


class ItemFormat(NamedTuple):
    """
    One way of keeping entries in a table.

    Attributes:
        render: Makes the item of an entry.
        parse: Makes the entry of an item, None of None; raises `ItemFormatError` for what is neither its own nor that
            of the library whose format it is.
        digest: Of a key's or a fingerprint's value.
        prefix: Makes what stored keys begin with from the namespace.
        is_missing: Tells whether a key's value says that none was set.
        fields: All that an item may hold (`Write.may_hold`).
        status_names: How statuses are called in the table where the name is another one than `Status` has.
        has_short_leases: False if a late heartbeat must not be risked: others would take over at once.
        remembers_failures: False if others could not read a remembered failure.
        keeps_results: True if results are kept for batches too: callers of the other library's functions use them.
        compresses: True if large results may be compressed.
    """

    render: Callable[[Entry], Item]
    parse: Callable[[Item | None], Entry | None]
    digest: Callable[[object], str]
    prefix: Callable[[str], str]
    is_missing: Callable[[object], bool]
    fields: tuple[str, ...]
    status_names: Mapping[str, str]
    has_short_leases: bool
    remembers_failures: bool
    keeps_results: bool
    compresses: bool

    def stored_key(self, prefix: str, value: object) -> str:
        """
        Return the stored key for the key *value*.

        Args:
            prefix: What `prefix` made of the namespace.

        Raises:
            MissingKeyError: The value is missing.
            NonRetryableError: The value is not JSON.
        """
        return keys.stored_key(prefix, value, digest=self.digest, is_missing=self.is_missing)

    def write(self, key: str, entry: Entry, expected: Expected) -> Write:
        """
        Return the store's write of *entry* under *key*.

        Args:
            expected: As `_core.idempotency` says it, so with its names for statuses.
        """
        if self.status_names and isinstance(expected, AsRead):
            expected = AsRead(tuple(self._as_stored(name, value) for name, value in expected.fields))
        return Write(key, self.render(entry), expected, self.fields)

    def _as_stored(
        self, name: str, value: str | int | float | bytes | None
    ) -> tuple[str, str | int | float | bytes | None]:
        if name == "status" and isinstance(value, str):
            return name, self.status_names.get(value, value)
        return name, value


NATIVE = ItemFormat(
    render=render,
    parse=parse,
    digest=keys.digest,
    prefix=keys.key_prefix,
    is_missing=keys.is_missing,
    fields=FIELDS,
    status_names={},
    has_short_leases=True,
    remembers_failures=True,
    keeps_results=False,
    compresses=True,
)
