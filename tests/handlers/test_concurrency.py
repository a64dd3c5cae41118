"""``concurrency=N``: lanes run at the same time, in threads for ``def`` and in tasks for ``async def``."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    batch_handler,
    current_claim,
    current_deadline,
)
from resilient_lambda.events import RecordSettled
from resilient_lambda.testing import kafka_event, kafka_record, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.policies.stores import NAMESPACE, FaultyStore, key_of

WAIT_S = 10.0  # a meeting that takes longer is none


def named(*bodies):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}") for number, body in enumerate(bodies))


class Meeting:
    """
    Where *size* runs must meet before any of them goes on.

    Attributes:
        most: How many were inside at the same time, at most.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.most = self._inside = self._came = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(size)
        self._opened: dict[int, asyncio.Event] = {}

    def enter(self) -> None:
        """Wait for the others, in a thread."""
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._barrier.wait(WAIT_S)
        with self._lock:
            self._inside -= 1

    async def enter_async(self) -> None:
        """Wait for the others, in a task."""
        self._inside += 1
        self.most = max(self.most, self._inside)
        number, self._came = self._came, self._came + 1
        event = self._opened.setdefault(number // self.size, asyncio.Event())
        if self._came % self.size == 0:
            event.set()
        await asyncio.wait_for(event.wait(), WAIT_S)
        self._inside -= 1


@pytest.fixture(params=["sync", "async"])
def make(request):
    """Return a handler whose function enters a meeting, and then does something with the record."""

    def make(meeting, work=lambda record: None, **options):
        if request.param == "sync":

            def function(record):
                meeting.enter()
                return work(record)
        else:

            async def function(record):
                await meeting.enter_async()
                return work(record)

        return batch_handler(**options)(function)

    return make


@pytest.fixture(params=[False, True], ids=["plain", "idempotent"])
def policies(request):
    """No policy, or Idempotency with an empty store."""
    return [Idempotency(MemoryStore())] if request.param else []


@pytest.mark.parametrize("size", [2, 3, 8])
def test_so_many_run_at_a_time_and_never_more(size, make, policies):
    """No run ends before *size* have begun, so they do run together; and no other begins meanwhile."""
    meeting = Meeting(size)
    handler = make(meeting, concurrency=size, policies=policies)

    assert handler(named(*"a" * 2 * size), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert meeting.most == size


def test_one_at_a_time_is_the_default(make, policies):
    """Without the option nothing runs beside anything."""
    meeting = Meeting(1)

    assert make(meeting, policies=policies)(named(*"abc"), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert meeting.most == 1


def test_failures_are_those_of_their_own_records(make, policies):
    """What one lane raises is no other lane's business."""

    def work(record):
        if record.body == "bad":
            raise ValueError

    handler = make(Meeting(3), work, concurrency=3, policies=policies)

    assert sorted(failed(handler(named("a", "bad", "c", "bad", "e", "f"), lambda_context(timeout_s=60)))) == [
        "m1",
        "m3",
    ]


def test_each_lane_has_its_own_claim_and_the_invocations_deadline(make):
    """`current_claim` and `current_deadline` say the right thing while several runs are under way."""
    store = MemoryStore()
    claims, deadlines = {}, set()

    def work(record):
        claims[record.body] = current_claim().key
        deadlines.add(current_deadline().at_s)

    options = {"policies": [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]}
    make(Meeting(4), work, concurrency=4, **options)(named(*"abcdefgh"), lambda_context(timeout_s=60))

    assert claims == {body: key_of(body) for body in "abcdefgh"}
    assert len(deadlines) == 1


def test_lanes_keep_their_order(make, policies):
    """Four partitions run at the same time, each in order."""
    ran = []

    def work(record):
        ran.append((record.raw["partition"], record.raw["offset"]))

    event = kafka_event(kafka_record("1", partition=p, offset=n) for p in range(4) for n in range(5))
    handler = make(Meeting(4), work, concurrency=4, policies=policies)

    assert handler(event, lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert len(ran) == 20
    for partition in range(4):
        assert [n for p, n in ran if p == partition] == list(range(5))


def test_one_lane_is_run_one_at_a_time(policies):
    """More concurrency than lanes changes nothing within a lane."""
    inside, most = [], []

    def function(record):
        inside.append(record.id)
        most.append(len(inside))
        inside.remove(record.id)

    event = kafka_event(kafka_record("1", offset=n) for n in range(30))

    assert batch_handler(concurrency=8, policies=policies)(function)(event, lambda_context()) == NOTHING_FAILED
    assert max(most) == 1


def test_observers_are_called_by_one_thread_at_a_time(make, policies):
    """They need no lock of their own, and hear of every record."""
    entered = threading.Lock()
    heard = []

    def observer(event):
        assert entered.acquire(blocking=False)  # raised, it would be missing below
        heard.append(event)
        entered.release()

    make(Meeting(4), concurrency=4, policies=policies, observers=[observer])(
        named(*"a" * 40), lambda_context(timeout_s=60)
    )

    assert sorted(event.record_id for event in heard if isinstance(event, RecordSettled)) == sorted(
        f"m{number}" for number in range(40)
    )


def test_policies_are_run_by_one_lane_at_a_time(make):
    """Between two awaits of a policy no other lane's policies run: they need no lock either."""
    entered = threading.Lock()
    found = []

    class Counting:
        async def around(self, call, proceed):
            found.append(entered.acquire(blocking=False))
            entered.release()
            outcome = await proceed(call)
            found.append(entered.acquire(blocking=False))
            entered.release()
            return outcome

    make(Meeting(4), concurrency=4, policies=[Counting()])(named(*"a" * 40), lambda_context(timeout_s=60))

    assert found == [True] * 80


@pytest.mark.parametrize("error", [None, ValueError()], ids=["success", "failure"])
def test_duplicates_in_two_lanes_run_once_and_attach(make, error):
    """Two lanes meet a key at the same time: one runs it, the other waits for what comes of it (protocols.md B10)."""
    ran = []

    def work(record):
        ran.append(record.body)
        if record.body == "k" and error is not None:
            raise error

    policies = [Idempotency(MemoryStore(), key=lambda record: record.body)]
    # The run of "k" goes on once another record runs beside it, which comes behind its duplicate.
    handler = make(Meeting(2), work, concurrency=3, policies=policies)
    names = failed(handler(named("k", "k", "x"), lambda_context(timeout_s=60)))

    assert sorted(ran) == ["k", "x"]
    assert sorted(names) == ([] if error is None else ["m0", "m1"])


@pytest.mark.parametrize("paint_async", [False, True], ids=["sync", "async"])
def test_an_exit_in_one_lane_ends_the_batch_with_every_claim_settled(paint_async):
    """
    Nothing is acknowledged, as there is no answer; what runs beside it ends first, and nothing else is started.

    A task that runs beside it is cancelled.
    """
    store = FaultyStore()
    meeting = Meeting(3)
    policies = [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]
    ran = []

    def work(record):
        ran.append(record.body)
        if record.body == "b":
            raise KeyboardInterrupt

    if paint_async:

        @batch_handler(concurrency=3, policies=policies)
        async def handler(record):
            if record.body in "abc":
                await meeting.enter_async()
            work(record)
    else:

        @batch_handler(concurrency=3, policies=policies)
        def handler(record):
            if record.body in "abc":
                meeting.enter()
            work(record)

    with pytest.raises(KeyboardInterrupt):
        handler(named(*"abcdefghi"), lambda_context(timeout_s=60))

    statuses = Counter(store.status(key_of(body)) for body in "abcdefghi")
    assert set(statuses) <= {"COMPLETED", "RELEASED", None}
    assert store.status(key_of("b")) == "RELEASED"
    assert {body for body in "abcdefghi" if store.status(key_of(body)) == "COMPLETED"} <= set(ran)
    assert len(ran) == len(set(ran))


def test_without_a_thread_to_be_had_the_batch_is_run_all_the_same(monkeypatch, policies):
    """The environment is at its limit: the lanes are run by the handler's own thread."""
    ran = []
    handler = batch_handler(concurrency=3, policies=policies)(lambda record: ran.append(record.id))

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert handler(named(*"abcd"), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert sorted(ran) == ["m0", "m1", "m2", "m3"]


def test_with_fewer_threads_than_asked_for_there_are_fewer_lanes(monkeypatch, policies):
    """Whatever could be started runs the whole batch."""
    ran, started = [], []
    handler = batch_handler(concurrency=3, policies=policies)(lambda record: ran.append(record.id))
    start = threading.Thread.start

    def start_one(thread):
        if thread.name == "resilient_lambda-lane":
            started.append(thread)
            if len(started) > 1:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)

    assert handler(named(*"abcd"), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert sorted(ran) == ["m0", "m1", "m2", "m3"]


def test_dead_letters_of_several_lanes_are_all_sent(make, policies):
    """Each is confirmed and acknowledged, whichever lane it comes from."""
    sent = []

    def work(record):
        if int(record.body) % 2:
            raise NonRetryableError

    sink = DeadLetter(lambda record, error: sent.append(record.id))
    # An async function's sink may be a blocking one: it is called in a thread.
    handler = make(Meeting(2), work, concurrency=2, policies=policies, dead_letter=sink)

    assert handler(named(*"01234567"), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert sorted(sent) == ["m1", "m3", "m5", "m7"]


def test_an_async_handler_runs_lanes_inside_a_running_loop():
    """``aio(event, context)`` awaits them as tasks of the caller's loop."""
    meeting = Meeting(3)

    @batch_handler(concurrency=3)
    async def handler(record):
        await meeting.enter_async()

    assert asyncio.run(handler.aio(named(*"abcdef"), lambda_context(timeout_s=60))) == NOTHING_FAILED
    assert meeting.most == 3


def test_a_cancelled_invocation_cancels_its_lanes():
    """Every task is ended and awaited, every claim released."""
    store = FaultyStore()
    began, ended = [], []

    @batch_handler(concurrency=3, policies=[Idempotency(store, key=lambda r: r.body, namespace=NAMESPACE)])
    async def handler(record):
        began.append(record.body)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(record.body)

    async def cancel():
        task = asyncio.ensure_future(handler.aio(named(*"abcdef"), lambda_context(timeout_s=60)))
        while len(began) < 3:
            await asyncio.sleep(0.001)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())

    assert sorted(began) == sorted(ended) == ["a", "b", "c"]
    assert {store.status(key_of(body)) for body in "abcdef"} == {"RELEASED"}


def test_ten_thousand_records_in_eight_lanes_are_answered():
    """The largest batch, every hundredth record failing."""

    def function(record):
        if record.body == "bad":
            raise ValueError

    bodies = ["bad" if number % 100 == 0 else "ok" for number in range(10_000)]

    assert len(failed(batch_handler(concurrency=8)(function)(named(*bodies), lambda_context(timeout_s=60)))) == 100
