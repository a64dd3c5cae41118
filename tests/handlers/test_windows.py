"""Tumbling windows: the state goes from batch to batch, and only by what was done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Record,
    batch_handler,
    current_window,
)
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import (
    dynamodb_event,
    kinesis_event,
    kinesis_record,
    lambda_context,
    sqs_event,
    tumbling_window,
)


@pytest.fixture(
    params=[{}, {"concurrency": 2}, {"lane": True}, {"lane": True, "concurrency": 2}, {"interrupt": True}],
    ids=["plain", "two at a time", "whole lanes", "whole lanes, two at a time", "interrupt"],
)
def options(request, time):
    """The options of a handler, in each way in which batches are run; time is virtual."""
    return request.param


def numbers(*values: Any, **window: Any) -> dict[str, Any]:
    """Return records s0, s1, ... of a window, each with a number."""
    records = [kinesis_record(value, sequence_number=1000 + n) for n, value in enumerate(values)]
    return kinesis_event(records, window=tumbling_window(**window))


def summing(options: Any, log: list[Any] | None = None) -> Any:
    """Return a function, for one record or a whole lane, that adds up; -1 fails after it has added, -2 for good."""

    def add(record):
        window, value = current_window(), record.json()
        window.state["sum"] = window.state.get("sum", 0) + value
        if log is not None:
            log.append(value)
        if value == -1:
            raise ValueError
        if value == -2:
            raise NonRetryableError

    if not options.get("lane"):
        return add

    def add_all(records):
        for record in records:
            add(record)

    return add_all


def test_the_state_is_in_the_answer(options, time, paint):
    """What the records have added to what the last batch has left."""
    handler = batch_handler(**options)(paint(summing(options)))

    assert handler(numbers(1, 2, 3, state={"sum": 10}), time.context()) == {
        "batchItemFailures": [],
        "state": {"sum": 16},
    }


def test_a_window_begins_without_a_state(options, time, paint):
    """It is an empty object then, and may be replaced by another."""

    def function(record):
        assert current_window().state == {}
        current_window().state = {"new": [1, None]}

    answer = batch_handler(**options)(paint(function))(numbers(1), time.context())

    assert answer["state"] == {"new": [1, None]}


def test_a_window_without_records_keeps_its_state(options, time, paint):
    """The last batch of a window may be empty; its state is answered all the same."""
    handler = batch_handler(**options)(paint(summing(options)))

    assert handler(numbers(state={"sum": 5}, is_final=True), time.context()) == {
        "batchItemFailures": [],
        "state": {"sum": 5},
    }


def test_the_function_sees_its_window(time, paint):
    """Its bounds and its shard, as the event has them."""
    seen = []

    def function(record):
        window = current_window()
        seen.append((window.start, window.end, window.shard_id, window.is_final, window.is_terminated_early))

    event = numbers(1, start="2026-01-01T00:00:00Z", end="2026-01-01T00:02:00Z", is_terminated_early=True)
    batch_handler(paint(function))(event, time.context())

    assert seen == [("2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z", "shardId-000000000006", False, True)]


def test_what_a_failed_record_has_added_is_undone(options, time, paint):
    """The state is that of the records before the checkpoint: the others come again, and add then."""
    handler = batch_handler(**options)(paint(summing(options)))
    answer = handler(numbers(1, 2, -1, 4, state={"sum": 10}), time.context())

    if options.get("lane"):  # what each record has added cannot be told apart
        assert answer == {"batchItemFailures": [{"itemIdentifier": "1000"}], "state": {"sum": 10}}
    else:
        assert answer == {"batchItemFailures": [{"itemIdentifier": "1002"}], "state": {"sum": 13}}


def test_one_failed_outcome_of_a_lane_is_that_of_all(time, paint):
    """A checkpoint in the middle of it would lose what those before it have added, or add it twice."""

    def function(records: list[Record]):
        for record in records:
            current_window().state["sum"] = current_window().state.get("sum", 0) + record.json()
        return [ValueError() if record.json() == 3 else None for record in records]

    answer = batch_handler(lane=True)(paint(function))(numbers(1, 2, 3, 4, state={"sum": 10}), time.context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1000"}], "state": {"sum": 10}}


def test_what_a_record_that_is_set_aside_has_added_is_undone(time, paint):
    """It is done with, but it is not part of the window; those behind it are."""
    letters = []
    sink = DeadLetter(lambda record, error: letters.append(record.id))
    handler = batch_handler(dead_letter=sink)(paint(summing({})))

    assert handler(numbers(1, -2, 4, state={"sum": 10}), time.context()) == {
        "batchItemFailures": [],
        "state": {"sum": 15},
    }
    assert letters == ["1001"]


def test_a_delivery_again_completes_the_state(time, paint):
    """From the checkpoint, with the answered state: every record is in the window once."""
    log: list[Any] = []
    handler = batch_handler(paint(summing({}, log)))
    first = handler(numbers(1, 2, -1, 4), time.context())
    second = handler(numbers(3, 4, state=first["state"]), time.context())

    assert first["state"] == {"sum": 3}
    assert second["state"] == {"sum": 10}


def test_what_is_cut_short_is_undone(time, paint):
    """A record that did not end has added nothing."""

    def function(record):
        current_window().state["sum"] = record.json()
        time.advance(8)

    handler = batch_handler(interrupt=True)(paint(function))
    answer = handler(numbers(1, 2), time.context(timeout_s=10))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1001"}], "state": {"sum": 1}}


def test_what_is_given_up_is_undone(time):
    """The same where it runs in a thread that is left to itself."""

    def function(record):
        current_window().state["sum"] = record.json()
        time.advance(8)

    handler = batch_handler(interrupt=True, concurrency=2)(function)
    answer = handler(numbers(1, 2), time.context(timeout_s=10))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1001"}], "state": {"sum": 1}}


@pytest.mark.parametrize("event", [numbers(1, 2, is_final=True), numbers(is_final=True)], ids=["records", "no records"])
def test_the_end_of_a_window_is_told_once(event, options, time, paint):
    """After its last record, with the whole state; what it changes is in the answer."""
    log: list[Any] = []

    def end(window):
        log.append(("end", dict(window.state), current_window() is window))
        window.state["ended"] = True

    handler = batch_handler(window_end=paint(end), **options)(paint(summing(options, log)))
    answer = handler(event, time.context())

    assert answer["state"]["ended"] is True
    assert log[:-1] == [raw_number(raw) for raw in event["Records"]]
    assert log[-1] == ("end", {"sum": 3} if event["Records"] else {}, True)


def raw_number(raw: Any) -> Any:
    """Return the number that a record has."""
    import base64

    return json.loads(base64.b64decode(raw["kinesis"]["data"]))


@pytest.mark.parametrize(
    "event", [numbers(1, 2), numbers(1, -1, is_final=True)], ids=["goes on", "something comes again"]
)
def test_a_window_that_has_not_ended_is_not_ended(event, options, time, paint):
    """Not before its last batch, and not while records of it come again: Lambda delivers the end again then, too."""
    ended = []

    def end(window):
        ended.append(window)

    handler = batch_handler(window_end=paint(end), **options)(paint(summing(options)))
    handler(event, time.context())

    assert ended == []


def test_an_end_that_fails_fails_the_batch(options, time, paint):
    """Lambda delivers the batch again, the end with it: nothing else would."""

    def end(window):
        raise LookupError("the sum could not be written")

    handler = batch_handler(window_end=paint(end), **options)(paint(summing(options)))
    with pytest.raises(LookupError):
        handler(numbers(1, is_final=True), time.context())


def test_an_end_is_never_cut_short():
    """``interrupt=True`` is for records; no private exception leaves the handler."""
    ended = []

    async def end(window):
        await asyncio.sleep(0.3)
        ended.append(window.state)

    @batch_handler(interrupt=True, margin_s=0.2, window_end=end)
    async def handler(record):
        await asyncio.sleep(0)

    assert handler(numbers(1, is_final=True), lambda_context(timeout_s=0.4))["batchItemFailures"] == []
    assert len(ended) == 1


NO_JSON = {
    "object": object(),
    "set": {1},
    "list": [1],
    "text": "state",
    "none": None,
    "nan": {"mean": float("nan")},
    "infinite": {"mean": float("inf")},
    "key": {(1, 2): 3},
    "large": {"x": "a" * 1_048_577},
}


@pytest.mark.parametrize("state", NO_JSON.values(), ids=NO_JSON.keys())
@pytest.mark.parametrize("is_last", [True, False], ids=["last record", "a record follows"])
def test_a_state_that_lambda_does_not_take_fails_the_batch(state, is_last, options, time, paint):
    """An answer with it would lose the state, or the window."""

    def function(record):
        current_window().state = state

    with pytest.raises(BatchFailedError, match="state of the window"):
        batch_handler(**options)(paint(function))(numbers(*[1] if is_last else [1, 2]), time.context())


def test_a_state_of_exactly_the_limit_is_taken(time, paint):
    """1 MB of JSON."""
    size = 1_048_576 - len(json.dumps({"x": ""}))

    def function(record):
        current_window().state = {"x": "a" * size}

    assert len(batch_handler(paint(function))(numbers(1), time.context())["state"]["x"]) == size


def test_idempotency_does_not_go_with_windows(time, paint):
    """What it would skip as done would be missing in the state: refused before anything runs."""
    ran = []

    def function(record):
        ran.append(record)

    handler = batch_handler(policies=[Idempotency(MemoryStore())])(paint(function))
    with pytest.raises(ConfigurationError, match="tumbling windows"):
        handler(numbers(1), time.context())

    assert ran == []


def test_with_idempotency_switched_off_windows_work(time, paint, monkeypatch):
    """Nothing is skipped then."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")
    handler = batch_handler(policies=[Idempotency(MemoryStore())])(paint(summing({})))

    assert handler(numbers(1, 2), time.context())["state"] == {"sum": 3}


def test_a_stream_of_a_table_has_windows_too(time, paint):
    """DynamoDB streams are aggregated alike."""

    def function(record):
        current_window().state.setdefault("ids", []).append(record.new_image["id"])

    event = dynamodb_event([{"id": "a"}, {"id": "b"}], window=tumbling_window())

    assert batch_handler(paint(function))(event, time.context())["state"] == {"ids": ["a", "b"]}


def test_an_empty_final_batch_is_known_for_its_source(time, paint):
    """It has no record that would say where it comes from."""
    handler = batch_handler(source="kinesis")(paint(summing({})))

    assert handler(numbers(state={"sum": 1}, is_final=True), time.context())["state"] == {"sum": 1}


def test_without_a_window_there_is_none(time, paint):
    """Neither in a batch of another kind nor outside any; the answer has no state."""
    told = []

    def function(record):
        with pytest.raises(RuntimeError, match="no window here"):
            current_window()
        told.append(record.id)

    for event in (sqs_event(["1"]), kinesis_event(["1"])):
        assert batch_handler(paint(function))(event, time.context()) == {"batchItemFailures": []}
    with pytest.raises(RuntimeError, match="no window here"):
        current_window()
    assert len(told) == 2


def test_a_window_does_not_show_its_state():
    """Its text says which it is: states may hold what must not be in logs."""
    seen = []

    @batch_handler
    def handler(record):
        current_window().state["secret"] = "x"
        seen.append(repr(current_window()))

    handler(numbers(1), lambda_context())

    assert seen == ["<window 2026-01-01T00:00:00Z to 2026-01-01T00:05:00Z>"]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_the_end_of_a_window_is_not_cut_short_in_virtual_time_either(colour, time):
    """It may take what there is until Lambda's end: `fake_io` does what the real clock does."""
    ended = []

    def end(window):
        time.advance(4)
        ended.append(window.state)

    async def end_async(window):
        end(window)

    def function(record: Record) -> None:
        current_window().state["seen"] = True

    async def function_async(record: Record) -> None:
        function(record)

    options = {"interrupt": True, "margin_s": 2, "window_end": end if colour == "sync" else end_async}
    handler = batch_handler(**options)(function if colour == "sync" else function_async)
    handler(numbers(1, is_final=True), time.context(timeout_s=5))

    assert ended == [{"seen": True}]
