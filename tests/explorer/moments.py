"""
Execution environments as automata.

What an environment does next depends only on what it has been told: which records it was given, what the store
answered, what time it was. So each of its moments is a `Moment` with a number, and what follows from one is worked out
once, however many orders of other environments' steps lead there. A coroutine cannot be copied, so a moment that the
live environment has left is reached again by telling a new one the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .environment import Environment, Told

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .environment import Protocol
    from .table import Table

MOST_LIVE = 2_000  # environments that are kept live; the others are made again when they are needed


class Moment:
    """
    One state of an environment.

    Attributes:
        number: Its number.
        steps: What could happen next: actor, kind, and the number of the operation if the store is asked.
        claims: Those that the user's function has seen in this delivery.
        effects: What the user's function has done at the last step.
        delivered: How the delivery has ended; None while it goes on.
        delivery: The number of the delivery.
        records: Numbers of the records that it holds.
    """

    __slots__ = (
        "before",
        "can_beat",
        "claims",
        "delivered",
        "delivery",
        "effects",
        "environment",
        "following",
        "is_stuck",
        "number",
        "records",
        "root",
        "steps",
        "told",
    )

    def __init__(self, number: int, environment: Environment, before: Moment | None, told: tuple[Told, float]) -> None:
        self.number = number
        self.before = before
        self.told = told
        self.environment: Environment | None = environment
        self.following: dict[Hashable, Moment] = {}
        self.steps = environment.steps()
        self.claims = environment.trusted()
        self.effects = tuple(environment.effects)
        self.delivered = environment.delivered
        self.delivery = environment.delivery
        self.records = environment.records
        self.can_beat = self.delivered is None and environment.beat is not None and environment.beat.can_begin
        self.is_stuck = self.delivered is None and not self.steps


class Environments:
    """
    All moments of all environments of one world.

    Args:
        protocols: By worker's name.
    """

    def __init__(self, protocols: dict[str, Protocol], table: Table, *, colour: bool) -> None:
        self._protocols = protocols
        self._table = table
        self._colour = colour
        self._roots: dict[Hashable, Moment] = {}
        self._resting: dict[Hashable, Moment] = {}
        self._live: deque[Moment] = deque()
        self.moments: list[Moment] = []

    def start(self, name: str, delivery: int, records: tuple[int, ...], now_s: float) -> Moment:
        """Return the moment at which a new environment of the worker *name* has been given *records*."""
        mark = (name, delivery, records, now_s)
        if mark not in self._roots:
            told = Told("deliver", what=records)
            environment = self._new(name, delivery)
            environment.tell(told, now_s)
            self._roots[mark] = self._add(environment, None, (told, now_s))
        return self._roots[mark]

    def after(self, moment: Moment, told: Told, now_s: float) -> Moment:
        """Return the moment that follows when *told* happens."""
        found = moment.following.get(told) or moment.following.get((told, now_s))
        if found is None:
            environment = moment.environment or self._again(moment)
            moment.environment = None
            environment.tell(told, now_s)
            mark: Hashable = (told, now_s) if environment.was_clock_read else told
            found = moment.following[mark] = self._enter(environment, moment, (told, now_s))
        return found

    def _enter(self, environment: Environment, before: Moment, told: tuple[Told, float]) -> Moment:
        delivered = environment.delivered
        if delivered is None:
            return self._add(environment, before, told)
        # What a delivery saw is forgotten, but for what is known to be done and what waits in the journal. An
        # environment with a journal stays what it is.
        environment.known |= delivered.acknowledged
        has_run = environment.runs > 0  # then it knows how long a run takes
        mark: Hashable = (environment.name, environment.delivery, frozenset(environment.known), has_run, delivered)
        if delivered.journalled:
            mark = (mark, len(self.moments))
        if mark not in self._resting:
            self._resting[mark] = self._add(environment, before, told)
        else:
            environment.end()
        return self._resting[mark]

    def _add(self, environment: Environment, before: Moment | None, told: tuple[Told, float]) -> Moment:
        moment = Moment(len(self.moments), environment, before, told)
        moment.root = environment.name
        self.moments.append(moment)
        self._live.append(moment)
        if len(self._live) > MOST_LIVE:
            _end(self._live.popleft())
        return moment

    def close(self) -> None:
        """End what is live."""
        while self._live:
            _end(self._live.popleft())

    def _again(self, moment: Moment) -> Environment:
        history: list[tuple[Told, float]] = []
        at: Moment | None = moment
        first = moment
        while at is not None:
            history.append(at.told)
            first, at = at, at.before
        environment = self._new(first.root, first.delivery)
        for told, now_s in reversed(history):
            environment.tell(told, now_s)
        # Answers are told by position: a protocol that asks in another order the second time would get others'.
        assert (environment.steps(), environment.trusted()) == (moment.steps, moment.claims), (
            "it repeats itself otherwise"
        )
        return environment

    def _new(self, name: str, delivery: int) -> Environment:
        return Environment(name, delivery, self._protocols[name], self._table, colour=self._colour)


def _end(moment: Moment) -> None:
    if moment.environment is not None:
        moment.environment.end()
        moment.environment = None
