"""`Retry` around blocks of code: ``for attempt in retry: with attempt: ...``."""

from __future__ import annotations

import asyncio
import logging

import pytest

from resilient_lambda import LeaseLostError, NonRetryableError, Retry, current_attempt

BOTH = pytest.mark.parametrize("runs", ["sync", "async"], indirect=True)


BOTH_LOOPS = pytest.mark.parametrize("is_asynchronous", [False, True], ids=["sync", "async"])


@pytest.fixture
def runs(request, time):
    """Return what runs a block of one argument, the attempt, under a retry: in `def` or in `async def`."""

    def run(retry, block):
        for attempt in retry:
            with attempt:
                return block(attempt)
        return "behind the loop"

    async def run_async(retry, block):
        async for attempt in retry:
            with attempt:
                return block(attempt)
        return "behind the loop"

    if request.param == "sync":
        return run
    return lambda retry, block: asyncio.run(run_async(retry, block))


def failing(*errors):
    """Return a block that fails with one error after the other and then returns its numbers."""
    left, numbers = list(errors), []

    def block(attempt):
        numbers.append((attempt.number, current_attempt().number))
        if left:
            raise left.pop(0)
        return numbers

    return block


@BOTH
def test_a_block_that_succeeds_runs_once(runs, time):
    """The loop has one turn."""
    assert runs(Retry(), failing()) == [(1, 1)]
    assert time.slept_s == []


@BOTH
def test_a_block_that_fails_runs_again(runs, time):
    """After a wait, and with the next number."""
    assert runs(Retry(), failing(TimeoutError(), ConnectionError())) == [(1, 1), (2, 2), (3, 3)]
    assert len(time.slept_s) == 2


@BOTH
def test_the_last_error_leaves_the_loop(runs):
    """As if there were no retry."""
    last = TimeoutError("last")

    with pytest.raises(TimeoutError) as caught:
        runs(Retry(attempts=2), failing(TimeoutError(), last))
    assert caught.value is last


@BOTH
@pytest.mark.parametrize("error", [NonRetryableError("x"), KeyboardInterrupt(), LeaseLostError("x")], ids=repr)
def test_what_another_try_cannot_help_leaves_the_loop_at_once(runs, time, error):
    """Permanent errors, and what is no Exception."""
    with pytest.raises(type(error)):
        runs(Retry(), failing(error))
    assert time.slept_s == []


@BOTH
def test_a_block_uses_the_budget(runs):
    """Retries that helped cost nothing, the others a token each, and first tries earn."""
    retry = Retry(attempts=2, budget=2)
    runs(retry, failing(TimeoutError()))
    assert retry.budget.left == 2
    with pytest.raises(TimeoutError):
        runs(retry, failing(TimeoutError(), TimeoutError()))
    assert retry.budget.left == 1

    runs(retry, failing())

    assert retry.budget.left == pytest.approx(1.1)


@BOTH
def test_switched_off_a_block_runs_once(runs, monkeypatch, time):
    """Its error leaves the loop."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "retry")

    with pytest.raises(TimeoutError):
        runs(Retry(), failing(TimeoutError()))
    assert time.slept_s == []


@BOTH
def test_behind_the_block_the_attempt_is_what_it_was(runs):
    """The number is the block's, not its surroundings'."""
    runs(Retry(), failing(TimeoutError()))

    assert current_attempt().number == 1


def test_the_loop_ends_behind_a_success(time):
    """A block need not return: the loop has no other turn."""
    tries = []
    for attempt in Retry():
        with attempt:
            tries.append(attempt.number)
            if len(tries) < 2:
                raise TimeoutError

    assert tries == [1, 2]


def test_the_async_loop_ends_behind_a_success(time):
    """As for `def`."""
    tries = []

    async def run():
        async for attempt in Retry():
            with attempt:
                tries.append(attempt.number)
                if len(tries) < 2:
                    raise TimeoutError

    asyncio.run(run())

    assert tries == [1, 2]


def test_one_retry_serves_several_loops(time):
    """Each loop counts for itself."""
    retry, seen = Retry(), []
    for outer in retry:
        for inner in retry:
            with outer, inner:
                seen.append((outer.number, inner.number))

    assert seen == [(1, 1)]


def test_a_loop_without_with_is_refused(time):
    """It would never end, and what fails in it would not be tried again."""
    with pytest.raises(RuntimeError, match="must begin with `with attempt:`"):
        for _ in Retry():
            pass


@BOTH_LOOPS
def test_a_second_with_in_one_turn_is_refused(time, is_asynchronous):
    """Its success would end the loop, and the first one's error would be forgotten."""

    def turn(attempt):
        with attempt:
            raise TimeoutError
        with attempt:
            pass

    async def run():
        async for attempt in Retry():
            turn(attempt)

    def run_blocking():
        for attempt in Retry():
            turn(attempt)

    with pytest.raises(RuntimeError, match="once in each turn"):
        asyncio.run(run()) if is_asynchronous else run_blocking()


def test_a_block_is_called_by_its_function_in_the_log(caplog, time):
    """That is where one looks for it."""
    caplog.set_level(logging.INFO, "resilient_lambda")

    def charge():
        for attempt in Retry():
            with attempt:
                if attempt.number == 1:
                    raise TimeoutError

    charge()

    assert caplog.records[0].getMessage().startswith("a block of charge failed with TimeoutError (timeout); try 2 of 3")


def test_a_block_that_is_left_by_hand_goes_on_too(time):
    """Without a traceback, as an ExitStack of the user's may leave it."""
    for attempt in Retry():
        attempt.__enter__()
        error = TimeoutError() if attempt.number == 1 else None
        swallowed = attempt.__exit__(None if error is None else TimeoutError, error, None)

        assert swallowed == (attempt.number == 1)


def test_an_attempt_shows_its_number(time):
    """For logs of the user's."""
    assert repr(next(iter(Retry()))) == "<try 1>"


def test_the_iterators_are_their_own_iterators(time):
    """As iterators are."""
    retry = Retry()
    blocks, async_blocks = iter(retry), aiter(retry)

    assert iter(blocks) is blocks
    assert aiter(async_blocks) is async_blocks
