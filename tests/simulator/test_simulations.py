"""Simulations beside one another, and what is left of one."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from resilient_lambda import DynamoDBStore, Idempotency, batch_handler
from resilient_lambda.stores import ABSENT
from resilient_lambda.testing import Delivery, in_memory


def keep(name):
    """Write an item into the table of every simulation of this process."""
    DynamoDBStore("simulations").put_if(name, {"version": "1", "name": name}, ABSENT)


def is_kept(name):
    return bool(DynamoDBStore("simulations").get([name]))


@pytest.mark.parametrize("first", [0, 1])
def test_simulations_may_end_in_any_order(first):
    """Whoever is left is redirected to, and what was there before them comes back last."""
    with in_memory():
        keep("outside")
        simulations = [Delivery(0), Delivery(1)]
        keep("of the last one")
        simulations[first].close()

        assert is_kept("of the last one") is (first == 0)
        assert not is_kept("outside")

        simulations[1 - first].close()

        assert is_kept("outside")
        assert not is_kept("of the last one")


def test_a_simulation_ends_once():
    """Closing it again takes nothing from others."""
    with in_memory():
        simulation = Delivery()
        simulation.close()
        with Delivery():
            keep("inside")
            simulation.close()

            assert is_kept("inside")


def test_nothing_is_left_of_a_simulation():
    """A thousand seeds in one process take no more memory than one, loops of asynchronous handlers included."""

    @batch_handler(policies=[Idempotency(DynamoDBStore("simulations"), key="id", namespace="n")])
    async def handler(order: dict):
        return None

    def play():
        with Delivery() as delivery:
            queue = delivery.sqs(handler)
            queue.send({"id": 1})
            delivery.run()
            assert queue.lost == []
            return weakref.ref(delivery._world)

    left = play()
    gc.collect()

    assert left() is None


@pytest.mark.parametrize("faults", [{}, {"freeze": 1.0}, {"timeout": 1.0}, {"crash": 1.0}], ids=str)
def test_threads_of_a_handler_are_refused(faults):
    """Always, and not only when a fault strikes in one."""
    refused = []

    with Delivery() as delivery:

        def handler(event, context):
            with ThreadPoolExecutor(1) as pool:
                refused.append(pool.submit(delivery.effect, "a").exception())

        calls = delivery.synchronous(handler)
        calls.send({})
        delivery.faults(**faults)
        delivery.run()

    assert [type(error) for error in refused] == [RuntimeError]
    assert "only the thread that runs the handler" in str(refused[0])
