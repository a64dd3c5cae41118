"""
Batches of new orders against DynamoDB Local, every request held back by 5 ms on its way.

Each figure comes from `benchmarks.store_child`: a process of its own, so that nobody profits from what another has
loaded, and so that the CPU of engine and proxy is nobody's. The sides take turns, several rounds; the median counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from statistics import median
from typing import NamedTuple

from .local_table import DELAY_MS, ROOT, Network, environment, items_by_status, network, new_table
from .row import Measured
from .store_child import WARM_UP_RECORDS
from .store_works import THREADS

PEER = "Powertools idempotent_function in its batch processor"
OTHERS = {
    "powertools_pool": "the same function in a pool of ten threads",
    "ours_one_by_one": "ours, one record at a time",
}
WORK_MS = 5.0
TIMEOUT_S = 600.0
NOTE = f"DynamoDB Local, {DELAY_MS:g} ms a request, all keys new"


class Plan(NamedTuple):
    """
    How often what is done.

    Attributes:
        rounds: Processes for each side.
        repeats: Measured batches in each process.
        quick: By how much more often what takes a fraction of the time is repeated: the more there are, the less one
            that was disturbed counts.
        work_ms: How long the function waits for a record.
        has_effects: The function writes a row of its own for each record.
    """

    records: int
    rounds: int
    repeats: int
    quick: int = 1
    work_ms: float = 0.0
    has_effects: bool = False

    def repeats_of(self, work: str) -> int:
        """Return how many batches of *work* one process measures."""
        return self.repeats * (self.quick if work in QUICK else 1)


class Figures(NamedTuple):
    """What the repetitions of one side took."""

    wall_ms: list[float]
    cpu_ms: list[float]
    requests: list[float]
    memory_bytes: list[float]


ALL = ("ours", "powertools", "powertools_pool", "floor")
QUICK = ("ours", "ours_concurrent", "floor")
PLANS = {
    1: Plan(1, rounds=4, repeats=30),
    100: Plan(100, rounds=3, repeats=3, quick=5),
    1_000: Plan(1_000, rounds=2, repeats=1, quick=5),
}
FEW, MANY = Plan(1_000, rounds=1, repeats=2), Plan(10_000, rounds=1, repeats=1)


def batch(records: int) -> Measured:
    """Wall clock of one batch."""
    return _row(_compared(ALL, PLANS[records]), "wall_ms", NOTE)


def batch_cpu(records: int) -> Measured:
    """CPU time of the handler's process, all its threads."""
    return _row(_compared(ALL, PLANS[records]), "cpu_ms", "the handler's process alone, user and system, all threads")


def batch_requests(records: int) -> Measured:
    """Requests that the proxy saw."""
    return _counts(_compared(ALL, PLANS[records]), "counted by the proxy")


def batch_working(records: int) -> Measured:
    """Wall clock where the function has to wait, too."""
    plan = Plan(records, rounds=2, repeats=2, quick=3, work_ms=WORK_MS)
    found = _compared(("ours_concurrent", *ALL[:3]), plan)
    sides = {**found, "ours": found["ours_concurrent"], "ours_one_by_one": found["ours"]}
    note = f"{NOTE}; the function sleeps {WORK_MS:g} ms a record; ours with concurrency={THREADS}"
    return _row(sides, "wall_ms", note)


def linear() -> Measured:
    """A batch of 10,000 against ten times one of 1,000, of which one is measured before and one after it."""
    few, many = _ours_growing()
    return Measured(
        median(many.wall_ms),
        10 * median(few.wall_ms),
        "ten times our own batch of 1,000",
        f"{NOTE}; CPU: {median(many.cpu_ms) / 10 / median(few.cpu_ms):.2f} times as much a record",
        spread={"ours": _range(many.wall_ms), "peer": _range([10 * wall_ms for wall_ms in few.wall_ms])},
    )


def memory() -> Measured:
    """By how much the process grows while it handles 10,000 records: its peak, the event being there before."""
    grown = [size / 1e6 for size in _ours_growing()[1].memory_bytes]
    note = "peak of resident memory over what the process had with the event"
    return Measured(median(grown), None, "", note, spread={"ours": _range(grown)})


@cache
def _ours_growing() -> tuple[Figures, Figures]:
    # Closely together: what slows the machine down for a minute slows down both.
    _warm_engine()
    found = [run("ours", plan, network()) for _ in range(2) for plan in (FEW, MANY, FEW)]
    return _pooled(found[::3] + found[2::3]), _pooled(found[1::3])


def single() -> Measured:
    """Wall clock of a batch of one record."""
    return _row(_compared(ALL[:2], PLANS[1]), "wall_ms", NOTE)


def single_requests() -> Measured:
    """Requests of a batch of one record."""
    return _counts(_compared(ALL[:2], PLANS[1]), "counted by the proxy")


def committing(records: int) -> Measured:
    """A row of the user's for each record: ours in one transaction with the completion."""
    plan = Plan(records, rounds=2, repeats=2, has_effects=True)
    found = _compared(("ours_committing", "powertools"), plan)
    sides = {"ours": found["ours_committing"], "powertools": found["powertools"]}
    made = _row(sides, "wall_ms", f"{NOTE}; the peer cannot do it: its function puts the row, unprotected, by PutItem")
    return made._replace(peer_name=f"{PEER}, its function writing the row by itself")


@cache
def _compared(works: tuple[str, ...], plan: Plan) -> dict[str, Figures]:
    _warm_engine()
    found: dict[str, list[Figures]] = {work: [] for work in works}
    for _ in range(plan.rounds):
        for work, figures in found.items():
            figures.append(run(work, plan, network()))
    return {work: _pooled(figures) for work, figures in found.items()}


@cache
def _warm_engine() -> None:
    # Java compiles while it runs: without this whoever comes first would pay for it.
    unmeasured = Network(network().direct_url, network().direct_url)
    run("floor", Plan(1_000, rounds=1, repeats=3), unmeasured)
    run("powertools", Plan(500, rounds=1, repeats=1), unmeasured)


def run(work: str, plan: Plan, where: Network) -> Figures:
    """Measure one side in a process and a table of its own; check that it has done what it was asked to."""
    is_counted = where.delayed_url != where.direct_url
    with new_table(where.direct_url) as table, new_table(where.direct_url) as effects:
        setting = {
            "url": where.delayed_url,
            "table": table,
            "work_ms": plan.work_ms,
            "effects": effects if plan.has_effects else "",
        }
        order = {"work": work, "records": plan.records, "repeats": plan.repeats_of(work), "counts": is_counted}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.store_child", json.dumps({**order, "setting": setting})],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        if done.returncode:
            raise RuntimeError(f"{work} failed:\n{done.stderr[-2_000:]}")
        handled = min(plan.records, WARM_UP_RECORDS) + plan.repeats_of(work) * plan.records
        stored = (items_by_status(where.direct_url, table), items_by_status(where.direct_url, effects))
        if stored != ({"COMPLETED": handled}, {"": handled} if plan.has_effects else {}):
            raise AssertionError(f"{work} was to complete {handled} orders and left {stored}: the comparison is void")
    return Figures(**json.loads(done.stdout))


def _pooled(figures: list[Figures]) -> Figures:
    return Figures(*([value for found in field for value in found] for field in zip(*figures, strict=True)))


def _row(sides: dict[str, Figures], field: str, note: str) -> Measured:
    values = {side: getattr(figures, field) for side, figures in sides.items()}
    middles = {side: median(found) for side, found in values.items()}
    return Measured(
        middles["ours"],
        middles["powertools"],
        PEER,
        note,
        floor=middles.get("floor"),
        others={name: middles[side] for side, name in OTHERS.items() if side in middles},
        spread={"ours": _range(values["ours"]), "peer": _range(values["powertools"])},
    )


def _counts(sides: dict[str, Figures], note: str) -> Measured:
    row = _row(sides, "requests", note)
    # The median of counts that are all alike; more requests than that are a retry, which the spread shows.
    whole: dict[str, float] = {name: int(value) for name, value in row.others.items()}
    assert row.peer is not None
    return row._replace(
        ours=int(row.ours), peer=int(row.peer), others=whole, floor=None if row.floor is None else int(row.floor)
    )


def _range(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)
