"""Synchronous invocation: what callers are told, and when they invoke again."""

from __future__ import annotations

import pytest

from resilient_lambda import Idempotency, MemoryStore, resilient_handler
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.history import Kind


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def raises(event, context):
    """Fail."""
    raise ValueError("no")


def exits(event, context):
    """Crash."""
    raise SystemExit(1)


def test_a_caller_gets_the_answer(delivery):
    """As JSON has it: a tuple comes back as a list."""
    calls = delivery.synchronous(lambda event, context: {"sum": (event["a"], 2)})
    sent = calls.send({"a": 1})
    delivery.run()

    assert calls.replies == [(sent, Kind.ANSWERED, {"sum": [1, 2]})]
    assert calls.replies[0].status == 200
    assert calls.handled(sent) == 1


@pytest.mark.parametrize(
    ("handler", "kind", "name"),
    [(raises, Kind.FAILED, "ValueError"), (exits, Kind.CRASHED, "Runtime.ExitError")],
)
def test_a_caller_is_told_of_a_function_error(delivery, handler, kind, name):
    """Lambda retries nothing for it, and the HTTP status is 200 all the same."""
    calls = delivery.synchronous(handler)
    sent = calls.send({})
    delivery.run()

    (reply,) = calls.replies
    assert reply.kind is kind
    assert reply.payload["errorType"] == name
    assert reply.status == 200
    assert calls.lost == [sent]


def test_a_caller_is_told_of_a_timeout(delivery):
    """It hears of it when the function's time is up."""
    calls = delivery.synchronous(delivery.function(lambda event, context: delivery.work(60), timeout_s=10))
    calls.send({})
    began_s = delivery.now_s
    delivery.run()

    assert [reply.kind for reply in calls.replies] == [Kind.TIMED_OUT]
    assert delivery.now_s - began_s == pytest.approx(10.25)


def test_a_caller_is_told_of_a_throttle_at_once(delivery):
    """It has HTTP status 429, and the function has not run."""
    calls = delivery.synchronous(delivery.function(lambda event, context: None, concurrency=0))
    sent = calls.send({})
    delivery.run()

    (reply,) = calls.replies
    assert reply.kind is Kind.THROTTLED
    assert reply.status == 429
    assert calls.receives == {sent: 0}


def test_a_caller_invokes_until_it_has_an_answer(delivery):
    """After that it does not, however many attempts it would have had."""
    ends = iter([True, True, False])

    def handler(event, context):
        if next(ends):
            raise ValueError

    calls = delivery.synchronous(handler, attempts=9)
    sent = calls.send({})
    delivery.run()

    assert [reply.kind for reply in calls.replies] == [Kind.FAILED, Kind.FAILED, Kind.ANSWERED]
    assert calls.lost == []
    assert calls.receives == {sent: 3}


def test_a_caller_gives_up_after_its_attempts(delivery):
    """Then the event is lost: nobody keeps it."""
    calls = delivery.synchronous(raises, attempts=3)
    sent = calls.send({})
    delivery.run()

    assert calls.receives == {sent: 3}
    assert calls.lost == [sent]


def test_a_caller_waits_before_it_invokes_again(delivery):
    """The wait counts from the error, not from the call."""
    began_s = []

    def handler(event, context):
        began_s.append(delivery.now_s)
        raise ValueError

    delivery.synchronous(delivery.function(handler, takes=1.0), attempts=2, wait_s=5.0).send({})
    delivery.run()

    assert began_s[1] - began_s[0] == pytest.approx(6.0)


def test_each_attempt_has_a_request_id_and_an_event_of_its_own(delivery):
    """Another than those of asynchronous invocations, synchronous attempts share nothing."""
    seen = []

    def handler(event, context):
        seen.append((context.aws_request_id, dict(event)))
        event.clear()
        raise ValueError

    delivery.synchronous(handler, attempts=2).send({"a": 1})
    delivery.run()

    assert seen[0][0] != seen[1][0]
    assert [event for _, event in seen] == [{"a": 1}] * 2


def test_a_lost_answer_has_the_caller_invoke_again(delivery):
    """The first invocation took effect; the caller could not know."""
    delivery.faults(duplicate=1.0)

    def handler(event, context):
        delivery.effect("paid")
        return "done"

    calls = delivery.synchronous(handler, key="id")
    sent = calls.send({"id": "paid"})
    delivery.run()

    assert calls.handled_more_than_once() == ["paid"]
    assert calls.replies == [(sent, Kind.ANSWERED, "done")]


def test_an_impatient_caller_invokes_while_the_first_invocation_still_runs(delivery):
    """With ``wait_s`` shorter than the work, two environments do it at the same time."""
    delivery.faults(duplicate=1.0)
    spans = []

    def handler(event, context):
        began_s = delivery.now_s
        delivery.work(10)
        spans.append((began_s, delivery.now_s))

    delivery.synchronous(handler, wait_s=2.0).send({})
    delivery.run()

    assert len(spans) == 2
    assert spans[1][0] < spans[0][1]


def test_idempotency_answers_the_second_call_with_the_first_result(delivery):
    """The promise of the library to a caller that lost the answer."""

    @resilient_handler(policies=[Idempotency(delivery.store(MemoryStore()), key="id", namespace="calls")])
    def handler(event, context):
        delivery.effect(event["id"])
        return {"receipt": context.aws_request_id}

    delivery.faults(duplicate=1.0)
    calls = delivery.synchronous(handler, key="id")
    calls.send({"id": "order"})
    delivery.run()

    assert delivery.effects == ["order"]
    assert [reply.kind for reply in calls.replies] == [Kind.ANSWERED]


def test_a_caller_needs_an_attempt(delivery):
    """Zero would mean that it never invokes."""
    with pytest.raises(ValueError, match="attempts=0"):
        delivery.synchronous(raises, attempts=0)


def test_an_event_of_more_than_six_megabytes_is_refused(delivery):
    """So does Lambda."""
    calls = delivery.synchronous(raises)

    with pytest.raises(ValueError, match="6291456 synchronously"):
        calls.send("x" * 6_291_456)
