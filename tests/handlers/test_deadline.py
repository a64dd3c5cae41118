"""Time: what is started, what is given back, and that nothing is started that cannot finish."""

from __future__ import annotations

import pytest

from resilient_lambda import Idempotency, MemoryStore, batch_handler
from resilient_lambda.testing import FakeIo, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


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
        (30, 30, 0),
        (30, 31, 0),
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
    assert all(left_s > (min(5, timeout_s / 10) if margin_s is None else margin_s) for _, left_s in began)


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
