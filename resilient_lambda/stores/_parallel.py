"""
A few requests at a time: the threads that bulk writes and large reads share, one pool per process.

Whoever has requests to make makes them itself; the pool only lends a hand. So a pool that is busy, or that can start
no thread, costs time and never a result, and nothing is left running when the work is done.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from concurrent.futures.thread import ThreadPoolExecutor

THREADS = 8

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def pool() -> ThreadPoolExecutor:
    """Return the process's pool, made at the first call. It has no threads until there is something to do."""
    global _pool
    with _lock:
        if _pool is None:
            from concurrent.futures.thread import ThreadPoolExecutor

            _pool = ThreadPoolExecutor(THREADS, "resilient_lambda-store")
        return _pool


def do_all(tasks: Iterable[Callable[[], None]], *, at_most: int) -> None:
    """
    Do *tasks*, some of them at a time, and return when all are done.

    *tasks* may be a generator: the next one is taken when somebody is free to do it.

    Args:
        at_most: How many tasks there can be, so that no thread is asked for in vain.

    Raises:
        BaseException: What the first failing task raised; tasks that had not begun by then are left out.
    """
    work = _Work(tasks)
    lent = [helper for _ in range(min(at_most - 1, THREADS)) if (helper := _lend(work.run)) is not None]
    try:
        work.run()
    except BaseException:
        work.stop()  # an interrupt of this thread's; what the tasks raise is kept by the work
        raise
    finally:
        for helper in lent:
            if not helper.cancel():
                helper.result()
    if work.error is not None:
        raise work.error


class _Work:
    # Tasks that several threads take from.

    __slots__ = ("_lock", "_tasks", "error")

    def __init__(self, tasks: Iterable[Callable[[], None]]) -> None:
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._tasks = iter(tasks)

    def run(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception as error:  # whatever it is, it is raised where the tasks came from
                self.error = self.error or error
                self.stop()

    def stop(self) -> None:
        with self._lock:
            self._tasks = iter(())

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            try:
                return next(self._tasks, None)
            except Exception as error:
                self.error = self.error or error
                self._tasks = iter(())
                return None


def _lend(run: Callable[[], None]) -> Future[None] | None:
    try:
        return pool().submit(run)
    except RuntimeError:
        return None  # the interpreter is ending, or the process may start no more threads


def _forget() -> None:
    # The threads stayed in the parent.
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
