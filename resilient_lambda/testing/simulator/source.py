"""What every event source is asked after a simulation: what was lost, done twice, or done in the wrong order."""

from __future__ import annotations

import enum
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .history import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from .function import Function
    from .world import World

    Key: TypeAlias = str | Callable[[Any], Hashable] | None


class State(enum.Enum):
    """What became of an event."""

    WAITING = "waiting"
    IN_FLIGHT = "in flight"
    DONE = "done"  # an answer has acknowledged it
    DEAD = "dead"  # the source has given it up, and it is in its dead-letter queue or destination
    DISCARDED = "discarded"  # the source has given it up, and that was that


class Item:
    """
    One event that was sent: a message, a record.

    Attributes:
        id: What the source calls it.
        body: What was sent.
        key: What its effect is called.
        lane: Whatever has the same lane is ordered; None for no order.
        receives: How often it was delivered.
        number: Counts what was sent to the source, from 0.
        answers: How often an answer acknowledged it.
        settled: The place among what happened at which it was first acknowledged; None if it never was.
        parked: The place at which it became a dead letter; None if it did not.
        state: What became of it.
    """

    __slots__ = (
        "answers",
        "body",
        "id",
        "key",
        "lane",
        "number",
        "parked",
        "receives",
        "sent_at_s",
        "settled",
        "state",
    )

    def __init__(
        self, id: str, body: Any, *, key: Hashable, lane: Hashable | None, number: int, sent_at_s: float
    ) -> None:
        self.id = id
        self.body = body
        self.key = key
        self.lane = lane
        self.receives = 0
        self.number = number
        self.sent_at_s = sent_at_s
        self.answers = 0
        self.settled: int | None = None
        self.parked: int | None = None
        self.state = State.WAITING

    def __repr__(self) -> str:
        return f"<{self.id} {self.state.value}, {self.receives} receives>"


class DeadLetter(NamedTuple):
    """
    What a dead-letter queue, a destination or a sink of the handler holds.

    Attributes:
        ids: The events that it is about.
        body: As it stands there.
        attributes: Of the message, by name.
        reason: Why.
        error: The class name of the error that the handler set them aside for; "" if the source gave them up.
    """

    ids: tuple[str, ...]
    body: Any
    attributes: dict[str, str]
    reason: str
    error: str = ""


class Violation(NamedTuple):
    """Two events of one lane: *later* was handled before *earlier*."""

    lane: Hashable
    earlier: str
    later: str


class Source:
    """
    What every event source has.

    Args:
        key: What the effect of an event is called in `Delivery.effect`: a dotted path into its JSON body, or a function
            of the body; an event that has none there is called by its id. With it, an event is handled when its effect
            takes place; without, when an answer acknowledges it.

    Attributes:
        name: For the timeline.
        number: Counts the sources of the simulation, from 1.
        items: Everything that was sent, by id.
        dead_letters: What the source gave up, and what the handler set aside, in order.
    """

    def __init__(self, world: World, function: Function, name: str, key: Key) -> None:
        self.name = name
        self.function = function
        self.items: dict[str, Item] = {}
        self.dead_letters: list[DeadLetter] = []
        self.number = len(world.sources) + 1
        if any(other.name == name for other in world.sources):
            self.name = f"{name}-{self.number}"
        self._world = world
        self._key = key
        world.sources.append(self)

    @property
    def lost(self) -> list[str]:
        """
        The ids of events that are gone for good although they were neither handled nor set aside.

        The source has given them up without a dead letter; or, with ``key=``, an answer has acknowledged them although
        their effect never took place.
        """
        done = self._handled()
        gone = {State.DISCARDED} if self._key is None else {State.DISCARDED, State.DONE}
        return [
            item.id for item in self.items.values() if item.state in gone and item.parked is None and not done[item.key]
        ]

    @property
    def in_flight(self) -> list[str]:
        """The ids of events that are being delivered right now."""
        return [item.id for item in self.items.values() if item.state is State.IN_FLIGHT]

    @property
    def waiting(self) -> list[str]:
        """The ids of events that are still to be delivered, or to be delivered again."""
        return [item.id for item in self.items.values() if item.state is State.WAITING]

    @property
    def receives(self) -> dict[str, int]:
        """How often each event was delivered, by id."""
        return {item.id: item.receives for item in self.items.values()}

    def handled(self, key: Hashable) -> int:
        """Return how often the event with *key* was handled; the key is its id if the source has no ``key=``."""
        return self._handled()[key]

    def handled_more_than_once(self, *keys: Hashable) -> list[Hashable]:
        """Return which of *keys*, of all if none is given, were handled more than once."""
        handled = self._handled()
        wanted = dict.fromkeys(keys) or dict.fromkeys(item.key for item in self.items.values())
        return [key for key in wanted if handled[key] > 1]

    @property
    def order_violations(self) -> list[Violation]:
        """Pairs of events of one lane of which the later one was handled, for the first time, before the earlier."""
        first: dict[Hashable, int] = {}
        for effect in self._world.effects:
            first.setdefault(effect.key, effect.number)
        found: list[Violation] = []
        latest: dict[Hashable, tuple[int, Item]] = {}
        seen: set[Hashable] = set()  # a second event with a key has nothing to do
        for item in self.items.values():
            when = item.settled if self._key is None else first.get(item.key)
            if when is None:
                when = item.parked
            if item.lane is None or when is None or (item.key in seen and self._key is not None):
                continue
            seen.add(item.key)
            before = latest.get(item.lane)
            if before is None or when >= before[0]:
                latest[item.lane] = (when, item)
            else:
                found.append(Violation(item.lane, before[1].id, item.id))
        return found

    def add(self, id: str, body: Any, *, lane: Hashable | None) -> Item:
        """Keep what was sent."""
        world = self._world
        item = Item(
            id, body, key=self._key_of(id, body), lane=lane, number=len(self.items), sent_at_s=world.clock.now_s
        )
        self.items[id] = item
        world.note(Kind.SENT, self.name, (id,))
        return item

    def acknowledge(self, items: Sequence[Item]) -> None:
        """Take notice of an answer after which *items* do not come again."""
        place = len(self._world.happenings)
        for item in items:
            item.answers += 1
            if item.settled is None:
                item.settled = place
            item.state = State.DONE
        if items:
            self._world.note(Kind.ACKNOWLEDGED, self.name, [item.id for item in items])

    def comes_again(self, items: Sequence[Item], text: str = "") -> None:
        """Take notice that *items*, which were being delivered, are to be delivered again."""
        for item in items:
            item.state = State.WAITING
        if items:
            self._world.note(Kind.COMES_AGAIN, self.name, [item.id for item in items], text=text)

    def bury(self, items: Sequence[Item], body: Any, *, reason: str, attributes: dict[str, str] | None = None) -> None:
        """Give *items* up and keep *body* in the dead-letter queue or destination."""
        for item in items:
            item.state = State.DEAD
        self.take_letter(items, body, reason=reason, attributes=attributes)

    def take_letter(
        self,
        items: Sequence[Item],
        body: Any,
        *,
        reason: str,
        attributes: dict[str, str] | None = None,
        error: str = "",
    ) -> None:
        """Keep a dead letter of *items*."""
        ids = tuple(item.id for item in items)
        for item in items:
            item.parked = len(self._world.happenings)
        self.dead_letters.append(DeadLetter(ids, body, attributes or {}, reason, error))
        self._world.note(Kind.DEAD_LETTER, self.name, ids, text=reason)

    def hide(self, message_id: str, seconds: float) -> bool:
        """Hide a message for *seconds*, on behalf of the handler; return False where nothing can be hidden."""
        return False

    def discard(self, items: Sequence[Item], reason: str) -> None:
        """Give *items* up without a trace."""
        for item in items:
            item.state = State.DISCARDED
        if items:
            self._world.note(Kind.DISCARDED, self.name, [item.id for item in items], text=reason)

    def _handled(self) -> Counter[Hashable]:
        if self._key is not None:
            return Counter(effect.key for effect in self._world.effects)
        return Counter({item.id: item.answers for item in self.items.values()})

    def _key_of(self, id: str, body: Any) -> Hashable:
        if self._key is None:
            return id
        if callable(self._key):
            return self._key(body)
        try:
            found = json.loads(body) if isinstance(body, str | bytes) else body
            for step in self._key.split("."):
                found = found[step]
            hash(found)
        except (ValueError, LookupError, TypeError):
            return id  # nothing that could be called by its key: it has no effect, or a handler makes one up
        key: Hashable = found
        return key
