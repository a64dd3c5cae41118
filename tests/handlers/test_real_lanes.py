"""Real threads and tasks, a store that takes its time, and batches of every kind: chance decides who is first."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from resilient_lambda import DeadLetter, Idempotency, NonRetryableError, batch_handler
from resilient_lambda._core.record import Record as AnyRecord
from resilient_lambda._core.sources import open_batch
from resilient_lambda.testing import (
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    lambda_context,
    sqs_event,
    sqs_record,
)
from tests.policies.stores import NAMESPACE, FaultyStore, key_of

LANE = "resilient_lambda-lane"


class SlowStore(FaultyStore):
    """A store whose answers take up to 2 ms, and which any number of threads may ask."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self._lock = threading.Lock()

    def _call(self, *arguments: Any, **options: Any) -> Any:
        time.sleep(self._chance.random() * 0.002)
        with self._lock:
            return super()._call(*arguments, **options)


class World:
    """
    One batch and its handler, drawn by *seed*.

    Attributes:
        bad: How the runs of some keys end.
        began: How often each key's run has begun.
        ended: How often it came to its end.
    """

    def __init__(self, seed: int, *, hangs: bool = False) -> None:
        chance = self.chance = Random(seed)
        count = chance.choice([5, 20, 60])
        self.keys = [f"k{chance.randrange(count)}" for _ in range(count)]
        self.hanging = {key for key in self.keys if hangs and chance.random() < 0.08}
        self.bad = {key: chance.choice(["retry", "refused"]) for key in self.keys if chance.random() < 0.1}
        self.source = chance.choice(["queue", "groups", "partitions", "keys"])
        self.is_asynchronous = chance.random() < 0.4
        self.release = threading.Event()
        self.store = SlowStore(chance)
        self.began: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.letters: list[str] = []
        self._lock = threading.Lock()
        self.event = self._event()
        self.handler = batch_handler(
            policies=[Idempotency(self.store, key="k", namespace=NAMESPACE, commit=chance.choice(["group", "each"]))],
            order="key" if self.source == "keys" else None,
            concurrency=chance.choice([2, 3, 8]),
            dead_letter=DeadLetter(lambda record, error: self.letters.append(record.json()["k"])),
            interrupt=hangs,
            margin_s=0.3,
        )(self._run_async if self.is_asynchronous else self._run)

    def _event(self) -> dict[str, Any]:
        bodies = [(number, {"k": key}, self.chance.randrange(5)) for number, key in enumerate(self.keys)]
        if self.source == "partitions":
            return kafka_event(kafka_record(body, partition=lane, offset=n) for n, body, lane in bodies)
        if self.source == "keys":
            return kinesis_event(kinesis_record(body, key=str(lane)) for _, body, lane in bodies)
        has_groups = self.source == "groups"
        return sqs_event(
            sqs_record(body, message_id=f"m{n}", group=f"g{lane}" if has_groups else None) for n, body, lane in bodies
        )

    def _begin(self, key: str) -> None:
        with self._lock:
            self.began[key] += 1

    def _end(self, key: str) -> None:
        with self._lock:
            self.ended[key] += 1
        if key in self.bad:
            raise ValueError if self.bad[key] == "retry" else NonRetryableError

    def _run(self, record):
        key = record.json()["k"]
        self._begin(key)
        time.sleep(self.chance.random() * 0.002)
        if key in self.hanging:
            self.release.wait(20)
        self._end(key)

    async def _run_async(self, record):
        key = record.json()["k"]
        self._begin(key)
        await asyncio.sleep(self.chance.random() * 0.002 + (20 if key in self.hanging else 0))
        self._end(key)

    def deliver(self, *, timeout_s: float = 30.0) -> tuple[list[str], list[str]]:
        """Deliver the batch; return the keys that are acknowledged, and those that come again."""
        answer = self.handler(self.event, lambda_context(timeout_s=timeout_s))
        named = [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
        delivery = open_batch(self.event)
        raws = delivery.raws
        if self.source == "partitions":
            lowest = {entry["partition"]: entry["offset"] for entry in named}
            again = [raw["offset"] >= lowest.get(f"orders-{raw['partition']}", 10**9) for raw in raws]
        elif self.source == "keys":
            names = [raw["kinesis"]["sequenceNumber"] for raw in raws]
            again = [bool(named) and n >= names.index(named[0]) for n in range(len(raws))]
        else:
            again = [raw["messageId"] in named for raw in raws]
        keys = [AnyRecord(raw, delivery.source).json()["k"] for raw in raws]
        return (
            [key for key, comes in zip(keys, again, strict=True) if not comes],
            [key for key, comes in zip(keys, again, strict=True) if comes],
        )

    def statuses(self) -> dict[str, str | None]:
        """Return where every key stands."""
        return {key: self.store.status(key_of(key)) for key in self.keys}

    def end(self) -> None:
        """Let everything end that hangs in a thread."""
        self.release.set()
        for thread in threading.enumerate():
            if thread.name == LANE:
                thread.join(10)


@pytest.mark.parametrize("seed", range(30))
def test_every_key_is_run_once_and_nothing_is_lost(seed):
    """What is acknowledged is done or set aside, no key is left in progress, and a mended delivery does the rest."""
    world = World(seed)
    done, again = world.deliver()
    statuses = world.statuses()
    mended = set(world.bad)
    first = Counter(world.began)
    for key in done:
        assert statuses[key] == "COMPLETED" or key in world.letters
    assert "IN_PROGRESS" not in statuses.values()
    assert max(first.values()) == 1
    world.bad.clear()
    while again:
        _, again = world.deliver()

    assert set(world.began) == set(world.keys)
    assert {key for key, count in world.began.items() if count > 1} <= mended


@pytest.mark.parametrize("seed", range(100, 110))
def test_with_runs_that_hang_the_answer_is_true_and_in_time(seed):
    """What is acknowledged has ended, and what is in progress afterwards still runs."""
    world = World(seed, hangs=True)
    began_s = time.monotonic()
    done, again = world.deliver(timeout_s=0.6)
    took_s = time.monotonic() - began_s
    statuses, ended, began = world.statuses(), Counter(world.ended), Counter(world.began)
    steps = len(world.store.steps)
    world.end()

    assert took_s < 0.6
    assert sorted(done + again) == sorted(world.keys)
    for key in done:
        assert ended[key] == 1
        assert statuses[key] == "COMPLETED" or key in world.letters
    assert world.hanging & set(began) <= set(again)
    for key, status in statuses.items():
        if status == "IN_PROGRESS":
            assert key in world.hanging
            assert began[key]
            assert not world.is_asynchronous
    assert max(began.values()) == 1
    assert len(world.store.steps) == steps
