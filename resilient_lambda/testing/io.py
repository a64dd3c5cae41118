"""Time that passes only when it is told to."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from itertools import count
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from .._handlers import plan
from .._io import ambient
from .._io.base import GivenUp, Interrupted
from .._io.blocking import BlockingIo, drive
from ..errors import StoreUnavailableError
from . import _clock
from .events import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from .._io.base import P

T = TypeVar("T")
_numbers = count(1)
# Of the function that runs here: each lane has a context of its own.
_may_cut: ContextVar[bool] = ContextVar("resilient_lambda_may_cut", default=False)
_was_cut: ContextVar[bool] = ContextVar("resilient_lambda_was_cut", default=False)


class FakeIo(BlockingIo):
    """
    An `Io` with virtual time: waiting takes none, and heartbeats happen when time is advanced past them.

    Args:
        start_s: The wall clock at the beginning, in seconds since the epoch.
        seed: Makes jitter repeat itself.

    Attributes:
        slept_s: How long was waited, each time.
        holds_jobs: False: what is done beside the function is done at once. True: not before somebody has to wait for
            it, which is the slowest that it can be.
    """

    def __init__(self, *, start_s: float = 1_800_000_000.0, seed: int = 0) -> None:
        self._number = next(_numbers)
        self._now_s = start_s
        self._random = Random(seed)
        self._beats: list[_FakeBeat] = []
        self.slept_s: list[float] = []
        self.holds_jobs = False
        self._cut_at_s = inf
        self._gives_up = False
        self._retires = False
        self._taints: list[Callable[[], bool]] = []
        self._pause: Callable[[], Awaitable[None]] | None = None  # how a lane lets others go on, inside `run_lanes`

    def now(self) -> float:
        """Return the virtual wall clock."""
        return self._now_s

    def monotonic(self) -> float:
        """Return the virtual wall clock, which never goes back."""
        return self.now()

    def random(self) -> float:
        """Return a sample from ``[0, 1)``, the same in every run."""
        return self._random.random()

    def token(self) -> str:
        """Return 32 hex digits, different for every `FakeIo` of the process: two of one seed are two environments."""
        return f"{self._number:08x}{self._random.getrandbits(96):024x}"

    def advance(self, seconds: float) -> None:
        """Let time pass, with the heartbeats that fall into it; call it inside a handler for work that takes time."""
        end_s = self.now() + seconds
        may_cut = _may_cut.get()
        if may_cut and end_s > self._cut_at_s:
            end_s = max(self.now(), self._cut_at_s)
        is_cut = may_cut and end_s >= self._cut_at_s
        while due := [beat for beat in self._beats if not beat.is_stopped and beat.next_s <= end_s]:
            first = min(due, key=lambda beat: beat.next_s)
            self._pass_until(first.next_s)
            first.next_s += first.interval_s
            self._alone(first.beat)
        self._pass_until(end_s)
        if is_cut:
            _was_cut.set(True)
            raise GivenUp if self._gives_up else Interrupted

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept_s.append(seconds)
        self.advance(seconds)
        await self.let_others_go_on()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* here; other lanes may go on before and after it."""
        await self.let_others_go_on()
        result = function(*args, **kwargs)
        await self.let_others_go_on()
        return result

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function*; cut short, it is where it advances time beyond the moment for that."""
        await self.let_others_go_on()
        pause, self._pause = self._pause, None  # what it calls of ours, `commit_with` for one, does not suspend
        try:
            with self._cutting():
                return function(*args)
        finally:
            self._pause = pause

    async def invoke_async(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function* and await what it returns."""
        await self.let_others_go_on()
        with self._cutting():
            return await function(*args)

    @contextmanager
    def _cutting(self) -> Generator[None]:
        """Let the function inside be cut short; whatever it makes of that, it has been."""
        tokens = _may_cut.set(True), _was_cut.set(False)
        try:
            yield
        finally:
            was_cut = _was_cut.get()
            _may_cut.reset(tokens[0])
            _was_cut.reset(tokens[1])
            if was_cut:
                if self._retires and not self._gives_up:
                    self.taint(lambda: True)
                raise GivenUp if self._gives_up else Interrupted

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> FakeIo:
        """Return this Io, which from now on cuts short what advances time beyond *cut_at_s*."""
        self._cut_at_s = inf if cut_at_s is None else cut_at_s
        self._gives_up = concurrency > 1
        self._retires = retires
        return self

    def uncut(self) -> None:
        """Cut nothing short any more, until the next invocation."""
        self._cut_at_s = inf

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """Run *count* lanes in one thread; at each wait, chance decides which of them goes on: the seed's."""
        lanes: list[Any] = [lane() for _ in range(count)]
        contexts = [copy_context() for _ in lanes]
        pause, self._pause = self._pause, _suspend
        try:
            while lanes:
                number = self._random.randrange(len(lanes))
                try:
                    contexts[number].run(lanes[number].send, None)
                except (StopIteration, GivenUp):
                    del lanes[number], contexts[number]
        finally:
            self._pause = pause
            for left, context in zip(lanes, contexts, strict=True):
                with suppress(BaseException):  # what ended the others keeps this one from ending in order, too
                    context.run(left.close)

    async def let_others_go_on(self) -> None:
        """Suspend, if this is one of several lanes."""
        if self._pause is not None:
            await self._pause()

    def flag(self) -> _FakeFlag:  # type: ignore[override]
        """Return a flag that lanes can wait for."""
        return _FakeFlag(self)

    def taint(self, is_tainted: Callable[[], bool]) -> None:
        """Remember *is_tainted* for as long as this Io lives."""
        self._taints.append(is_tainted)

    def end_if_tainted(self) -> None:
        """
        End the environment if anything says so.

        Raises:
            SystemExit: Where a real environment would be gone.
        """
        if any(is_tainted() for is_tainted in self._taints):
            raise SystemExit("the environment ends itself")

    def _pass_until(self, time_s: float) -> None:
        self._now_s = max(self._now_s, time_s)

    def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* of another thread: it neither suspends nor is cut short."""
        pause, self._pause = self._pause, None
        token = _may_cut.set(False)
        try:
            drive(work())  # type: ignore[arg-type]
        finally:
            self._pause = pause
            _may_cut.reset(token)

    def gate(self) -> _FakeGate:  # type: ignore[override]
        """Return a lock that lanes wait for; without lanes it refuses at once, for waiting could not help."""
        return _FakeGate(self)

    def start(self, work: Callable[[], Awaitable[None]]) -> _FakeJob:  # type: ignore[override]
        """Do *work* here and now, or when it is waited for."""
        job = _FakeJob(lambda: self._alone(work), self)
        if not self.holds_jobs:
            job.do()
        return job

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> _FakeBeat:  # type: ignore[override]
        """Do *beat* whenever time is advanced by another *interval_s*."""
        beating = _FakeBeat(interval_s, beat, self.now() + interval_s)
        self._beats.append(beating)
        return beating

    def context(self, function_name: str = "test-function", *, timeout_s: float = 30.0) -> LambdaContext:
        """Return a Lambda context whose remaining time is virtual, too."""
        return LambdaContext(
            function_name, timeout_s=timeout_s, request_id=f"request-{self.token()[-8:]}", clock=self.now
        )


class _AsynchronousView:
    """The same time for an ``async def`` handler."""

    is_asynchronous = True

    def __init__(self, io: FakeIo) -> None:
        self._io = io

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        return await self._io.invoke_async(function, *args)

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> _AsynchronousView:
        # Cancelled, not given up; and nothing is left behind that would have the environment end.
        self._io.open(concurrency=1, cut_at_s=cut_at_s, grace_s=grace_s, retires=False)
        return self

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        import asyncio

        async def pause() -> None:
            await asyncio.sleep(0)

        self._io._pause = pause if count > 1 else None
        try:
            lanes = [asyncio.ensure_future(lane()) for _ in range(count)]
            try:
                await asyncio.gather(*lanes)
            except BaseException:
                for left in lanes:
                    left.cancel()
                await asyncio.wait(lanes)
                raise
        finally:
            self._io._pause = None

    def flag(self) -> _EventFlag:
        return _EventFlag()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)


class _EventFlag:
    """Of tasks, whose loop has time to pass while they wait."""

    def __init__(self) -> None:
        import asyncio

        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class _Suspension:
    def __await__(self) -> Generator[None]:
        yield


async def _suspend() -> None:
    await _Suspension()


class _FakeFlag:
    def __init__(self, io: FakeIo) -> None:
        self._io = io
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    async def wait(self) -> None:
        while not self._is_set:
            await self._io.let_others_go_on()


class _FakeGate:
    def __init__(self, io: FakeIo) -> None:
        self._io = io
        self._is_held = False

    async def __aenter__(self) -> None:
        while self._is_held:
            if self._io._pause is None:
                raise StoreUnavailableError("another store call of this claim is under way")
            await self._io.let_others_go_on()
        self._is_held = True

    async def __aexit__(self, *exc_info: object) -> None:
        self._is_held = False

    def try_enter(self) -> bool:
        is_free = not self._is_held
        self._is_held = True
        return is_free

    def leave(self) -> None:
        self._is_held = False


class _FakeJob:
    def __init__(self, work: Callable[[], None], io: FakeIo) -> None:
        self._work: Callable[[], None] | None = work
        self._io = io

    def do(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()

    async def join(self, within_s: float | None = None) -> bool:
        await self._io.let_others_go_on()
        self.do()
        return True


class _FakeBeat:
    def __init__(self, interval_s: float, beat: Callable[[], Awaitable[None]], next_s: float) -> None:
        self.interval_s = interval_s
        self.beat = beat
        self.next_s = next_s
        self.is_stopped = False

    async def stop(self) -> None:
        self.is_stopped = True


@contextmanager
def fake_io(*, start_s: float = 1_800_000_000.0, seed: int = 0) -> Generator[FakeIo]:
    """Give every handler of the process, and every `Retry`, virtual time, inside the ``with`` block."""
    io = FakeIo(start_s=start_s, seed=seed)
    views: dict[bool, Any] = {False: io, True: _AsynchronousView(io)}
    before = plan.replacement, ambient.replacement, _clock.now_s

    def io_of(handler: plan.Plan) -> Any:
        io.uncut()  # whoever asks is not, or no longer, among the records of an invocation
        return views[handler.signature.is_asynchronous]

    plan.replacement, ambient.replacement = io_of, views.__getitem__
    _clock.now_s = io.now
    forget_paces()
    try:
        yield io
    finally:
        plan.replacement, ambient.replacement, _clock.now_s = before
        forget_paces()


def forget_paces() -> None:
    """Have every handler of the process forget how long its function takes."""
    for handler in list(plan.living):
        handler.pace.forget()
