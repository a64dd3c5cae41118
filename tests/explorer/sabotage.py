"""Stores with one rule broken each: the explorer must find what follows from it."""

from __future__ import annotations

from typing import Any

from resilient_lambda.stores import ABSENT, AsRead, MemoryStore


class OverwritingStore(MemoryStore):
    """Does not compare the version, only the status."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        if isinstance(expected, AsRead):
            expected = AsRead(tuple(field for field in expected.fields if field[0] != "version"))
        return super().put_if(key, item, expected)


class ForgetfulStore(MemoryStore):
    """Inserts over what is there."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        current = self.get([key]).get(key)
        if expected == ABSENT and current is not None:
            expected = AsRead((("version", current["version"]),))
        return super().put_if(key, item, expected)


class SameVersionStore(MemoryStore):
    """Keeps the version when an owner renews its lease."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        current = self.get([key]).get(key)
        is_renewal = (
            current is not None
            and item["status"] == current["status"] == "IN_PROGRESS"
            and str(item["version"]).rpartition(".")[0] == str(current["version"]).rpartition(".")[0]
        )
        if is_renewal and current is not None:
            item = {**item, "version": current["version"]}
        return super().put_if(key, item, expected)
