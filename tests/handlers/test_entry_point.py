"""The entry point that a decorator returns: a plain function for Lambda and for decorators above."""

from __future__ import annotations

import asyncio
import inspect
import types

import pytest

from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import NOTHING_FAILED

EVENT = sqs_event(["1"])


def charge(record: Record) -> None:
    """Charge an order."""


async def acharge(record: Record) -> None:
    """Charge an order."""


@pytest.mark.parametrize("function", [charge, acharge])
@pytest.mark.parametrize("decorate", [batch_handler, batch_handler(), resilient_handler, resilient_handler()])
def test_it_is_a_plain_function_without_traces_of_the_users(decorate, function):
    """A name, a docstring, a module, two parameters; neither ``__wrapped__`` nor annotations for others to follow."""
    handler = decorate(function)

    assert isinstance(handler, types.FunctionType)
    assert not inspect.iscoroutinefunction(handler)
    assert (handler.__name__, handler.__qualname__) == (function.__name__, function.__name__)
    assert (handler.__doc__, handler.__module__) == ("Charge an order.", __name__)
    assert not hasattr(handler, "__wrapped__")
    assert handler.__annotations__ == {}
    assert list(inspect.signature(handler).parameters) == ["event", "context"]


@pytest.mark.parametrize("function", [charge, acharge])
def test_it_carries_the_undecorated_function(function):
    """For tests of the function alone."""
    assert batch_handler(function).record_handler is function
    assert batch_handler()(function).record_handler is function
    assert resilient_handler(function).event_handler is function


def test_two_decorations_of_one_function_are_independent(paint):
    """The function is not changed, so it can be decorated twice with other options."""

    def function(record):
        raise ValueError("x")

    painted = paint(function)
    first, second = batch_handler(painted), batch_handler(raw=True)(painted)

    assert first is not second
    assert first.record_handler is second.record_handler


@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_aio_runs_inside_a_running_loop(paint, policies):
    """``await handler.aio(event, context)`` answers as the handler does, on the loop that is there."""
    loops = []

    def function(record):
        loops.append(asyncio.get_running_loop())

    handler = batch_handler(policies=policies)(paint(function))

    async def main():
        return await handler.aio(sqs_event(["1"]), lambda_context()), asyncio.get_running_loop()

    answer, loop = asyncio.run(main())

    assert answer == NOTHING_FAILED
    assert loops == [loop]


def test_aio_of_a_single_event_returns_the_result(paint):
    """The same holds for `resilient_handler`."""

    def function(event):
        return event["n"] + 1

    assert asyncio.run(resilient_handler(paint(function)).aio({"n": 1}, lambda_context())) == 2


def test_one_loop_lives_over_invocations_and_handlers():
    """Clients that are bound to a loop keep their connections."""
    loops = []

    @batch_handler
    async def first(record):
        loops.append(asyncio.get_running_loop())

    @resilient_handler
    async def second(event):
        loops.append(asyncio.get_running_loop())

    first(EVENT, lambda_context())
    first(EVENT, lambda_context())
    second({}, lambda_context())

    assert len(set(map(id, loops))) == 1
    assert not loops[0].is_closed()


def test_a_task_of_an_earlier_invocation_goes_on_in_the_next():
    """The loop is the same, so what was started may end later; it is neither lost nor run twice."""
    done = []

    @batch_handler
    async def handler(record: Record):
        if record.body == "start":
            handler.task = asyncio.ensure_future(later())
        else:
            await handler.task

    async def later():
        await asyncio.sleep(0)
        done.append("done")

    handler(sqs_event(["start"]), lambda_context())

    assert handler(sqs_event(["wait"]), lambda_context()) == NOTHING_FAILED
    assert done == ["done"]


@pytest.mark.filterwarnings("error")
def test_calling_an_asynchronous_handler_inside_a_loop_says_what_to_await():
    """The error names ``aio``, and no coroutine is left behind."""
    handler = batch_handler(acharge)

    async def main():
        return handler(EVENT, lambda_context())

    with pytest.raises(RuntimeError, match="aio"):
        asyncio.run(main())


def test_an_asynchronous_function_really_suspends():
    """The body of an ``async def`` runs to its end, also beyond its first suspension."""
    seen = []

    @batch_handler(policies=[Idempotency(MemoryStore())])
    async def handler(record):
        await asyncio.sleep(0)
        seen.append(1)
        await asyncio.sleep(0)
        seen.append(2)

    assert handler(sqs_event(["1"]), lambda_context()) == NOTHING_FAILED
    assert seen == [1, 2]


def test_a_policy_that_suspends_in_a_synchronous_handler_is_an_error():
    """A synchronous handler has no loop: what waits for one would never run, so it fails."""

    class Waits:
        async def around(self, call, proceed):
            await asyncio.sleep(0)
            return await proceed(call)

    @batch_handler(policies=[Waits()])
    def handler(record):
        return None

    with pytest.raises(RuntimeError, match="suspends"):
        handler(EVENT, lambda_context())
