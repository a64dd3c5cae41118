"""
Where the simulation and this library meet, through what the library offers to tests; nothing else here knows it.

Inside an environment the library has that environment's clock, its store calls and dead letters are steps at which
something may go wrong, and what a process knows by itself is each environment's own.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from ..._handlers import plan as handlers
from ..._handlers import reinvoker_seam as reinvoker
from ..._handlers import visibility
from ..._io import ambient
from ..._policies import retry_budget
from ...errors import SinkError
from ...invoke import _seam as invoke
from ...sinks import _seam as sinks
from ...stores import dynamodb
from .. import _clock
from ..fakes import Fakes, SentLetter
from .calling import calling
from .environment_io import EnvironmentIo
from .invocations.api import InvokeApi
from .invocations.waiting import Waiting
from .store import FaultyStore, RealStore

if TYPE_CHECKING:
    from ..._core.record import Record
    from ..._handlers.plan import Plan
    from .environment import Environment
    from .event_loop import VirtualLoop
    from .world import World


EVENT_LOOPS = handlers.__name__.replace("_handlers.plan", "_io.aio")


class Library:
    """
    The library, as the handlers of a simulation find it.

    Attributes:
        fakes: What stands in for AWS; what was set aside and committed is kept there.
    """

    def __init__(self, world: World) -> None:
        self.fakes = Fakes()
        self._world = world
        self._stores: dict[str, FaultyStore] = {}
        self._ios: dict[Environment | None, EnvironmentIo] = {}
        self._event_loops: Any = None
        api = InvokeApi(world)
        self._call = calling(api)
        self._waiting = Waiting(world, api)

    def install(self) -> None:
        """Have every handler, store and sink of the process be of this simulation."""
        self._world.advance = self._advance
        self._world.prepare = self._prepare
        self._world.tidy = self._tidy
        _installed.append((self, _redirects()))
        self._redirect()

    def remove(self) -> None:
        """Take that back, in whatever order simulations end; what was there before the first one comes back last."""
        place = next((place for place, (library, _) in enumerate(_installed) if library is self), None)
        if place is None:
            return
        for environment in self._world.forget_memories():
            for memory in (self._event_loops, "event loop"):
                if environment.memory.get(memory) is not None:
                    self._unwind(environment, environment.memory[memory])
        if self._event_loops is not None:
            others = [other for other, _ in _installed if other is not self and other._event_loops is not None]
            self._event_loops.make_loop = others[-1]._new_loop if others else self._event_loops.asyncio.new_event_loop
        _, before = _installed.pop(place)
        if place == len(_installed):
            _redirect_to(before)
        else:  # a later one goes on; whoever ends last finds what was there before this one
            later, _ = _installed[place]
            _installed[place] = later, before

    def _redirect(self) -> None:
        calls = (self._call, self._waiting.put_off, self._waiting.read)
        _redirect_to((self._io_of, self._io, self.store, self._take_letter, self._hide, *calls, self._now_s))

    def store(self, table: str) -> Any:
        """Return what stands in for a table."""
        store = self._stores.get(table)
        if store is None:
            store = self._stores[table] = FaultyStore(self.fakes.store(table), self._world)
        return store

    def connect(self, store: Any) -> FaultyStore:
        """Return *store* as handlers reach it here."""
        return FaultyStore(RealStore(store), self._world)

    def _prepare(self) -> None:
        """Have a handler run in a loop of its environment's; if none is asynchronous, asyncio is not loaded."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and self._world.active is not None:
            # A process has a loop of its main thread: a handler of nobody's says get_event_loop().run_until_complete().
            loop = self._world.active.memory.get("event loop")
            if loop is None:
                loop = self._world.active.memory["event loop"] = self._new_loop()
            asyncio.set_event_loop(loop)
        if self._event_loops is None and EVENT_LOOPS in sys.modules:
            self._event_loops = sys.modules[EVENT_LOOPS]
            self._event_loops.make_loop = self._new_loop
            self._world.share(self._event_loops)

    def _tidy(self) -> None:
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None:
            asyncio.set_event_loop(None)  # this thread is another environment's next

    def _unwind(self, environment: Environment, loop: VirtualLoop) -> None:
        environment.is_dead = True  # what its tasks still reach for leads nowhere
        self._world.active = environment
        # In a thread of its own: a loop of the test's may be running in this one.
        thread = threading.Thread(target=loop.unwind, name="resilient_lambda-simulator")
        thread.start()
        thread.join()
        self._world.active = None

    def _new_loop(self) -> Any:
        from .event_loop import VirtualLoop

        return VirtualLoop(self._world)

    def _advance(self, environment: Environment, seconds: float) -> None:
        io = self._ios.get(environment)
        if io is None:
            environment.work(seconds)
        else:
            io.advance(seconds)

    def _now_s(self) -> float:
        active = self._world.active
        return self._world.clock.now_s if active is None else active.now_s()

    def _io_of(self, handler: Plan) -> Any:
        knowing: tuple[Any, ...] = (handler.pace, *handler.policies)
        for memory in knowing:
            if hasattr(memory, "swap_memory"):
                self._world.share(memory)
        io = self._environment_io()
        io.uncut()  # whoever asks is not, or no longer, among the records of an invocation
        return _view(io, is_asynchronous=handler.signature.is_asynchronous)

    def _io(self, is_asynchronous: bool) -> Any:
        """Return the Io of code that belongs to no handler of ours."""
        return _view(self._environment_io(), is_asynchronous=is_asynchronous)

    def _environment_io(self) -> EnvironmentIo:
        for budget in list(retry_budget.living):
            self._world.share(budget)
        active = self._world.active
        io = self._ios.get(active)
        if io is None:
            io = self._ios[active] = EnvironmentIo(self._world, active)
        return io

    def _take_letter(self, sink: str, record: Record[Any], error: BaseException) -> str | SinkError:
        world = self._world
        active, number = world.active, len(self.fakes.dead_letters) + 1
        fails = active is not None and world.chance.strikes_at("sink_error", *active.next_call())
        if active is not None:
            active.step("before a dead letter")
        is_late = fails and world.chance.sample("sink error after", number) < 0.5
        if not fails or is_late:
            self.fakes.take_letter(sink, record, error)
            self._set_aside(self.fakes.dead_letters[-1])
        if active is not None:
            active.step("after a dead letter")
        return SinkError("the simulation has the sink fail") if fails else f"letter-{number}"

    def _hide(self, message_id: str, hidden_s: int) -> None:
        if self._world.active is not None:
            self._world.active.step("before a message is hidden")
        for source in self._world.sources:
            source.hide(message_id, hidden_s)

    def _set_aside(self, letter: SentLetter) -> None:
        record, environment = letter.record, self._world.active
        invocation = None if environment is None else environment.invocation
        for source in self._world.sources:
            if invocation is None or source.name == invocation.source:
                item = source.items.get(record.id)
                if item is None and invocation is not None and len(invocation.ids) == 1:
                    item = source.items.get(invocation.ids[0])  # of a source whose events have no ids of their own
                if item is not None:
                    error = type(letter.error).__name__
                    source.take_letter([item], record.body, reason=f"set aside by the handler: {error}", error=error)
                    return


def _redirects() -> tuple[Any, ...]:
    return tuple(getattr(module, name) for module, name in _SEAMS)


def _redirect_to(targets: tuple[Any, ...]) -> None:
    for (module, name), target in zip(_SEAMS, targets, strict=True):
        setattr(module, name, target)


def _view(io: EnvironmentIo, *, is_asynchronous: bool) -> Any:
    if not is_asynchronous:
        return io
    from .cancelling import CancellingView  # who asks has loaded asyncio

    return CancellingView(io)


# What the library offers to tests, in the order in which a simulation takes it.
_SEAMS: tuple[tuple[Any, str], ...] = (
    (handlers, "replacement"),
    (ambient, "replacement"),
    (dynamodb, "redirect"),
    (sinks, "redirect"),
    (visibility, "redirect"),
    (invoke, "redirect"),
    (reinvoker, "delays"),
    (reinvoker, "objects"),
    (_clock, "now_s"),
)


# Simulations that have not ended, each with what it has replaced.
_installed: list[tuple[Library, tuple[Any, ...]]] = []
