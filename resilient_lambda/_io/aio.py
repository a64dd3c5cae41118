"""The Io of ``async def`` handlers. The only module that imports asyncio; loaded with the first such handler."""

from __future__ import annotations

import asyncio
import atexit
import os
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import StoreUnavailableError
from .base import Interrupted, StillRunning
from .blocking import JOIN_S, BlockingIo, ThreadBeat, ThreadGate, ThreadJob, pool, submit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from .base import P

T = TypeVar("T")
POLL_S = 0.005


class _LoopGate(ThreadGate):
    """A lock that tasks of the loop and threads share."""

    __slots__ = ()

    async def __aenter__(self) -> None:
        if not _is_in_loop():
            return await super().__aenter__()
        # Held by the heartbeat for the length of one write: rare, so polling is good enough.
        for _ in range(round(JOIN_S / POLL_S)):
            if self.try_enter():
                return None
            await asyncio.sleep(POLL_S)
        raise StoreUnavailableError(f"a store call of this claim has hung for {JOIN_S:g} s")


class _LoopJob(ThreadJob):
    async def join(self, within_s: float | None = None) -> bool:
        if not _is_in_loop():
            return await super().join(within_s)
        # Not the future itself: whoever waits may be cancelled, what is being written is written to its end (D8).
        future = asyncio.wrap_future(self.future)
        await asyncio.wait([future], timeout=within_s)
        if not future.done():
            return False
        future.result()
        return True


class _LoopBeat(ThreadBeat):
    async def stop(self) -> None:
        await asyncio.get_running_loop().run_in_executor(pool(), self.join)


class _LoopFlag:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class AsyncIo(BlockingIo):
    """`Io` over asyncio: blocking calls of ours go to the loop's threads."""

    is_asynchronous = True

    async def sleep(self, seconds: float) -> None:
        """Suspend for *seconds*; block if this is a thread."""
        if _is_in_loop():
            await asyncio.sleep(seconds)
        else:
            time.sleep(seconds)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* in a thread; right here if this is a thread already."""
        if not _is_in_loop():
            return function(*args, **kwargs)
        context = copy_context()

        def run() -> T:
            try:
                return context.run(function, *args, **kwargs)
            except StopIteration as error:  # no future can hold one: whoever awaited it would wait for ever
                raise RuntimeError(f"{function!r} raised StopIteration") from error

        future = asyncio.wrap_future(submit(run))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # What a thread has begun cannot be stopped; gone on without, it would take effect after it was made good.
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # seen
            raise

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function* and await its result."""
        return await function(*args)

    def is_cancelled(self) -> bool:
        """Tell whether somebody cancels the task of this invocation, and not something that it awaits."""
        task = asyncio.current_task()
        cancelling = getattr(task, "cancelling", None)
        if cancelling is not None:
            return bool(cancelling())
        return asyncio.get_running_loop() is not _loop  # Python 3.10 does not say; on our own loop nobody cancels us

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> AsyncIo:
        """Return an Io that cancels what takes too long, or this one."""
        return self if cut_at_s is None else CancellingIo(cut_at_s, grace_s)

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """Run *count* lanes in tasks of their own."""
        if count == 1:
            await lane()
            return
        tasks = [asyncio.ensure_future(lane()) for _ in range(count)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            raise

    def flag(self) -> _LoopFlag:  # type: ignore[override]
        """Return a flag between tasks."""
        return _LoopFlag()

    def gate(self) -> _LoopGate:
        """Return a lock between tasks and threads."""
        return _LoopGate()

    def start(self, work: Callable[[], Awaitable[None]]) -> _LoopJob:
        """Do *work* in a thread."""
        return _LoopJob(work)

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> _LoopBeat:
        """Start a thread that does *beat* every *interval_s* seconds."""
        return _LoopBeat(interval_s, beat)


class CancellingIo(AsyncIo):
    """
    `Io` over asyncio that cancels what takes too long, for one invocation.

    Args:
        cut_at_s: Wall clock at which the user's function is cancelled.
        grace_s: For how long it is awaited then, in seconds.
    """

    def __init__(self, cut_at_s: float, grace_s: float) -> None:
        self._cut_at_s = cut_at_s
        self._grace_s = grace_s

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """
        Call the user's *function* in a task of its own, and await it.

        Raises:
            Interrupted: It was cancelled and has ended, however it did: a result that comes after that may be half.
            StillRunning: It was cancelled and goes on.
        """
        task: asyncio.Task[tuple[Any, BaseException | None]] = asyncio.ensure_future(_awaiting(function, args))
        try:
            await asyncio.wait([task], timeout=max(0.0, self._cut_at_s - self.now()))
        except asyncio.CancelledError:  # of the invocation
            task.cancel()
            await asyncio.wait([task])
            raise
        if task.done():
            result, error = task.result()
            if error is not None:
                raise error
            return result
        task.cancel()
        try:
            await asyncio.wait([task], timeout=self._grace_s)
        except asyncio.CancelledError:  # of the invocation, which would release what still runs
            await asyncio.wait([task], timeout=self._grace_s)
        if not task.done():
            self.taint(lambda: not task.done())
            raise StillRunning
        if not task.cancelled():
            task.exception()  # seen
        raise Interrupted


async def _awaiting(function: Callable[..., Any], args: tuple[object, ...]) -> tuple[Any, BaseException | None]:
    try:
        return await function(*args), None
    except (SystemExit, KeyboardInterrupt) as error:  # raised out of a task, it would tear down the whole loop
        return None, error


def _is_in_loop() -> bool:
    return asyncio._get_running_loop() is not None


IO = AsyncIo()
pool()  # now: the first invocation should not have to load its module
_loop: asyncio.AbstractEventLoop | None = None
# Replaced by `resilient_lambda.testing`, whose time is virtual.
make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop


def _begin_anew() -> None:
    """Forget the parent's loop: it does not run in a forked child."""
    global _loop
    _loop = None


def _close() -> None:
    """Close the process's loop, whichever it is at the end."""
    if _loop is not None:
        _loop.close()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_close)


def swap_memory(loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop | None:
    """Put *loop*, None for one yet to be made, in the place of the process's, and return that: for tests."""
    global _loop
    known, _loop = _loop, loop
    return known


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run *coroutine* on the process's one loop, which lives over invocations so that clients can keep connections.

    Raises:
        RuntimeError: A loop is running in this thread; await the handler's ``aio(event, context)`` there.
    """
    global _loop
    if _is_in_loop():
        coroutine.close()
        raise RuntimeError("an event loop is running in this thread: await handler.aio(event, context) there")
    if _loop is None or _loop.is_closed():
        _loop = make_loop()
    task = _loop.create_task(coroutine)
    while True:
        try:
            return _loop.run_until_complete(task)
        except SystemExit:
            # Of a task of the user's: asyncio throws it out of the loop as well as into whoever awaits that task. Left
            # here, this invocation would go on inside the next one.
            if task.done():
                raise
        except BaseException:
            if not task.done():
                task.cancel()
                with suppress(BaseException):
                    _loop.run_until_complete(task)
            elif not task.cancelled():
                task.exception()  # it is on its way; asked for, it is not reported as forgotten as well
            raise
