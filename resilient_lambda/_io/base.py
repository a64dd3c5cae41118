"""
Io: all that a policy may do to the world, so that sync, async and test time share one body of code.

Policies are ``async def`` over an `Io`. Under the blocking one no method ever suspends, so a coroutine runs to its end
in one step (see `blocking.drive`); under asyncio they suspend as usual; the fake one of `resilient_lambda.testing`
has virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any

    from typing_extensions import ParamSpec

    P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(BaseException):
    """
    The user's function was cut short at the deadline; it does not run any more.

    A BaseException that never leaves the library: ``except Exception`` in user code, and in botocore, which would try
    its call again, must not catch it (protocols.md B14).
    """


class StillRunning(BaseException):
    """The user's function goes on although it was cancelled: what it holds is never released (protocols.md B5)."""


class GivenUp(BaseException):
    """Ends a lane that went on after it was given up: its record is somebody else's business by now."""


class Beat(Protocol):
    """Something done at intervals beside the user's function."""

    async def stop(self) -> None:
        """Let the beat that is under way end, and start no other."""
        ...


class Job(Protocol):
    """Something done once beside the user's function."""

    async def join(self, within_s: float | None = None) -> bool:
        """
        Wait until it is done; return False if it is not, *within_s* seconds.

        Raises:
            BaseException: What it raised.
        """
        ...


class Flag(Protocol):
    """Something that lanes wait for."""

    def set(self) -> None:
        """Let all go on that wait, now or later."""
        ...

    async def wait(self) -> None:
        """Wait until it is set."""
        ...


class Gate(Protocol):
    """
    A lock between threads and tasks: ``async with gate`` lets one in at a time.

    Raises:
        StoreUnavailableError: It was held for longer than a store call may take: the store hangs.
    """

    def try_enter(self) -> bool:
        """Enter if nobody is in, without waiting; whoever got in calls `leave`."""
        ...

    def leave(self) -> None:
        """Let the next one in."""
        ...

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Io(Protocol):
    """
    Time, randomness and waiting, injected.

    Attributes:
        is_asynchronous: True if user functions are awaited.
    """

    is_asynchronous: bool

    def now(self) -> float:
        """Return the wall clock, in seconds since the epoch: the only clock that machines share."""
        ...

    def monotonic(self) -> float:
        """Return a clock that never goes back, in seconds; for durations within one invocation only."""
        ...

    def random(self) -> float:
        """Return a sample from ``[0, 1)``, for jitter only, never for identity."""
        ...

    def token(self) -> str:
        """
        Return 128 fresh random bits as 32 hex digits.

        From the operating system at the time of the call: a generator seeded at import would repeat itself in
        restored snapshots and forks (protocols.md B7).
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""
        ...

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function of ours (a store or sink call) without blocking an event loop."""
        ...

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Run a function of the user's, awaiting what it returns if the handler is asynchronous."""
        ...

    def is_cancelled(self) -> bool:
        """Tell whether the invocation itself is being cancelled."""
        ...

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> Io:
        """
        Return the Io of one invocation.

        Args:
            concurrency: How many records may run at a time.
            cut_at_s: Wall clock at which a function that still runs is cut short; None to let it run.
            grace_s: For how long it is waited for then, in seconds; after that it is given up.
            retires: True to taint the environment once a signal has cut something short.
        """
        ...

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """
        Run *lane* *count* times at once, and return when all have ended, or those that have not are given up.

        Between two awaits of the methods here, a lane has the policies and the batch for itself.
        """
        ...

    def flag(self) -> Flag:
        """Return a new flag for the lanes of this Io."""
        ...

    def shield(self) -> AbstractContextManager[None]:
        """Return a context in which nothing is cut short: for code of ours that the user's function calls."""
        ...

    def taint(self, is_tainted: Callable[[], bool]) -> None:
        """
        Have the environment end before it runs anything of another invocation, if *is_tainted* says so then.

        What was cut short may have left locks taken and connections half read; what is still running would go on inside
        that invocation (protocols.md B5, G).
        """
        ...

    def end_if_tainted(self) -> None:
        """End the environment if it must not be used again; call it when an invocation begins."""
        ...

    def gate(self) -> Gate:
        """Return a new lock."""
        ...

    def start(self, work: Callable[[], Awaitable[None]]) -> Job:
        """
        Do *work* in a thread, at once and beside what the caller does next.

        In a thread under asyncio too, for the same reason as `every`; in it `call`, `sleep` and gates block.
        """
        ...

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> Beat:
        """
        Start doing *beat* every *interval_s* seconds in a thread, the first time after one interval.

        In a thread under asyncio too: blocking code in an ``async def`` function would starve a task.
        """
        ...
