"""Stores: where claims, circuits and counters live. `Store` is the protocol; DynamoDBStore loads when it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.cas import ABSENT, STORED, Absent, AsRead, Conflict, Stored, Write
from .base import Store
from .memory import MemoryStore

if TYPE_CHECKING:
    from .dynamodb import DynamoDBStore
else:

    def __getattr__(name: str) -> object:
        if name == "DynamoDBStore":
            from .dynamodb import DynamoDBStore

            return DynamoDBStore
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ABSENT",
    "STORED",
    "Absent",
    "AsRead",
    "Conflict",
    "DynamoDBStore",
    "MemoryStore",
    "Store",
    "Stored",
    "Write",
]
