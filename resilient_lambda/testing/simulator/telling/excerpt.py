"""What is left out of a timeline that is too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..history import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..history import Happening

LAST_LINES = 10
# What needs no faults to happen, and is the first to be left out.
USUAL = frozenset({Kind.SENT, Kind.STARTED, Kind.ANSWERED, Kind.EFFECT, Kind.ACKNOWLEDGED})


class Line(NamedTuple):
    """
    What is said in one line.

    Attributes:
        place: Of the first of what it says, among all that happened.
        happenings: One; or several that are the same, or follow from the first.
    """

    place: int
    happenings: list[Happening]


def excerpt(lines: Sequence[Line], trouble: Collection[tuple[str, str]], most: int) -> list[int]:
    """
    Return which of *lines* are shown, in order, at most *most* of them.

    The last ones; those of events in *trouble*, by source and id; what is unusual; and from the first one on.
    """
    if len(lines) <= most:
        return list(range(len(lines)))
    end = min(LAST_LINES, most // 3)
    chosen = set(range(len(lines) - end, len(lines)))
    starts = {
        line.happenings[0].invocation: number
        for number, line in enumerate(lines)
        if line.happenings[0].kind is Kind.STARTED
    }
    unusual = [number for number, line in enumerate(lines) if line.happenings[0].kind not in USUAL]
    wanted = [
        [number for number, line in enumerate(lines) if _is_about(line, trouble)],
        [number for number in unusual if number not in chosen],
        range(len(lines)),
    ]
    # Half of what is left for each, so that a thousand crashes do not hide how it began.
    for numbers in wanted:
        room = most - len(chosen)
        share = room if numbers is wanted[-1] else max(room // 2, 1)
        for number in numbers:
            if share <= 0:
                break
            more = {number, starts.get(lines[number].happenings[0].invocation, number)} - chosen
            chosen |= more
            share -= len(more)
    return sorted(chosen)


def _is_about(line: Line, events: Collection[tuple[str, str]]) -> bool:
    return any((each.source, id) in events for each in line.happenings for id in each.ids)
