"""`Retry` as a policy: a record that failed is run again within the invocation."""

from __future__ import annotations

import asyncio
import logging

import pytest

from resilient_lambda import (
    Classifier,
    ConfigurationError,
    Idempotency,
    InProgressError,
    MemoryStore,
    NonRetryableError,
    Retry,
    RetryableError,
    batch_handler,
    current_attempt,
    resilient_handler,
)
from resilient_lambda.events import RecordSettled, RetryGaveUp, RetryScheduled
from resilient_lambda.testing import sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


class Work:
    """
    A function whose records fail so many times each.

    Attributes:
        runs: The bodies that ran, each with what `current_attempt` said.
    """

    def __init__(self, error=TimeoutError, *, takes_s=0.0, time=None, **failures):
        self.error = error
        self.failures = failures
        self.takes_s = takes_s
        self.time = time
        self.runs = []

    def function(self):
        """Return the user's function."""

        def function(record):
            self.runs.append((record.body, current_attempt().number))
            if self.takes_s:
                self.time.advance(self.takes_s)
            if self.failures.get(record.body, 0):
                self.failures[record.body] -= 1
                raise self.error("secret")

        return function


def queue(*bodies):
    """Return messages whose ids are m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{n}") for n, body in enumerate(bodies))


def test_a_record_that_fails_is_run_again(paint, time):
    """In its place, before the next record; it knows which try it is."""
    work = Work(a=2)
    handler = batch_handler(policies=[Retry()])(paint(work.function()))

    assert handler(queue("a", "b"), time.context(timeout_s=60)) == NOTHING_FAILED
    assert work.runs == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    assert len(time.slept_s) == 2


def test_behind_its_tries_a_record_is_delivered_again(paint, time):
    """As it would be without a retry."""
    work = Work(a=9)
    handler = batch_handler(policies=[Retry(attempts=2)])(paint(work.function()))

    assert failed(handler(queue("a", "b"), time.context(timeout_s=60))) == ["m0"]
    assert work.runs == [("a", 1), ("a", 2), ("b", 1)]


def test_an_event_that_fails_is_run_again(paint, time):
    """And returns what the last try returns."""
    numbers = []

    def function(event):
        numbers.append(current_attempt().number)
        if len(numbers) < 3:
            raise TimeoutError
        return "done"

    handler = resilient_handler(policies=[Retry()])(paint(function))

    assert handler({}, time.context(timeout_s=60)) == "done"
    assert numbers == [1, 2, 3]


def test_observers_are_told_of_each_try(paint, time):
    """With the wait, and what it is waited for; then why it was given up."""
    events = []
    work = Work(a=9)
    handler = batch_handler(policies=[Retry(attempts=3)], observers=[events.append])(paint(work.function()))
    handler(queue("a"), time.context(timeout_s=60))

    first, second = time.slept_s
    assert events[:3] == [
        RetryScheduled("m0", 2, first, "TimeoutError", "timeout"),
        RetryScheduled("m0", 3, second, "TimeoutError", "timeout"),
        RetryGaveUp("m0", 3, "attempts", "TimeoutError"),
    ]
    assert [type(event) for event in events[3:]] == [RecordSettled]


def test_the_log_names_the_record_and_no_data(paint, time, caplog):
    """One line a retry, one for the end."""
    caplog.set_level(logging.INFO, "resilient_lambda")
    batch_handler(policies=[Retry(attempts=2)])(paint(Work(a=9).function()))(queue("a"), time.context(timeout_s=60))

    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("record m0 failed with TimeoutError (timeout); try 2 of 2 in ")
    assert said[1] == "record m0 failed with TimeoutError; given up after try 2 of 2: all tries are used"
    assert "secret" not in str(said)


def test_the_log_calls_an_event_an_event(paint, time, caplog):
    """By Lambda's request id."""
    caplog.set_level(logging.INFO, "resilient_lambda")
    context = time.context(timeout_s=60)
    numbers = []

    def function(event):
        numbers.append(1)
        if len(numbers) < 2:
            raise TimeoutError

    resilient_handler(policies=[Retry()])(paint(function))({}, context)

    assert caplog.records[0].getMessage().startswith(f"event {context.aws_request_id} failed with TimeoutError")


@pytest.mark.parametrize("error", [NonRetryableError, InProgressError, SystemExit, asyncio.CancelledError])
def test_what_another_try_cannot_help_is_not_run_again(error, paint, time):
    """Permanent errors, bounces from inside the function, exits, and cancelled tasks; observers hear nothing of it."""
    events = []
    work = Work(error, a=1)
    handler = batch_handler(policies=[Retry()], observers=[events.append])(paint(work.function()))

    assert failed(handler(queue("a"), time.context(timeout_s=60))) == ["m0"]
    assert work.runs == [("a", 1)]
    assert [type(event) for event in events] == [RecordSettled]


def test_a_try_that_turns_permanent_is_told(paint, time):
    """It was tried again, so that its end is worth a word."""
    events, errors = [], [TimeoutError(), NonRetryableError()]

    def function(record):
        raise errors.pop(0)

    handler = batch_handler(policies=[Retry()], observers=[events.append])(paint(function))
    handler(queue("a"), time.context(timeout_s=60))

    assert RetryGaveUp("m0", 2, "not_retryable", "NonRetryableError") in events


def test_the_handlers_classifier_decides(paint, time):
    """What it calls permanent is not run again."""
    work = Work(ValueError, a=1)
    classifier = Classifier(non_retryable=[ValueError])
    handler = batch_handler(policies=[Retry()], classifier=classifier)(paint(work.function()))
    handler(queue("a"), time.context(timeout_s=60))

    assert work.runs == [("a", 1)]


def test_a_classifier_of_its_own_is_for_tries_within_the_invocation(paint, time):
    """Only for those: what it does not try again is still delivered again."""
    work = Work(ValueError, a=9)
    handler = batch_handler(policies=[Retry(classifier=Classifier(non_retryable=[ValueError]))])(paint(work.function()))

    assert failed(handler(queue("a"), time.context(timeout_s=60))) == ["m0"]
    assert work.runs == [("a", 1)]


def test_no_wait_goes_beyond_the_deadline(paint, time):
    """What does not fit is delivered again at once, and the answer is in time."""
    events, errors = [], [RetryableError("x", retry_after_s=4.0) for _ in range(9)]

    def function(record):
        raise errors.pop()

    handler = batch_handler(policies=[Retry(attempts=9)], observers=[events.append])(paint(function))
    began_s = time.now()

    assert failed(handler(queue("a"), time.context(timeout_s=10))) == ["m0"]
    assert time.now() - began_s <= 9.0
    assert any(isinstance(event, RetryGaveUp) and event.reason == "deadline" for event in events)


def test_a_try_that_would_not_end_in_time_is_not_begun(paint, time):
    """The first took 6 of the 9 s that there are: another one like it does not fit."""
    events = []
    work = Work(a=9, takes_s=6.0, time=time)
    handler = batch_handler(policies=[Retry()], observers=[events.append])(paint(work.function()))
    handler(queue("a"), time.context(timeout_s=10))

    assert work.runs == [("a", 1)]
    assert events[0] == RetryGaveUp("m0", 1, "deadline", "TimeoutError")


def test_a_wait_that_took_too_long_begins_no_try(paint, time):
    """The environment stood still meanwhile: nothing is begun that would not end."""
    work, events = Work(a=9), []
    handler = batch_handler(policies=[Retry()], observers=[events.append])(paint(work.function()))
    sleep = time.sleep

    async def slow(seconds):
        await sleep(seconds + 60)

    time.sleep = slow

    assert failed(handler(queue("a"), time.context(timeout_s=30))) == ["m0"]
    assert work.runs == [("a", 1)]
    assert events[-2] == RetryGaveUp("m0", 1, "deadline", "TimeoutError")


def test_a_batch_that_fails_uses_up_the_budget(paint, time):
    """Three retries in all, then each record fails at its first try."""
    work = Work(**dict.fromkeys("abcdef", 9))
    events = []
    handler = batch_handler(policies=[Retry(attempts=2, budget=3)], observers=[events.append])(paint(work.function()))
    handler(queue(*"abcdef"), time.context(timeout_s=60))

    assert [body for body, number in work.runs if number == 2] == ["a", "b", "c"]
    assert [event.record_id for event in events if isinstance(event, RetryGaveUp) and event.reason == "budget"] == [
        "m3",
        "m4",
        "m5",
    ]


def test_records_that_succeed_earn(paint, time):
    """A tenth of a token each."""
    retry = Retry(attempts=2, budget=5)
    handler = batch_handler(policies=[retry])(paint(Work(a=9).function()))
    handler(queue(*"abbb"), time.context(timeout_s=60))

    assert retry.budget.left == pytest.approx(4.3)


def test_a_retry_that_helps_gives_its_token_back(paint, time):
    """As everywhere."""
    retry = Retry(budget=1)
    handler = batch_handler(policies=[retry])(paint(Work(a=1, b=1, c=1).function()))

    assert handler(queue(*"abc"), time.context(timeout_s=60)) == NOTHING_FAILED
    assert retry.budget.left == 1


def test_a_record_that_was_cut_short_is_not_run_again(paint, time):
    """It ended at the deadline: there is no time for another try."""
    work = Work(takes_s=60.0, time=time)
    handler = batch_handler(policies=[Retry()], interrupt=True, after_interrupt="keep")(paint(work.function()))

    assert failed(handler(queue("a"), time.context(timeout_s=10))) == ["m0"]
    assert work.runs == [("a", 1)]


def test_what_an_inner_policy_did_not_run_is_not_tried_again(paint, time):
    """A bounce is answered in no time, and would be again."""
    asked = []

    class Closed:
        async def around(self, call, proceed):
            asked.append(call.record.id)
            from resilient_lambda import Failure
            from resilient_lambda._policies.refusals import not_started

            assert Failure
            return not_started()

    handler = batch_handler(policies=[Retry(), Closed()])(paint(Work().function()))

    assert failed(handler(queue("a"), time.context(timeout_s=60))) == ["m0"]
    assert asked == ["m0"]


def test_an_inner_policy_is_asked_for_each_try(paint, time):
    """One that fails by itself, without a run, is waited for all the same."""
    asked = []

    class Fails:
        async def around(self, call, proceed):
            from resilient_lambda import Category, Classification, Failure, Verdict

            asked.append(call.record.id)
            return Failure(OSError(), Classification(Verdict.RETRYABLE, Category.TRANSIENT))

    handler = batch_handler(policies=[Retry(attempts=2), Fails()])(paint(Work().function()))
    handler(queue("a"), time.context(timeout_s=60))

    assert (asked, len(time.slept_s)) == (["m0", "m0"], 1)


def test_with_the_deadline_switched_off_a_wait_still_ends_before_lambdas(monkeypatch, paint, time):
    """Sleeping into Lambda's end would bring the whole batch back."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "deadline")

    def function(record):
        raise RetryableError("x", retry_after_s=20)

    handler = batch_handler(policies=[Retry()])(paint(function))

    assert failed(handler(queue("a"), time.context(timeout_s=10))) == ["m0"]
    assert time.slept_s == []


def test_it_stands_inside_idempotency():
    """Outside it would try again what Idempotency answers without a run."""
    with pytest.raises(ConfigurationError, match="the right order"):
        batch_handler(policies=[Retry(), Idempotency(MemoryStore())])(lambda record: None)


def test_operators_can_switch_it_off(monkeypatch, paint, time):
    """Each record runs once."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "retry")
    work = Work(a=9)
    handler = batch_handler(policies=[Retry()])(paint(work.function()))

    assert failed(handler(queue("a"), time.context())) == ["m0"]
    assert work.runs == [("a", 1)]


def test_a_retry_below_a_handler_sees_its_annotation(paint, time):
    """The decorator stands between the handler's and the function."""
    numbers = []

    def function(order: dict):
        numbers.append((order["id"], current_attempt().number))
        if len(numbers) < 2:
            raise TimeoutError

    handler = batch_handler(Retry()(paint(function)))

    assert handler(queue('{"id": 7}'), time.context(timeout_s=60)) == NOTHING_FAILED
    assert numbers == [(7, 1), (7, 2)]


def test_in_the_init_phase_all_is_loaded(monkeypatch, paint, time):
    """So that the first failure imports nothing; the handler works as ever."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    handler = batch_handler(policies=[Retry()])(paint(Work(a=1).function()))

    assert handler(queue("a"), time.context(timeout_s=60)) == NOTHING_FAILED
