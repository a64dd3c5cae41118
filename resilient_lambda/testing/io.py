"""Time that passes only when it is told to."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from .._handlers import plan
from .._io.blocking import BlockingIo, drive
from ..errors import StoreUnavailableError
from .events import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator


T = TypeVar("T")
_numbers = count(1)


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

    def now(self) -> float:
        """Return the virtual wall clock."""
        return self._now_s

    monotonic = now

    def random(self) -> float:
        """Return a sample from ``[0, 1)``, the same in every run."""
        return self._random.random()

    def token(self) -> str:
        """Return 32 hex digits, different for every `FakeIo` of the process: two of one seed are two environments."""
        return f"{self._number:08x}{self._random.getrandbits(96):024x}"

    def advance(self, seconds: float) -> None:
        """Let time pass, with the heartbeats that fall into it; call it inside a handler for work that takes time."""
        end_s = self._now_s + seconds
        while due := [beat for beat in self._beats if not beat.is_stopped and beat.next_s <= end_s]:
            first = min(due, key=lambda beat: beat.next_s)
            self._now_s = max(self._now_s, first.next_s)
            first.next_s += first.interval_s
            drive(first.beat())  # type: ignore[arg-type]
        self._now_s = max(self._now_s, end_s)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept_s.append(seconds)
        self.advance(seconds)

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function*, and await what it returns if that is needed."""
        result = function(*args)
        return await result if inspect.isawaitable(result) else result

    def gate(self) -> _FakeGate:  # type: ignore[override]
        """Return a lock that refuses at once: in one thread, waiting for it cannot help."""
        return _FakeGate()

    def start(self, work: Callable[[], Awaitable[None]]) -> _FakeJob:  # type: ignore[override]
        """Do *work* here and now, or when it is waited for."""
        job = _FakeJob(work)
        if not self.holds_jobs:
            job.do()
        return job

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> _FakeBeat:  # type: ignore[override]
        """Do *beat* whenever time is advanced by another *interval_s*."""
        beating = _FakeBeat(interval_s, beat, self._now_s + interval_s)
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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)


class _FakeGate:
    def __init__(self) -> None:
        self._is_held = False

    async def __aenter__(self) -> None:
        if self._is_held:
            raise StoreUnavailableError("another store call of this claim is under way")
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
    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work: Callable[[], Awaitable[None]] | None = work

    def do(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            drive(work())  # type: ignore[arg-type]

    async def join(self) -> None:
        self.do()


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
    """Give every handler of the process virtual time, inside the ``with`` block."""
    io = FakeIo(start_s=start_s, seed=seed)
    views: dict[bool, Any] = {False: io, True: _AsynchronousView(io)}
    before = plan.replacement
    plan.replacement = views.__getitem__
    try:
        yield io
    finally:
        plan.replacement = before
