"""Outcomes and classifications: what they say, and what they keep to themselves."""

from __future__ import annotations

import pytest

from resilient_lambda import Category, Classification, Failure, Success, Verdict

RETRYABLE = Classification(Verdict.RETRYABLE, Category.TIMEOUT, 5.0, "rule")


def test_a_success_does_not_show_its_value():
    """Logs and tracebacks print outcomes; payloads stay out of them."""
    assert repr(Success("secret")) == "Success(...)"


def test_a_failure_shows_class_and_verdict_only():
    """Not the text of the error, which may hold payload."""
    assert repr(Failure(ValueError("secret"), RETRYABLE)) == "Failure(ValueError, RETRYABLE)"


@pytest.mark.parametrize(("verdict", "expected"), [(Verdict.RETRYABLE, True), (Verdict.NON_RETRYABLE, False)])
def test_a_classification_says_whether_another_try_can_help(verdict, expected):
    """By its verdict."""
    assert Classification(verdict, Category.UNKNOWN).is_retryable is expected


def test_outcomes_can_be_matched():
    """By position, as in ``case Success(value)``."""
    outcomes = [Success(5), Failure(KeyError(), RETRYABLE)]
    found = []
    for outcome in outcomes:
        match outcome:
            case Success(value):
                found.append(value)
            case Failure(error, classification):
                found.append((type(error), classification))

    assert found == [5, (KeyError, RETRYABLE)]


def test_outcomes_ran_unless_they_say_otherwise():
    """A bounce and a replay say so."""
    assert Success().ran
    assert Success().value is None
    assert not Success(ran=False).ran
    assert Failure(KeyError(), RETRYABLE).ran
    assert not Failure(KeyError(), RETRYABLE, ran=False).ran
