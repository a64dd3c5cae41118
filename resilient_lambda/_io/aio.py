"""The Io of ``async def`` handlers. The only module that imports asyncio; loaded with the first such handler."""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from .blocking import BlockingIo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from .base import P

T = TypeVar("T")


class _TaskBeat:
    def __init__(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> None:
        self._interval_s = interval_s
        self._beat = beat
        self._stopped = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._stopped.wait(), self._interval_s)
            except (asyncio.TimeoutError, TimeoutError):  # two classes before Python 3.11
                await self._beat()
            else:
                return

    async def stop(self) -> None:
        self._stopped.set()
        await self._task


class AsyncIo(BlockingIo):
    """`Io` over asyncio: blocking calls of ours go to the loop's threads."""

    is_asynchronous = True

    async def sleep(self, seconds: float) -> None:
        """Suspend for *seconds*."""
        await asyncio.sleep(seconds)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* in a thread."""
        context = copy_context()

        def run() -> T:
            try:
                return context.run(function, *args, **kwargs)
            except StopIteration as error:  # no future can hold one: whoever awaited it would wait for ever
                raise RuntimeError(f"{function!r} raised StopIteration") from error

        return await asyncio.get_running_loop().run_in_executor(_threads, run)

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function* and await its result."""
        return await function(*args)

    def gate(self) -> asyncio.Lock:  # type: ignore[override]
        """Return a lock between tasks."""
        return asyncio.Lock()

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> _TaskBeat:  # type: ignore[override]
        """Start a task that does *beat* every *interval_s* seconds."""
        return _TaskBeat(interval_s, beat)


IO = AsyncIo()
# The loop's own pool would be made, and its module loaded, in the first invocation.
_threads = ThreadPoolExecutor(thread_name_prefix="resilient_lambda")
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run *coroutine* on the process's one loop, which lives over invocations so that clients can keep connections.

    Raises:
        RuntimeError: A loop is running in this thread; await the handler's ``aio(event, context)`` there.
    """
    global _loop
    if asyncio._get_running_loop() is not None:
        coroutine.close()
        raise RuntimeError("an event loop is running in this thread: await handler.aio(event, context) there")
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
        atexit.register(_loop.close)
    return _loop.run_until_complete(coroutine)
