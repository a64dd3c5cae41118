"""Stores and policies with one rule broken each: the explorer must find what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda import Idempotency
from resilient_lambda._policies.commits import Commits
from resilient_lambda.stores import ABSENT, AsRead, Conflict, MemoryStore

if TYPE_CHECKING:
    from resilient_lambda._policies.call import Invocation


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


class HalfConditionalStore(MemoryStore):
    """Ignores the condition of the last entry of a bulk write."""

    def put_many_if(self, writes: Any) -> Any:
        *others, last = writes
        current = self.get([last.key]).get(last.key)
        expected = ABSENT if current is None else AsRead((("version", current["version"]),))
        return super().put_many_if([*others, last._replace(expected=expected)])


class DisorderedStore(MemoryStore):
    """Answers the entries of a bulk write in the order in which it has done them, the last one first."""

    def put_many_if(self, writes: Any) -> Any:
        return super().put_many_if(writes)[::-1]


class TearingStore(MemoryStore):
    """Writes the items of a transaction although the condition of the library's own item does not hold."""

    def transact(self, own: Any, items: Any, *, token: str) -> Any:
        answer = super().transact(own, items, token=token)
        if isinstance(answer, Conflict):
            super().transact(None, items, token=token[:-1] + "x")
        return answer


class UnconditionalStore(MemoryStore):
    """Has writes without a condition, for the model that needs them."""

    def put(self, key: str, item: Any) -> Any:
        current = self.get([key]).get(key)
        return self.put_if(key, item, ABSENT if current is None else AsRead((("version", current["version"]),)))

    def delete(self, key: str) -> Any:
        current = self.get([key]).get(key)
        return None if current is None else self.delete_if(key, AsRead((("version", current["version"]),)))


class _ForgetfulCommits(Commits):
    """Writes every other end only."""

    def __init__(self, store: Any, invocation: Invocation) -> None:
        super().__init__(store, invocation)
        self._count = 0

    def add(self, holding: Any, write: Any, conclude: Any = None) -> None:
        self._count += 1
        if self._count % 2:
            super().add(holding, write, conclude)


class ForgetfulIdempotency(Idempotency):
    """Its group commit forgets every other entry."""

    def expect(self, calls: Any, invocation: Any) -> None:
        super().expect(calls, invocation)
        invocation.sessions[self].commits = _ForgetfulCommits(self.store, invocation)


class KeepingIdempotency(Idempotency):
    """Never gives back what it claimed and did not start."""

    async def finish(self, invocation: Any) -> None:
        pass

    async def close(self, invocation: Any) -> None:
        session = invocation.sessions[self]
        await session.commits.flush()
        await session.end_heartbeat()


class HastyIdempotency(Idempotency):
    """Answers before its group commit is through."""

    async def finish(self, invocation: Any) -> None:
        pass

    async def close(self, invocation: Any) -> None:
        pass


class ForgettingIdempotency(Idempotency):
    """Forgets its journal with the end of the invocation."""

    async def close(self, invocation: Any) -> None:
        await super().close(invocation)
        self.forget()
