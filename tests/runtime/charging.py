"""
Rounds of orders that are charged in the transaction that completes their keys (functions/commits.py).

Two execution environments poll one queue with a batching window, so batches are large: keys are claimed ahead in bulk
and ends are written in groups. Messages are delivered twice, at once and after their deletion; orders are sent twice
under two message ids; some throttle, some are poison, some are refused by a condition of their own, some raise after
their commit, some commit in the last moment before the deadline, some hang beyond it. SIGKILL strikes at random points
and inside the library's own requests, and some processes stall for longer than their leases last.

What is random comes from the seed; how the processes interleave does not.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from .environment import Answered, ExecutionEnvironment
from .ledger import Ledger, Row, Run, clashes, repeats, runs_after
from .mapping import Handled, drain
from .queue import Queue
from .strikes import Aims, Kills, Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = int(os.environ.get("RESILIENT_LAMBDA_SEEDS", "4"))
LEASE_S, SKEW_S = 0.6, 0.05  # as in functions/commits.py
VISIBILITY_S = 0.3
STALL_S = 1.3  # longer than lease, skew and visibility: somebody else takes over
TIMEOUT_S = 2.5
LIMIT_S = 90.0
RECEIPT = re.compile(r"^RECEIPT (\S+) (\S+) (\S+)$", re.MULTILINE)
ORDERS, TWICE = 56, 20
BURSTS, BURST = 2, 16  # orders so quick that many end while one write is under way
RECORDS = (30, 50)


class Played(NamedTuple):
    """What one seed sent and what became of it."""

    orders: list[dict[str, Any]]
    handled: list[Handled]
    runs: dict[str, list[Run]]
    rows: dict[str, list[Row]]
    total: int
    charges: dict[str, int]
    receipts: dict[str, list[Run]]
    parked: dict[str, str]

    def ids(self, fate: str) -> set[str]:
        """Return the orders that are to be charged by ``commit``, ``claim`` or ``receipt``, or to be ``parked``."""
        return {order["order_id"] for order in self.orders if fate_of(order) == fate}

    @property
    def written(self) -> dict[str, int]:
        """How many rows each order has that has any."""
        return {order: len(rows) for order, rows in self.rows.items()}

    @property
    def doubles(self) -> int:
        """Rows beyond the first of their order."""
        return sum(count - 1 for count in self.written.values())

    @property
    def lost(self) -> set[str]:
        """Orders that were to be charged by transaction and have no row."""
        return self.ids("commit") - self.rows.keys()

    @property
    def unlawful(self) -> list[tuple[Any, Run]]:
        """Runs that a claim, a recorded success or a commit should have prevented, each after what came before it."""
        stalled = {each.result.request_id for each in self.handled if each.was_stalled}
        answered = {each.result.request_id for each in self.handled if isinstance(each.result, Answered)} - stalled
        found: list[tuple[Any, Run]] = []
        for order, runs in self.runs.items():
            found += clashes(runs, lease_s=LEASE_S, skew_s=SKEW_S, stalled=stalled)
            found += repeats(runs, answered=answered)
            found += runs_after(runs, self.rows.get(order, []))
        for receipts in self.receipts.values():
            found += repeats(receipts, answered=answered)
        # A process that is stopped between the look at its lease and the first line of the function begins too late.
        # Nothing can prevent that run, but what it writes in its claim's transaction is refused.
        return [(before, later) for before, later in found if later.request_id not in stalled]

    @property
    def strikes(self) -> Counter[str]:
        """How many invocations each kind of strike hit."""
        return Counter(
            each.strike.name
            for each in self.handled
            if each.strike is not None and (each.was_killed or each.was_stalled)
        )

    @property
    def takeovers(self) -> int:
        """Runs that followed a run which died: somebody took over its lapsed claim."""
        return sum(first.ended_s is None for runs in self.runs.values() for first in runs[:-1])


def fate_of(order: dict[str, Any]) -> str:
    """Return what is to become of *order*: ``parked``, or charged by ``commit``, ``claim`` or ``receipt``."""
    return "parked" if order["total"] <= 0 or order.get("is_refused") else str(order["by"])


def orders_of(prefix: str, rng: random.Random, *, hanging: bool, late: bool) -> list[dict[str, Any]]:
    """Return the orders of one round, in the order in which they are sent."""
    orders: list[dict[str, Any]] = [
        {
            "order_id": f"{prefix}{number}",
            "customer": f"{prefix}customer-{number % 5}",
            "total": 5,
            "by": "claim" if number % 4 == 0 else "commit",
        }
        for number in range(ORDERS)
    ]
    rng.shuffle(orders)
    for order in orders[:4]:
        order["throttles"] = rng.randint(1, 2)
    for order in orders[4:6]:
        order["total"] = 0
    charged = [order for order in orders[6:] if order["by"] == "commit"]
    charged[0]["is_refused"] = True
    charged[1]["raises"] = charged[2]["raises"] = True
    if hanging:
        charged[3]["hangs"] = 1
    if late:
        charged[4]["late"], charged[4]["late_ms"] = 1, rng.uniform(0, 15)
    rng.shuffle(orders)
    return orders


def play(
    seed: int,
    environments: list[ExecutionEnvironment],
    ledger: Ledger,
    *,
    pace: Pace,
    aims: Aims,
    prefix: str,
    aimed: float = 0.6,
    stalled: float = 0.1,
) -> Played:
    """Send the orders of *seed*, deliver until the queue is empty, and return what happened."""
    rng = random.Random(seed)
    orders = orders_of(prefix, rng, hanging=seed % 4 == 3, late=seed % 4 == 2)
    messages = orders + rng.sample(orders, TWICE)
    rng.shuffle(messages)
    for burst in range(BURSTS):
        quick = [{"order_id": f"{prefix}quick-{burst}-{n}", "total": 5, "by": "receipt"} for n in range(BURST)]
        orders += quick
        place = rng.randrange(len(messages))
        messages[place:place] = quick + rng.sample(quick, 2)
    queue = Queue(
        visibility_s=VISIBILITY_S, twins=0.3, ghosts=0.15, batch_limit=RECORDS[1], rng=random.Random(rng.random())
    )
    for message in messages:
        queue.send(message)
    kills = Kills(
        random.Random(rng.random()),
        pace,
        at_most=5,
        share=0.7,
        aims=aims,
        aimed=aimed,
        stalled=stalled,
        stall_s=STALL_S,
    )
    handled = drain(
        queue, environments, rng=rng, pace=pace, kills=kills, records=RECORDS, timeout_s=TIMEOUT_S, limit_s=LIMIT_S
    )
    return Played(
        orders=orders,
        handled=handled,
        runs=ledger.runs(prefix),
        rows=ledger.rows(prefix),
        total=ledger.total(prefix),
        charges=ledger.charges(prefix),
        receipts=receipts(environments, prefix),
        parked=ledger.parked(prefix),
    )


def receipts(environments: Sequence[ExecutionEnvironment], prefix: str) -> dict[str, list[Run]]:
    """Return the receipts that *environments* have printed for each order, as runs that took no time."""
    found: dict[str, list[Run]] = {}
    for environment in environments:
        for order_id, request_id, at_s in RECEIPT.findall(environment.printed):
            if order_id.startswith(prefix):
                found.setdefault(order_id, []).append(Run(float(at_s), float(at_s), True, request_id))
    return found


def pace_of(environments: Sequence[ExecutionEnvironment], prefix: str) -> Pace:
    """Measure undisturbed batches, so that kills strike inside invocations and not after them."""
    pace = Pace()
    queue = Queue(visibility_s=60, batch_limit=RECORDS[1])
    for number in range(100):
        order = {"order_id": f"{prefix}{number}", "customer": f"{prefix}customer", "total": 5, "by": "commit"}
        queue.send(order)
    drain(queue, environments, rng=random.Random(0), pace=pace, records=RECORDS, timeout_s=20, limit_s=LIMIT_S)
    return pace
