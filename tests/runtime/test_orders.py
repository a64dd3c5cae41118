"""
The promise on real parts: orders are charged exactly once although processes are killed in the middle of batches.

Two execution environments poll one queue. Messages are delivered twice, at once and after their deletion, orders are
sent twice under two message ids, some throttle, some are poison, some hang until the deadline, and SIGKILL strikes at
random points of the invocation. What is random comes from the seed; how the processes interleave does not.

RESILIENT_LAMBDA_SEEDS says how many seeds are played: 6 by default, 50 for a long run.
"""

from __future__ import annotations

import os
import random
from typing import Any, NamedTuple

from .environment import Answered, ExecutionEnvironment
from .ledger import Ledger, Run, clashes, repeats
from .mapping import Handled, drain
from .queue import Queue
from .strikes import Kills, Pace

SEEDS = range(int(os.environ.get("RESILIENT_LAMBDA_SEEDS", "6")))
LEASE_S = 0.6  # as in functions/orders.py
SKEW_S = 0.05
VISIBILITY_S = 0.25
TIMEOUT_S = 2.0
LIMIT_S = 60.0


class Played(NamedTuple):
    """What one seed sent and what became of it."""

    good: set[str]
    poison: set[str]
    handled: list[Handled]
    runs: dict[str, list[Run]]
    charges: dict[str, int]
    parked: dict[str, str]

    @property
    def unlawful(self) -> list[tuple[Run, Run]]:
        """Pairs of runs of one order of which the claim should have prevented the second."""
        answered = {each.result.request_id for each in self.handled if isinstance(each.result, Answered)}
        return [
            pair
            for runs in self.runs.values()
            for pair in clashes(runs, lease_s=LEASE_S, skew_s=SKEW_S) + repeats(runs, answered=answered)
        ]

    @property
    def kills(self) -> int:
        """Invocations whose process ended within them."""
        return sum(each.was_killed for each in self.handled)

    @property
    def takeovers(self) -> int:
        """Runs that followed a run which died: somebody took over its lapsed claim."""
        return sum(first.ended_s is None for runs in self.runs.values() for first in runs[:-1])

    @property
    def bounces(self) -> int:
        """Messages that an answer sent back although the order was not run in that invocation."""
        ran = {(order, run.request_id) for order, runs in self.runs.items() for run in runs}
        return sum(
            (each.order_of(returned), each.result.request_id) not in ran
            for each in self.handled
            if isinstance(each.result, Answered)
            for returned in each.returned
        )


def orders_of(prefix: str, rng: random.Random, *, hanging: bool) -> list[dict[str, Any]]:
    """Return 20 orders: most are good, two of them throttle, one may hang, one or two are poison."""
    orders: list[dict[str, Any]] = [{"order_id": f"{prefix}{number}", "total": 5} for number in range(20)]
    for order in orders[:2]:
        order["throttles"] = rng.randint(1, 2)
    if hanging:
        orders[2]["hangs"] = 1
    for order in orders[-rng.randint(1, 2) :]:
        order["total"] = 0
    return orders


def play(
    seed: int, environments: list[ExecutionEnvironment], ledger: Ledger, *, pace: Pace, prefix: str, at_most: int = 5
) -> Played:
    """Send the orders of *seed*, deliver until the queue is empty, and return what happened."""
    rng = random.Random(seed)
    orders = orders_of(prefix, rng, hanging=seed % 10 == 5)
    messages = orders + rng.sample(orders, 7)
    rng.shuffle(messages)
    queue = Queue(visibility_s=VISIBILITY_S, twins=0.35, ghosts=0.15, rng=random.Random(rng.random()))
    for message in messages:
        queue.send(message)
    kills = Kills(random.Random(rng.random()), pace, at_most=at_most, share=0.6)
    handled = drain(queue, environments, rng=rng, pace=pace, kills=kills, timeout_s=TIMEOUT_S, limit_s=LIMIT_S)
    return Played(
        good={order["order_id"] for order in orders if order["total"] > 0},
        poison={order["order_id"] for order in orders if order["total"] <= 0},
        handled=handled,
        runs=ledger.runs(prefix),
        charges=ledger.charges(prefix),
        parked=ledger.parked(prefix),
    )


def pace_of(environments: list[ExecutionEnvironment]) -> Pace:
    """Measure undisturbed batches, so that kills strike inside invocations and not after them."""
    pace = Pace()
    queue = Queue(visibility_s=60)
    for number in range(60):
        queue.send({"order_id": f"pace-{number}", "total": 5})
    drain(queue, environments, rng=random.Random(0), pace=pace, timeout_s=20, limit_s=LIMIT_S)
    return pace


def test_orders_are_charged_exactly_once_whatever_is_killed(environments_of, ledger):
    """Every good order is charged once, every poison one is parked with its reason, and the queue runs empty."""
    environments = environments_of("orders.charge_once")
    pace = pace_of(environments)
    played = []
    for seed in SEEDS:
        now = play(seed, environments, ledger, pace=pace, prefix=f"once-{seed}-")
        played.append(now)

        assert now.charges == dict.fromkeys(now.good, 1), f"seed {seed}"
        assert now.parked == dict.fromkeys(now.poison, "total must be positive"), f"seed {seed}"
        assert now.unlawful == [], f"seed {seed}"

    # Without these the test could pass on a schedule in which nothing happened.
    assert sum(each.kills for each in played) >= len(SEEDS)
    assert sum(each.takeovers for each in played) >= len(SEEDS) // 4
    assert sum(each.bounces for each in played) >= len(SEEDS) // 4
    assert all(sum(map(len, each.runs.values())) >= len(each.charges) for each in played)


def test_same_schedule_charges_twice_without_a_claim(environments_of, ledger):
    """A handler without idempotency is convicted by the same deliveries and kills: the harness can fail."""
    environments = environments_of("orders.charge_plainly")
    pace = pace_of(environments)
    played = [play(seed, environments, ledger, pace=pace, prefix=f"plain-{seed}-") for seed in range(2)]

    assert any(charges > 1 for each in played for charges in each.charges.values())
    assert all(each.unlawful for each in played)
