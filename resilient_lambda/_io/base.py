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
    from types import TracebackType
    from typing import Any

    from typing_extensions import ParamSpec

    P = ParamSpec("P")
T = TypeVar("T")


class Beat(Protocol):
    """Something done at intervals beside the user's function."""

    async def stop(self) -> None:
        """Let the beat that is under way end, and start no other."""
        ...


class Job(Protocol):
    """Something done once beside the user's function."""

    async def join(self) -> None:
        """
        Wait until it is done.

        Raises:
            BaseException: What it raised.
        """
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
