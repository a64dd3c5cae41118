"""
The Io of synchronous handlers that run several records at a time: lanes are threads.

Policies are written for one thread. So the lanes pass a baton: who runs code of the library holds it, and gives it away
while it runs the user's function or waits for anything. Between two awaits nothing of another lane happens, as in an
event loop; jobs and the heartbeat, which are made for threads, do not take part.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from .base import GivenUp
from .blocking import BlockingIo, ThreadGate, ThreadJob, drive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .base import P

T = TypeVar("T")
# How long one that goes on in the middle of a decision of ours is waited for when time is up.
BATON_S = 0.1


class ThreadsIo(BlockingIo):
    """
    `Io` over threads, for one invocation.

    Args:
        give_up_at_s: Wall clock after which lanes that have not ended are left to themselves; None to wait for all.
        grace_s: How much time there is after that, in seconds.
    """

    def __init__(self, give_up_at_s: float | None, grace_s: float) -> None:
        self._give_up_at_s = give_up_at_s
        self._baton_s = min(BATON_S, grace_s / 4)
        self._baton = threading.Lock()
        self._holder: int | None = None
        self._given_up: set[threading.Thread] = set()  # not their numbers, which the next thread may get

    async def sleep(self, seconds: float) -> None:
        """Block this lane for *seconds*."""
        has_baton = self.give()
        try:
            time.sleep(seconds)
        finally:
            self.take(has_baton)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* here, while other lanes go on."""
        has_baton = self.give()
        try:
            return function(*args, **kwargs)
        finally:
            self.take(has_baton)

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the user's *function* here, while other lanes go on."""
        has_baton = self.give()
        try:
            return function(*args)
        finally:
            self.take(has_baton)

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """Run *count* lanes in threads of their own; a user's function that hangs must not keep a pool's."""
        errors: list[BaseException] = []

        def work() -> None:
            try:
                self.take(True)
                drive(lane())  # type: ignore[arg-type]
            except GivenUp:
                return  # given up: the answer is out
            except BaseException as error:  # raised where the lanes were begun
                errors.append(error)
            if self._holder == threading.get_ident():
                self.give()

        threads: list[threading.Thread] = []
        try:
            for _ in range(count):
                name = "resilient_lambda-lane"
                thread = threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True)
                thread.start()
                threads.append(thread)
        except RuntimeError:  # there are no more threads to be had: fewer lanes, or this one
            if not threads:
                work()
        try:
            self._join(threads)
        except BaseException:  # a timeout of the user's, an interrupt: the lanes must not outlive their invocation
            self._give_up(threads)
            raise
        if errors:
            raise errors[0]

    def _join(self, threads: list[threading.Thread]) -> None:
        if self._give_up_at_s is None:
            for thread in threads:
                thread.join()
            return
        for thread in threads:
            thread.join(max(0.0, self._give_up_at_s - self.now()))
        self._give_up(threads)

    def _give_up(self, threads: Sequence[threading.Thread]) -> None:
        """Leave to themselves those of *threads* that have not ended."""
        # With the baton nobody is in the middle of a decision. One that hangs holding it, in a model or an observer of
        # the user's, must not keep the answer: it finds itself given up when it gives the baton away.
        has_baton = self._baton.acquire(timeout=self._baton_s)
        left = [thread for thread in threads if thread.is_alive()]
        self._given_up.update(left)
        if has_baton or self._holder in {thread.ident for thread in left}:
            self._holder = None
            with suppress(RuntimeError):  # it has come back this very moment, and given it away itself
                self._baton.release()
        if left:
            self.taint(lambda: any(thread.is_alive() for thread in left))

    def flag(self) -> _ThreadFlag:  # type: ignore[override]
        """Return a flag between lanes."""
        return _ThreadFlag(self)

    def gate(self) -> _LaneGate:
        """Return a lock between lanes and threads."""
        return _LaneGate(self)

    def start(self, work: Callable[[], Awaitable[None]]) -> _LaneJob:
        """Do *work* in a thread of the pool."""
        return _LaneJob(work, self)

    def give(self) -> bool:
        """Let other lanes go on, if this thread is a lane that has the baton; return whether it was."""
        if self._holder != threading.get_ident():
            if self._given_up and threading.current_thread() in self._given_up:
                raise GivenUp
            return False
        self._holder = None
        self._baton.release()
        return True

    def take(self, had_baton: bool) -> None:
        """
        Go on, once no other lane does.

        Args:
            had_baton: What `give` returned; nothing is done if it is False.

        Raises:
            GivenUp: This lane was given up meanwhile.
        """
        if not had_baton:
            return
        self._baton.acquire()
        if self._given_up and threading.current_thread() in self._given_up:
            self._baton.release()
            raise GivenUp
        self._holder = threading.get_ident()


class _ThreadFlag:
    def __init__(self, io: ThreadsIo) -> None:
        self._io = io
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        has_baton = self._io.give()
        try:
            self._event.wait()
        finally:
            self._io.take(has_baton)


class _LaneGate(ThreadGate):
    __slots__ = ("_io",)

    def __init__(self, io: ThreadsIo) -> None:
        super().__init__()
        self._io = io

    async def __aenter__(self) -> None:
        if self.try_enter():
            return
        has_baton = self._io.give()
        try:
            await super().__aenter__()
        finally:
            self._io.take(has_baton)


class _LaneJob(ThreadJob):
    def __init__(self, work: Callable[[], Awaitable[None]], io: ThreadsIo) -> None:
        super().__init__(work)
        self._io = io

    async def join(self, within_s: float | None = None) -> bool:
        has_baton = self._io.give()
        try:
            return await super().join(within_s)
        finally:
            self._io.take(has_baton)
