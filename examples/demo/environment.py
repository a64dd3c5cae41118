"""
An execution environment of the demo: a process with the handler, which dies as by SIGKILL.

`Killed` is a BaseException that unwinds the environment's stack, and from then on whatever of it still runs (a
``finally``, an observer) reaches neither the store nor the provider nor the sink: every access raises it again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from resilient_lambda.stores import Stored

from .orders import Kind, SentOrder, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from resilient_lambda import Record, Store
    from resilient_lambda.errors import StoreError
    from resilient_lambda.events import Event
    from resilient_lambda.stores import Absent, AsRead, Conflict, Write

    from .world import World

    Item: TypeAlias = Mapping[str, str | int | float | bytes]
    Expected: TypeAlias = Absent | AsRead
    PutResult: TypeAlias = Stored | Conflict

TIMEOUT_S = 30.0
CLAIMED, COMPLETED = "IN_PROGRESS", "COMPLETED"  # docs/data-format.md, "status"


class Killed(BaseException):
    """The environment is dead."""


class Environment:
    """One execution environment: a process that loaded the handler, and its connections to the outside."""

    def __init__(self, world: World, install: Callable[[Environment], Any]) -> None:
        self.world = world
        self.deadline_s = 0.0
        self.is_dead = False
        self.handler = install(self)

    def check_alive(self) -> None:
        """Stop whatever still runs in a dead environment."""
        if self.is_dead:
            raise Killed

    def die(self, step: Step) -> None:
        """End here and now."""
        self.is_dead = True
        self.world.deaths[step] += 1
        raise Killed

    def reach(self, step: Step, order: SentOrder | None) -> None:
        """Pass *step*, or die there."""
        self.check_alive()
        if self.world.reach(step, order):
            self.die(step)

    def work(self, seconds: float) -> None:
        """Let virtual time pass; Lambda kills an environment that is not done by its deadline."""
        self.check_alive()
        left_s = self.deadline_s - self.world.io.now()
        self.world.io.advance(max(0.0, min(seconds, left_s)))
        if seconds >= left_s:
            self.die(Step.TIMEOUT)

    def charge(self, order_id: str, *, idempotency_key: str | None = None) -> None:
        """Be the payment provider's client."""
        world, order = self.world, self.world.orders[order_id]
        if idempotency_key is None:  # no library, no claims: the same moments all the same
            self.reach(Step.BEFORE_CLAIM, order)
            self.reach(Step.AFTER_CLAIM, order)
        self.work(0.05)
        if order.kind is Kind.KILLER:
            self.die(Step.OUT_OF_MEMORY)
        if world.hangs(order):
            self.work(10 * TIMEOUT_S)
        world.trouble(order)
        self.reach(Step.IN_WORK, order)
        world.meanwhile(order)
        self.work(0.2)
        world.pay(order, idempotency_key)
        self.reach(Step.AFTER_EFFECT, order)
        world.finished[order_id] += 1
        if idempotency_key is None:
            self.reach(Step.IN_COMPLETION, order)

    def park(self, record: Record[Any], error: BaseException) -> str:
        """Be the dead-letter sink."""
        self.check_alive()
        confirmation = self.world.park(record, error)
        self.reach(Step.AFTER_PARKING, None)
        return confirmation

    def observe(self, event: Event) -> None:
        """Count what the library reports."""
        self.check_alive()
        detail = str(getattr(event, "reason", "") or getattr(event, "error_type", "") or "")
        if getattr(event, "is_takeover", False):
            detail = "takeover"
        self.world.events[type(event).__name__, detail] += 1


class StoreConnection:
    """
    A `Store` as one environment reaches it: only while it lives, and it may die before, in or after a write.

    Of a bulk write any number of entries may have taken effect by then: none, the first few, or all with nobody left
    to hear of it.
    """

    def __init__(self, store: Store, environment: Environment) -> None:
        self._store: Any = store
        self._environment = environment
        if hasattr(store, "transact"):
            self.transact = self._transact  # a store has it or has it not, and so has the connection

    def warm(self) -> None:
        """Warm the store."""
        self._store.warm()

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """Read."""
        self._environment.check_alive()
        items: dict[str, Item] = self._store.get(keys, consistent=consistent)
        return items

    def put_if(self, key: str, item: Item, expected: Expected) -> PutResult:
        """Write; this is where an environment dies around a claim or in a completion."""
        self._before(key, item)
        answer: PutResult = self._store.put_if(key, item, expected)
        self._after(key, item, answer)
        return answer

    def put_many_if(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        """Write several, in one request unless the environment may die between two entries."""
        self._environment.check_alive()
        steps = Counter(step for write in writes for step in _steps_around(write.item))
        if not self._environment.world.can_strike(steps):
            return self._put_together(writes)
        return [answer for write in writes for answer in self._put_together([write])]

    def _put_together(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        for write in writes:
            self._before(write.key, write.item)
        answers: list[PutResult | StoreError] = self._store.put_many_if(writes)
        for write, answer in zip(writes, answers, strict=True):
            self._after(write.key, write.item, answer)
        return answers

    def _transact(self, own: Write | None, items: Sequence[Mapping[str, Any]], *, token: str) -> PutResult:
        """Write the library's item and others, all or none; the environment may die around it."""
        self._environment.check_alive()
        if own is not None:
            self._before(own.key, own.item)
        answer: PutResult = self._store.transact(own, items, token=token)
        if own is not None:
            self._after(own.key, own.item, answer)
        return answer

    def _before(self, key: str, item: Item) -> None:
        self._environment.check_alive()
        if Step.BEFORE_CLAIM in _steps_around(item):
            self._environment.reach(Step.BEFORE_CLAIM, self._environment.world.order_of_key(key))

    def _after(self, key: str, item: Item, answer: PutResult | StoreError) -> None:
        if isinstance(answer, Stored):
            for step in _steps_around(item)[-1:]:
                self._environment.reach(step, self._environment.world.order_of_key(key))

    def delete_if(self, key: str, expected: Expected) -> PutResult:
        """Delete."""
        self._environment.check_alive()
        answer: PutResult = self._store.delete_if(key, expected)
        return answer

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """Add to counters."""
        self._environment.check_alive()
        counters: dict[str, int] = self._store.add(key, deltas, expires_at_s=expires_at_s, remove=remove)
        return counters


def _steps_around(item: Item) -> tuple[Step, ...]:
    """Return the steps before and after a write of *item*; the last one is after it."""
    if item.get("status") == CLAIMED:
        return (Step.BEFORE_CLAIM, Step.AFTER_CLAIM)
    return (Step.IN_COMPLETION,) if item.get("status") == COMPLETED else ()
