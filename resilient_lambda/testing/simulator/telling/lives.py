"""What became of each event, as stretches of time: it waits, it is in flight, it is held back, it is done."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from ..history import Kind
from .story import ENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..history import Happening
    from ..source import Item
    from ..world import World


class Phase(enum.Enum):
    """What an event is in."""

    WAITING = "waiting"
    IN_FLIGHT = "in flight"
    HELD = "held back"  # by a visibility timeout, a backoff, or until the source has made up its mind
    DONE = "done"
    DEAD = "dead letter"
    DISCARDED = "gone"


OVER = frozenset({Phase.DONE, Phase.DEAD, Phase.DISCARDED})
PHASES = {
    Kind.SENT: Phase.WAITING,
    Kind.COMES_AGAIN: Phase.WAITING,
    Kind.HIDDEN: Phase.HELD,
    Kind.THROTTLED: Phase.HELD,
    Kind.ACKNOWLEDGED: Phase.DONE,
    Kind.DEAD_LETTER: Phase.DEAD,
    Kind.DISCARDED: Phase.DISCARDED,
}


class Stretch(NamedTuple):
    """A time for which an event was in one phase."""

    start_s: float
    end_s: float
    phase: Phase


class Life:
    """
    The life of one event.

    Attributes:
        stretches: One after the other; the last one has no end of its own.
        effects_s: When its effect took place, if its source has a ``key=``.
        is_second: Another event had that effect before.
    """

    __slots__ = ("_phase", "_running", "_since_s", "effects_s", "is_second", "item", "stretches")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.stretches: list[Stretch] = []
        self.effects_s: list[float] = []
        self.is_second = False
        self._phase = Phase.WAITING
        self._running = 0
        self._since_s = item.sent_at_s

    @property
    def phase(self) -> Phase:
        """What it is in."""
        return Phase.IN_FLIGHT if self._running else self._phase

    @property
    def over_s(self) -> float | None:
        """When it was done, or given up, for good; None if it was not."""
        if self.phase not in OVER:
            return None
        if not self.stretches:
            return self.item.sent_at_s
        last = self.stretches[-1]
        return last.start_s if last.phase in OVER else last.end_s

    def hear(self, happening: Happening) -> None:
        """Take notice of what happened to it."""
        before, kind = self.phase, happening.kind
        if kind is Kind.STARTED:
            self._running += 1
        elif kind in ENDS:
            self._running = max(0, self._running - 1)
            if self._phase not in OVER:
                self._phase = Phase.HELD
        elif kind in PHASES and not (kind is Kind.ACKNOWLEDGED and self._phase is Phase.DEAD):
            self._phase = PHASES[kind]
        if self.phase is not before:
            self.end(happening.at_s, before)

    def end(self, at_s: float, phase: Phase | None = None) -> None:
        """End the stretch that it is in."""
        if at_s > self._since_s:
            self.stretches.append(Stretch(self._since_s, at_s, phase or self.phase))
        self._since_s = at_s


def lives_of(world: World) -> dict[str, list[Life]]:
    """Return the lives of all events, by their source, in the order in which they were sent."""
    lives = {(source.name, id): Life(item) for source in world.sources for id, item in source.items.items()}
    for happening in world.happenings:
        if happening.source:
            for id in happening.ids:
                life = lives.get((happening.source, id))
                if life is not None:
                    life.hear(happening)
    by_key: dict[object, list[Life]] = {}
    for (_, id), life in lives.items():
        if life.item.key != id:
            by_key.setdefault(life.item.key, []).append(life)
    known: set[object] = set()
    for effect in world.effects:
        ids = world.happenings[effect.number].ids
        for life in by_key.get(effect.key, ()):
            if life.item.id in ids:
                life.is_second = life.is_second or (effect.key in known and not life.effects_s)
                life.effects_s.append(effect.at_s)
        known.add(effect.key)
    end_s = world.clock.now_s if not world.happenings else world.happenings[-1].at_s
    for life in lives.values():
        life.end(end_s)
    found: dict[str, list[Life]] = {source.name: [] for source in world.sources}
    for (source_name, _), life in lives.items():
        found[source_name].append(life)
    return found


def counts_of(lives: Sequence[Life], times_s: list[float]) -> list[dict[Phase, int]]:
    """Return how many events are in which phase at each of *times_s*, which are in order."""
    starts = [(stretch.start_s, 1, stretch.phase) for life in lives for stretch in life.stretches]
    # The last stretches have no end of their own.
    last_s = max((stretch.end_s for life in lives for stretch in life.stretches), default=0.0)
    ends = [
        (stretch.end_s, -1, stretch.phase) for life in lives for stretch in life.stretches if stretch.end_s < last_s
    ]
    changes = sorted([*starts, *ends], key=lambda change: change[0])
    counts = dict.fromkeys(Phase, 0)
    found, place = [], 0
    for time_s in times_s:
        while place < len(changes) and changes[place][0] <= time_s:
            _, change, phase = changes[place]
            counts[phase] += change
            place += 1
        found.append(dict(counts))
    return found
