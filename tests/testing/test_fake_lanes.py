"""Several lanes, interrupts and tainted environments in virtual time."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from resilient_lambda import Idempotency, MemoryStore, batch_handler, current_claim
from resilient_lambda.testing import FakeIo, fake_io, kafka_event, kafka_record, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import COLOURS


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request):
    """Turn a ``def`` into the colour under test."""
    return request.param


def named(count):
    """Return an event of *count* messages called m0, m1, ..."""
    return sqs_event(sqs_record("1", message_id=f"m{number}") for number in range(count))


def order_of(seed):
    """Return the order in which three lanes run nine records."""
    ran = []
    with fake_io(seed=seed) as io:
        handler = batch_handler(concurrency=3, policies=[Idempotency(MemoryStore())])(lambda r: ran.append(r.id))
        assert handler(named(9), io.context()) == NOTHING_FAILED
    return tuple(ran)


def test_a_seed_repeats_the_order_in_which_lanes_go_on():
    """A test that fails with a seed fails with it every time."""
    assert [order_of(seed) for seed in range(5)] == [order_of(seed) for seed in range(5)]


def test_other_seeds_have_other_orders():
    """Chance decides at every wait."""
    assert len({order_of(seed) for seed in range(30)}) > 10


def test_lanes_keep_their_order_whatever_the_seed():
    """Chance is between lanes, never within one."""
    for seed in range(20):
        ran = []
        with fake_io(seed=seed) as io:
            handler = batch_handler(concurrency=3)(lambda r, ran=ran: ran.append((r.raw["partition"], r.raw["offset"])))
            handler(kafka_event(kafka_record("1", partition=n % 3, offset=n) for n in range(12)), io.context())

        for partition in range(3):
            offsets = [offset for p, offset in ran if p == partition]
            assert offsets == sorted(offsets)
            assert len(offsets) == 4


def test_each_lane_has_context_variables_of_its_own(paint):
    """What a policy sets around a run is not seen by the other lanes."""
    current: ContextVar[str] = ContextVar("current")
    seen = []

    class Setting:
        async def around(self, call, proceed):
            current.set(call.record.id)
            await call.invocation.io.sleep(1)
            return await proceed(call)

    def function(record):
        seen.append((record.id, current.get(), current_claim().key))

    with fake_io() as io:
        policies = [Idempotency(MemoryStore()), Setting()]
        handler = batch_handler(concurrency=4, policies=policies)(paint(function))
        assert handler(named(8), io.context(timeout_s=100)) == NOTHING_FAILED

    assert all(name == found for name, found, _ in seen)
    assert len({key for *_, key in seen}) == 8


@pytest.mark.parametrize("concurrency", [1, 3])
def test_time_ends_where_what_hangs_is_cut_short(paint, concurrency):
    """Advancing beyond the margin stops there, in the user's function only; the rest of the batch is given back."""

    def function(record):
        io.advance(1_000)
        raise AssertionError("it was cut short")

    with fake_io() as io:
        context = io.context(timeout_s=10)
        names = failed(batch_handler(interrupt=True, concurrency=concurrency)(paint(function))(named(5), context))

    assert sorted(names) == [f"m{number}" for number in range(5)]
    assert context.get_remaining_time_in_millis() == 1_000


@pytest.mark.parametrize("concurrency", [1, 3])
def test_who_swallows_it_has_not_done_his_work(paint, concurrency):
    """As in real time: the record comes again whatever the function makes of it."""

    def function(record):
        try:
            io.advance(1_000)
        except BaseException:
            return

    with fake_io() as io:
        handler = batch_handler(interrupt=True, concurrency=concurrency)(paint(function))
        assert failed(handler(named(1), io.context(timeout_s=10))) == ["m0"]


def test_a_task_that_is_suspended_can_still_be_cut_short():
    """Other lanes that end meanwhile change nothing about it."""
    with fake_io() as io:

        @batch_handler(interrupt=True, concurrency=2)
        async def handler(record):
            if record.id == "m0":
                for _ in range(10):
                    await asyncio.sleep(0)
                io.advance(1_000)

        assert failed(handler(named(2), io.context(timeout_s=10))) == ["m0"]


def test_waits_of_the_library_are_never_cut_short(paint):
    """Only the user's function is: a policy that waits beyond the margin waits to its end."""
    waited = []

    class Waiting:
        async def around(self, call, proceed):
            outcome = await proceed(call)
            await call.invocation.io.sleep(9.5)
            waited.append(call.record.id)
            return outcome

    with fake_io() as io:
        handler = batch_handler(interrupt=True, policies=[Waiting()])(paint(lambda record: None))
        assert handler(named(1), io.context(timeout_s=10)) == NOTHING_FAILED

    assert waited == ["m0"]


def test_without_interrupt_nothing_is_cut_short(paint):
    """Whatever other handlers of the block do."""
    with fake_io() as io:
        batch_handler(interrupt=True)(paint(lambda record: None))(named(1), io.context(timeout_s=10))
        handler = batch_handler(concurrency=2)(paint(lambda record: io.advance(100)))
        assert handler(named(1), io.context(timeout_s=10)) == NOTHING_FAILED


def test_a_tainted_environment_ends_with_an_exit():
    """Where a real environment would be gone, the test hears of it."""
    io = FakeIo()
    io.end_if_tainted()
    running = [True]
    io.taint(lambda: bool(running))

    with pytest.raises(SystemExit, match="environment ends itself"):
        io.end_if_tainted()
    running.clear()
    io.end_if_tainted()


def test_an_error_in_a_lane_ends_the_others(paint):
    """They are closed: nothing of them goes on in the next test."""
    ran = []

    def function(record):
        ran.append(record.id)
        if record.id == "m1":
            raise KeyboardInterrupt

    with fake_io() as io:
        handler = batch_handler(concurrency=3)(paint(function))
        with pytest.raises(KeyboardInterrupt):
            handler(named(30), io.context())
        before = list(ran)
        assert batch_handler(paint(lambda record: None))(named(1), io.context()) == NOTHING_FAILED

    assert ran == before
    assert len(ran) < 30


def test_a_flag_is_waited_for_by_several_lanes():
    """All go on once it is set, at whatever wait that is."""
    log = []
    io = FakeIo(seed=3)

    async def lane():
        number = len(log)
        log.append(f"{number} came")
        if number == 2:
            await io.sleep(5)
            flag.set()
        await flag.wait()
        log.append(f"{number} goes on")

    flag = io.flag()
    coroutine = io.run_lanes(lane, 3)
    with pytest.raises(StopIteration):
        coroutine.send(None)

    assert sorted(log[:3]) == ["0 came", "1 came", "2 came"]
    assert sorted(log[3:]) == ["0 goes on", "1 goes on", "2 goes on"]


def test_a_gate_lets_one_lane_in_at_a_time():
    """Whoever is inside may wait; the others wait for him."""
    inside, most = [], []
    io = FakeIo(seed=1)
    gate = io.gate()

    async def lane():
        async with gate:
            inside.append(1)
            most.append(len(inside))
            await io.sleep(1)
            inside.pop()

    with pytest.raises(StopIteration):
        io.run_lanes(lane, 5).send(None)

    assert most == [1] * 5
