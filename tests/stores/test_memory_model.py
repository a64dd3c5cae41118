"""MemoryStore against the simplest model that could be right: a dict and the contract's sentences."""

from __future__ import annotations

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict, MemoryStore

KEYS = st.sampled_from(["a", "b"])


class MemoryStoreAgainstModel(RuleBasedStateMachine):
    """Any sequence of calls by writers that know the item, know an old one, or expect none."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.model: dict[str, dict[str, str | int]] = {}
        self.versions = itertools.count()
        self.last_write: tuple[str, dict[str, str | int], object] | None = None

    @initialize()
    def start_empty(self) -> None:
        """A new store holds nothing."""
        assert self.store.get(["a", "b"]) == {}

    def expectation(self, key: str, knows: str) -> object:
        """Return what a writer with this knowledge expects under *key*."""
        if knows == "nothing":
            return ABSENT
        if knows == "the item" and key in self.model:
            return AsRead((("version", self.model[key].get("version")), ("never", None)))
        return AsRead((("version", "old"),))

    @rule(key=KEYS, knows=st.sampled_from(["nothing", "the item", "an old item"]), status=st.text(max_size=3))
    def put(self, key: str, knows: str, status: str) -> None:
        """Written exactly if the expectation is true; else nothing changes and the current item is returned."""
        item: dict[str, str | int] = {"version": f"v{next(self.versions)}", "status": status}
        expected = self.expectation(key, knows)
        before = self.model.get(key)
        result = self.store.put_if(key, item, expected)  # type: ignore[arg-type]
        if (before is None) if knows == "nothing" else (knows == "the item" and before is not None):
            self.model[key] = item
            self.last_write = (key, item, expected)
            assert result is STORED
        else:
            assert result == Conflict(before)

    @rule()
    def repeat_the_last_write(self) -> None:
        """A write whose item is still there is stored however often it is repeated."""
        if self.last_write is not None and self.model.get(self.last_write[0]) == self.last_write[1]:
            assert self.store.put_if(*self.last_write) is STORED  # type: ignore[arg-type]

    @rule(key=KEYS, knows=st.sampled_from(["nothing", "the item", "an old item"]))
    def delete(self, key: str, knows: str) -> None:
        """Gone if it was as expected; absent is success."""
        before = self.model.get(key)
        result = self.store.delete_if(key, self.expectation(key, knows))  # type: ignore[arg-type]
        if before is None or knows == "the item":
            self.model.pop(key, None)
            assert result is STORED
        else:
            assert result == Conflict(before)

    @rule(key=KEYS, counts=st.dictionaries(st.sampled_from(["c", "d"]), st.integers(-3, 3)), drop=st.booleans())
    def add(self, key: str, counts: dict[str, int], drop: bool) -> None:
        """Counters are sums since they were dropped."""
        item = self.model.setdefault(key, {})
        if drop:
            item.pop("c", None)
        for name, delta in counts.items():
            item[name] = int(item.get(name, 0)) + delta
        item["expires_at_s"] = 9
        sums = self.store.add(key, counts, expires_at_s=9, remove=["c"] if drop else [])
        assert sums == {name: value for name, value in item.items() if name in ("c", "d")}

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """The items are the model's."""
        assert self.store.get(["a", "b"]) == self.model


MemoryStoreAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestMemoryStoreAgainstModel = MemoryStoreAgainstModel.TestCase
