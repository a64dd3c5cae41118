"""
A deterministic explorer: it walks through every order in which the steps of a world can happen.

A world is asked for its first state and for what can follow a state; states are values, so each is visited once.
Breadth first: the schedule that convicts is one of the shortest.
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    Action = tuple[str, ...]


class Violation(AssertionError):
    """An invariant does not hold; the message ends with the schedule that breaks it."""


class World(Protocol):
    """What the explorer walks through."""

    def begin(self) -> Hashable:
        """Return the first state."""
        ...

    def following(self, state: Hashable) -> Iterable[tuple[Action, Hashable, str | None]]:
        """Return all that can happen in *state*: the action, the state after it, what it violates (None if nothing)."""
        ...


class Explored(NamedTuple):
    """
    How far the explorer went.

    Attributes:
        states: Different states that were visited.
        ends: States in which nothing more can happen.
        was_cut: True if the bound on states was reached before everything was visited.
    """

    states: int
    ends: int
    was_cut: bool


def explore(world: World, *, max_states: int) -> Explored:
    """
    Visit every reachable state once.

    Raises:
        Violation: An invariant broke; the schedule is in the message.
    """
    first = world.begin()
    seen = {hash(first)}  # 64 bits: millions of states fit, and two of them hardly ever share one
    path = _Path()
    waiting = deque([(first, 0)])
    ends = 0
    while waiting:
        state, number = waiting.popleft()
        is_end = True
        for action, reached, problem in world.following(state):
            is_end = False
            if problem is not None:
                raise Violation(f"{problem}\nschedule: {path.to(number, action)}")
            mark = hash(reached)
            if mark in seen:
                continue
            seen.add(mark)
            waiting.append((reached, path.add(number, action)))
            if len(seen) >= max_states:
                return Explored(len(seen), ends, was_cut=True)
        ends += is_end
    return Explored(len(seen), ends, was_cut=False)


class _Path:
    """How each state was reached, in a few bytes per state."""

    def __init__(self) -> None:
        self._before = array("Q", [0])
        self._numbers = array("L", [0])
        self._actions: dict[Action, int] = {}

    def add(self, before: int, action: Action) -> int:
        """Return the number of the state that *action* reaches from the state *before*."""
        self._before.append(before)
        self._numbers.append(self._actions.setdefault(action, len(self._actions)))
        return len(self._before) - 1

    def to(self, number: int, last: Action) -> str:
        """Return the schedule that ends with *last* in the state *number*."""
        return " | ".join(" ".join(action) for action in (*reversed(list(self._back_from(number))), last))

    def _back_from(self, number: int) -> Iterator[Action]:
        actions = list(self._actions)
        while number:
            yield actions[self._numbers[number]]
            number = self._before[number]
