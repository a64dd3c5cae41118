"""``Classifier.is_retryable`` as what other retry libraries ask."""

from __future__ import annotations

import asyncio

import pytest
import stamina
import tenacity

from resilient_lambda import Classifier, errors

from .errors_at_hand import aws


class Calls:
    """A function that raises one error after the other, and then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), True),
        (ValueError(), True),
        (aws("SlowDown"), True),
        (errors.InProgressError("x"), True),
        (aws("ValidationException"), False),
        (errors.NonRetryableError("x"), False),
        (KeyboardInterrupt(), False),
        (SystemExit(1), False),
        (asyncio.CancelledError(), False),
        (errors.LeaseLostError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_says_whether_to_try_again_here_and_now(error, expected):
    """Never for what wants to get out of the function."""
    assert Classifier().is_retryable(error) is expected


def test_the_users_word_counts():
    """It is the same verdict as that of ``classify``."""
    classifier = Classifier(non_retryable=[TimeoutError], retryable_codes=["ValidationException"])

    assert not classifier.is_retryable(TimeoutError())
    assert classifier.is_retryable(aws("ValidationException"))


def test_tenacity_asks_it():
    """``retry_if_exception`` retries what passes, and lets the rest out at once."""
    retry = tenacity.retry(
        retry=tenacity.retry_if_exception(Classifier().is_retryable), stop=tenacity.stop_after_attempt(5), reraise=True
    )
    passing, lasting = Calls(TimeoutError(), aws("SlowDown")), Calls(aws("ValidationException"))
    with pytest.raises(type(aws("x"))):
        retry(lasting.__call__)()

    assert retry(passing.__call__)() == "done"
    assert (passing.count, lasting.count) == (3, 1)


def test_stamina_asks_it():
    """``on=`` takes it as it is."""
    retry = stamina.retry(on=Classifier().is_retryable, attempts=5)
    passing, lasting = Calls(TimeoutError(), aws("SlowDown")), Calls(aws("ValidationException"))
    with stamina.set_testing(True, attempts=5):
        with pytest.raises(type(aws("x"))):
            retry(lasting.__call__)()
        answer = retry(passing.__call__)()

    assert answer == "done"
    assert (passing.count, lasting.count) == (3, 1)
