"""What holds of every queue, whatever goes wrong: many seeds, handlers that fail as chance has it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda.testing.simulator.chance import Chance
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.source import State
from tests.simulator.queues import failures

FAULTS = {"crash": 0.1, "timeout": 0.1, "throttle": 0.1, "duplicate": 0.2, "late": 0.1, "skew_s": 2.0}
MESSAGES = 24
GROUPS = 4
ENDS = {State.DONE, State.DEAD, State.DISCARDED}


class Fickle:
    """
    A handler that fails as chance has it, and looks at the queue while it does.

    Attributes:
        overlaps: Groups that were handled by two invocations at a time.
        counts: The highest receive count of each message.
        odd: Messages that were handled while their queue had them in no state of delivery.
    """

    def __init__(self, delivery, sample):
        self.overlaps: list[set[str]] = []
        self.counts: Counter[str] = Counter()
        self.odd: list[str] = []
        self.queue = None
        self._delivery = delivery
        self._sample = sample
        self._groups: set[str] = set()

    def __call__(self, event, context):
        """Handle some of a batch."""
        records = event["Records"]
        groups = {record["attributes"].get("MessageGroupId", record["messageId"]) for record in records}
        if groups & self._groups:
            self.overlaps.append(groups & self._groups)
        self._groups |= groups
        try:
            return self._handle(records)
        finally:
            self._groups -= groups

    def _handle(self, records):
        number = self._delivery.invocations
        for record in records:
            count = int(record["attributes"]["ApproximateReceiveCount"])
            self.counts[record["messageId"]] = max(self.counts[record["messageId"]], count)
        in_flight = set(self.queue.in_flight)
        self.odd += [record["messageId"] for record in records if record["messageId"] not in in_flight]
        self._delivery.work(5 * self._sample("work", number))
        kind = self._sample("kind", number)
        if kind < 0.1:
            raise ValueError("no")
        failed = [record["messageId"] for record in records if self._sample("bad", int(record["body"]), number) < 0.3]
        if failed and kind < 0.3:
            self.queue.hide(failed[0], int(100 + 300 * kind))
        return failures(*failed)


def delivered(seed, *, is_fifo, max_receives, batch_size, window_s=0.0, concurrency=3, freeze=0.0):
    """Return a queue when all is over, and its handler."""
    with Delivery(seed) as delivery:
        handler = Fickle(delivery, Chance(seed).sample)
        function = delivery.function(handler, timeout_s=10, concurrency=concurrency)
        options = {"max_receives": max_receives, "dead_letter": max_receives is not None, "batch_size": batch_size}
        if is_fifo:
            queue = delivery.fifo(function, retention_s=3600, **options)
        else:
            queue = delivery.sqs(function, retention_s=3600, window_s=window_s, **options)
        handler.queue = queue
        delivery.faults(freeze=freeze, **FAULTS)
        for number in range(MESSAGES):
            after_s = (seed % 7) * number
            if is_fifo:
                queue.send(str(number), group=str(number % GROUPS), after_s=after_s)
            else:
                queue.send(str(number), after_s=after_s)
        delivery.run()
    return queue, handler


@settings(max_examples=60)
@given(
    st.integers(0, 100_000),
    st.booleans(),
    st.none() | st.integers(1, 5),
    st.integers(1, 10),
    st.integers(1, 10),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from([0.0, 0.2]),
)
def test_every_message_comes_to_an_end(seed, is_fifo, max_receives, batch_size, concurrency, window_s, freeze):
    """It is done, dead or discarded, has one dead letter if it is dead, and was received as often as it may be."""
    queue, handler = delivered(
        seed,
        is_fifo=is_fifo,
        max_receives=max_receives,
        batch_size=batch_size,
        concurrency=concurrency,
        window_s=window_s,
        freeze=freeze,
    )

    assert len(queue.items) == MESSAGES
    assert {item.state for item in queue.items.values()} <= ENDS
    assert queue.in_flight == queue.waiting == []
    if max_receives is not None:
        assert max(queue.receives.values()) <= max_receives
    assert all(handler.counts[id] <= receives for id, receives in queue.receives.items())
    dead = Counter(id for letter in queue.dead_letters for id in letter.ids)
    assert dead == Counter(item.id for item in queue.items.values() if item.state is State.DEAD)
    assert all(queue.handled(item.id) for item in queue.items.values() if item.state is State.DONE)


@settings(max_examples=60)
@given(st.integers(0, 100_000), st.none() | st.integers(1, 5), st.integers(1, 10), st.integers(1, 10))
def test_a_group_is_in_one_batch_at_a_time(seed, max_receives, batch_size, concurrency):
    """Whatever fails, times out, crashes, is throttled, or is hidden for longer."""
    _, handler = delivered(
        seed, is_fifo=True, max_receives=max_receives, batch_size=batch_size, concurrency=concurrency
    )

    assert handler.overlaps == []
    assert handler.odd == []


@pytest.mark.parametrize("is_fifo", [False, True])
def test_the_same_seed_is_the_same_delivery(is_fifo):
    """Message by message, receive by receive."""

    def run():
        queue, handler = delivered(7, is_fifo=is_fifo, max_receives=3, batch_size=4)
        return queue.receives, handler.counts, [letter.ids for letter in queue.dead_letters]

    assert run() == run()
