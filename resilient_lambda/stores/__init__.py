"""Stores: where claims, circuits and counters live. What a cold start need not load, loads when it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.cas import ABSENT, STORED, Absent, AsRead, Conflict, Stored, Write

if TYPE_CHECKING:
    from .base import Store, TransactionalStore
    from .dynamodb import DynamoDBStore
    from .memory import MemoryStore
else:
    _HOMES = {
        "DynamoDBStore": ".dynamodb",
        "MemoryStore": ".memory",
        "Store": ".base",
        "TransactionalStore": ".base",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)


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
    "TransactionalStore",
    "Write",
]
