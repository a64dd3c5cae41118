"""What the proof prints at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNTS = ("schedules", "events", "invocations", "deliveries", "runs")
FAULTS = (
    "crash",
    "timeout",
    "freeze",
    "throttle",
    "duplicate",
    "late",
    "store_error",
    "slow_store",
    "store_outage",
    "sink_error",
)


def table(rows: Mapping[str, Counter[str]]) -> str:
    """Return the table of the proof: what was played, what struck, and what is wrong."""
    names = [*COUNTS, *FAULTS, "violations"]
    total: Counter[str] = sum(rows.values(), Counter())
    lines = [["source", *(name.replace("_", " ") for name in names)]]
    lines += [[title, *(f"{counts[name]:,}" for name in names)] for title, counts in {**rows, "all": total}.items()]
    return _aligned(lines)


def bounds_table(rows: Mapping[str, Counter[str]]) -> str:
    """Return how often an effect outside of the store was repeated, by what went wrong."""
    lines = [["fault", "keys", "invocations", "struck", "repeats", "per 1,000 invocations", "per 100 struck", "most"]]
    for title, counts in rows.items():
        times = {int(name.split()[0]): count for name, count in counts.items() if name.endswith(" effects")}
        repeats = sum((time - 1) * count for time, count in times.items())
        lines.append(
            [
                title,
                f"{sum(times.values()):,}",
                f"{counts['invocations']:,}",
                f"{counts['struck']:,}",
                f"{repeats:,}",
                f"{1000 * repeats / max(1, counts['invocations']):.1f}",
                f"{100 * repeats / max(1, counts['struck']):.1f}",
                str(max(times, default=0)),
            ]
        )
    return _aligned(lines)


def deaths_table(rows: Mapping[tuple[str, int], Counter[int]]) -> str:
    """Return how many effects of large batches a death repeated, by ``commit`` and ``concurrency``."""
    lines = [["commit", "concurrency", "deaths", "repeats", "most of a death"]]
    for (commit, concurrency), deaths in rows.items():
        repeats = sum(count * times for count, times in deaths.items())
        lines.append([commit, str(concurrency), f"{deaths.total():,}", f"{repeats:,}", str(max(deaths, default=0))])
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines)
