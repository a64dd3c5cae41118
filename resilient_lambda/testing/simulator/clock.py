"""
Virtual time: a queue of what is to happen, and handlers that wait in the middle of their work.

A handler is an ordinary function, so one that waits needs a stack of its own: a thread. But only one thread ever runs,
the one that has the baton. Whoever waits goes on with the queue itself, on its own stack, for as long as nothing in it
needs another one: time that passes for one handler alone costs no switch of threads.
"""

from __future__ import annotations

import os
import sys
import threading
from contextvars import copy_context
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


# So often may what is being ended swallow that it is: a loop around `except BaseException` would go on for ever.
MOST_REFUSALS = 1_000


class Closed(BaseException):
    """The simulation is over: unwinds a handler that still waits."""


class Timer:
    """Something that is to happen."""

    __slots__ = ("_entry",)

    def __init__(self, entry: list[Any]) -> None:
        self._entry = entry

    def cancel(self) -> None:
        """Have it not happen."""
        self._entry[2] = None


class Clock:
    """
    The time of one simulation, and what is to happen in it.

    Args:
        patience_s: For how long, in real time, work may run without letting virtual time pass.

    Attributes:
        now_s: Virtual wall clock, in seconds since the epoch.
    """

    def __init__(self, start_s: float, *, patience_s: float = inf) -> None:
        self.now_s = start_s
        self._queue: list[list[Any]] = []  # [time, number, what]: lists compare by time first, then by number
        self._number = 0
        self._limit_s = inf
        self._sleepers: dict[_Sleeper, None] = {}
        self._idle: list[_Worker] = []
        self._context = copy_context()
        self._over = threading.Lock()
        self._over.acquire()
        self._error: BaseException | None = None
        self._is_closed = False
        self._is_stuck = False
        self._patience_s = patience_s
        self._refused = 0
        self._running: threading.Thread | None = None  # who has the baton

    def at(self, time_s: float, action: Callable[[], None]) -> Timer:
        """Have *action* done at *time_s*, or now if that has passed; it must neither wait nor run a handler."""
        return Timer(self._push(time_s, action))

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have *action* done after *seconds*."""
        return Timer(self._push(self.now_s + seconds, action))

    def start(self, seconds: float, work: Callable[[], None]) -> None:
        """Have *work*, which may wait, begun after *seconds*."""
        self._push(self.now_s + seconds, _Start(work))

    def run(self, until_s: float = inf) -> None:
        """
        Let everything happen that is to happen up to *until_s*; call it again to go on.

        Raises:
            BaseException: What an action raised.
            RuntimeError: The simulation is over, or this is a handler of it.
        """
        if self._is_closed:
            raise RuntimeError("this simulation is over, and nothing would happen: use it in its `with` block")
        self._refuse_in_handler()
        self._go_on(until_s)

    def abandon(self) -> None:
        """Leave the work that calls this where it is, for good: it does not end although it was told to."""
        self._hand_over()
        while True:
            threading.Event().wait()

    def _go_on(self, until_s: float) -> None:
        self._limit_s = until_s
        self._context = copy_context()
        self._hand_over()
        try:
            self._wait_for_the_end()
        except BaseException:  # somebody pressed Ctrl-C
            self._limit_s = -inf
            self._is_stuck = self._is_stuck or not self._over.acquire(timeout=1.0)
            raise
        error, self._error = self._error, None
        if error is not None:
            raise error
        if until_s < inf:
            self.now_s = max(self.now_s, until_s)

    def wait_until(self, time_s: float) -> None:
        """
        Let time pass, in work that `start` began.

        Raises:
            Closed: The simulation has ended meanwhile.
            RuntimeError: This is another thread.
        """
        worker: _Worker | None = getattr(_here, "worker", None)
        if worker is None:
            raise RuntimeError("only the thread that runs the handler has virtual time; one that it started has none")
        if not self._is_closed:
            sleeper = _Sleeper(worker)
            self._push(time_s, sleeper)
            self._sleepers[sleeper] = None
            self._loop(worker, sleeper)
            del self._sleepers[sleeper]
        if self._is_closed:
            self._refused += 1
            if self._refused > MOST_REFUSALS:
                self.abandon()
            raise Closed

    def close(self) -> None:
        """Unwind every handler that still waits; nothing happens any more."""
        self._refuse_in_handler()
        self._is_closed = True
        self._queue.clear()
        if self._is_stuck:  # somebody else has the baton, and does not give it back
            return
        for sleeper in self._sleepers:
            self._push(self.now_s, sleeper)
        self._go_on(inf)
        for worker in self._idle:
            worker.retire()
        self._idle.clear()

    def _refuse_in_handler(self) -> None:
        worker: _Worker | None = getattr(_here, "worker", None)
        if worker is not None and worker.clock is self:
            raise RuntimeError("the test lets time pass, or ends it, not a handler: there it is delivery.work(seconds)")

    def _wait_for_the_end(self) -> None:
        passed = -1
        while not self._over.acquire(timeout=self._patience_s if self._patience_s < inf else -1):
            if self._number == passed:
                self._is_stuck = True
                raise RuntimeError(
                    f"a handler has run for {self._patience_s:g} s without letting virtual time pass{self._place()}; "
                    "where it waits for something, use delivery.work(seconds), and with a debugger "
                    "Delivery(patience_s=inf)"
                )
            passed = self._number

    def _place(self) -> str:
        """Return where the handler is that has the baton, as text."""
        frame = sys._current_frames().get(self._running.ident or 0) if self._running is not None else None
        ours = __name__.rpartition(".testing.")[0]
        tracing = "coverage."  # which may look at any line of the handler
        while frame is not None and str(frame.f_globals.get("__name__")).startswith((ours, tracing)):
            frame = frame.f_back
        return "" if frame is None else f": it is at {frame.f_code.co_filename}:{frame.f_lineno}"

    def _push(self, time_s: float, what: Any) -> list[Any]:
        self._number += 1
        entry = [time_s if time_s > self.now_s else self.now_s, self._number, what]
        heappush(self._queue, entry)
        return entry

    def _loop(self, worker: _Worker, sleeper: _Sleeper | None) -> None:
        """
        Go through the queue, with the baton, on the stack of *worker*.

        Args:
            sleeper: Who waits on this stack: returns, with the baton, when its time has come. None on an empty stack:
                returns when the baton was given away.
        """
        queue = self._queue
        while True:
            if not queue or queue[0][0] > self._limit_s:
                if sleeper is None:
                    self._idle.append(worker)
                if not self._is_stuck:
                    self._over.release()
                break
            entry = heappop(queue)
            what = entry[2]
            if what is None:
                continue
            self.now_s = entry[0]
            kind = type(what)
            if kind is _Sleeper:
                if what is sleeper:
                    self._running = worker.thread
                    return
                if sleeper is None:
                    self._idle.append(worker)
                what.worker.go_on()
                break
            if kind is _Start and sleeper is not None:
                # It might wait for longer than the one below it on this stack.
                entry[1] = 0
                heappush(queue, entry)
                self._hand_over()
                break
            self._running = worker.thread
            self._do(what)
        if sleeper is not None:
            worker.rest()  # only its own time wakes who waits
            self._running = worker.thread

    def _do(self, what: Any) -> None:
        try:
            if self._is_closed:  # what handlers do while they are unwound leads nowhere
                return
            if type(what) is _Start:
                self._context.copy().run(what.work)
            else:
                what()
        except Closed:
            pass
        except BaseException as error:  # of the simulation itself, or one that ends a test: for whoever called `run`
            self._error = self._error or error
            self._limit_s = -inf

    def _hand_over(self) -> None:
        """Give the baton to a worker whose stack is empty."""
        worker = self._idle.pop() if self._idle else _take_worker()
        worker.clock = self
        worker.go_on()


class _Start:
    __slots__ = ("work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work


class _Sleeper:
    __slots__ = ("worker",)

    def __init__(self, worker: _Worker) -> None:
        self.worker = worker


class _Worker:
    """A thread: it goes through the queue of a clock whenever that hands it the baton."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self._may_go_on = threading.Lock()
        self._may_go_on.acquire()
        self.thread = threading.Thread(target=self._work, name="resilient_lambda-simulator", daemon=True)
        self.thread.start()

    def go_on(self) -> None:
        self._may_go_on.release()

    def rest(self) -> None:
        self._may_go_on.acquire()

    def retire(self) -> None:
        self.clock = None
        _free.append(self)

    def _work(self) -> None:
        _here.worker = self
        while True:
            self.rest()
            if self.clock is not None:
                self.clock._loop(self, None)


def _take_worker() -> _Worker:
    return _free.pop() if _free else _Worker()


_here = threading.local()
# Threads of simulations that are over, for those to come.
_free: list[_Worker] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free.clear)
