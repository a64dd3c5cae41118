"""What happened, as text: a line for each happening, and a graph of what ran at the same time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..history import Kind
from .excerpt import Line, excerpt
from .story import ENDS, Names, as_duration, as_time, count, in_trouble, runs_of, tally_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..history import Happening
    from ..source import Source
    from ..world import World
    from .story import Run

MOST_COLUMNS = 10
MOST_IN_TROUBLE = 10
MOST_NAMED = 6
WIDEST = 32
GLYPHS = {
    Kind.STARTED: "┬",
    Kind.ANSWERED: "┴",
    Kind.FAILED: "✗",
    Kind.TIMED_OUT: "⧖",
    Kind.CRASHED: "╳",
    Kind.FROZE: "❄",
    Kind.THAWED: "☀",
    Kind.EFFECT: "◆",
    Kind.FAULT: "!",
}
# What the source makes of an answer, at once.
CONSEQUENCES = frozenset({Kind.ACKNOWLEDGED, Kind.COMES_AGAIN})


def timeline(world: World, *, seed: int, start_s: float, ids: Collection[str] = (), most_lines: int = 300) -> str:
    """
    Return what happened as text.

    Args:
        ids: Of the events that it is about; all if there are none.
        most_lines: What is usual is left out of a longer one first, the end is kept.
    """
    trouble = [(source.name, id) for source in world.sources for id in in_trouble(source)][:MOST_IN_TROUBLE]
    names = Names(world.sources, trouble)
    runs = runs_of(world.happenings)
    lines = _lines(world.happenings, set(ids))
    shown = excerpt(lines, trouble, most_lines)
    graph = _Graph(runs)
    rows = []
    before = -1
    for number in shown:
        left_out = range(before + 1, number)
        if len(left_out) > 1:
            rows.append(_gap(lines[before + 1 : number]))
        else:
            rows += [_row(lines[each], names, graph, runs, start_s) for each in left_out]
        rows.append(_row(lines[number], names, graph, runs, start_s))
        before = number
    if before + 1 < len(lines):
        rows.append(_gap(lines[before + 1 :]))
    return "\n".join([*_aligned(rows), "", *_summary(world, names, seed, start_s)])


def _lines(happenings: Sequence[Happening], ids: set[str]) -> list[Line]:
    lines: list[Line] = []
    for place, happening in enumerate(happenings):
        if ids and ids.isdisjoint(happening.ids):
            continue
        if lines and _belongs_to(lines[-1].happenings, happening):
            lines[-1].happenings.append(happening)
        else:
            lines.append(Line(place, [happening]))
    return lines


def _belongs_to(line: list[Happening], happening: Happening) -> bool:
    first, last = line[0], line[-1]
    if happening.source != first.source or happening.at_s != first.at_s:
        return False
    if first.kind in ENDS:
        return happening.kind in CONSEQUENCES and len(line) == 1 and sorted(happening.ids) == sorted(first.ids)
    is_alike = happening.kind is last.kind and happening.text == last.text
    return is_alike and not happening.environment and not happening.invocation


class _Graph:
    """A column for each invocation while it runs, as narrow as it can be."""

    def __init__(self, runs: dict[int, Run]) -> None:
        self._runs = sorted(runs.values(), key=lambda run: run.first)
        self._columns: list[Run | None] = []
        self._next = 0

    def draw(self, place: int, happening: Happening) -> str:
        """Return the graph of one line; lines must be asked for in order."""
        columns = self._columns
        for column, run in enumerate(columns):
            if run is not None and run.last < place:
                columns[column] = None
        while self._next < len(self._runs) and self._runs[self._next].first <= place:
            run = self._runs[self._next]
            self._next += 1
            if run.last < place:
                continue
            if None in columns:
                columns[columns.index(None)] = run
            else:
                columns.append(run)
        while columns and columns[-1] is None:
            columns.pop()
        drawn = [
            " " if run is None else GLYPHS.get(happening.kind, "│") if run.number == happening.invocation else "│"
            for run in columns[:MOST_COLUMNS]
        ]
        return " ".join(drawn) + (" +" if len(columns) > MOST_COLUMNS else "")


def _row(line: Line, names: Names, graph: _Graph, runs: dict[int, Run], start_s: float) -> list[str]:
    first = line.happenings[0]
    ids = [id for each in line.happenings if each.kind is first.kind for id in each.ids]
    is_inside = first.environment > 0 and first.kind is not Kind.STARTED
    what = "; ".join(_said(each) for each in line.happenings if each is first or each.kind is not first.kind)
    run = runs.get(first.invocation)
    if is_inside and run is not None and run.ended_s is not None and run.last > line.place and first.kind in ENDS:
        what += " (Lambda has given it up, it goes on)"
    return [
        as_time(first.at_s - start_s),
        graph.draw(line.place, first),
        str(first.environment or ""),
        str(first.invocation or ""),
        "" if is_inside else names.several(first.source, ids),
        what,
    ]


def _said(happening: Happening) -> str:
    kind, text = happening.kind, happening.text
    if kind is Kind.EFFECT:
        return f"effect {text}"
    if kind is Kind.FAULT:
        return text
    name = str(kind.value)
    if not text:
        return name
    if text.startswith("at "):
        return f"{name} {text.removeprefix('at ') if text.startswith(('at before ', 'at after ')) else text}"
    return f"{name}: {text}"


def _gap(lines: list[Line]) -> list[str]:
    counted = Counter(each.kind for line in lines for each in line.happenings)
    kinds = ", ".join(f"{number:,} {kind.value}" for kind, number in counted.items())
    return [f"⋮ {count(len(lines), 'line')} left out: {kinds}"]


def _aligned(rows: list[list[str]]) -> list[str]:
    header = ["time", "", "env", "inv", "events", "what"]
    table = [row for row in rows if len(row) > 1]
    widths = [max(len(row[column]) for row in [header, *table]) for column in range(5)]
    widths[4] = min(widths[4], WIDEST)
    done = []
    for row in [header, *rows]:
        if len(row) == 1:
            done.append(" " * (widths[0] - 1) + row[0])
            continue
        time, drawn, environment, invocation, events, what = row
        done.append(
            f"{time:>{widths[0]}}  {drawn:<{widths[1]}}  {environment:>{widths[2]}}  {invocation:>{widths[3]}}  "
            f"{events:<{widths[4]}}  {what}".rstrip()
        )
    return done


def _troubles(source: Source, names: Names) -> list[str]:
    troubles = {
        "lost": [names.one(source.name, id) for id in source.lost],
        "handled more than once": [str(key) for key in source.handled_more_than_once()],
        "out of order": [
            f"{names.one(source.name, each.later)} before {names.one(source.name, each.earlier)}"
            for each in source.order_violations
        ],
    }
    return [
        f"{trouble}: {', '.join(named[:MOST_NAMED])}"
        + f" and {len(named) - MOST_NAMED:,} more" * (len(named) > MOST_NAMED)
        for trouble, named in troubles.items()
        if named
    ]


def _summary(world: World, names: Names, seed: int, start_s: float) -> list[str]:
    lasted_s = world.happenings[-1].at_s - start_s if world.happenings else 0.0
    where = f"{count(world.invocations, 'invocation')} in {count(world.environments, 'environment')}"
    lines = [f"seed {seed}: {as_duration(lasted_s)} of virtual time, {where}"]
    width = max((len(source.name) for source in world.sources), default=0)
    for source in world.sources:
        lines.append(f"  {source.name:<{width}}  {tally_of(source)}")
        lines += [f"  {'':<{width}}  {trouble}" for trouble in _troubles(source, names)]
    strikes = world.chance.strikes
    if strikes:
        kinds = Counter(name.partition(":")[0] for name in strikes)
        named = ", ".join(strikes) if len(strikes) <= 12 else ", ".join(f"{kind} {n:,}" for kind, n in kinds.items())
        lines.append(f"  {count(len(strikes), 'fault')} struck: {named}")
    else:
        lines.append("  no fault struck")
    return lines
