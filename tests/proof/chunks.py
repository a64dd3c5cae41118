"""What one process plays at a time."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

from .playing import play_all
from .schedule import schedule

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

CHUNK = 250
REPORTS = 3  # more than these nobody reads
# Each of them alone, and how often: what repeats effects outside of the store, and what does not.
ALONE = {
    "crash": 0.1,
    "timeout": 0.1,
    "freeze": 0.1,
    "store_error": 0.1,
    "store_outage": 0.1,
    "slow_store": 0.3,
    "throttle": 0.3,
    "duplicate": 0.5,
    "late": 0.3,
    "sink_error": 0.3,
    "skew_s": 2.0,
}


class Chunk(NamedTuple):
    """
    What one process plays at a time.

    Attributes:
        title: The row of the table that it counts for.
        alone: The only fault, if it is to be one.
    """

    title: str
    source: str
    seeds: range
    commits: bool
    alone: str | None = None


class Played(NamedTuple):
    """What came of a chunk; the reports are of the first schedules that went wrong."""

    title: str
    counts: Counter[str]
    reports: list[str]


def proof(sources: Iterable[str], count: int, first: int) -> list[Chunk]:
    """Return *count* schedules of each source."""
    return [
        Chunk(source, source, range(seed, min(seed + CHUNK, first + count)), commits=True)
        for source in sources
        for seed in range(first, first + count, CHUNK)
    ]


def bounds(sources: Sequence[str], count: int, first: int) -> list[Chunk]:
    """Return each fault alone, over all sources together, and all of them at once."""
    share = max(1, count // len(sources))
    return [
        Chunk(
            alone or "all together", source, range(seed, min(seed + CHUNK, first + share)), commits=False, alone=alone
        )
        for alone in (*ALONE, None)
        for source in sources
        for seed in range(first, first + share, CHUNK)
    ]


def play_chunk(chunk: Chunk) -> Played:
    """Play all schedules of *chunk*."""
    drawn = (schedule(chunk.source, seed, commits=chunk.commits) for seed in chunk.seeds)
    if chunk.alone is not None:
        only = {chunk.alone: ALONE[chunk.alone]}
        drawn = (each._replace(faults=only, quiet_after_s=None) for each in drawn)
    gc.disable()  # it would look through all that is left of schedules, again and again
    try:
        counts, wrong = play_all(drawn)
    finally:
        gc.enable()
        gc.collect()
    return Played(chunk.title, counts, [verdict.report() for verdict in wrong[:REPORTS]])
