"""`Retry` where several records run at a time, and where a function takes a whole lane."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import (
    Backoff,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Retry,
    RetryBudget,
    batch_handler,
    current_attempt,
)
from resilient_lambda.events import RetryGaveUp, RetryScheduled
from resilient_lambda.testing import fake_io, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.policies.stores import NAMESPACE


def queue(*bodies, group=None):
    """Return messages whose ids are m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{n}", group=group) for n, body in enumerate(bodies))


class Lane:
    """
    A function of lanes that fails as it is told: call by call, with one error or with one for each record.

    Attributes:
        calls: The bodies of each call, with what `current_attempt` said.
    """

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = []

    def function(self):
        """Return the user's function."""

        def function(records):
            self.calls.append(("".join(record.body for record in records), current_attempt().number))
            outcome = self.outcomes.pop(0) if self.outcomes else None
            if isinstance(outcome, Exception):
                raise outcome
            return None if outcome is None else [outcome.get(record.body) for record in records]

        return function


@pytest.fixture(params=[False, True], ids=["plain", "idempotent"])
def policies(request):
    """Return the policies with a `Retry`, with and without Idempotency around it."""
    outer = [Idempotency(MemoryStore(), namespace=NAMESPACE)] if request.param else []
    return lambda retry: [*outer, retry]


def test_a_lane_that_fails_is_run_again_as_one(policies, paint, time):
    """One wait and one token for all of its records, and one more call of the function."""
    lane, retry = Lane(TimeoutError(), TimeoutError()), Retry(budget=2)
    handler = batch_handler(lane=True, policies=policies(retry))(paint(lane.function()))

    assert handler(queue(*"abc"), time.context(timeout_s=60)) == NOTHING_FAILED
    assert lane.calls == [("abc", 1), ("abc", 2), ("abc", 3)]
    assert (len(time.slept_s), retry.budget.left) == (2, 1)


def test_a_lane_is_given_up_as_one(policies, paint, time):
    """Each record is delivered again; each has its event."""
    lane, events = Lane(*[TimeoutError()] * 9), []
    handler = batch_handler(lane=True, policies=policies(Retry(attempts=2)), observers=[events.append])(
        paint(lane.function())
    )

    assert failed(handler(queue(*"ab"), time.context(timeout_s=60))) == ["m0", "m1"]
    assert lane.calls == [("ab", 1), ("ab", 2)]
    assert [event.record_id for event in events if isinstance(event, RetryScheduled)] == ["m0", "m1"]
    assert [event.record_id for event in events if isinstance(event, RetryGaveUp)] == ["m0", "m1"]


def test_only_the_records_that_failed_are_in_the_next_call(policies, paint, time):
    """Where the function says what came of each, the others are done; those that failed wait at the same time."""
    lane = Lane({"b": TimeoutError(), "d": ConnectionError()}, {"b": TimeoutError()})
    backoff = Backoff(base_s=4, cap_s=4, jitter="equal")
    handler = batch_handler(lane=True, policies=policies(Retry(backoff=backoff)))(paint(lane.function()))
    began_s = time.now()

    assert handler(queue(*"abcd"), time.context(timeout_s=60)) == NOTHING_FAILED
    assert lane.calls == [("abcd", 1), ("bd", 2), ("b", 3)]
    assert time.now() - began_s < 8


def test_each_record_that_failed_by_itself_takes_a_token(policies, paint, time):
    """With two tokens, two of three are run again."""
    lane = Lane({"a": TimeoutError(), "b": TimeoutError(), "c": TimeoutError()})
    handler = batch_handler(lane=True, policies=policies(Retry(budget=2)))(paint(lane.function()))

    assert failed(handler(queue(*"abc"), time.context(timeout_s=60))) == ["m2"]
    assert lane.calls == [("abc", 1), ("ab", 2)]


def test_in_an_ordered_lane_nothing_is_run_again_behind_what_comes_again(policies, paint, time):
    """b fails for good and comes again; c would take effect before it."""
    lane = Lane({"b": NonRetryableError(), "c": TimeoutError()})
    handler = batch_handler(lane=True, policies=policies(Retry()))(paint(lane.function()))

    assert failed(handler(queue(*"abc", group="g"), time.context(timeout_s=60))) == ["m1", "m2"]
    assert lane.calls == [("abc", 1)]


def test_in_an_ordered_lane_what_failed_is_run_again(policies, paint, time):
    """Each record in its order, as long as none before it has failed for good."""
    lane = Lane({"a": TimeoutError(), "c": TimeoutError()})
    handler = batch_handler(lane=True, policies=policies(Retry()))(paint(lane.function()))

    assert handler(queue(*"abc", group="g"), time.context(timeout_s=60)) == NOTHING_FAILED
    assert lane.calls == [("abc", 1), ("ac", 2)]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    concurrency=st.integers(2, 4),
    failures=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 4)),
    tokens=st.integers(1, 12),
)
def test_lanes_in_any_order_keep_the_budget(seed, concurrency, failures, tokens):
    """Whoever goes on first: no record has too many tries, no more retries fail than there are tokens."""
    left, tries, wasted = dict(failures), {}, []
    retry = Retry(attempts=3, budget=RetryBudget(tokens, per_success=0))
    with fake_io(seed=seed) as time:

        def function(record):
            tries[record.body] = number = current_attempt().number
            if left.get(record.body, 0):
                left[record.body] -= 1
                if number > 1:
                    wasted.append(record.body)
                raise TimeoutError

        policies = [Idempotency(MemoryStore(), namespace=NAMESPACE), retry]
        handler = batch_handler(policies=policies, concurrency=concurrency)(function)
        answer = handler(queue(*"abcdefgh"), time.context(timeout_s=900))

    came_again = {"abcdefgh"[int(name[1:])] for name in failed(answer)}
    assert all(left[body] == 0 for body in failures if body not in came_again)
    assert max(tries.values()) <= 3
    assert retry.budget.left == tokens - len(wasted)
    assert len(wasted) <= tokens


def test_threads_wait_at_the_same_time_and_share_the_budget():
    """In real time: eight lanes in back-off hold eight tokens, so that there is none for others."""
    in_backoff, backoff = threading.Barrier(8), Backoff(base_s=0.2, cap_s=0.2, jitter="equal")
    retry = Retry(attempts=2, budget=8, backoff=backoff)
    seen = []

    def function(record):
        if current_attempt().number == 1:
            in_backoff.wait(30)
            raise TimeoutError
        seen.append(retry.budget.left)

    handler = batch_handler(policies=[retry], concurrency=8)(function)

    assert handler(queue(*"abcdefgh"), lambda_context(timeout_s=60)) == NOTHING_FAILED
    assert (len(seen), retry.budget.left) == (8, 8)
    assert min(seen) < 8
