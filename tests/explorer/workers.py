"""
The world of the explorer: workers that deliver one key, over one `MemoryStore`, with every fault at every step.

Each worker is one execution environment that is given the same event. It runs a protocol: a coroutine over an `Io`
whose every store operation, and whose call of the user's function, is a step that the explorer lets happen when, and
how, it chooses. Bounds say how often each kind of fault may strike in one schedule.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import current_claim
from resilient_lambda.errors import RetryableError, StoreUnavailableError

from .engine import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Sequence

    from resilient_lambda.stores import MemoryStore

START_S = 1_000_000.0


class Bounds(NamedTuple):
    """How often each thing may happen in one schedule."""

    ticks: int = 3  # time passes, by TICK_S each
    crashes: int = 1  # a worker dies
    losses: int = 1  # a write takes effect, its answer does not arrive
    outages: int = 0  # a write and all its repetitions fail
    failures: int = 1  # the user's function fails, without effect
    beats: int = 1  # heartbeats
    redeliveries: int = 1  # per worker


class _WorldEnded(BaseException):
    """Nothing happens any more in a world that was left."""


class Step:
    """Something a coroutine waits for; the explorer decides when and how it happens."""

    def __init__(self, kind: str, run: Callable[[], Any], is_ready: Callable[[], bool] = lambda: True) -> None:
        self.kind = kind
        self.run = run
        self.is_ready = is_ready

    def __await__(self) -> Any:
        return (yield self)


class Actor:
    """A coroutine that is driven step by step, in a context of its own."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine
        self.context: Context = copy_context()
        self.pending: Step | None = None
        self.outcome: Any = None
        self._advance(lambda: coroutine.send(None))

    @property
    def is_done(self) -> bool:
        return self.pending is None

    def give(self, value: Any) -> None:
        self._advance(lambda: self.coroutine.send(value))

    def throw(self, error: BaseException) -> None:
        self._advance(lambda: self.coroutine.throw(error))

    def _advance(self, resume: Callable[[], Any]) -> None:
        try:
            self.pending = self.context.run(resume)
        except StopIteration as done:
            self.pending = None
            self.outcome = done.value


class StepIo:
    """An `Io` whose every operation is a step of the explorer."""

    is_asynchronous = False

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def now(self) -> float:
        return self._worker.world.now_s

    monotonic = now

    def random(self) -> float:
        return 0.0

    def token(self) -> str:
        return f"{self._worker.name}{self._worker.redeliveries}"  # one claim per delivery

    async def sleep(self, seconds: float) -> None:
        """Take no time: only ticks do."""

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await Step(function.__name__, lambda: function(*args, **kwargs))

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        self._worker.begin_work()
        return await Step("work", lambda: function(*args))

    def gate(self) -> StepGate:
        return StepGate()

    def every(self, interval_s: float, beat: Callable[[], Coroutine[Any, Any, None]]) -> StepBeat:
        self._worker.beat = StepBeat(self._worker, beat)
        return self._worker.beat


class StepGate:
    """A lock; waiting for it is a step that is not ready while another holds it."""

    def __init__(self) -> None:
        self.is_held = False

    async def __aenter__(self) -> None:
        while self.is_held:  # a free gate is no step: nobody else can tell when it is passed
            await Step("gate", lambda: None, lambda: not self.is_held)
        self.is_held = True

    async def __aexit__(self, *exc_info: object) -> None:
        self.is_held = False

    def try_enter(self) -> bool:
        is_free = not self.is_held
        self.is_held = True
        return is_free

    def leave(self) -> None:
        self.is_held = False


class StepBeat:
    """The heartbeat: a second coroutine of the worker, started by an action of the explorer."""

    def __init__(self, worker: Worker, beat: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.worker = worker
        self.beat = beat
        self.is_stopped = False

    async def stop(self) -> None:
        self.is_stopped = True
        while self.is_beating:
            await Step("join", lambda: None, lambda: not self.is_beating)

    @property
    def is_beating(self) -> bool:
        return self.worker.beating is not None and not self.worker.beating.is_done


class Worker:
    """One execution environment and what it is doing."""

    def __init__(self, name: str, world: StoreWorld) -> None:
        self.name = name
        self.world = world
        self.redeliveries = 0
        self.observed: list[str] = []
        self.events: list[object] = []
        self.start(is_new_environment=True)

    def start(self, *, is_new_environment: bool) -> None:
        """Deliver the event to this worker, in a new environment after a crash."""
        self.beat: StepBeat | None = None
        self.beating: Actor | None = None
        self.is_crashed = False
        self.has_succeeded = False
        self.claim: Any = None
        if is_new_environment:
            self.environment = self.world.make_environment()
        self.main = self.world.begin(self.environment(StepIo(self), self))

    def begin_work(self) -> None:
        """Note the claim under which the function is about to run, if the protocol has claims."""
        with suppress(RuntimeError):
            self.claim = current_claim()

    def actors(self) -> dict[str, Actor]:
        found = {self.name: self.main}
        if self.beating is not None:
            found[f"{self.name}-beat"] = self.beating
        return {name: actor for name, actor in found.items() if not actor.is_done}


class StoreWorld:
    """
    Workers over one store; see the module.

    Args:
        names: One worker each.
        make_environment: Returns the protocol of a new environment: ``(io, worker) -> coroutine``.
        bounds: How often each fault may strike.
        check: Checks the invariants after each action; raises `Violation`.
    """

    TICK_S = 6.0

    def __init__(
        self,
        names: str,
        make_environment: Callable[[StoreWorld], Callable[[StepIo, Worker], Coroutine[Any, Any, Any]]],
        bounds: Bounds,
        check: Callable[[StoreWorld], None],
        store: MemoryStore,
        *,
        key: str,
    ) -> None:
        self.store = store
        self.keys = (key,)
        self.facts: dict[str, Any] = {}
        self.now_s = START_S
        self.bounds = bounds
        self.used: dict[str, int] = dict.fromkeys(Bounds._fields, 0)
        self.begun: list[Actor] = []
        self.effects: list[tuple[str, Hashable]] = []
        self.make_environment = lambda: make_environment(self)
        self._check = check
        self.workers = {name: Worker(name, self) for name in names}

    def actions(self) -> Sequence[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for worker in self.workers.values():
            for name, actor in worker.actors().items():
                step = actor.pending
                if worker.is_crashed or step is None or not step.is_ready():
                    continue
                found.append(("go", name))
                if step.kind == "work":
                    found += self._if_left("failures", ("fail", name))
                elif step.kind in {"put_if", "get", "delete_if"}:
                    found += self._if_left("losses", ("lose", name))
                    found += self._if_left("outages", ("outage", name))
                    if step.kind == "put_if":
                        found += self._if_left("outages", ("unknown", name))
            if worker.actors() and not worker.is_crashed:
                found += self._if_left("crashes", ("crash", worker.name))
                beat = worker.beat
                if beat is not None and not (beat.is_stopped or beat.is_beating):
                    found += self._if_left("beats", ("beat", worker.name))
            elif worker.redeliveries < self.bounds.redeliveries and not worker.has_succeeded:
                found.append(("redeliver", worker.name))
        if found:
            found += self._if_left("ticks", ("tick",))
        return found

    def _if_left(self, kind: str, action: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [action] if self.used[kind] < getattr(self.bounds, kind) else []

    def do(self, action: tuple[str, ...]) -> None:
        kind, *names = action
        if kind == "tick":
            self.used["ticks"] += 1
            self.now_s += self.TICK_S
        else:
            worker = self.workers[names[0].removesuffix("-beat")]
            if kind in {"crash", "beat", "redeliver"}:
                getattr(self, f"_{kind}")(worker)
            else:
                self._step(kind, worker, worker.actors()[names[0]])
        self._check(self)

    def _step(self, kind: str, worker: Worker, actor: Actor) -> None:
        step = actor.pending
        assert step is not None
        if kind == "go":
            result = step.run()
            worker.observed.append(f"{self.now_s}{step.kind}={result!r}")
            actor.give(result)
            if worker.main.is_done and not worker.has_succeeded:
                # What a failed delivery saw, its environment has forgotten: nothing of it can matter any more.
                worker.observed[:] = ["idle"]
        elif kind == "fail":
            self.used["failures"] += 1
            worker.observed.append(f"{self.now_s}failed")
            actor.throw(RetryableError("without effect"))
        elif kind == "lose":
            self.used["losses"] += 1
            step.run()
            worker.observed.append(f"{self.now_s}lost")
            actor.throw(StoreUnavailableError("the answer was lost"))
        else:
            self.used["outages"] += 1
            if kind == "unknown":
                step.run()
            worker.observed.append(f"{self.now_s}{kind}")
            # The operation and all repetitions of it fail.
            for _ in range(4):
                pending = actor.pending
                if pending is None or pending.kind != step.kind:
                    break
                actor.throw(StoreUnavailableError("the store does not answer"))

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> Actor:
        """Start a coroutine of this world."""
        actor = Actor(coroutine)
        self.begun.append(actor)
        return actor

    def _crash(self, worker: Worker) -> None:
        self.used["crashes"] += 1
        worker.is_crashed = True
        worker.observed[:] = ["crashed"]
        worker.main.pending = None
        worker.beating = None

    def _beat(self, worker: Worker) -> None:
        self.used["beats"] += 1
        assert worker.beat is not None
        worker.beating = self.begin(worker.beat.beat())

    def _redeliver(self, worker: Worker) -> None:
        worker.redeliveries += 1
        worker.observed.append(f"delivery {worker.redeliveries}")
        worker.start(is_new_environment=worker.is_crashed)

    def fingerprint(self) -> Hashable:
        items = tuple(sorted((key, tuple(sorted(item.items()))) for key, item in self.items().items()))
        workers = tuple(
            (
                tuple(worker.observed),
                tuple((name, actor.pending and actor.pending.kind) for name, actor in worker.actors().items()),
            )
            for worker in self.workers.values()
        )
        return hash((items, workers, self.now_s, tuple(self.used.values()), tuple(self.effects)))

    def close(self) -> None:
        """End every coroutine where it stands."""
        for actor in self.begun:
            while actor.coroutine.cr_frame is not None:
                with suppress(BaseException):
                    actor.coroutine.throw(_WorldEnded())

    def items(self) -> dict[str, Any]:
        return self.store.get(list(self.keys))


__all__ = ["Bounds", "StepIo", "StoreWorld", "Violation", "Worker"]
