"""`Delivery`: one simulation, and all that a test asks of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NoReturn

from .chance import Chance, Faults
from .deployment import Deployment
from .history import Kind
from .library import Library
from .world import MOST_INVOCATIONS, World

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable
    from os import PathLike
    from types import TracebackType

    from .history import Happening
    from .source import Source

START_S = 1_800_000_000.0


class Delivery(Deployment):
    """
    A simulation of Lambda's delivery, in virtual time.

    Use it in a ``with`` block, or as the pytest fixture `delivery`: it replaces the stores, sinks and clocks of every
    handler of this library in the process.

    Args:
        seed: All that chance decides follows from it.
        without: What does not happen: names of faults, such as ``"crash"``, or single ones from `strikes` of an earlier
            run with the same seed, such as ``"crash:7"``.
        patience_s: For how long, in the test's own time, a handler may go on without letting virtual time pass;
            infinite for a session with a debugger.

    Attributes:
        seed: As given.
        has_run: `run` was called.
    """

    def __init__(self, seed: int = 0, *, without: Collection[str] = (), patience_s: float = 60.0) -> None:
        self.seed = seed
        self.has_run = False
        self._world = World(Chance(seed, without), start_s=START_S, patience_s=patience_s)
        self._library = Library(self._world)
        self._library.install()

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the simulation, and give the process back what was replaced."""
        self._world.clock.close()
        self._library.remove()

    # What is simulated

    def faults(self, **chances: float) -> None:
        """
        Have things go wrong from now on; see `Faults` for their names.

        Raises:
            TypeError: There is no such fault.
            ValueError: A probability is none.
        """
        for name, value in chances.items():
            if not (value >= 0 and (value <= 1 or name == "skew_s")):
                raise ValueError(f"{name}={value!r} must be a probability from 0 to 1")
        self._world.chance.faults = Faults(**chances)

    def committed_effects(self, table: str, *, key: str) -> None:
        """
        Have each item of *table* that a handler commits by ``commit_with`` be an effect, as by `effect`.

        Args:
            key: The item's attribute that the effect is called by.
        """
        self._world.effect_names[table] = key

    def store(self, store: Any) -> Any:
        """Return *store*, any of the library's protocol, as handlers reach it here: its calls fail as `faults` say."""
        return self._library.connect(store)

    # What handlers do

    def work(self, seconds: float) -> None:
        """Let time pass in the handler that calls this: a call to somebody else, or a calculation."""
        environment = self._world.running()
        environment.step("work")
        environment.pass_time(seconds)

    def step(self, name: str = "a step") -> None:
        """Be a point in the handler at which its environment may die, or hang."""
        self._world.running().step(name)

    def effect(self, key: Hashable, *, once: Hashable | None = None) -> bool:
        """
        Let something take effect outside, such as a charge; its environment may die right before or after.

        Args:
            once: What the other side knows repetitions by, such as an idempotency key: a second effect with the same
                one is none.

        Returns:
            Whether it took effect.
        """
        return self._world.effect(key, once)

    def crash(self, reason: str = "") -> NoReturn:
        """End the environment of the handler that calls this, as a lack of memory or a segmentation fault would."""
        self._world.running().die(Kind.CRASHED, reason)

    @property
    def invocation(self) -> int:
        """The number of the invocation that calls this."""
        return self._world.running().check_alive().number

    # What happened

    def run(self, for_s: float = inf) -> None:
        """
        Let time pass until nothing is left to be done, or for *for_s* seconds.

        Raises:
            RuntimeError: It has gone on for 100,000 invocations; or a handler goes on, and lets no virtual time pass.
        """
        world, self.has_run = self._world, True
        world.most_invocations = world.invocations + MOST_INVOCATIONS
        world.clock.run(world.clock.now_s + for_s)

    @property
    def sources(self) -> list[Source]:
        """All sources, in the order in which they were made."""
        return list(self._world.sources)

    @property
    def now_s(self) -> float:
        """The time, in seconds since the epoch."""
        return self._world.clock.now_s

    @property
    def strikes(self) -> list[str]:
        """The names of the faults that happened, in order."""
        return list(self._world.chance.strikes)

    @property
    def effects(self) -> list[Hashable]:
        """The keys of what took effect, in order."""
        return [effect.key for effect in self._world.effects]

    @property
    def committed(self) -> list[Any]:
        """The items that transactions have written beside the library's own, in order."""
        return list(self._library.fakes.committed)

    @property
    def happenings(self) -> tuple[Happening, ...]:
        """Everything that happened, in order."""
        return tuple(self._world.happenings)

    def timeline(self, *ids: str, most_lines: int = 300) -> str:
        """
        Return what happened, as text.

        Args:
            ids: Of events that it is to be about; it is about all if there are none.
            most_lines: What is usual is left out of a longer one first.
        """
        from .telling.timeline import timeline

        return timeline(self._world, seed=self.seed, start_s=START_S, ids=ids, most_lines=most_lines)

    def plot(self, path: str | PathLike[str]) -> None:
        """Draw what happened: write an SVG of environments and events over time to *path*."""
        from .telling.plot import plot

        drawn = plot(self._world, seed=self.seed, start_s=START_S)
        with open(path, "w", encoding="utf-8") as file:
            file.write(drawn)

    @property
    def environments(self) -> int:
        """How many environments there were."""
        return self._world.environments

    @property
    def invocations(self) -> int:
        """How many invocations Lambda tried to start."""
        return self._world.invocations
