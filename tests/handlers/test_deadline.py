"""Time: what is started, what is given back, and that nothing is started that cannot finish."""

from __future__ import annotations

import json
import math

import pytest

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    batch_handler,
    current_deadline,
    resilient_handler,
)
from resilient_lambda._core.sources import open_batch
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.events import CompletionUnrecorded
from resilient_lambda.testing import FakeIo, in_memory, kinesis_event, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.lanes import ORDERED, came_back, name_of
from tests.policies.stores import NAMESPACE, FaultyStore, key_of


@pytest.fixture(params=[False, True], ids=["plain", "with idempotency"])
def policies(request):
    """No policy, or Idempotency with an empty store."""
    return [Idempotency(MemoryStore())] if request.param else []


def named(count):
    """Return an event of *count* messages called m0, m1, ..."""
    return sqs_event(sqs_record("1", message_id=f"m{number}") for number in range(count))


@pytest.mark.parametrize(
    ("timeout_s", "margin_s", "started"),
    [
        (30, None, 9),  # a tenth of it, 3 s, is kept: started at 0, 3, ..., 24 s
        (100, None, 10),
        (31, 1, 10),
        (30, 0, 10),
        (30, 10, 6),  # the one of 18 s would end a second late
        (30, 30, 1),  # nine tenths of what remains are kept at the most
        (30, 31, 1),
        (3, None, 1),  # the first may take what there is
        (0, None, 0),
        (0, 0, 0),
    ],
)
def test_records_are_started_as_long_as_they_end_before_the_margin(  # three of them are fixtures
    time, paint, policies, timeout_s, margin_s, started
):
    """Each run takes 3 s; what would not end before the margin begins is given back, in order, unrun."""
    began = []

    def function(record):
        began.append((record.id, context.get_remaining_time_in_millis() / 1000))
        time.advance(3)

    handler = batch_handler(policies=policies, margin_s=margin_s)(paint(function))
    context = time.context(timeout_s=timeout_s)
    names = failed(handler(named(10), context))

    assert [name for name, _ in began] == [f"m{number}" for number in range(started)]
    assert names == [f"m{number}" for number in range(started, 10)]
    margin_s = min(5, timeout_s / 10) if margin_s is None else min(margin_s, timeout_s * 0.9)
    assert all(left_s > margin_s for _, left_s in began)


def test_the_margin_is_five_seconds_at_most(time, paint):
    """Of fifteen minutes not a minute and a half is kept."""
    began = []

    def function(record):
        began.append(record.id)
        time.advance(447)

    handler = batch_handler(paint(function))

    assert handler(named(2), time.context(timeout_s=900)) == NOTHING_FAILED
    assert began == ["m0", "m1"]


def test_what_was_given_back_runs_in_the_next_delivery(time, paint, policies):
    """Nothing of it is claimed or counted: the next invocation runs it at once."""
    began = []

    def function(record):
        began.append(record.id)
        time.advance(3)

    handler = batch_handler(policies=policies)(paint(function))
    first = failed(handler(named(4), time.context(timeout_s=6.5)))
    rest = [raw for raw in named(4)["Records"] if raw["messageId"] in first]

    assert handler({"Records": rest}, time.context(timeout_s=60)) == NOTHING_FAILED
    assert sorted(began) == ["m0", "m1", "m2", "m3"]


def test_without_a_remaining_time_there_is_no_deadline(time: FakeIo, paint, policies):
    """A context that tells no time, as in a hand-made test, starts everything."""

    class Context:
        function_name = "f"
        aws_request_id = "r"

    def function(record):
        time.advance(10_000)

    assert batch_handler(policies=policies)(paint(function))(named(3), Context()) == NOTHING_FAILED


def test_a_record_that_ends_after_the_deadline_is_still_acknowledged(time, paint, policies):
    """It is done: Lambda may stop the invocation, but if it does not, the answer is true."""

    def function(record):
        time.advance(100)

    names = failed(batch_handler(policies=policies)(paint(function))(named(2), time.context(timeout_s=30)))

    assert names == ["m1"]


def test_real_time_passes_in_a_real_context(paint, policies):
    """Without virtual time a batch of quick records is simply run."""
    handler = batch_handler(policies=policies)(paint(lambda record: None))

    assert handler(named(3), lambda_context(timeout_s=3)) == NOTHING_FAILED


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("holds_jobs", [False, True])
def test_what_was_given_back_is_not_claimed(time, paint, concurrency, holds_jobs):
    """No key of it is in progress when the answer goes out, and no attempt is counted."""
    time.holds_jobs = holds_jobs
    store = FaultyStore()
    ran = []

    def function(record):
        ran.append(record.body)
        time.advance(2)

    policies = [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]
    handler = batch_handler(policies=policies, margin_s=20, concurrency=concurrency)(paint(function))
    bodies = [f"b{number}" for number in range(40)]
    names = failed(handler(sqs_event(bodies), time.context(timeout_s=30)))
    left = [body for body in bodies if body not in ran]

    assert 4 <= len(ran) <= 8
    assert len(names) == len(left) == 40 - len(ran)
    assert {store.status(key_of(body)) for body in ran} == {"COMPLETED"}
    assert {store.status(key_of(body)) for body in left} <= {"RELEASED", None}
    assert {entry.attempts for body in left if (entry := store.entry(key_of(body)))} <= {0}


def test_how_long_runs_take_is_known_from_earlier_invocations(time, paint, policies):
    """Who has seen a run of 8 s starts no second record where 8 s are not left; the first always may."""
    took_s, ran = iter([8, 1, 1, 1, 1, 1, 1]), []

    def function(record):
        ran.append(record.id)
        time.advance(next(took_s))

    handler = batch_handler(margin_s=0, policies=policies)(paint(function))
    handler(sqs_event([sqs_record("1", message_id="long")]), time.context(timeout_s=30))

    assert failed(handler(named(3), time.context(timeout_s=6))) == ["m1", "m2"]
    assert ran == ["long", "m0"]


def test_a_new_environment_knows_nothing(time, paint):
    """`fake_io` and `in_memory` forget what earlier tests have taken: they stand for other environments."""
    ran = []

    def function(record):
        ran.append(record.id)
        if len(ran) == 1:
            time.advance(20)

    handler = batch_handler(paint(function))
    handler(named(1), time.context(timeout_s=30))
    with in_memory():
        assert handler(named(3), time.context(timeout_s=10)) == NOTHING_FAILED


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_a_lane_that_has_no_time_left_loses_nothing(event_of, time, paint, policies):
    """Streams come again from the first record that was not started, queues and partitions by lanes."""
    ran = []

    def function(record):
        ran.append(name_of(record))
        time.advance(2)

    names = ["a0", "a1", "a2", "a3", "a4", "a5"]
    event = event_of(names)
    handler = batch_handler(policies=policies, margin_s=0)(paint(function))
    delivery = open_batch(event)
    name_in = {id(raw): name for raw, name in zip(delivery.raws, names, strict=True)}
    again = came_back(event, handler(event, time.context(timeout_s=7)), lambda raw: name_in[id(raw)])

    assert ran == names[:3]
    assert again == names[3:]


def test_operators_can_switch_the_deadline_off(time, paint, policies, monkeypatch):
    """``RESILIENT_LAMBDA_DISABLE=deadline``: everything is started, as without the library."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "deadline")
    ran = []

    def function(record):
        ran.append(record.id)
        time.advance(3)

    assert batch_handler(policies=policies)(paint(function))(named(5), time.context(timeout_s=8)) == NOTHING_FAILED
    assert len(ran) == 5


@pytest.mark.parametrize("decorate", [batch_handler, resilient_handler])
def test_the_function_can_ask_for_its_deadline(decorate, time, paint):
    """How long it may take, until when, and when Lambda stops it."""
    seen = []

    def function(record):
        deadline = current_deadline()
        time.advance(2)
        seen.append((deadline.remaining_s(), deadline.at_s - time.now(), deadline.stop_at_s - time.now()))
        time.advance(100)
        seen.append(deadline.remaining_s())

    decorate(margin_s=4)(paint(function))(named(1), time.context(timeout_s=30))

    assert seen == [pytest.approx((24, 28, 24)), 0]


def test_without_a_remaining_time_the_deadline_is_infinite(time, paint):
    """Code that asks for it works in a hand-made test, too."""
    seen = []

    def function(record):
        deadline = current_deadline()
        seen.append((deadline.at_s, deadline.remaining_s()))

    batch_handler(paint(function))(named(1), None)

    assert seen == [(math.inf, math.inf)]


def test_outside_a_handler_there_is_no_deadline(time, paint):
    """Neither before nor after an invocation."""
    batch_handler(paint(lambda record: None))(named(1), time.context())

    with pytest.raises(RuntimeError, match="no deadline here"):
        current_deadline()


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_would_run_beyond_the_margin_is_cut_short(time, paint, policies, concurrency):
    """``interrupt=True``: records that are done are acknowledged, the one that hangs and the rest come again."""
    ran = []

    def function(record):
        ran.append(record.id)
        time.advance(1_000 if record.id == "m2" else 1)

    handler = batch_handler(policies=policies, interrupt=True, concurrency=concurrency)(paint(function))
    context = time.context(timeout_s=30)
    names = failed(handler(named(8), context))

    assert "m2" in names
    assert {f"m{number}" for number in range(8)} - set(names) <= set(ran)
    assert context.get_remaining_time_in_millis() > 0


def test_an_interrupt_of_one_handler_is_no_others(time, paint):
    """Each invocation has its own limit."""
    batch_handler(interrupt=True)(paint(lambda record: None))(named(1), time.context(timeout_s=10))

    def function(record):
        time.advance(100)

    handler = batch_handler(policies=[Idempotency(MemoryStore())])(paint(function))
    assert handler(named(1), time.context(timeout_s=300)) == NOTHING_FAILED


@pytest.fixture
def stream(paint):
    """Return what invokes a handler with records of a shard: "ok" succeeds, "bad" fails."""

    def invoke(store, time, *bodies, work=lambda body: None, timeout_s=30, observers=()):
        def function(record):
            work(record.json())
            if record.json() == "bad":
                raise ValueError

        policies = [Idempotency(store, key=lambda record: record.json(), namespace=NAMESPACE)]
        handler = batch_handler(policies=policies, observers=observers)(paint(function))
        return handler(kinesis_event([json.dumps(body) for body in bodies]), time.context(timeout_s=timeout_s))

    return invoke


def test_a_success_that_is_delivered_again_is_insisted_on(stream, time):
    """
    A stream with a failure brings back what is done; if the store is away, its completion is tried until it is there.

    Given up, it would run again for certain (protocols.md B8).
    """
    store = FaultyStore()
    store.fail("complete", times=9)
    answer = stream(store, time, "ok", "bad")

    assert len(answer["batchItemFailures"]) == 1
    assert store.status(key_of("ok")) == "COMPLETED"


def test_insisting_ends_in_time_for_the_answer(stream, time):
    """Half of the margin is left at least; what is not recorded then is reported."""
    store = FaultyStore()
    store.fail("complete", times=math.inf)
    heard = []
    began_s = time.now()
    stream(store, time, "ok", "bad", observers=[heard.append])

    assert 27 < time.now() - began_s <= 28.6  # the margin is 3 s
    assert [event.key for event in heard if isinstance(event, CompletionUnrecorded)] == [key_of("ok")]


def test_without_a_failure_nothing_is_insisted_on(stream, time):
    """What is acknowledged does not come again: the journal has it, and the answer goes out."""
    store = FaultyStore()
    store.fail("complete", times=math.inf)
    began_s = time.now()

    assert stream(store, time, "ok", "ok too")["batchItemFailures"] == []
    assert time.now() - began_s < 5


def test_a_queue_is_not_insisted_on(time, paint):
    """Its messages are acknowledged one by one, whatever became of others."""
    store = FaultyStore()
    store.fail("complete", times=math.inf)

    def function(record):
        if record.body == "bad":
            raise ValueError

    policies = [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]
    began_s = time.now()
    names = failed(batch_handler(policies=policies)(paint(function))(sqs_event(["ok", "bad"]), time.context()))

    assert len(names) == 1
    assert time.now() - began_s < 5


def test_insisting_without_a_margin_ends_at_the_deadline(stream, time, monkeypatch):
    """``RESILIENT_LAMBDA_DISABLE=deadline`` takes the margin away, not the end of the invocation."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "deadline")
    store = FaultyStore()
    store.fail("complete", times=math.inf)
    began_s = time.now()

    assert len(stream(store, time, "ok", "bad")["batchItemFailures"]) == 1
    assert time.now() - began_s <= 30


@pytest.mark.parametrize("is_raised", [False, True])
def test_a_batch_of_which_nothing_succeeded_can_be_raised(time, paint, policies, is_raised):
    """``raise_if_all_failed``: Lambda then slows its polling; the first error is the cause."""

    def function(record):
        raise ValueError(record.id)

    handler = batch_handler(policies=policies, raise_if_all_failed=is_raised)(paint(function))
    if not is_raised:
        assert failed(handler(named(2), time.context())) == ["m0", "m1"]
        return
    with pytest.raises(BatchFailedError, match="all 2 records") as caught:
        handler(named(2), time.context())
    assert str(caught.value.__cause__) == "m0"


@pytest.mark.parametrize(
    ("bodies", "what"), [((), "empty"), (("ok",), "one success"), (("bad", "ok"), "a success among failures")]
)
def test_a_batch_with_a_success_is_never_raised(time, paint, policies, bodies, what):
    """Raised, it would bring back what is done."""

    def function(record):
        if record.body == "bad":
            raise ValueError

    handler = batch_handler(policies=policies, raise_if_all_failed=True)(paint(function))

    assert len(failed(handler(sqs_event(bodies), time.context()))) == bodies.count("bad")


def test_a_batch_that_was_set_aside_is_not_raised(time, paint, policies):
    """It is dealt with: nothing of it must come again."""

    def function(record):
        raise NonRetryableError

    sink = DeadLetter(lambda record, error: "letter")
    handler = batch_handler(policies=policies, raise_if_all_failed=True, dead_letter=sink)(paint(function))

    assert handler(named(2), time.context()) == NOTHING_FAILED
