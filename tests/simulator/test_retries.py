"""`Retry` in simulated functions: its waits pass simulated time, its budget is each environment's own."""

from __future__ import annotations

import asyncio

import pytest

from resilient_lambda import DynamoDBStore, Idempotency, Retry, RetryableError, batch_handler, current_attempt
from resilient_lambda.testing.simulator.delivery import Delivery


def test_a_wait_takes_time_of_the_invocation(delivery):
    """The message is run again in the same invocation, later."""
    seen = []

    @batch_handler(policies=[Retry()])
    def handler(body: dict) -> None:
        seen.append((current_attempt().number, delivery.now_s))
        if current_attempt().number == 1:
            raise RetryableError("in 5 s", retry_after_s=5)

    queue = delivery.sqs(delivery.function(handler, timeout_s=60))
    sent = queue.send({"a": 1})
    delivery.run()

    (first, began_s), (second, again_s) = seen
    assert (first, second, queue.receives) == (1, 2, {sent: 1})
    assert 5 <= again_s - began_s < 7


@pytest.mark.parametrize("is_asynchronous", [False, True], ids=["sync", "async"])
def test_a_decorated_function_waits_in_simulated_time(delivery, is_asynchronous):
    """Also in a handler that is none of this library's."""
    seen = []

    def fails(attempt):
        seen.append(delivery.now_s)
        if attempt == 1:
            raise RetryableError("in 5 s", retry_after_s=5)

    @Retry()
    def call():
        fails(current_attempt().number)

    @Retry()
    async def acall():
        fails(current_attempt().number)

    def handler(event, context):
        if is_asynchronous:
            asyncio.run(acall())
        else:
            call()
        return {"batchItemFailures": []}

    delivery.sqs(delivery.function(handler, timeout_s=60)).send("a")
    delivery.run()

    assert 5 <= seen[1] - seen[0] < 7


def test_a_new_environment_has_a_full_budget(delivery):
    """What the crashed one has used up was its own."""
    tries = []

    @batch_handler(policies=[Retry(attempts=2, budget=1)])
    def handler(body: dict) -> None:
        tries.append((body["n"], current_attempt().number))
        if body["n"] == "crash":
            delivery.crash()
        raise RetryableError("no")

    queue = delivery.sqs(delivery.function(handler, timeout_s=60), batch_size=1, max_receives=1, dead_letter=True)
    for n in ("a", "b", "crash", "c", "d"):
        queue.send({"n": n})
        delivery.run()

    assert tries == [("a", 1), ("a", 2), ("b", 1), ("crash", 1), ("c", 1), ("c", 2), ("d", 1)]


@pytest.mark.parametrize("seed", range(20))
def test_with_retries_nothing_is_lost(seed):
    """Duplicates, crashes at any step and a store that fails: each message takes effect in the end."""
    failures = dict.fromkeys(range(8), 3)

    @Retry(attempts=2)
    def call(n):
        failures[n] -= 1
        if failures[n] >= 0:
            raise TimeoutError

    @batch_handler(policies=[Idempotency(DynamoDBStore("resilience"), key="n"), Retry(attempts=2)])
    def handler(body: dict) -> None:
        call(body["n"])
        delivery.effect(body["n"], once=body["n"])

    with Delivery(seed=seed) as delivery:
        delivery.faults(crash=0.1, duplicate=0.3, store_error=0.05)
        queue = delivery.sqs(delivery.function(handler, timeout_s=60), key="n")
        for n in range(8):
            queue.send({"n": n})
        delivery.run()

        assert queue.lost == []
        assert sorted(delivery.effects) == list(range(8))
