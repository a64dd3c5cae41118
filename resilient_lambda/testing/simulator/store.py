"""A store that fails as DynamoDB does: slowly, for a while, or after it did what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import StoreUnavailableError
from ...stores import Stored, dynamodb
from .history import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...stores import Absent, AsRead, Write
    from .environment import Environment
    from .world import World

T = TypeVar("T")

LATENCY_S = (0.003, 0.012)
SLOW_S = (0.2, 2.0)
NO_ANSWER_S = 2.0  # the library's read timeout
OUTAGE_S = 30.0


class FaultyStore:
    """
    A `Store` as environments of a simulation reach it.

    Every call takes time, and is two steps at which an environment may die: before it takes effect, and after. Of a
    bulk write any number of entries may have taken effect by then.

    Args:
        store: The store itself.
    """

    def __init__(self, store: Any, world: World) -> None:
        self._store = store
        self._world = world
        self._tokens: set[str] = set()
        if hasattr(store, "transact"):
            self.transact = self._transact  # a store has it or has it not

    def __repr__(self) -> str:
        return f"FaultyStore({self._store!r})"

    def warm(self) -> None:
        """Warm the store."""
        self._store.warm()

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Mapping[str, Any]]:
        """Read."""
        return self._reach("get", lambda: self._store.get(keys, consistent=consistent))

    def put_if(self, key: str, item: Mapping[str, Any], expected: Absent | AsRead) -> Any:
        """Write."""
        return self._reach("put_if", lambda: self._store.put_if(key, item, expected))

    def put_many_if(self, writes: Sequence[Write]) -> list[Any]:
        """Write several: some of them only, if the environment dies of it."""
        environment = self._world.active
        if environment is not None and environment.dies_in(2):
            count = int(self._world.chance.sample("entries", *environment.next_call()) * (len(writes) + 1))
            self._reach("put_many_if", lambda: self._store.put_many_if(writes[:count]))
        return self._reach("put_many_if", lambda: self._store.put_many_if(writes))

    def delete_if(self, key: str, expected: Absent | AsRead) -> Any:
        """Delete."""
        return self._reach("delete_if", lambda: self._store.delete_if(key, expected))

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """Add to counters."""
        return self._reach("add", lambda: self._store.add(key, deltas, expires_at_s=expires_at_s, remove=remove))

    def _transact(self, own: Write | None, items: Sequence[Mapping[str, Any]], *, token: str) -> Any:
        """Write the library's item and others."""

        def commit() -> Any:
            answer = self._store.transact(own, items, token=token)
            environment = self._world.active
            if isinstance(answer, Stored) and token not in self._tokens and environment is not None:
                self._tokens.add(token)  # tried again, it takes effect once
                self._world.committed(items, environment)
            return answer

        return self._reach("transact", commit)

    def _reach(self, name: str, call: Callable[[], T]) -> T:
        world, environment = self._world, self._world.active
        if environment is None:  # the test itself
            return call()
        number, chance = environment.next_call(), world.chance
        environment.step(f"before {name}")
        if world.is_out(OUTAGE_S):
            environment.work(NO_ANSWER_S)
            raise self._failure(environment, f"{name}: the store is out")
        low, high = SLOW_S if chance.strikes_at("slow_store", *number) else LATENCY_S
        environment.work(chance.between(low, high, "latency", *number))
        fails = chance.strikes_at("store_error", *number)
        if fails and chance.sample("store error after", *number) < 0.5:
            raise self._failure(environment, f"{name} failed")
        answer = call()
        environment.step(f"after {name}")
        if fails:
            raise self._failure(environment, f"{name} took effect, its answer was lost")
        return answer

    def _failure(self, environment: Environment, text: str) -> StoreUnavailableError:
        invocation = environment.check_alive()
        self._world.note(Kind.FAULT, invocation.source, invocation.ids, environment=environment, text=text)
        return StoreUnavailableError(f"simulated: {text}")


class RealStore:
    """A store that goes on to reach its table, if it has one, while every `DynamoDBStore` is redirected."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __repr__(self) -> str:
        return repr(self._store)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            before, dynamodb.redirect = dynamodb.redirect, None
            try:
                return method(*args, **kwargs)
            finally:
                dynamodb.redirect = before

        return call
