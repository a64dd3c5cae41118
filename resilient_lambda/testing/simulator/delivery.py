"""`Delivery`: one simulation, and all that a test asks of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NoReturn

from .chance import Chance, Faults
from .function import Function
from .history import Kind
from .invocations.asynchronous import AsynchronousCalls
from .invocations.synchronous import SynchronousCalls
from .library import Library
from .logs.dynamodb import TableStream
from .logs.kafka import KafkaTopic, retries_of
from .logs.kinesis import KinesisStream
from .logs.stream_failures import Limits
from .queues.fifo import FifoQueue
from .queues.mapping import MappedQueue
from .queues.sqs import Queue
from .world import MOST_INVOCATIONS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from os import PathLike
    from types import TracebackType

    from ..fakes import SentLetter
    from .function import Cost, Handler
    from .history import Happening
    from .invocations.destinations import Destination
    from .source import Key, Source

START_S = 1_800_000_000.0


class Delivery:
    """
    A simulation of Lambda's delivery, in virtual time.

    Use it in a ``with`` block, or as the pytest fixture `delivery`: it replaces the stores, sinks and clocks of every
    handler of this library in the process.

    Args:
        seed: All that chance decides follows from it.
        without: What does not happen: names of faults, such as ``"crash"``, or single ones from `strikes` of an earlier
            run with the same seed, such as ``"crash:7"``.

    Attributes:
        seed: As given.
    """

    def __init__(self, seed: int = 0, *, without: Collection[str] = ()) -> None:
        self.seed = seed
        self._world = World(Chance(seed, without), start_s=START_S)
        self._library = Library(self._world)
        self._functions: dict[int, Function] = {}
        self._library.hide = self._hide
        self._library.set_aside = self._set_aside
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
        cold_start_s: float = 0.25,
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
            cold_start_s=cold_start_s,
        )

    def asynchronous(
        self,
        handler: Handler | Function,
        *,
        name: str = "asynchronous",
        key: Key = None,
        retries: int = 2,
        max_age_s: float = 21_600.0,
        on_success: Destination | None = None,
        on_failure: Destination | None = None,
        dead_letter: bool = False,
    ) -> AsynchronousCalls:
        """Return the queue of a function's asynchronous invocations; see `AsynchronousCalls` for the arguments."""
        return AsynchronousCalls(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            retries=retries,
            max_age_s=max_age_s,
            on_success=on_success,
            on_failure=on_failure,
            dead_letter=dead_letter,
        )

    def sqs(
        self,
        handler: Handler | Function,
        *,
        name: str = "sqs",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        window_s: float = 0.0,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> Queue:
        """Return a standard queue; see `Queue` for the arguments."""
        return Queue(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            window_s=window_s,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )

    def fifo(
        self,
        handler: Handler | Function,
        *,
        name: str = "fifo",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> FifoQueue:
        """Return a FIFO queue; see `FifoQueue` for the arguments."""
        return FifoQueue(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )

    def kinesis(
        self,
        handler: Handler | Function,
        *,
        name: str = "kinesis",
        key: Key = None,
        shards: int = 1,
        batch_size: int = 100,
        window_s: float = 0.0,
        retries: int = -1,
        record_age_s: int = -1,
        bisect: bool = False,
        parallelization: int = 1,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 86_400.0,
    ) -> KinesisStream:
        """Return a Kinesis data stream; see `KinesisStream` and `Limits` for the arguments."""
        limits = Limits(batch_size, window_s, retries, record_age_s, bisect, on_failure, partial, retention_s)
        return KinesisStream(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            limits=limits,
            shards=shards,
            parallelization=parallelization,
        )

    def dynamodb(
        self,
        handler: Handler | Function,
        *,
        name: str = "dynamodb",
        key: Key = None,
        key_names: Sequence[str] = ("id",),
        shards: int = 1,
        batch_size: int = 100,
        window_s: float = 0.0,
        retries: int = -1,
        record_age_s: int = -1,
        bisect: bool = False,
        parallelization: int = 1,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 86_400.0,
    ) -> TableStream:
        """Return a DynamoDB table with its stream; see `TableStream` and `Limits` for the arguments."""
        limits = Limits(batch_size, window_s, retries, record_age_s, bisect, on_failure, partial, retention_s)
        return TableStream(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            limits=limits,
            key_names=key_names,
            shards=shards,
            parallelization=parallelization,
        )

    def kafka(
        self,
        handler: Handler | Function,
        *,
        name: str = "kafka",
        key: Key = None,
        topic: str = "topic",
        partitions: int = 3,
        batch_size: int = 100,
        window_s: float = 0.5,
        share_group: bool = False,
        retries: int | None = None,
        record_age_s: int = -1,
        bisect: bool = False,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 604_800.0,
    ) -> KafkaTopic:
        """
        Return a Kafka topic; see `KafkaTopic` and `Limits` for the arguments.

        Args:
            retries: -1 by default, in a share group 0; with ``on_failure=``, -1 is as much as 10.
        """
        tries = retries_of(retries, share_group=share_group, on_failure=on_failure)
        limits = Limits(batch_size, window_s, tries, record_age_s, bisect, on_failure, partial, retention_s)
        return KafkaTopic(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            topic=topic,
            partitions=partitions,
            limits=limits,
            share_group=share_group,
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
            RuntimeError: It has gone on for 100,000 invocations.
        """
        world = self._world
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
        from .timeline import timeline

        return timeline(self._world, seed=self.seed, start_s=START_S, ids=ids, most_lines=most_lines)

    def plot(self, path: str | PathLike[str]) -> None:
        """Draw what happened: write an SVG of environments and events over time to *path*."""
        from .plot import plot

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

    def _hide(self, message_id: str, seconds: int) -> None:
        for source in self._world.sources:
            if isinstance(source, MappedQueue) and message_id in source.items:
                source.hide(message_id, seconds)

    def _set_aside(self, letter: SentLetter) -> None:
        record, environment = letter.record, self._world.active
        invocation = None if environment is None else environment.invocation
        for source in self._world.sources:
            if invocation is None or source.name == invocation.source:
                item = source.items.get(record.id)
                if item is None and invocation is not None and len(invocation.ids) == 1:
                    item = source.items.get(invocation.ids[0])  # of a source whose events have no ids of their own
                if item is not None:
                    reason = f"set aside by the handler: {type(letter.error).__name__}"
                    source.take_letter([item], record.body, reason=reason)
                    return

    def _function_of(self, handler: Handler | Function) -> Function:
        return handler if isinstance(handler, Function) else self.function(handler)
