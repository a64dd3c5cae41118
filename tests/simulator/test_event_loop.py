"""The event loops of environments: virtual time, real threads and sockets, nothing left."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from resilient_lambda import batch_handler
from resilient_lambda.testing import Delivery


@pytest.fixture
def delivery():
    with Delivery() as simulation:
        yield simulation


def test_sleeping_takes_no_time_of_the_test_and_overlaps(delivery):
    """Three records at a time that each wait for a minute take a minute."""
    began_s = time.monotonic()
    ended_s = []

    @batch_handler(concurrency=3)
    async def handler(order: dict):
        await asyncio.sleep(60)
        ended_s.append(delivery.now_s)

    queue = delivery.sqs(delivery.function(handler, timeout_s=300), window_s=1.0)
    for number in range(3):
        queue.send({"id": number})
    delivery.run()

    assert len(ended_s) == 3
    assert max(ended_s) - min(ended_s) < 0.1
    assert time.monotonic() - began_s < 30


def test_a_timeout_of_asyncio_is_virtual(delivery):
    """`asyncio.wait_for` gives up in the simulation's time."""
    given_up = []

    @batch_handler
    async def handler(order: dict):
        try:
            await asyncio.wait_for(asyncio.sleep(3600), timeout=5)
        except asyncio.TimeoutError:
            given_up.append(delivery.now_s)

    queue = delivery.sqs(handler)
    queue.send({})
    delivery.run()

    assert len(given_up) == 1
    assert queue.lost == []


def test_what_never_comes_is_waited_for_until_the_function_is_stopped(delivery):
    """Nothing is ready and nothing is to come: that is a hang, and Lambda ends it."""

    @batch_handler(margin_s=0)
    async def handler(order: dict):
        await asyncio.Event().wait()

    calls = delivery.synchronous(handler)
    calls.send({"Records": [{"messageId": "a", "body": "{}", "eventSource": "aws:sqs"}]})
    delivery.run()

    assert [reply.kind.value for reply in calls.replies] == ["timed out"]


def test_threads_and_sockets_take_the_time_of_the_test(delivery):
    """What comes from outside wakes the loop."""
    heard = []

    @batch_handler
    async def handler(order: dict):
        heard.append(await asyncio.to_thread(lambda: "of a thread"))
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        heard.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    queue = delivery.sqs(handler)
    queue.send({})
    delivery.run()

    assert heard == ["of a thread", b""]


def test_a_handler_of_nobodys_finds_a_loop_with_virtual_time(delivery):
    """``asyncio.get_event_loop().run_until_complete(...)`` is how handlers have been asynchronous on Lambda."""
    began_s = time.monotonic()

    def handler(event, context):
        return asyncio.get_event_loop().run_until_complete(asyncio.sleep(20, "done"))

    calls = delivery.synchronous(handler)
    calls.send({})
    calls.send({}, after_s=100)
    delivery.run()

    assert [reply.payload for reply in calls.replies] == ["done", "done"]
    assert time.monotonic() - began_s < 10


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the system does not list open files there")
def test_hundreds_of_environments_need_no_file(delivery):
    """A shell allows a thousand open files, on some systems a quarter of that."""
    before, during = len(os.listdir("/proc/self/fd")), []

    @batch_handler
    async def handler(order: dict):
        await asyncio.sleep(3)
        during.append(len(os.listdir("/proc/self/fd")))

    queue = delivery.sqs(handler, batch_size=1)
    for number in range(400):
        queue.send({"id": number})
    delivery.run()

    assert delivery.environments > 100
    assert max(during) <= before + 2  # the list itself


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_task_that_sleeps_too_long_is_cut_short(delivery, concurrency):
    """As on Lambda, `interrupt=True` cancels it where the margin begins, and the other record is acknowledged."""

    @batch_handler(interrupt=True, concurrency=concurrency)
    async def handler(order: dict):
        if order["id"] == "slow":
            await asyncio.sleep(10_000)

    queue = delivery.sqs(handler, max_receives=2, dead_letter=True, window_s=1.0)
    queue.send({"id": "quick"})
    queue.send({"id": "slow"})
    delivery.run()

    assert {happening.kind.value for happening in delivery.happenings} >= {"answered"}
    assert not any(happening.kind.value == "timed out" for happening in delivery.happenings)
    assert queue.receives == {"sqs-1": 1, "sqs-2": 2}
