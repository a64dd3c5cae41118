"""Records that end their environment, several of them in one batch."""

from __future__ import annotations

import pytest

from resilient_lambda import DeadLetter, DynamoDBStore, Idempotency, batch_handler
from resilient_lambda.testing import Delivery

SINK = DeadLetter.sqs(url="https://sqs.us-east-1.amazonaws.com/123456789012/letters")


@pytest.mark.parametrize("kind", ["sqs", "fifo"])
@pytest.mark.parametrize("seed", range(3))
def test_two_that_kill_are_each_set_aside_once(kind, seed):
    """The second one's kills lose the answer that acknowledges the first; that one does not begin anew."""
    with Delivery(seed) as delivery:
        kills = []

        @batch_handler(policies=[Idempotency(DynamoDBStore("resilience"), key="id")], dead_letter=SINK, max_attempts=3)
        def handler(order: dict) -> None:
            if order["id"].startswith("killer"):
                kills.append(order["id"])
                delivery.crash()
            delivery.effect(order["id"])

        queue = getattr(delivery, kind)(handler, key="id", visibility_s=180)
        for name in ("killer-1", "killer-2", "innocent"):
            queue.send({"id": name}, **({"group": "g"} if kind == "fifo" else {}))
        delivery.run()

        letters = sorted(letter.body for letter in queue.dead_letters)
        assert letters == ['{"id": "killer-1"}', '{"id": "killer-2"}']
        assert max(kills.count("killer-1"), kills.count("killer-2")) <= 4
        assert queue.lost == []
        assert queue.handled_more_than_once() == []
