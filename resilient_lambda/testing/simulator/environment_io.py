"""The library's `Io` inside an environment: its clock, and time that passes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..io import FakeIo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .environment import Environment
    from .world import World


class EnvironmentIo(FakeIo):
    """The library's `Io` inside one environment; outside of all, time stands still."""

    def __init__(self, world: World, environment: Environment | None) -> None:
        number = 0 if environment is None else environment.number
        super().__init__(start_s=world.clock.now_s, seed=world.chance.seed * 1_000_003 + number)
        self._number = number
        self._world = world
        self._environment = environment

    def now(self) -> float:
        """Return the environment's clock."""
        return self._world.clock.now_s if self._environment is None else self._environment.now_s()

    def monotonic(self) -> float:
        """Return the true time."""
        return self._world.clock.now_s

    def start(self, work: Callable[[], Awaitable[None]]) -> Any:
        """Do *work* now, or not before it is waited for, as chance has it: a thread may be fast or slow."""
        self.holds_jobs = self._random.random() < 0.5
        return super().start(work)

    def _pass_until(self, time_s: float) -> None:
        if self._environment is not None:
            self._environment.work(max(0.0, time_s - self.now()))
