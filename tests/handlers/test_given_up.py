"""``interrupt=True`` with several lanes: threads are left to themselves, tasks are cancelled and awaited."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from resilient_lambda import DeadLetter, Idempotency, NonRetryableError, batch_handler, current_claim
from resilient_lambda.errors import LeaseLostError
from resilient_lambda.events import LaneStopped, RecordSettled
from resilient_lambda.testing import kafka_event, kafka_record, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.policies.stores import NAMESPACE, FaultyStore, key_of

MARGIN_S = 0.3
TIMEOUT_S = 2 * MARGIN_S  # runs are cancelled after 0.3 s, and given up after 0.45 s
OPTIONS = {"interrupt": True, "margin_s": MARGIN_S}
LANE = "resilient_lambda-lane"


def named(*bodies, groups=None):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(
        sqs_record(body, message_id=f"m{number}", group=None if groups is None else groups[number])
        for number, body in enumerate(bodies)
    )


def lanes_ended():
    """Wait for all threads of lanes: what was given up would otherwise taint the process of the tests."""
    for thread in threading.enumerate():
        if thread.name == LANE:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def store():
    """A table."""
    return FaultyStore()


@pytest.fixture
def policies(store):
    """`Idempotency` by body."""
    return [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]


@pytest.fixture
def release():
    """What hanging threads wait for; set at the end."""
    event = threading.Event()
    yield event
    event.set()
    lanes_ended()


def test_a_thread_that_hangs_is_given_up_and_the_others_are_acknowledged(release):
    """The answer is in time, and the record of the thread comes again."""

    @batch_handler(concurrency=3, **OPTIONS)
    def handler(record):
        if record.body == "hangs":
            release.wait(10)

    began_s = time.monotonic()
    names = failed(handler(named("a", "hangs", "c", "d"), lambda_context(timeout_s=TIMEOUT_S)))
    took_s = time.monotonic() - began_s

    assert names == ["m1"]
    assert 0.43 < took_s < TIMEOUT_S


def test_when_all_threads_hang_the_rest_comes_back_unrun(release):
    """What could not be started is given back, all of it."""
    ran = []

    @batch_handler(concurrency=2, **OPTIONS)
    def handler(record):
        ran.append(record.id)
        release.wait(10)

    names = failed(handler(named(*"abcdef"), lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == [f"m{number}" for number in range(6)]
    assert sorted(ran) == ["m0", "m1"]


def test_threads_that_end_as_they_are_given_up_stop_nothing(release):
    """Their numbers go to the threads that give back the rest: those are other threads all the same."""
    heard = []

    def observer(event):
        heard.append(event)
        release.set()
        lanes_ended()

    @batch_handler(concurrency=2, observers=[observer], **OPTIONS)
    def handler(record):
        release.wait(10)

    names = failed(handler(named(*"abcdef"), lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == [f"m{number}" for number in range(6)]


def test_a_thread_that_ends_within_the_grace_counts(release):
    """Half of the margin is waited for: a run that ends then is acknowledged."""

    @batch_handler(concurrency=2, **OPTIONS)
    def handler(record):
        if record.body == "late":
            release.wait(0.35)  # the others are in time, nothing is started any more

    assert failed(handler(named("a", "late", "c"), lambda_context(timeout_s=TIMEOUT_S))) == []


def test_without_interrupt_all_threads_are_waited_for(release):
    """Nobody asked for anything to be given up."""
    timer = threading.Timer(0.7, release.set)
    timer.start()
    handler = batch_handler(concurrency=2, margin_s=MARGIN_S)(lambda record: release.wait(10))

    assert handler(named("a", "b"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED


def test_the_claim_of_a_thread_that_hangs_stays(release, store, policies):
    """Its code may still take effect: nobody may run it before the lease ends, also not once the thread has ended."""

    @batch_handler(concurrency=2, policies=policies, **OPTIONS)
    def handler(record):
        if record.body == "hangs":
            release.wait(10)

    names = failed(handler(named("a", "hangs", "c"), lambda_context(timeout_s=TIMEOUT_S)))
    steps = len(store.steps)

    assert names == ["m1"]
    assert [store.status(key_of(body)) for body in ("a", "hangs", "c")] == ["COMPLETED", "IN_PROGRESS", "COMPLETED"]
    release.set()
    lanes_ended()
    assert store.status(key_of("hangs")) == "IN_PROGRESS"
    assert store.entry(key_of("hangs")).attempts == 0
    assert len(store.steps) == steps


def test_a_thread_that_hangs_in_a_whole_lane_keeps_its_claims(release, store, policies):
    """With ``lane=True`` they are all that the function was given."""

    @batch_handler(concurrency=2, policies=policies, lane=True, **OPTIONS)
    def handler(records):
        release.wait(10)

    names = failed(handler(named("a", "b", "c", groups="ggg"), lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == ["m0", "m1", "m2"]
    release.set()
    lanes_ended()
    assert {store.status(key_of(body)) for body in "abc"} == {"IN_PROGRESS"}


def test_a_duplicate_of_what_hangs_comes_back_with_it(release, store, policies):
    """The lane that waits for the run to attach to it is given up, too."""

    @batch_handler(concurrency=3, policies=policies, **OPTIONS)
    def handler(record):
        if record.body == "hangs":
            release.wait(10)

    names = failed(handler(named("hangs", "hangs", "c"), lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == ["m0", "m1"]


def test_a_lane_whose_thread_is_given_up_stops(release):
    """What is behind the record that hangs comes again, other groups are done."""
    heard = []

    @batch_handler(concurrency=2, observers=[heard.append], **OPTIONS)
    def handler(record):
        if record.body == "hangs":
            release.wait(10)

    event = named("a", "hangs", "b", "c", "d", groups="ggxgx")
    names = failed(handler(event, lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == ["m1", "m3"]
    assert [event.left for event in heard if isinstance(event, LaneStopped)] == [1]


def test_a_record_that_is_given_up_is_settled_as_a_timeout(release):
    """Observers hear of it once, and nothing more when its thread ends."""
    heard = []

    @batch_handler(concurrency=2, observers=[heard.append], **OPTIONS)
    def handler(record):
        if record.body == "hangs":
            release.wait(10)

    handler(named("a", "hangs"), lambda_context(timeout_s=TIMEOUT_S))
    release.set()
    lanes_ended()
    settled = {event.record_id: event for event in heard if isinstance(event, RecordSettled)}

    assert len(settled) == len(heard) == 2
    assert (settled["m1"].error_type, settled["m1"].ran) == ("DeadlineExceededError", True)


def test_a_dead_letter_that_is_under_way_when_its_thread_is_given_up_is_not_acknowledged(release):
    """Nobody has confirmed it yet: its record and those behind it come again."""

    def sink(record, error):
        release.wait(10)
        return "letter"

    @batch_handler(concurrency=2, dead_letter=DeadLetter(sink), **OPTIONS)
    def handler(record):
        if record.body == "bad":
            raise NonRetryableError

    event = named("bad", "b", "c", groups="gxg")

    assert sorted(failed(handler(event, lambda_context(timeout_s=TIMEOUT_S)))) == ["m0", "m2"]


def test_kafka_names_the_offset_that_hangs(release):
    """The checkpoint of its partition stays there; others are done."""

    @batch_handler(concurrency=2, **OPTIONS)
    def handler(record):
        if record.raw["partition"] == 1 and record.raw["offset"] == 1:
            release.wait(10)

    event = kafka_event(kafka_record("1", partition=p, offset=n) for p in range(2) for n in range(3))
    answer = handler(event, lambda_context(timeout_s=TIMEOUT_S))

    assert answer == {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-1", "offset": 1}}]}


def test_an_environment_whose_threads_have_ended_goes_on(release):
    """Only a thread that still runs keeps the next invocation from being handled here."""
    handler = batch_handler(concurrency=2, **OPTIONS)(lambda record: release.wait(10))

    assert failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))) == ["m0"]
    release.set()
    lanes_ended()
    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED


# --- async def -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[1, 3], ids=["one at a time", "three at a time"])
def several(request):
    """Options with and without several lanes."""
    return {"concurrency": request.param, **OPTIONS}


def test_a_task_that_hangs_is_cancelled_and_awaited(several):
    """What it does about that is done before the answer; what is done is acknowledged."""
    cleaned = []

    @batch_handler(**several)
    async def handler(record):
        if record.body == "hangs":
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.01)
                cleaned.append(record.id)

    began_s = time.monotonic()

    assert failed(handler(named("a", "hangs"), lambda_context(timeout_s=TIMEOUT_S))) == ["m1"]
    assert cleaned == ["m1"]
    assert time.monotonic() - began_s < TIMEOUT_S


def test_all_tasks_that_hang_are_cancelled():
    """Several of them at the same time, and the rest comes back unrun."""
    cancelled = []

    @batch_handler(concurrency=3, **OPTIONS)
    async def handler(record):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(record.id)
            raise

    names = failed(handler(named(*"abcde"), lambda_context(timeout_s=TIMEOUT_S)))

    assert sorted(names) == [f"m{number}" for number in range(5)]
    assert sorted(cancelled) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("error", [None, NonRetryableError("x"), SystemExit(3)], ids=["returns", "raises", "exits"])
def test_a_task_that_makes_something_else_of_its_cancellation_comes_back(error, several):
    """A result that comes after it may be half, and its error is not the record's."""
    letters = []

    @batch_handler(dead_letter=DeadLetter(lambda record, error: letters.append(record.id)), **several)
    async def handler(record):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if error is not None:
                raise error from None

    assert failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))) == ["m0"]
    assert letters == []


def test_the_claim_of_a_cancelled_task_is_released_with_an_attempt(several, store, policies):
    """Its code does not run any more."""
    handler_options = {"policies": policies, **several}

    @batch_handler(**handler_options)
    async def handler(record):
        await asyncio.sleep(60)

    failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)))

    assert store.status(key_of("a")) == "RELEASED"
    assert store.entry(key_of("a")).attempts == 1


def test_what_was_committed_before_the_cancellation_is_acknowledged(several, store, policies):
    """It is done."""

    @batch_handler(policies=policies, **several)
    async def handler(record):
        await current_claim().acommit_with([])
        await asyncio.sleep(60)

    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert store.status(key_of("a")) == "COMPLETED"


def test_a_commit_that_is_cancelled_in_the_middle_is_not_repeated(several, store, policies):
    """It is written to its end, and the next delivery finds it."""
    held = threading.Event()
    store.before_call = lambda step: held.wait(0.2) if step == "commit" else None
    ran = []

    @batch_handler(policies=policies, **several)
    async def handler(record):
        ran.append(record.id)
        await current_claim().acommit_with([{"Put": {"TableName": "t", "Item": {"id": "a"}}}])

    first = failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)))

    assert store.status(key_of("a")) == "COMPLETED"
    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert ran == ["m0"]
    assert first in ([], ["m0"])
    assert len(store.memory.committed) == 1


def test_a_task_that_ignores_its_cancellation_is_given_up_and_its_claim_stays(several, store, policies):
    """The answer does not wait for it, and the key is not given away while its code may still take effect."""
    caught = []

    @batch_handler(policies=policies, **several)
    async def handler(record):
        if record.body != "stubborn":
            return
        claim = current_claim()
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                caught.append("cancelled")
        try:
            await claim.aensure_owned()
        except LeaseLostError:
            caught.append("not its own any more")

    async def invoke():
        nonlocal free
        free = asyncio.Event()
        began_s = time.monotonic()
        names = failed(await handler.aio(named("a", "stubborn"), lambda_context(timeout_s=TIMEOUT_S)))
        took_s = time.monotonic() - began_s
        status, steps = store.status(key_of("stubborn")), len(store.steps)
        free.set()
        while len(caught) < 2:
            await asyncio.sleep(0.001)
        return names, took_s, status, len(store.steps) - steps

    free = None
    names, took_s, status, later_steps = asyncio.run(invoke())

    assert names == ["m1"]
    assert 0.43 < took_s < TIMEOUT_S
    assert status == "IN_PROGRESS"
    assert caught == ["cancelled", "not its own any more"]
    assert later_steps == 0
    assert store.entry(key_of("stubborn")).attempts == 0


def test_an_exit_in_a_task_is_its_records_failure_in_a_callers_loop(several):
    """``sys.exit()`` does not tear down the loop of who awaits ``aio``."""

    @batch_handler(**several)
    async def handler(record):
        if record.body == "exits":
            raise SystemExit(3)

    event = named("a", "exits", "c")

    assert failed(asyncio.run(handler.aio(event, lambda_context(timeout_s=60)))) == ["m1"]
    assert failed(handler(event, lambda_context(timeout_s=60))) == ["m1"]


def test_a_cancelled_invocation_cancels_the_function(several, store, policies):
    """Whoever cancels ``aio`` gets its CancelledError, and every claim is released."""
    began, ended = [], []

    @batch_handler(policies=policies, **several)
    async def handler(record):
        began.append(record.id)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(record.id)

    async def cancel():
        task = asyncio.ensure_future(handler.aio(named("a"), lambda_context(timeout_s=60)))
        while not began:
            await asyncio.sleep(0.001)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())

    assert ended == ["m0"]
    assert store.status(key_of("a")) == "RELEASED"
