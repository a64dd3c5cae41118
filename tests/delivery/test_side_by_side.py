"""Lanes side by side: as many as were asked for, each with its own context."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler, current_claim
from resilient_lambda.testing import lambda_context
from tests.delivery import model
from tests.delivery.events import Sent, event_of

MARK = contextvars.ContextVar("MARK", default="untouched")
LANES = 3
# Each source with three lanes of two records.
CASES = pytest.mark.parametrize(
    ("source", "options"),
    [
        (model.SQS, {}),
        (model.FIFO, {}),
        (model.KINESIS, {"order": "key"}),
        (model.DYNAMODB, {"order": "key"}),
        (model.KAFKA, {}),
        (model.KAFKA, {"order": "key"}),
        (model.SHARE_GROUP, {"share_group": True}),
        (model.ACTIVEMQ, {}),
        (model.S3, {}),
        (model.SNS, {}),
    ],
    ids=str,
)
SIX = [Sent(number, lane=number % LANES, key=number % LANES) for number in range(2 * LANES)]


def handle(source, options, function):
    """Run *function* for six records, three lanes at a time; return what comes again."""
    event = event_of(source, SIX)
    policies = [Idempotency(MemoryStore(), key=lambda record: repr(source.identity(record.raw)))]
    handler = batch_handler(concurrency=LANES, policies=policies, **options)(function)
    return model.delivered_again(source, event, handler(event, lambda_context(timeout_s=60)))


@CASES
def test_lanes_of_a_synchronous_function_run_at_the_same_time(source, options):
    """Three records wait for one another: with fewer threads none would ever get on."""
    together = threading.Barrier(LANES, timeout=20)

    def function(record: Record):
        together.wait()

    assert handle(source, options, function) == set()


@CASES
def test_lanes_of_an_asynchronous_function_run_at_the_same_time(source, options):
    """Three records wait for one another: with fewer tasks none would ever get on."""
    waiting = []

    async def function(record: Record):
        gone = asyncio.get_running_loop().create_future()
        waiting.append(gone)
        if len(waiting) == LANES:
            for other in waiting:
                other.set_result(None)
            waiting.clear()
        await asyncio.wait_for(gone, 20)

    assert handle(source, options, function) == set()


@CASES
def test_each_lane_sees_its_own_claim_and_its_own_variables(source, options):
    """What one record sets in its context, and the key that it runs under, no other one sees."""
    together = threading.Barrier(LANES, timeout=20)
    seen = []

    def function(record: Record):
        before, key = MARK.get(), current_claim().key
        MARK.set(record.id)
        together.wait()
        seen.append((before, MARK.get() == record.id, current_claim().key == key, key))

    handle(source, options, function)

    assert [fact[1:3] for fact in seen] == [(True, True)] * len(SIX)
    assert len({fact[3] for fact in seen}) == len(SIX)


@pytest.mark.parametrize("source", [model.KINESIS, model.DYNAMODB, model.DOCUMENTDB], ids=str)
def test_a_batch_that_is_one_lane_runs_one_record_at_a_time(source):
    """More threads change nothing where the source promises one order."""
    running, most = [], []

    def function(record: Record):
        running.append(record.id)
        most.append(len(running))
        running.remove(record.id)

    assert handle(source, {}, function) == set()
    assert most == [1] * len(SIX)
