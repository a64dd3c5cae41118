"""For any batch and any outcomes: the answer names exactly what must come again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, batch_handler
from resilient_lambda.testing import fake_io, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import as_async, as_sync

OUTCOMES = st.sampled_from(["ok", "bad", "poison", "unparkable"])
BATCHES = st.lists(st.tuples(st.integers(0, 5), OUTCOMES), max_size=12)
BOTH_COLOURS = pytest.mark.parametrize("paint", [as_sync, as_async], ids=["sync", "async"])


def sink(record, error):
    """Take a letter, but for those that no sink takes."""
    if record.json()["outcome"] == "unparkable":
        raise OSError("refused")


def run(record):
    """Fail as the record says."""
    outcome = record.json()["outcome"]
    if outcome == "bad":
        raise ValueError(outcome)
    if outcome in {"poison", "unparkable"}:
        raise NonRetryableError(outcome)


def event_of(batch):
    """Return the event of *batch*, pairs of a key and an outcome."""
    return sqs_event(
        sqs_record({"key": key, "outcome": outcome}, message_id=f"m{number}")
        for number, (key, outcome) in enumerate(batch)
    )


@BOTH_COLOURS
@given(batch=BATCHES, has_sink=st.booleans())
def test_the_answer_names_exactly_what_must_come_again(paint, batch, has_sink):
    """Without policies: each record by its own outcome."""
    handler = batch_handler(dead_letter=DeadLetter(sink) if has_sink else None)(paint(run))
    again = {"bad", "unparkable"} if has_sink else {"bad", "poison", "unparkable"}
    with fake_io() as io:
        names = failed(handler(event_of(batch), io.context()))

    assert sorted(names) == sorted(f"m{number}" for number, (_, outcome) in enumerate(batch) if outcome in again)


@BOTH_COLOURS
@given(batch=BATCHES, has_sink=st.booleans())
def test_records_of_one_key_share_the_outcome_of_its_one_run(paint, batch, has_sink):
    """With Idempotency the first record of a key runs, and decides for all of the batch that have the key."""
    ran = []

    def function(record):
        ran.append(record.json()["key"])
        run(record)

    handler = batch_handler(
        policies=[Idempotency(MemoryStore(), key="key")], dead_letter=DeadLetter(sink) if has_sink else None
    )(paint(function))
    first = {}
    for key, outcome in batch:
        first.setdefault(key, outcome)
    with fake_io() as io:
        names = set(failed(handler(event_of(batch), io.context())))

    assert sorted(ran) == sorted(first)
    for number, (key, outcome) in enumerate(batch):
        fails = first[key] != "ok"
        # A shared permanent failure is set aside with each of its records, if the sink takes that record.
        parked = has_sink and first[key] in {"poison", "unparkable"} and outcome != "unparkable"
        assert (f"m{number}" in names) == (fails and not parked)


@BOTH_COLOURS
@settings(max_examples=50)
@given(batch=BATCHES, costs=st.lists(st.floats(0.1, 20), min_size=12, max_size=12), timeout_s=st.integers(1, 60))
def test_redelivery_until_empty_runs_everything_and_each_success_once(paint, batch, costs, timeout_s):
    """Whatever the times and the deadline: what came again is run until it is done, no finished key runs twice."""
    done, order = [], iter(range(10**6))

    def function(record):
        io.advance(costs[next(order) % len(costs)])
        body = record.json()
        if record.receives == 1:
            run(record)
        done.append(body["key"])

    handler = batch_handler(policies=[Idempotency(MemoryStore(), key="key")])(paint(function))
    waiting = event_of(batch)["Records"]
    with fake_io() as io:
        for _ in range(3 * len(batch) + 1):
            names = failed(handler({"Records": waiting}, io.context(timeout_s=timeout_s)))
            waiting = [raw for raw in waiting if raw["messageId"] in names]
            io.advance(6 * timeout_s + 5)  # until they are visible again
            for raw in waiting:
                raw["attributes"]["ApproximateReceiveCount"] = "2"
        answer = handler({"Records": waiting}, io.context(timeout_s=timeout_s))

    assert answer == NOTHING_FAILED
    assert sorted(done) == sorted({key for key, _ in batch})
