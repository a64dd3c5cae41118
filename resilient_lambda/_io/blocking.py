"""The Io of synchronous handlers: nothing ever suspends."""

from __future__ import annotations

import os
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future, ThreadPoolExecutor
    from contextlib import AbstractContextManager

    from .base import P

T = TypeVar("T")

# A store call of ours is bounded by connect 1 s + read 2 s; a beat that is under way ends within that.
JOIN_S = 5.0


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run *coroutine* to its end in one step.

    Raises:
        RuntimeError: It suspended: something asynchronous was awaited in a synchronous handler.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a policy of a synchronous handler awaited something that suspends; use the methods of Io only")


class ThreadGate:
    """A lock between threads."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        # Bounded: a renewal that hangs must not keep the success behind it from its answer.
        if not self._lock.acquire(timeout=JOIN_S):
            raise StoreUnavailableError(f"a store call of this claim has hung for {JOIN_S:g} s")

    async def __aexit__(self, *exc_info: object) -> None:
        self._lock.release()

    def try_enter(self) -> bool:
        return self._lock.acquire(blocking=False)

    def leave(self) -> None:
        self._lock.release()


class ThreadJob:
    """Something done once in a thread of the pool."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self.future: Future[None] = submit(lambda: drive(work()))  # type: ignore[arg-type]

    async def join(self, within_s: float | None = None) -> bool:
        from concurrent.futures import wait  # the pool has loaded it

        if not wait([self.future], within_s).done:
            return False
        self.future.result()
        return True


class ThreadBeat:
    """A thread that does something at intervals."""

    def __init__(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> None:
        self._interval_s = interval_s
        self._beat = beat
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="resilient_lambda-heartbeat", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            drive(self._beat())  # type: ignore[arg-type]

    def join(self) -> None:
        """Let the beat that is under way end, for as long as a store call may take."""
        self._stopped.set()
        self._thread.join(JOIN_S)

    async def stop(self) -> None:
        self.join()


class _Raised:
    def set(self) -> None: ...

    async def wait(self) -> None: ...


_RAISED = _Raised()
_taints: list[Callable[[], bool]] = []
_RETIRED = (
    b"resilient_lambda: this environment ends itself, for a function was cut short in it, or is still running"
    b" (docs/deadline.md); the event is delivered again\n"
)


class BlockingIo:
    """`Io` over blocking calls and threads."""

    is_asynchronous = False

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    def random(self) -> float:
        """Return a sample from ``[0, 1)``."""
        return int.from_bytes(os.urandom(7), "big") / 2**56

    def token(self) -> str:
        """Return 128 fresh random bits as 32 hex digits."""
        return os.urandom(16).hex()

    async def sleep(self, seconds: float) -> None:
        """Block for *seconds*."""
        time.sleep(seconds)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* here."""
        return function(*args, **kwargs)

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function* here."""
        return function(*args)

    def is_cancelled(self) -> bool:
        """Tell that nothing is cancelled: there are no tasks."""
        return False

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> BlockingIo:
        """Return an Io with threads for lanes, or with a signal that cuts short, or this one."""
        if concurrency > 1:
            from .threads import ThreadsIo

            return ThreadsIo(None if cut_at_s is None else cut_at_s + grace_s, grace_s)
        if cut_at_s is not None:
            from .interrupting import InterruptingIo

            return InterruptingIo(cut_at_s, again_s=grace_s / 2, retires=retires)
        return self

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """Run *lane* once: one at a time is all that this Io does."""
        await lane()

    def flag(self) -> _Raised:
        """Return a flag that nobody has to wait for, as there is one lane."""
        return _RAISED

    def shield(self) -> AbstractContextManager[None]:
        """Return a context that does nothing, as nothing is cut short."""
        return nullcontext()

    def taint(self, is_tainted: Callable[[], bool]) -> None:
        """Remember *is_tainted* for the life of the environment."""
        _taints.append(is_tainted)

    def end_if_tainted(self) -> None:
        """End the process if anything says that it must."""
        if _taints and any(is_tainted() for is_tainted in _taints):
            # No logging, no atexit: a lock that was left behind would keep the process from ending.
            os.write(2, _RETIRED)
            os._exit(1)

    def gate(self) -> ThreadGate:
        """Return a lock between threads."""
        return ThreadGate()

    def start(self, work: Callable[[], Awaitable[None]]) -> ThreadJob:
        """Do *work* in a thread."""
        return ThreadJob(work)

    def every(self, interval_s: float, beat: Callable[[], Awaitable[None]]) -> ThreadBeat:
        """Start a thread that does *beat* every *interval_s* seconds."""
        return ThreadBeat(interval_s, beat)


_pool: ThreadPoolExecutor | None = None


def pool() -> ThreadPoolExecutor:
    """Return the process's threads for jobs, and for the blocking calls of asynchronous handlers."""
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor  # 1 ms; batches that write nothing need none

        _pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="resilient_lambda")
    return _pool


def submit(work: Callable[[], T]) -> Future[T]:
    """
    Have *work* done by a thread of the pool.

    Raises:
        RuntimeError: There is no thread to be had; *work* will not be done.
    """
    threads = pool()
    from concurrent.futures import Future  # the pool has loaded it

    future: Future[T] = Future()

    def do() -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # raised where the result is asked for
                future.set_exception(error)

    try:
        threads.submit(do)
    except RuntimeError:
        # The pool has it in its queue all the same: the next thread would do it, in another invocation perhaps.
        if future.cancel():
            raise
    return future


def _forget_pool() -> None:
    # A forked child has its parent's pool, but none of its threads.
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)

IO = BlockingIo()
