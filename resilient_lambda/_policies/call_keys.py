"""The key of a run and the digest of its payload: under what, and with what, it is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import MissingKeyError

if TYPE_CHECKING:
    from .._core.item_format import ItemFormat
    from .._core.record import Record
    from .call import Call, Invocation
    from .key_finder import KeyFinder

# What a key finder returns for a call that needs no key, and is run without protection.
EXEMPT = object()


class CallKeys:
    """
    Makes the keys and fingerprints of one policy.

    Args:
        key: What makes two events the same; None for the record's own, see `Record.default_key`.
        namespace: Keys of different namespaces never meet; None for the name of the Lambda function.
        fingerprint: What must be equal in two events of one key; True for the whole body, False for nothing.
        skips_missing: True if a record without a key has none, rather than an error.

    Attributes:
        can_peek: True if key and fingerprint can be told from the record alone.
    """

    def __init__(
        self,
        form: ItemFormat,
        *,
        key: KeyFinder | None,
        namespace: str | None,
        fingerprint: KeyFinder | bool,
        skips_missing: bool,
    ) -> None:
        self._form = form
        self._namespace = namespace
        self._skips_missing = skips_missing
        self._finder = key
        self._compares = fingerprint is not False
        self._fingerprint_finder = None if isinstance(fingerprint, bool) else fingerprint
        self.can_peek = not any(found and found.needs_argument for found in (self._finder, self._fingerprint_finder))
        self._prefixes: dict[str, str] = {}

    def warm(self) -> None:
        """Load what the first key would load."""
        self._form.digest("")
        for finder in (self._finder, self._fingerprint_finder):
            if finder is not None:
                finder.warm()

    def key_of(self, call: Call) -> str | None:
        """
        Return the stored key of *call*, None if it has none and that is no error.

        Raises:
            MissingKeyError: It has none.
            Exception: What the user's function or model raised.
        """
        value = call.record.default_key if self._finder is None else self._finder.find(call)
        if value is EXEMPT:
            return None
        try:
            return self._form.stored_key(self._prefix(call.invocation), value)
        except MissingKeyError:
            if self._skips_missing:
                return None
            finder = self._finder
            name = "what tells the record from others" if finder is None else f"the idempotency key {finder.spec!r}"
            raise MissingKeyError(f"{name} is missing, null or empty in this record") from None

    def fingerprint_of(self, call: Call) -> str:
        """Return the digest of what must be equal, "" if nothing need be."""
        if not self._compares:
            return ""
        finder = self._fingerprint_finder
        return self._form.digest(call.record.json() if finder is None else finder.find(call))

    def peek(self, record: Record[Any], context: Any) -> tuple[str, str] | None:
        """Return key and fingerprint of *record*; None if it alone does not tell them. May raise anything."""
        if not self.can_peek or not self._prefixes:
            return None
        prefix = self._prefixes.get(self._namespace or str(getattr(context, "function_name", "")))
        if prefix is None:
            return None
        value = record.default_key if self._finder is None else self._finder.find_in(record)
        if value is EXEMPT:
            return None
        key = self._form.stored_key(prefix, value)
        if not self._compares:
            return key, ""
        finder = self._fingerprint_finder
        return key, self._form.digest(record.json() if finder is None else finder.find_in(record))

    def _prefix(self, invocation: Invocation) -> str:
        name = self._namespace or invocation.function_name
        prefix = self._prefixes.get(name)
        if prefix is None:
            prefix = self._prefixes[name] = self._form.prefix(name)
        return prefix
