"""
How long two pieces of work take, measured so that a busy machine disturbs both alike.

CPU time of this process, not wall clock: no row here waits for anything. Rounds alternate between the two, and of all
rounds the fastest counts: whatever else runs on the machine only ever adds.
"""

from __future__ import annotations

import gc
from time import process_time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROUND_NS = 60_000_000
ROUNDS = 9


def fastest_us(ours: Callable[[], object], peer: Callable[[], object], *, items: int = 1) -> tuple[float, float]:
    """
    Return microseconds per item of both.

    Args:
        items: How many items one call handles.
    """
    works = (ours, peer)
    for work in works:
        work()
    # What exists already is not looked at again by the collector: the size of the heap belongs to neither.
    gc.collect()
    gc.freeze()
    try:
        repeats = [max(1, ROUND_NS // max(1, _elapsed_ns(work, 1))) for work in works]
        best = [float("inf")] * 2
        for _ in range(ROUNDS):
            for side, work in enumerate(works):
                best[side] = min(best[side], _elapsed_ns(work, repeats[side]) / repeats[side])
    finally:
        gc.unfreeze()
    return best[0] / items / 1000, best[1] / items / 1000


def _elapsed_ns(work: Callable[[], object], repeats: int) -> int:
    gc.collect()
    start = process_time_ns()
    for _ in range(repeats):
        work()
    return process_time_ns() - start
