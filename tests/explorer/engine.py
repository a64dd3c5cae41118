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
    seen: set[Hashable] = set()
    ends = 0
    path: list[Action] = []
    world: World | None = make_world()
    seen.add(world.fingerprint())
    # Per level: the actions still to be tried there.
    levels = [list(reversed(world.actions()))]
    while levels:
        if not levels[-1]:
            levels.pop()
            if path:
                path.pop()
            world = _close(world)  # it stands deeper than this level
            continue
        action = levels[-1].pop()
        if world is None:
            world = _replay(make_world, path)
        path.append(action)
        try:
            world.do(action)
        except Violation as violation:
            raise Violation(f"{violation}\nschedule: {' | '.join(' '.join(step) for step in path)}") from None
        mark = world.fingerprint()
        if mark in seen:
            path.pop()
            world = _close(world)
            continue
        seen.add(mark)
        if len(seen) >= max_states:
            return Explored(len(seen), ends, was_cut=True)
        following = world.actions()
        ends += not following
        levels.append(list(reversed(following)))
    return Explored(len(seen), ends, was_cut=False)


def _close(world: World | None) -> None:
    if world is not None:
        world.close()


def _replay(make_world: Callable[[], World], path: Sequence[Action]) -> World:
    world = make_world()
    for action in path:
        world.do(action)
    return world
