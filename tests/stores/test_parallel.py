"""Doing tasks some at a time: all are done or the first failure is raised, and nothing is left running."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from resilient_lambda.stores._parallel import THREADS, do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_every_task_is_done_once() -> None:
    """More tasks than threads, from a generator."""
    done: list[int] = []
    do_all((partial(done.append, number) for number in range(1_000)), at_most=1_000)

    assert sorted(done) == list(range(1_000))


@pytest.mark.parametrize("tasks", [0, 1])
def test_one_task_needs_no_thread(tasks: int) -> None:
    """It is done by the one who asked."""
    threads: list[threading.Thread] = []
    do_all([lambda: threads.append(threading.current_thread())] * tasks, at_most=tasks)

    assert threads == [threading.current_thread()] * tasks


def test_several_tasks_are_done_at_a_time() -> None:
    """As many as there are threads, and the one who asked."""
    barrier = threading.Barrier(THREADS + 1)
    do_all([lambda: void(barrier.wait(10))] * (THREADS + 1), at_most=THREADS + 1)

    assert not barrier.broken


def void(_: object) -> None:
    """Return nothing."""


def test_first_failure_is_raised_when_nothing_runs_any_more() -> None:
    """Tasks that had not begun are left out; those under way are waited for."""
    done: list[int] = []

    def tasks() -> Iterator[Callable[[], None]]:
        yield partial(done.append, 0)
        yield fail
        while True:
            yield partial(done.append, 1)

    with pytest.raises(ZeroDivisionError):
        do_all(tasks(), at_most=1_000)
    count = len(done)

    assert count >= 1
    assert len(done) == count


def fail() -> None:
    """Fail."""
    raise ZeroDivisionError


def test_failure_to_find_the_next_task_is_raised() -> None:
    """A generator that breaks is no end of the work."""

    def tasks() -> Iterator[Callable[[], None]]:
        yield partial(void, None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        do_all(tasks(), at_most=10)


def test_interrupt_of_the_caller_ends_the_work() -> None:
    """What has begun in other threads is waited for, nothing more is begun, and the interrupt goes on."""
    main = threading.current_thread()
    done: list[int] = []

    def task() -> None:
        if threading.current_thread() is main:
            raise KeyboardInterrupt
        done.append(1)

    def tasks() -> Iterator[Callable[[], None]]:
        while True:
            yield task

    with pytest.raises(KeyboardInterrupt):
        do_all(tasks(), at_most=3)
    count = len(done)

    assert len(done) == count


def test_tasks_that_have_tasks_of_their_own_do_not_wait_for_each_other() -> None:
    """Who has work does it, however busy the pool is."""
    done: list[int] = []
    inner = [partial(done.append, 1)] * 20
    do_all([partial(do_all, inner, at_most=20)] * 20, at_most=20)

    assert len(done) == 400


def test_callers_in_many_threads_share_the_pool() -> None:
    """Each gets its own work done."""
    done: list[int] = []
    callers = [
        threading.Thread(target=do_all, args=([partial(done.append, 1)] * 50,), kwargs={"at_most": 50})
        for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)

    assert len(done) == 1_000
    assert sum(thread.name.startswith("resilient_lambda-store") for thread in threading.enumerate()) <= THREADS
