"""`Delivery`: one simulation, and all that a test asks of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from .chance import Chance, Faults
from .function import Function
from .library import Library
from .synchronous import SynchronousCalls
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable
    from types import TracebackType

    from .function import Cost, Handler
    from .source import Key, Source

START_S = 1_800_000_000.0
MOST_INVOCATIONS = 100_000


class Delivery:
    """
    A simulation of Lambda's delivery, in virtual time.

    Use it in a ``with`` block, or as the pytest fixture `delivery`: it replaces the stores, sinks and clocks of every
    handler of this library in the process.

    Args:
        seed: All that chance decides follows from it.
        without: Names of faults that do not happen, from `strikes` of an earlier run with the same seed.

    Attributes:
        seed: As given.
        sources: All sources, in the order in which they were made.
    """

    def __init__(self, seed: int = 0, *, without: Collection[str] = ()) -> None:
        self.seed = seed
        self.sources: list[Source] = []
        self._world = World(Chance(seed, without), start_s=START_S)
        self._library = Library(self._world)
        self._functions: dict[int, Function] = {}
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

    def function(
        self,
        handler: Handler | None = None,
        *,
        name: str = "function",
        timeout_s: float = 30.0,
        takes: Cost = 0.05,
        concurrency: int = 1000,
        cold_start: Callable[[], Handler] | None = None,
    ) -> Function:
        """Return a deployed function that several sources can share; see `Function` for the arguments."""
        return Function(
            self._world,
            handler,
            name=name,
            timeout_s=timeout_s,
            takes=takes,
            concurrency=concurrency,
            cold_start=cold_start,
        )

    def synchronous(
        self,
        handler: Handler | Function,
        *,
        name: str = "synchronous",
        key: Key = None,
        attempts: int = 1,
        wait_s: float = 1.0,
    ) -> SynchronousCalls:
        """Return callers that invoke and wait; see `SynchronousCalls` for the arguments."""
        return SynchronousCalls(
            self._world, self._function_of(handler), name=name, key=key, attempts=attempts, wait_s=wait_s
        )

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

    def effect(self, key: Hashable) -> None:
        """Let something take effect outside, such as a charge; its environment may die right before or after."""
        self._world.effect(key)

    # What happened

    def run(self, for_s: float = inf) -> None:
        """
        Let time pass until nothing is left to be done, or for *for_s* seconds.

        Raises:
            RuntimeError: It has gone on for 100,000 invocations.
        """
        self._world.clock.run(self._world.clock.now_s + for_s)

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
    def invocations(self) -> int:
        """How many invocations Lambda tried to start."""
        return self._world.invocations

    def _function_of(self, handler: Handler | Function) -> Function:
        return handler if isinstance(handler, Function) else self.function(handler)
