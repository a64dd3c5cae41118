"""The table as an automaton: its contents are numbered, and what an operation does to them is worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda._core.idempotency import Entry, Status, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from resilient_lambda.stores import MemoryStore


class Operation(NamedTuple):
    """
    One call of a store's method.

    Attributes:
        keys: The keys that it is about.
        is_write: True if its answer can be lost after it took effect.
    """

    name: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    keys: tuple[str, ...]
    is_write: bool

    @classmethod
    def of(cls, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Operation:
        """Return the operation with its keys read from the arguments."""
        first = arguments[0]
        if name == "put_many_if":
            keys = tuple(write.key for write in first)
        elif name == "get":
            keys = tuple(first)
        elif name == "transact":
            keys = () if first is None else (first.key,)
        else:
            keys = (first,)
        return cls(name, arguments, options, keys, name != "get")

    def only(self, entries: Sequence[int]) -> Operation:
        """Return the bulk write of some of this one's *entries*."""
        writes = [self.arguments[0][n] for n in entries]
        return Operation.of(self.name, (writes,), self.options)


class Contents:
    """
    What the table holds at one time.

    Attributes:
        entries: By key, what is stored.
        rows: How often each ledger row was written.
        problem: What is wrong with it, or with how it came about; None if nothing.
    """

    def __init__(self, operations: tuple[Operation, ...], store: MemoryStore, keys: Sequence[str]) -> None:
        self.operations = operations
        self.store: MemoryStore | None = store
        self.entries: dict[str, Entry] = {}
        for key, item in store.get(keys).items():
            entry = parse(item)
            assert entry is not None
            self.entries[key] = entry
        self.rows: dict[str, int] = {}
        for item in store.committed:
            name = str(item["Put"]["Item"]["id"])
            self.rows[name] = self.rows.get(name, 0) + 1

    def problem_after(self, before: Contents, *, has_ledger: bool) -> str | None:
        """Return which invariant the step from *before* to this breaks, None for none."""
        for key, entry in before.entries.items():
            now = self.entries.get(key)
            if entry.status is Status.COMPLETED and now != entry:
                return f"the completion {entry} was overwritten by {now}"
        for key, count in self.rows.items():
            if count > 1:
                return f"the ledger row of {key} was written {count} times"
        if has_ledger:
            for key, entry in self.entries.items():
                if (entry.status is Status.COMPLETED) != (key in self.rows):
                    return f"the key and its ledger row disagree: {entry}, rows {self.rows}"
        return None


class Table:
    """
    Every contents that was reached, by number.

    Args:
        make_store: Makes an empty store.
        keys: All keys that can be in it.
        has_ledger: True if keys are completed together with a ledger row, never without.
        checks: False to look for no problem.
    """

    def __init__(
        self, make_store: Callable[[], MemoryStore], keys: Sequence[str], *, has_ledger: bool, checks: bool
    ) -> None:
        self._make_store = make_store
        self._keys = keys
        self._has_ledger = has_ledger
        self._checks = checks
        self._numbers: dict[object, int] = {}
        self._operations: dict[str, int] = {}
        self._answers: dict[str, int] = {}
        self._done: dict[tuple[int, int], tuple[int, int, str | None]] = {}
        self.contents: list[Contents] = []
        self.operations: list[Operation] = []
        self.answers: list[Any] = []
        self._enter(Contents((), make_store(), keys))

    def number_of(self, operation: Operation) -> int:
        """Return the number of *operation*."""
        mark = repr(operation)
        number = self._operations.setdefault(mark, len(self.operations))
        if number == len(self.operations):
            self.operations.append(operation)
        return number

    def answer_number(self, answer: object) -> int:
        """Return the number of *answer*."""
        number = self._answers.setdefault(repr(answer), len(self.answers))
        if number == len(self.answers):
            self.answers.append(answer)
        return number

    def do(self, contents: int, operation: int) -> tuple[int, int, str | None]:
        """Return the contents after *operation*, its answer and what is wrong; all but the last by number."""
        found = self._done.get((contents, operation))
        if found is None:
            found = self._done[contents, operation] = self._do(contents, operation)
        return found

    def _do(self, number: int, operation_number: int) -> tuple[int, int, str | None]:
        before, operation = self.contents[number], self.operations[operation_number]
        if len(set(operation.keys)) < len(operation.keys):
            return number, self.answer_number(None), f"one {operation.name} names a key twice"
        store = before.store
        if store is None:  # it has moved on
            store = self._make_store()
            for earlier in before.operations:
                _perform(store, earlier)
        before.store = None
        answer = _perform(store, operation)
        after = Contents((*before.operations, operation), store, self._keys)
        if after.entries == before.entries and after.rows == before.rows:
            before.store = store
            return number, self.answer_number(answer), None
        problem = after.problem_after(before, has_ledger=self._has_ledger) if self._checks else None
        return self._enter(after), self.answer_number(answer), problem

    def _enter(self, contents: Contents) -> int:
        mark = (tuple(sorted(contents.entries.items())), tuple(sorted(contents.rows.items())))
        number = self._numbers.setdefault(mark, len(self.contents))
        if number == len(self.contents):
            self.contents.append(contents)
        return number


def _perform(store: MemoryStore, operation: Operation) -> Any:
    return getattr(store, operation.name)(*operation.arguments, **operation.options)
