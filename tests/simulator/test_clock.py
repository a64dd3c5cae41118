"""Virtual time: what happens when, on whose stack, and how it ends."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from resilient_lambda.testing.simulator.clock import Clock, Closed

START_S = 1_000.0

flavour: ContextVar[str] = ContextVar("flavour", default="none")


@pytest.fixture
def clock():
    """A clock, closed after the test."""
    found = Clock(START_S)
    yield found
    found.close()


def test_things_happen_in_the_order_of_their_times(clock):
    """Whatever the order in which they were asked for."""
    seen = []
    for seconds in (3.0, 1.0, 2.0):
        clock.after(seconds, lambda seconds=seconds: seen.append((seconds, clock.now_s)))
    clock.run()

    assert seen == [(1.0, START_S + 1), (2.0, START_S + 2), (3.0, START_S + 3)]


def test_things_of_one_time_happen_in_the_order_in_which_they_were_asked_for(clock):
    """So a simulation is the same each time."""
    seen = []
    for number in range(5):
        clock.at(START_S + 1, lambda number=number: seen.append(number))
    clock.run()

    assert seen == [0, 1, 2, 3, 4]


def test_what_is_overdue_happens_now(clock):
    """Time never goes backwards."""
    seen = []
    clock.after(5.0, lambda: clock.at(START_S + 1, lambda: seen.append(clock.now_s)))
    clock.run()

    assert seen == [START_S + 5]


def test_what_is_cancelled_does_not_happen(clock):
    """Nor does it move the time."""
    seen = []
    timer = clock.after(5.0, lambda: seen.append("cancelled"))
    clock.after(1.0, timer.cancel)
    clock.run()

    assert seen == []
    assert clock.now_s == START_S + 1


def test_a_run_ends_at_its_limit_and_the_next_goes_on(clock):
    """What lies at the limit itself has happened."""
    seen = []
    for seconds in (1.0, 2.0, 3.0):
        clock.after(seconds, lambda seconds=seconds: seen.append(seconds))
    clock.run(START_S + 2)
    first = list(seen)
    at_s = clock.now_s
    clock.run()

    assert first == [1.0, 2.0]
    assert at_s == START_S + 2
    assert seen == [1.0, 2.0, 3.0]


def test_a_run_of_nothing_still_lets_the_time_pass(clock):
    """A test can wait for what does not happen."""
    clock.run(START_S + 60)

    assert clock.now_s == START_S + 60


def test_work_waits_while_other_things_happen(clock):
    """It goes on at its own time, with its own variables."""
    seen = []

    def work():
        seen.append("begun")
        clock.wait_until(START_S + 10)
        seen.append("ended")

    clock.start(0.0, work)
    clock.after(5.0, lambda: seen.append("meanwhile"))
    clock.run()

    assert seen == ["begun", "meanwhile", "ended"]
    assert clock.now_s == START_S + 10


def test_work_that_waits_longer_than_work_begun_later_does_not_hold_it_up(clock):
    """Three that overlap in every way end in the order of their times."""
    seen = []

    def work(name, *times_s):
        for time_s in times_s:
            clock.wait_until(START_S + time_s)
            seen.append((name, time_s))

    clock.start(0.0, lambda: work("long", 50, 60))
    clock.start(1.0, lambda: work("short", 10, 20, 55))
    clock.start(2.0, lambda: work("middle", 15, 40, 70))
    clock.run()

    assert seen == sorted(seen, key=lambda each: each[1])
    assert len(seen) == 8


def test_only_one_work_runs_at_a_time(clock):
    """Nothing needs a lock: whoever runs goes on until it waits."""
    running, most = 0, 0

    def work():
        nonlocal running, most
        for step in range(5):
            running += 1
            most = max(most, running)
            running -= 1
            clock.wait_until(clock.now_s + 1 + step % 2)

    for number in range(20):
        clock.start(number / 10, work)
    clock.run()

    assert most == 1
    assert running == 0


def test_work_goes_on_over_several_runs(clock):
    """A limit may fall into the middle of it."""
    seen = []

    def work():
        for _ in range(4):
            clock.wait_until(clock.now_s + 1)
            seen.append(clock.now_s - START_S)

    clock.start(0.0, work)
    clock.start(0.5, work)
    for until_s in (0.2, 1.7, 1.7, 3.0, 100.0):
        clock.run(START_S + until_s)

    assert seen == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5]


@pytest.mark.parametrize("ask", ["after", "start"])
def test_an_exception_reaches_whoever_runs_the_clock(clock, ask):
    """A failed assertion inside the simulation fails the test; what was to come can still happen."""
    seen = []

    def fails():
        raise ZeroDivisionError("inside")

    getattr(clock, ask)(1.0, fails)
    clock.after(2.0, lambda: seen.append("later"))
    with pytest.raises(ZeroDivisionError, match="inside"):
        clock.run()
    before = list(seen)
    clock.run()

    assert before == []
    assert seen == ["later"]


def test_an_exception_after_a_wait_reaches_whoever_runs_the_clock(clock):
    """Also while other work waits."""

    def fails():
        clock.wait_until(START_S + 5)
        raise ZeroDivisionError("inside")

    ended = []
    clock.start(0.0, lambda: (clock.wait_until(START_S + 9), ended.append("other")))
    clock.start(1.0, fails)
    with pytest.raises(ZeroDivisionError):
        clock.run()
    before = list(ended)
    clock.run()

    assert before == []
    assert ended == ["other"]


def test_an_exception_that_ends_tests_is_not_swallowed(clock):
    """``pytest.fail`` raises no `Exception`, yet it reaches the test."""
    clock.start(0.0, lambda: pytest.fail("said so"))

    with pytest.raises(pytest.fail.Exception, match="said so"):
        clock.run()


def test_closing_unwinds_whoever_waits():
    """``finally`` blocks run, and nothing that comes after a wait."""
    clock = Clock(START_S)
    seen = []

    def work(name):
        try:
            clock.wait_until(START_S + 10)
            seen.append("never")
        except Closed:
            seen.append((name, "closed"))
            raise
        finally:
            seen.append((name, "tidied"))

    for name in ("a", "b"):
        clock.start(0.0, lambda name=name: work(name))
    clock.run(START_S + 1)
    clock.close()

    assert seen == [("a", "closed"), ("a", "tidied"), ("b", "closed"), ("b", "tidied")]


def test_closing_unwinds_also_who_would_wait_again():
    """One that swallows its end gets it at the next wait, too."""
    clock = Clock(START_S)
    ends = []

    def work():
        for _ in range(3):
            try:
                clock.wait_until(clock.now_s + 10)
            except Closed:
                ends.append("closed")

    clock.start(0.0, work)
    clock.run(START_S + 1)
    clock.close()

    assert ends == ["closed"] * 3


def test_nothing_happens_in_a_closed_clock():
    """What was to come is forgotten, and whoever asks for it is told."""
    clock = Clock(START_S)
    seen = []
    clock.after(1.0, lambda: seen.append("action"))
    clock.start(1.0, lambda: seen.append("work"))
    clock.close()

    with pytest.raises(RuntimeError, match="this simulation is over"):
        clock.run()
    assert seen == []


@pytest.mark.parametrize("act", [Clock.run, Clock.close])
def test_a_handler_neither_runs_nor_ends_its_simulation(clock, act):
    """It would wait for itself."""
    refused = []

    def work():
        with pytest.raises(RuntimeError, match="not a handler"):
            act(clock)
        refused.append(True)

    clock.start(0.0, work)
    clock.run()

    assert refused == [True]


def test_work_sees_the_context_variables_of_the_test(clock):
    """As if the test had called the handler itself."""
    seen = []
    token = flavour.set("of the test")
    try:
        clock.start(0.0, lambda: seen.append(flavour.get()))
        clock.run()
    finally:
        flavour.reset(token)

    assert seen == ["of the test"]


def test_what_work_sets_is_its_own(clock):
    """Neither other work nor the test sees it, also where both wait in turn."""
    seen = []

    def work(name):
        flavour.set(name)
        for _ in range(3):
            clock.wait_until(clock.now_s + 1)
            seen.append(flavour.get() == name)

    for number in range(3):
        clock.start(number / 4, lambda number=number: work(f"work {number}"))
    clock.run()

    assert seen == [True] * 9
    assert flavour.get() == "none"


def test_threads_are_used_again():
    """A thousand simulations in a row need no more threads than one of them."""

    def simulate():
        clock = Clock(START_S)
        for number in range(4):
            clock.start(number / 10, lambda: clock.wait_until(clock.now_s + 1))
        clock.run()
        clock.close()

    simulate()
    before = threading.active_count()
    for _ in range(50):
        simulate()

    assert threading.active_count() <= before


def test_work_that_never_overlaps_needs_one_thread(clock):
    """A thread is as much as a stack: time that passes for one alone switches nothing."""
    threads = set()

    def work():
        for _ in range(5):
            clock.wait_until(clock.now_s + 1)
            threads.add(threading.get_ident())

    for number in range(10):
        clock.start(number * 10.0, work)
    clock.run()

    assert len(threads) == 1
