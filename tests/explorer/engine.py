"""
A deterministic explorer: it walks through every order in which the steps of a world can happen.

A world offers actions and does them; after each one its invariants are checked. Worlds cannot be copied (they hold
running coroutines), so a branch is reached by doing its actions again from the start. Two paths that end in the same
fingerprint have the same future, so only the first is followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    Action = tuple[str, ...]


class Violation(AssertionError):
    """An invariant does not hold; the message ends with the schedule that breaks it."""


class World(Protocol):
    """What the explorer walks through."""

    def actions(self) -> Sequence[Action]:
        """Return all that could happen next, in a fixed order."""
        ...

    def do(self, action: Action) -> None:
        """Let *action* happen, and check the invariants."""
        ...

    def fingerprint(self) -> Hashable:
        """Return what determines the future of this world."""
        ...

    def close(self) -> None:
        """End without any further step."""
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


def explore(make_world: Callable[[], World], *, max_states: int) -> Explored:
    """
    Visit every reachable state once.

    Raises:
        Violation: An invariant broke; the schedule is in the message.
    """
    walk = _Walk(make_world)
    try:
        return walk.through(max_states)
    finally:
        walk.leave()


class _Walk:
    def __init__(self, make_world: Callable[[], World]) -> None:
        self._make_world = make_world
        self._path: list[Action] = []
        self._world: World | None = make_world()

    def through(self, max_states: int) -> Explored:
        assert self._world is not None
        seen = {self._world.fingerprint()}
        ends = 0
        levels = [list(reversed(self._world.actions()))]  # per level: the actions still to be tried there
        while levels:
            if not levels[-1]:
                levels.pop()
                if self._path:
                    self._path.pop()
                self.leave()  # it stands deeper than this level
                continue
            world = self._do(levels[-1].pop())
            mark = world.fingerprint()
            if mark in seen:
                self._path.pop()
                self.leave()
                continue
            seen.add(mark)
            if len(seen) >= max_states:
                return Explored(len(seen), ends, was_cut=True)
            following = world.actions()
            ends += not following
            levels.append(list(reversed(following)))
        return Explored(len(seen), ends, was_cut=False)

    def _do(self, action: Action) -> World:
        if self._world is None:
            self._world = self._make_world()
            for step in self._path:
                self._world.do(step)
        self._path.append(action)
        try:
            self._world.do(action)
        except Violation as violation:
            schedule = " | ".join(" ".join(step) for step in self._path)
            raise Violation(f"{violation}\nschedule: {schedule}") from None
        return self._world

    def leave(self) -> None:
        """Give up the live world; the next action begins with a new one."""
        if self._world is not None:
            self._world.close()
            self._world = None
