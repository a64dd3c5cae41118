"""A time axis on which nothing is too short to be seen: stretches in which nothing happens are cut short."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

STEPS_S = (
    *(factor * unit for unit in (0.001, 0.01, 0.1) for factor in (1, 2, 5)),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0),
)
STEP_PX = 72.0
LEAST_PX = 46.0
# Of all the time in which something runs, so much is left of a pause, and so much of a silence inside a run.
PAUSE_SHARE = 0.05
SILENCE_SHARE = 0.3
FEW = 12
# How many times longer than all the rest a silence may be that is cut.
LONGEST = 1000
DIGITS = 6
# What would hardly become shorter is drawn as it is.
WORTH_CUTTING = 0.7


class Cut(NamedTuple):
    """A stretch that is drawn shorter than it was, from *left* to *right*."""

    left: float
    right: float
    lasted_s: float


class Tick(NamedTuple):
    """A time that is written at the axis."""

    x: float
    time_s: float


class Axis:
    """
    Where times are drawn, from *left* on over *width*.

    Args:
        times_s: When something happened.
        busy: From when until when something ran.

    Attributes:
        cuts: What is drawn shorter than it was.
        ticks: What is written.
    """

    def __init__(
        self, times_s: Collection[float], busy: Collection[tuple[float, float]], *, left: float, width: float
    ) -> None:
        # Anything shorter than the last digit is one moment.
        spans = [(round(start_s, DIGITS), round(end_s, DIGITS)) for start_s, end_s in busy]
        moments = {round(time_s, DIGITS) for time_s in times_s}
        self._times = sorted(moments.union(*spans)) or [0.0]
        gaps = [after - before for before, after in pairwise(self._times)]
        drawn = _drawn(gaps, _are_busy(self._times, spans))
        total = sum(drawn) or 1.0
        self._scale = width / total
        self._x = [left + length * self._scale for length in accumulate(drawn, initial=0.0)]
        self.cuts = [
            Cut(self._x[number], self._x[number + 1], gap) for number, gap in enumerate(gaps) if drawn[number] < gap
        ]
        self.ticks = self._ticks(gaps, drawn)

    def x(self, time_s: float) -> float:
        """Return where *time_s* is drawn."""
        times, xs = self._times, self._x
        number = bisect_right(times, time_s) - 1
        if number < 0:
            return xs[0]
        if number >= len(times) - 1:
            return xs[-1]
        share = (time_s - times[number]) / (times[number + 1] - times[number])
        return xs[number] + share * (xs[number + 1] - xs[number])

    def time_s(self, x: float) -> float:
        """Return which time is drawn at *x*."""
        times, xs = self._times, self._x
        number = min(bisect_right(xs, x), len(xs) - 1) - 1
        if number < 0 or xs[number + 1] == xs[number]:
            return times[max(number, 0)]
        share = min(1.0, (x - xs[number]) / (xs[number + 1] - xs[number]))
        return times[number] + share * (times[number + 1] - times[number])

    def _ticks(self, gaps: Sequence[float], drawn: Sequence[float]) -> list[Tick]:
        # The first moment after a cut says how far time has gone; round ones stand where there is room.
        is_cut = [drawn[number] < gap for number, gap in enumerate(gaps)]
        firsts = [0, *(number + 1 for number, cut in enumerate(is_cut) if cut)]
        ticks: list[Tick] = []
        for number in firsts:
            if not ticks or self._x[number] - ticks[-1].x >= LEAST_PX:
                ticks.append(Tick(self._x[number], self._times[number]))
        step_s = next((step for step in STEPS_S if step * self._scale >= STEP_PX), STEPS_S[-1])
        taken = [tick.x for tick in ticks]
        start_s = self._times[0]
        for first, after in zip(firsts, [*firsts[1:], len(self._times)], strict=True):
            end_s = self._times[after - 1]
            multiple = int((self._times[first] - start_s) / step_s) + 1
            while start_s + multiple * step_s <= end_s:
                time_s = start_s + multiple * step_s
                x = self.x(time_s)
                if all(abs(x - other) >= LEAST_PX for other in taken):
                    ticks.append(Tick(x, time_s))
                    taken.append(x)
                multiple += 1
        return sorted(ticks)


def _drawn(gaps: Sequence[float], are_busy: Sequence[bool]) -> list[float]:
    """Return how long each gap is drawn, in seconds of the others."""
    silences = sorted(gap for gap, busy in zip(gaps, are_busy, strict=True) if busy)
    few = silences[: _first_long(silences)]
    longest, lively_s = (few[-1], sum(few)) if few else (inf, 0.0)
    longest_silence = SILENCE_SHARE * lively_s
    busy_s = sum(gap if gap <= longest else min(gap, longest_silence) for gap in silences)
    longest_pause = PAUSE_SHARE * busy_s or max(gaps, default=0.0)
    drawn = []
    for gap, busy in zip(gaps, are_busy, strict=True):
        most = (gap if gap <= longest else longest_silence) if busy else longest_pause
        drawn.append(most if most < WORTH_CUTTING * gap else gap)
    return drawn


def _first_long(silences: Sequence[float]) -> int:
    """Return the place of the first that is one of a few, and longer than all that is much shorter together."""
    sums = [0.0, *accumulate(silences)]
    for place in range(max(0, len(silences) - FEW), len(silences)):
        much_shorter = bisect_right(silences, silences[place] / 4)
        is_long = silences[-1] / LONGEST < sums[much_shorter] < silences[place]
        if is_long and len(silences) - much_shorter <= FEW:
            return place
    return len(silences)


def _are_busy(times: Sequence[float], busy: Collection[tuple[float, float]]) -> list[bool]:
    """Tell of each stretch between two times whether something ran throughout."""
    changes: dict[float, int] = {}
    for start_s, end_s in busy:
        changes[start_s] = changes.get(start_s, 0) + 1
        changes[end_s] = changes.get(end_s, 0) - 1
    running = accumulate(changes.get(time_s, 0) for time_s in times)
    return [count > 0 for count in running][:-1]
