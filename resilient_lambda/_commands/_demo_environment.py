"""
An execution environment of the demo: a process with the handler, which dies as by SIGKILL.

`Killed` is a BaseException that unwinds the environment's stack, and from then on whatever of it still runs (a
``finally``, an observer) reaches neither the store nor the provider nor the sink: every access raises it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.cas import Stored
from ._demo_orders import Kind, SentOrder, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .. import Record, Store
    from .._core.cas import Expected, Item, PutResult, Write
    from ..errors import StoreError
    from ..events import Event
    from ._demo_world import World

TIMEOUT_S = 30.0
CLAIMED, COMPLETED = "IN_PROGRESS", "COMPLETED"  # docs/data-format.md, "status"


class Killed(BaseException):
    """The environment is dead."""


class Environment:
    """One execution environment: a process that loaded the handler, and its connections to the outside."""

    def __init__(self, world: World, install: Callable[[Environment], Any]) -> None:
        self.world = world
        self.deadline_s = 0.0
        self._is_dead = False
        self.handler = install(self)

    def check_alive(self) -> None:
        """Stop whatever still runs in a dead environment."""
        if self._is_dead:
            raise Killed

    def die(self, step: Step) -> None:
        """End here and now."""
        self._is_dead = True
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
    """A `Store` as one environment reaches it: only while it lives, and it may die before, in or after a write."""

    def __init__(self, store: Store, environment: Environment) -> None:
        self._store = store
        self._environment = environment

    def warm(self) -> None:
        """Warm the store."""
        self._store.warm()

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """Read."""
        self._environment.check_alive()
        return self._store.get(keys, consistent=consistent)

    def put_if(self, key: str, item: Item, expected: Expected) -> PutResult:
        """Write; this is where an environment dies around a claim or in a completion."""
        self._before(key, item)
        answer = self._store.put_if(key, item, expected)
        self._after(key, item, answer)
        return answer

    def put_many_if(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        """Write several; the environment may die around each."""
        for write in writes:
            self._before(write.key, write.item)
        answers = self._store.put_many_if(writes)
        for write, answer in zip(writes, answers, strict=True):
            self._after(write.key, write.item, answer)
        return answers

    def _before(self, key: str, item: Item) -> None:
        self._environment.check_alive()
        if item.get("status") == CLAIMED:
            self._environment.reach(Step.BEFORE_CLAIM, self._environment.world.order_of_key(key))

    def _after(self, key: str, item: Item, answer: PutResult | StoreError) -> None:
        step = {CLAIMED: Step.AFTER_CLAIM, COMPLETED: Step.IN_COMPLETION}.get(str(item.get("status")))
        if step is not None and isinstance(answer, Stored):
            self._environment.reach(step, self._environment.world.order_of_key(key))

    def delete_if(self, key: str, expected: Expected) -> PutResult:
        """Delete."""
        self._environment.check_alive()
        return self._store.delete_if(key, expected)

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """Add to counters."""
        self._environment.check_alive()
        return self._store.add(key, deltas, expires_at_s=expires_at_s, remove=remove)
