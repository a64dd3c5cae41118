"""How many effects outside of the store one death repeats: large batches, quick records, environments that die."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from resilient_lambda.testing import Delivery, Kind

from .handlers import handler_of
from .schedule import Options, Order, Schedule
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMITS = ("group", "each")
RECORDS = 100
RECORD_S = 0.001
QUIET_S = 60.0  # for the first batch: by it the simulator knows how many steps there are to die at
DEATHS = {Kind.CRASHED, Kind.TIMED_OUT, Kind.FROZE}


def large_batches(seed: int, *, commit: str, concurrency: int) -> Schedule:
    """Return a schedule of full batches whose environments crash again and again."""
    options = Options(
        is_single=False,
        is_share_group=False,
        is_asynchronous=False,
        commits=False,
        swallows=False,
        makes_sure=False,
        has_letters=False,
        concurrency=concurrency,
        order=None,
        max_attempts=None,
        interrupt=False,
        commit=commit,
        local_cache=1000,
        lease_s=None,
        remember_failures_s=None,
        on_in_progress="auto",
        stops_lane=False,
    )
    orders = tuple(
        (
            QUIET_S * (number >= RECORDS),
            Order(number, f"k{number}", "", 0, is_permanent=False, before_s=RECORD_S, after_s=0.0, raises=False),
        )
        for number in range(4 * RECORDS)
    )
    return Schedule(
        "sqs",
        seed,
        options,
        function={"timeout_s": 30.0},
        settings={"batch_size": RECORDS, "window_s": 1.0},
        orders=orders,
        faults={"crash": 0.5},
        quiet_after_s=600.0,
    )


def repeats_of_deaths(schedules: Iterable[Schedule]) -> Counter[int]:
    """Return how many deaths repeated how many effects: those that took effect again in a later invocation."""
    found: Counter[int] = Counter()
    for drawn in schedules:
        with Delivery(drawn.seed) as delivery:
            with Stage(drawn, delivery, handler_of(drawn.options)).sent():
                delivery.run(for_s=QUIET_S - 1)
                delivery.faults(**drawn.faults)
                delivery.run(for_s=drawn.quiet_after_s or 0.0)
                delivery.faults()
                delivery.run()
            happenings = delivery.happenings
        last = {each.text: each.invocation for each in happenings if each.kind is Kind.EFFECT}
        dead = {each.invocation: 0 for each in happenings if each.kind in DEATHS}
        for key, invocation in {(each.text, each.invocation) for each in happenings if each.kind is Kind.EFFECT}:
            if invocation in dead and last[key] != invocation:
                dead[invocation] += 1
        found.update(dead.values())
    return found


def deaths_of_large_batches(count: int) -> dict[tuple[str, int], Counter[int]]:
    """Return `repeats_of_deaths` of *count* schedules, by ``commit`` and ``concurrency``."""
    return {
        (commit, concurrency): repeats_of_deaths(
            large_batches(seed, commit=commit, concurrency=concurrency) for seed in range(count)
        )
        for commit in COMMITS
        for concurrency in (1, 3)
    }
