"""The decisions of a batch: a truth table, and the answer."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.batch import answer, dispose
from resilient_lambda._core.model import Category, Classification, Disposition, Failure, Success, Verdict
from resilient_lambda.errors import BatchFailedError, RememberedFailureError

RETRYABLE = Classification(Verdict.RETRYABLE, Category.UNKNOWN)
PERMANENT = Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN)


@pytest.mark.parametrize(
    ("attempts", "max_attempts", "has_sink"), list(itertools.product([None, 9], [None, 1], [True, False]))
)
def test_a_success_is_acknowledged(attempts, max_attempts, has_sink):
    """Whatever the counts say."""
    assert dispose(Success(), attempts=attempts, max_attempts=max_attempts, has_sink=has_sink) is Disposition.ACK


@pytest.mark.parametrize("ran", [True, False])
@pytest.mark.parametrize("classification", [RETRYABLE, PERMANENT])
@pytest.mark.parametrize("attempts", [None, 1, 99])
def test_without_a_sink_every_failure_comes_again(ran, classification, attempts):
    """Nothing is ever given up by default."""
    failure = Failure(ValueError(), classification, ran=ran)

    assert dispose(failure, attempts=attempts, max_attempts=1, has_sink=False) is Disposition.RETRY


@pytest.mark.parametrize(
    ("classification", "ran", "attempts", "max_attempts", "expected"),
    [
        (PERMANENT, True, 1, None, Disposition.DEAD_LETTER),
        (PERMANENT, False, None, None, Disposition.DEAD_LETTER),
        (RETRYABLE, True, 1, None, Disposition.RETRY),
        (RETRYABLE, True, 99, None, Disposition.RETRY),
        (RETRYABLE, True, 2, 3, Disposition.RETRY),
        (RETRYABLE, True, 3, 3, Disposition.DEAD_LETTER),
        (RETRYABLE, True, 4, 3, Disposition.DEAD_LETTER),
        (RETRYABLE, True, None, 3, Disposition.RETRY),
        (RETRYABLE, False, 99, 3, Disposition.RETRY),
        (RETRYABLE, True, 1, 1, Disposition.DEAD_LETTER),
    ],
)
def test_with_a_sink_what_cannot_succeed_is_set_aside(classification, ran, attempts, max_attempts, expected):
    """Permanent failures at once, retryable ones after their last attempt, and what did not run never for its count."""
    failure = Failure(ValueError(), classification, ran=ran)

    assert dispose(failure, attempts=attempts, max_attempts=max_attempts, has_sink=True) is expected


@pytest.mark.parametrize(
    ("parked", "has_sink", "expected"),
    [
        ("letter-1", True, Disposition.ACK),
        ("letter-1", False, Disposition.ACK),
        (None, True, Disposition.DEAD_LETTER),
        (None, False, Disposition.RETRY),
    ],
)
def test_a_remembered_failure_is_acknowledged_only_if_the_sink_has_it(parked, has_sink, expected):
    """The same delivery again: sent and confirmed before, or still to be sent."""
    failure = Failure(RememberedFailureError("x", error_type="E", parked=parked), PERMANENT, ran=False)

    assert dispose(failure, attempts=None, max_attempts=None, has_sink=has_sink) is expected


@given(st.lists(st.text(min_size=1)))
def test_the_answer_names_each_id_once_in_order(ids):
    """Whatever the ids are, as long as none is empty."""
    entries = answer(ids)["batchItemFailures"]

    assert [entry["itemIdentifier"] for entry in entries] == list(dict.fromkeys(ids))
    assert all(set(entry) == {"itemIdentifier"} for entry in entries)


@pytest.mark.parametrize("ids", [[""], ["a", ""], ["", "a"]])
def test_an_empty_id_is_never_named(ids):
    """Lambda would take it for a failure of the whole batch; the error says so openly."""
    with pytest.raises(BatchFailedError):
        answer(ids)


def test_two_answers_share_nothing():
    """What a caller does to one does not show in the next."""
    answer([])["batchItemFailures"].append("x")

    assert answer([]) == {"batchItemFailures": []}
