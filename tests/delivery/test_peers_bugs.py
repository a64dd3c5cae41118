"""What other libraries get wrong with batches: each case that was seen with one of them, and what is right."""

from __future__ import annotations

import asyncio
import threading
import time as clock

import pytest
from pydantic import BaseModel, field_validator

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, Record, batch_handler
from resilient_lambda.testing import fake_io, lambda_context
from tests.delivery import model
from tests.delivery.events import Sent, event_of
from tests.handlers.colours import COLOURS

STREAMS = pytest.mark.parametrize("source", [model.KINESIS, model.DYNAMODB], ids=str)
COLOURED = pytest.mark.parametrize("paint", COLOURS.values(), ids=COLOURS.keys())
ORDERED = [source for source in model.SOURCES if source.lane is not None]


class Order(BaseModel):
    """A body whose validator fails with something else than pydantic's error, for one serial."""

    serial: int

    @field_validator("serial")
    @classmethod
    def look_up(cls, value: int) -> int:
        """Fail as a data class does that looks at what is not there."""
        if value == 1:
            raise AttributeError("'NoneType' object has no attribute 'errors'")
        return value


def handled(source, function, sent, context=None, **options):
    """Run *function* for what was *sent*; return the positions that come again."""
    event = event_of(source, sent)
    with fake_io() as io:
        answer = batch_handler(**options)(function)(event, context or io.context())
    return model.delivered_again(source, event, answer)


def serial_of(source, record):
    """Return which of the records that `event_of` made, *record* is: they are 0, 1, 2, ..."""
    names = [item.name for item in model.items(source, event_of(source, [Sent(number) for number in range(10)]))]
    return names.index(source.identity(record.raw))


@STREAMS
@COLOURED
def test_a_stream_stops_at_its_first_failure(source, paint):
    """Going on would run the later records twice: everything behind the checkpoint comes again."""
    ran = []

    def function(record):
        ran.append(serial_of(source, record))
        if ran[-1] == 1:
            raise ValueError("once")

    again = handled(source, paint(function), [Sent(number) for number in range(4)])

    assert ran == [0, 1]
    assert again == {1, 2, 3}


@STREAMS
@pytest.mark.parametrize("concurrency", [1, 2, 8])
@pytest.mark.parametrize("paint", COLOURS.values(), ids=COLOURS.keys())
def test_the_records_of_a_key_keep_their_order_side_by_side_with_others(source, concurrency, paint):
    """The asynchronous variant gathers keys, never the records of one."""
    ran = {0: [], 1: [], 2: []}

    def function(record):
        serial = serial_of(source, record)
        ran[serial % 3].append(serial)

    again = handled(
        source,
        paint(function),
        [Sent(number, key=number % 3) for number in range(9)],
        order="key",
        concurrency=concurrency,
        policies=[Idempotency(MemoryStore())],
    )

    assert ran == {0: [0, 3, 6], 1: [1, 4, 7], 2: [2, 5, 8]}
    assert again == set()


@STREAMS
def test_an_asynchronous_record_of_a_key_waits_for_the_one_before(source):
    """The first takes longest, and ends before the next of its key begins."""
    trace = []

    async def function(record):
        serial = serial_of(source, record)
        trace.append(("begin", serial))
        for _ in range(20 - 5 * serial):
            await asyncio.sleep(0)
        trace.append(("end", serial))

    handled(
        source,
        function,
        [Sent(0, key=1), Sent(1, key=2), Sent(2, key=1)],
        order="key",
        concurrency=4,
        policies=[Idempotency(MemoryStore())],
    )

    assert trace.index(("end", 0)) < trace.index(("begin", 2))
    assert trace.index(("begin", 1)) < trace.index(("end", 0))


@COLOURED
@pytest.mark.parametrize("has_sink", [False, True], ids=["no sink", "sink"])
def test_an_invalid_message_of_a_fifo_queue_stops_its_group_alone(paint, has_sink):
    """The failure is the record's, also where a model reads the body; the other group is done, nothing is raised."""
    ran = []

    def function(order: Order):
        ran.append(order.serial)

    # Group 0: serials 0, 2, 4, the second of them no JSON; group 1: serials 3 and 5.
    sent = [Sent(0), Sent(2, is_readable=False), Sent(3, lane=1), Sent(4), Sent(5, lane=1)]
    sink = DeadLetter(lambda record, error: None) if has_sink else None
    again = handled(model.FIFO, paint(function), sent, dead_letter=sink)

    assert sorted(ran) == ([0, 3, 4, 5] if has_sink else [0, 3, 5])
    assert again == (set() if has_sink else {1, 3})


@pytest.mark.parametrize("source", [model.SQS, model.FIFO, model.KINESIS, model.KAFKA, model.SHARE_GROUP], ids=str)
@COLOURED
def test_a_model_that_fails_in_its_own_way_fails_its_record_alone(source, paint):
    """AttributeError instead of a validation error, and the records before it are still acknowledged."""
    ran = []

    def function(order: Order):
        ran.append(order.serial)

    options = {"share_group": True} if source is model.SHARE_GROUP else {}
    again = handled(source, paint(function), [Sent(0), Sent(1)], **options)

    assert ran == [0]
    assert again == {1}


@pytest.mark.parametrize("source", [model.SQS, *ORDERED], ids=str)
@COLOURED
def test_a_permanent_failure_is_kept_until_the_sink_has_confirmed(source, paint):
    """Deleted before, it is lost if the send fails; and in a lane nothing runs before the send is confirmed."""
    happened = []

    def function(record):
        happened.append("run")
        if len(happened) == 1:
            raise NonRetryableError("poison")

    def sink(record, error):
        happened.append("refused")
        raise OSError("the sink is down")

    event = event_of(source, [Sent(0), Sent(1)])
    handler = batch_handler(dead_letter=DeadLetter(sink))(paint(function))
    with fake_io() as io:
        try:
            answer = handler(event, io.context())
        except Exception as error:
            answer = error
    again = model.delivered_again(source, event, answer)

    assert 0 in again
    if source.lane is not None:
        assert happened == ["run", "refused"]
        assert again == {0, 1}


@pytest.mark.parametrize("source", [model.SQS, *ORDERED], ids=str)
@COLOURED
def test_the_next_record_of_a_lane_runs_after_the_letter_was_confirmed(source, paint):
    """A letter sent at the end of the batch could still be refused, and the order would be gone."""
    happened = []

    def function(record):
        happened.append("run")
        if len(happened) == 1:
            raise NonRetryableError("poison")

    sink = DeadLetter(lambda record, error: happened.append("confirmed"))
    again = handled(source, paint(function), [Sent(0), Sent(1)], dead_letter=sink)

    assert again == set()
    if source.lane is not None:
        assert happened == ["run", "confirmed", "run"]


def test_an_asynchronous_record_that_hangs_is_cancelled_and_has_ended_before_the_answer():
    """Left running, it would have its effect in a later invocation, after its message came again."""
    trace = []

    @batch_handler(interrupt=True, after_interrupt="keep")
    async def handler(record):
        if serial_of(model.SQS, record) == 0:
            return
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # cleaning up takes a moment
            trace.append("ended")

    event = event_of(model.SQS, [Sent(0), Sent(1)])
    answer = handler(event, lambda_context(timeout_s=0.4))
    trace.append("answered")

    assert trace == ["ended", "answered"]
    assert model.delivered_again(model.SQS, event, answer) == {1}


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_a_synchronous_record_that_hangs_is_cut_and_what_is_done_is_kept():
    """Its code has ended when the answer goes out; the finished record is acknowledged, the other one comes again."""
    running = []

    @batch_handler(interrupt=True, after_interrupt="keep")
    def handler(record):
        if serial_of(model.SQS, record) == 0:
            return
        running.append(record.id)
        try:
            end_s = clock.monotonic() + 60
            while clock.monotonic() < end_s:
                pass
        finally:
            running.remove(record.id)

    event = event_of(model.SQS, [Sent(0), Sent(1)])
    answer = handler(event, lambda_context(timeout_s=0.4))

    assert running == []
    assert model.delivered_again(model.SQS, event, answer) == {1}


@COLOURED
def test_a_kafka_identifier_is_an_object(paint):
    """A text, whatever it says, would make Lambda deliver the whole batch again."""

    def function(record: Record):
        raise ValueError(record.id)

    event = event_of(model.KAFKA, [Sent(0)])
    with fake_io() as io:
        answer = batch_handler(paint(function))(event, io.context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-1-0", "offset": 97}}]}
