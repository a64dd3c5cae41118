"""What happened, retold: invocations with their beginning and end, and names of events that can be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ..history import Kind
from ..source import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..history import Happening
    from ..source import Item, Source

ENDS = frozenset({Kind.ANSWERED, Kind.FAILED, Kind.TIMED_OUT, Kind.CRASHED})
LONGEST_ID = 24
MOST_IDS = 3


class Run:
    """
    One invocation.

    Attributes:
        ended_s: When Lambda learned its outcome; None if it never did.
        outcome: A kind of `ENDS`; None if it has not ended.
        text: What there is to say of the outcome.
        marks: What happened meanwhile, and after it was given up.
        first: The place of its start among what happened.
        last: The place of the last that it did.
    """

    __slots__ = ("ended_s", "environment", "first", "ids", "last", "marks", "number", "outcome", "source", "text")

    def __init__(self, start: Happening, place: int) -> None:
        self.number = start.invocation
        self.environment = start.environment
        self.source = start.source
        self.ids = start.ids
        self.marks: list[Happening] = [start]
        self.ended_s: float | None = None
        self.outcome: Kind | None = None
        self.text = ""
        self.first = place
        self.last = place

    @property
    def started_s(self) -> float:
        """When it started."""
        return self.marks[0].at_s

    @property
    def names_failures(self) -> bool:
        """It was answered, and the answer says something of failures."""
        return self.outcome is Kind.ANSWERED and '"itemIdentifier"' in self.text

    @property
    def goes_on(self) -> bool:
        """Something happened in it after Lambda had given it up."""
        return self.ended_s is not None and self.marks[-1].at_s > self.ended_s

    def hear(self, happening: Happening, place: int) -> None:
        """Take notice of what happened in it."""
        self.last = place
        if happening.kind in ENDS:
            self.outcome, self.ended_s, self.text = happening.kind, happening.at_s, happening.text
        self.marks.append(happening)


def runs_of(happenings: Iterable[Happening]) -> dict[int, Run]:
    """Return the invocations that started, by number."""
    runs: dict[int, Run] = {}
    for place, happening in enumerate(happenings):
        if happening.kind is Kind.STARTED:
            runs[happening.invocation] = Run(happening, place)
        elif happening.environment:
            run = runs.get(happening.invocation)
            if run is not None:
                run.hear(happening, place)
    return runs


class Names:
    """
    Names of events: their ids, or ``source#number``, counted from 1, where ids are too long to be read.

    Args:
        marked: Sources and ids of events that are named first among many.
    """

    def __init__(self, sources: Iterable[Source], marked: Collection[tuple[str, str]] = ()) -> None:
        self._marked = marked
        self._items: dict[tuple[str, str], Item] = {
            (source.name, id): item for source in sources for id, item in source.items.items()
        }

    def item(self, source: str, id: str) -> Item | None:
        """Return the event."""
        return self._items.get((source, id))

    def one(self, source: str, id: str) -> str:
        """Return the name of one event."""
        if len(id) <= LONGEST_ID:
            return id
        item = self.item(source, id)
        return f"…{id[-8:]}" if item is None else f"{source}#{item.number + 1}"

    def several(self, source: str, ids: Sequence[str]) -> str:
        """Return the names of several events, in short."""
        if len(ids) <= MOST_IDS:
            return ", ".join(self.one(source, id) for id in ids)
        marked = [id for id in ids if (source, id) in self._marked]
        numbers = [-1 if item is None else item.number for item in (self.item(source, id) for id in ids)]
        if not marked and numbers == list(range(numbers[0], numbers[0] + len(ids))):
            return f"{self.one(source, ids[0])} … {self.one(source, ids[-1])} ({len(ids)})"
        named = (marked or ids)[:MOST_IDS]
        return f"{', '.join(self.one(source, id) for id in named)} and {len(ids) - len(named)} more"


def count(number: int, noun: str) -> str:
    """Return *number* and *noun*, in the plural where it must be."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_time(seconds: float) -> str:
    """Return a time since the start as ``m:ss.mmm``, with hours in front if there are any."""
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{ms // 1000:02d}.{ms % 1000:03d}"
    return f"{hours}:{minutes:02d}:{text}" if hours else f"{minutes}:{text}"


def as_duration(seconds: float) -> str:
    """Return a duration in the unit that fits."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"


class Tally(NamedTuple):
    """What became of the events of a source, counted."""

    sent: int
    done: int
    in_flight: int
    waiting: int
    dead: int
    discarded: int
    lost: int
    handled_more_than_once: int
    order_violations: int

    def __str__(self) -> str:
        always = {"sent", "done", "dead", "lost", "handled_more_than_once"}
        return ", ".join(
            f"{name.replace('_', ' ')} {number:,}"
            for name, number in zip(self._fields, self, strict=True)
            if number or name in always
        )


def tally_of(source: Source) -> Tally:
    """Count what became of the events of *source*."""
    states = Counter(item.state for item in source.items.values())
    return Tally(
        len(source.items),
        states[State.DONE],
        states[State.IN_FLIGHT],
        states[State.WAITING],
        states[State.DEAD],
        states[State.DISCARDED],
        len(source.lost),
        len(source.handled_more_than_once()),
        len(source.order_violations),
    )


def in_trouble(source: Source) -> list[str]:
    """Return the ids of events that are lost, were handled more than once, or in the wrong order."""
    found = dict.fromkeys(source.lost)
    twice = set(source.handled_more_than_once())
    found.update(dict.fromkeys(item.id for item in source.items.values() if item.key in twice))
    for violation in source.order_violations:
        found.update(dict.fromkeys((violation.earlier, violation.later)))
    return list(found)
