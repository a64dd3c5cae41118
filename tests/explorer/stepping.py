"""Coroutines that are driven step by step, and an `Io` whose every operation is such a step."""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .environment import Environment


class EnvironmentEndedError(BaseException):
    """Nothing happens any more in an environment that was left."""


class Step:
    """
    Something a coroutine waits for.

    Attributes:
        kind: ``store``, ``work`` and ``begin`` happen when the explorer chooses; ``wait`` as soon as it is ready.
        call: The name, arguments and options of a store's method.
    """

    def __init__(self, kind: str, call: Any = None, is_ready: Callable[[], bool] = lambda: True) -> None:
        self.kind = kind
        self.call = call
        self.is_ready = is_ready

    def __await__(self) -> Any:
        return (yield self)


class Actor:
    """A coroutine that is driven step by step, in a context of its own."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine
        self.context: Context = copy_context()
        self.pending: Step | None = None
        self.error: BaseException | None = None
        self.give(None)

    @property
    def is_done(self) -> bool:
        return self.pending is None

    def give(self, value: Any) -> None:
        self._advance(lambda: self.coroutine.send(value))

    def throw(self, error: BaseException) -> None:
        self._advance(lambda: self.coroutine.throw(error))

    def _advance(self, resume: Callable[[], Any]) -> None:
        self.pending = None
        try:
            self.pending = self.context.run(resume)
        except StopIteration:
            pass
        except BaseException as error:  # whoever joins it hears of it
            self.error = error


class StepIo:
    """
    The `Io` of one environment.

    The wall clock moves by ticks. The monotonic one stands still but for the user's function, which takes
    ``environment.run_s``: so it tells windows and back-pressure how long runs take, and nothing else.
    """

    def __init__(self, environment: Environment, *, is_asynchronous: bool) -> None:
        self.is_asynchronous = is_asynchronous
        self._environment = environment

    def now(self) -> float:
        self._environment.was_clock_read = True
        return self._environment.now_s

    def monotonic(self) -> float:
        return self._environment.runs * self._environment.run_s

    def random(self) -> float:
        return 0.0

    def token(self) -> str:
        return self._environment.next_token()

    def is_cancelled(self) -> bool:
        return False

    async def sleep(self, seconds: float) -> None:
        """Take no time: only ticks do."""

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        call = (function.__name__, args, kwargs)
        answer = await self._step(Step("store", call))
        self._environment.meet(call, answer)
        return answer

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        return await function(*args)

    async def work(self) -> None:
        """Stand for what the user's function does."""
        self._environment.runs += 1
        await self._step(Step("work"))

    async def _step(self, step: Step) -> Any:
        if self._environment.is_ended:
            raise EnvironmentEndedError
        return await step

    def open(self, **options: Any) -> StepIo:
        """Nothing is cut short here, and every Io has lanes."""
        return self

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        if count == 1:
            await lane()
            return
        lanes = [self._environment.add("lane", lane()) for _ in range(count)]
        await self._step(Step("wait", is_ready=lambda: all(actor.is_done for actor in lanes)))
        for actor in lanes:
            if actor.error is not None:
                raise actor.error

    def flag(self) -> StepFlag:
        return StepFlag(self._step)

    def gate(self) -> StepGate:
        return StepGate(self._step)

    def start(self, work: Callable[[], Awaitable[None]]) -> StepJob:
        async def begin() -> None:
            await self._step(Step("begin"))  # a thread begins when it gets the processor
            await work()

        return StepJob(self._environment.add("job", begin()), self._step)

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> StepBeat:
        self._environment.beat = StepBeat(self._environment, beat, self._step)
        return self._environment.beat


class StepGate:
    """A lock; waiting for it is a step that is not ready while another holds it."""

    def __init__(self, step: Callable[[Step], Awaitable[Any]]) -> None:
        self._step = step
        self._is_held = False

    async def __aenter__(self) -> None:
        while self._is_held:
            await self._step(Step("wait", is_ready=lambda: not self._is_held))
        self._is_held = True

    async def __aexit__(self, *exc_info: object) -> None:
        self._is_held = False

    def try_enter(self) -> bool:
        is_free = not self._is_held
        self._is_held = True
        return is_free

    def leave(self) -> None:
        self._is_held = False


class StepFlag:
    """Something that lanes wait for; waiting is a step that is not ready before it is set."""

    def __init__(self, step: Callable[[Step], Awaitable[Any]]) -> None:
        self._step = step
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    async def wait(self) -> None:
        if not self._is_set:
            await self._step(Step("wait", is_ready=lambda: self._is_set))


class StepJob:
    """Work beside the main coroutine: one more actor of its environment."""

    def __init__(self, actor: Actor, step: Callable[[Step], Awaitable[Any]]) -> None:
        self._actor = actor
        self._step = step

    async def join(self, within_s: float | None = None) -> bool:
        if not self._actor.is_done:
            await self._step(Step("wait", is_ready=lambda: self._actor.is_done))
        if self._actor.error is not None:
            raise self._actor.error
        return True


class StepBeat:
    """The heartbeat: an actor that the explorer starts."""

    def __init__(
        self, environment: Environment, beat: Callable[[], Awaitable[None]], step: Callable[[Step], Awaitable[Any]]
    ) -> None:
        self._environment = environment
        self._beat = beat
        self._step = step
        self._actor: Actor | None = None
        self._is_stopped = False

    @property
    def can_begin(self) -> bool:
        return not self._is_stopped and (self._actor is None or self._actor.is_done)

    def begin(self) -> None:
        self._actor = self._environment.add("beat", self._beat())

    async def stop(self) -> None:
        self._is_stopped = True
        actor = self._actor
        if actor is not None and not actor.is_done:
            await self._step(Step("wait", is_ready=lambda: actor.is_done))
