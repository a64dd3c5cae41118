"""The delivery simulator: what it takes to deliver a message to a handler that does nothing."""

from __future__ import annotations

import time

from resilient_lambda.testing import Delivery

from .row import Measured

MESSAGES = 5_000
ROUNDS = 5
TEN = 10


def delivered() -> Measured:
    """Deliver messages of a standard queue one by one, and in batches of ten; the fastest round counts."""
    return Measured(
        min(_us_each(1) for _ in range(ROUNDS)),
        None,
        "",
        "there is no other such simulator; CPU time of one core",
        others={"ours in batches of ten": min(_us_each(TEN) for _ in range(ROUNDS))},
    )


def _us_each(batch_size: int) -> float:
    with Delivery() as delivery:
        queue = delivery.sqs(lambda event, context: None, batch_size=batch_size)
        for number in range(MESSAGES):
            queue.send(str(number))
        began_s = time.process_time()
        delivery.run()
        took_s = time.process_time() - began_s
        assert not queue.waiting
    return took_s / MESSAGES * 1e6
