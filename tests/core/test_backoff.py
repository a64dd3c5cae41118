"""The waits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.backoff import asked_wait_s, full_jitter_s

BELOW_ONE = math.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("attempt", "rand", "expected_s"),
    [(1, 0.5, 1.0), (2, 0.5, 2.0), (3, 0.5, 4.0), (4, 0.5, 8.0), (5, 0.5, 15.0), (6, 0.5, 15.0), (3, 0.0, 0.0)],
)
def test_the_bound_doubles_with_each_retry_up_to_the_cap(attempt, rand, expected_s):
    """With base 2 s and cap 30 s the bounds are 2, 4, 8, 16, 30, 30 s, and the sample scales them."""
    assert full_jitter_s(attempt, base_s=2.0, cap_s=30.0, rand=rand) == expected_s


@pytest.mark.parametrize("attempt", [1_024, 1_100, 10_000, 10**9])
def test_a_large_attempt_number_waits_at_the_cap(attempt):
    """Where the power no longer fits a float, the cap still bounds the wait."""
    assert full_jitter_s(attempt, base_s=0.1, cap_s=60.0, rand=0.5) == 30.0


@pytest.mark.parametrize("attempt", [0, -1])
def test_attempts_count_from_one(attempt):
    """There is no wait before the first try."""
    with pytest.raises(ValueError, match="the first retry is number 1"):
        full_jitter_s(attempt, base_s=1.0, cap_s=30.0, rand=0.5)


@given(
    attempt=st.integers(1, 100_000),
    base_s=st.floats(0.001, 100.0),
    cap_s=st.floats(0.001, 43_200.0),
    rand=st.floats(0.0, BELOW_ONE),
)
def test_the_wait_stays_below_its_bound(attempt, base_s, cap_s, rand):
    """Whatever the settings, the wait is at least 0 and strictly below the cap and base * 2 ** (attempt - 1)."""
    wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, rand=rand)

    assert 0 <= wait_s < cap_s
    assert attempt > 60 or wait_s < base_s * 2 ** (attempt - 1)


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [
        (7, 7.0),
        (0, 0.0),
        (1.5, 1.5),
        ("30", 30.0),
        (" 0.25 ", 0.25),
        (-1, None),
        ("-1", None),
        (math.inf, None),
        ("nan", None),
        (10**400, None),
        ("1" * 400, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        (b"5", None),
        (True, None),
        (None, None),
        ([5], None),
    ],
)
def test_a_wait_that_was_asked_for_is_finite_and_not_negative(value, expected_s):
    """Numbers and their texts are taken in seconds; garbage counts as not asked."""
    assert asked_wait_s(value) == expected_s
