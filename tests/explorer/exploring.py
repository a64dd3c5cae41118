"""How worlds are made of scenarios and explored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda.stores import MemoryStore

from .engine import explore
from .protocols import Delivery, one_record, stored
from .world import Bounds, StoreWorld

if TYPE_CHECKING:
    from .engine import Explored

MAX_STATES = 5_000_000


class Batches(NamedTuple):
    """
    Workers that are given a batch each.

    Attributes:
        deliveries: Of each worker.
        tick_s: A tick of 12 s lets a lease of 10 s lapse, one of 6 s takes half of it.
    """

    deliveries: tuple[Delivery, ...]
    bounds: Bounds
    is_asynchronous: bool = False
    tick_s: float = 12.0


def explore_batches(scenario: Batches, *, store: Any = MemoryStore) -> Explored:
    """Visit every state of *scenario*."""
    deliveries = scenario.deliveries
    world = StoreWorld(
        {name: delivery.protocol() for name, delivery in zip("ABC", deliveries, strict=False)},
        scenario.bounds,
        store,
        records=len(deliveries[0].letters),
        keys=sorted({stored(letter) for delivery in deliveries for letter in delivery.letters}),
        is_asynchronous=scenario.is_asynchronous,
        has_ledger=deliveries[0].function != "effect",
        tick_s=scenario.tick_s,
    )
    return _explore(world)


def explore_one_record(
    names: str, bounds: Bounds, *, protocol: Any = one_record, checks_all: bool = True, store: Any = MemoryStore
) -> Explored:
    """Visit every state of workers that are given the same single record."""
    world = StoreWorld(
        dict.fromkeys(names, protocol), bounds, store, records=1, keys=[stored("m")], checks_all=checks_all
    )
    return _explore(world)


def _explore(world: StoreWorld) -> Explored:
    try:
        return explore(world, max_states=MAX_STATES)
    finally:
        world.close()
