"""Whether there is another try within the invocation, and after what wait."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import Backoff, Category, Classification, ConfigurationError, Verdict
from resilient_lambda._core.backoff import JITTERS, RETRY_BACKOFF
from resilient_lambda._core.retrying import Again, GiveUp, decide, own_wait_s

BELOW_ONE = math.nextafter(1.0, 0.0)
RAND = st.floats(0.0, BELOW_ONE)
TRANSIENT = Classification(Verdict.RETRYABLE, Category.TRANSIENT)
THROTTLED = Classification(Verdict.RETRYABLE, Category.THROTTLING)
PERMANENT = Classification(Verdict.NON_RETRYABLE, Category.INVALID_INPUT)

BACKOFFS = st.builds(
    lambda base_s, times, jitter: Backoff(base_s=base_s, cap_s=min(43_200.0, base_s * times), jitter=jitter),
    st.floats(0.001, 100.0),
    st.floats(1.0, 1_000.0),
    st.sampled_from([None, *JITTERS]),
)


def decided(verdict=TRANSIENT, *, tries=1, attempts=3, backoff=RETRY_BACKOFF, left_s=math.inf, rand=0.5):
    """Return the decision after the first of three tries, by default."""
    return decide(verdict, tries=tries, attempts=attempts, backoff=backoff, previous_s=0.0, left_s=left_s, rand=rand)


@pytest.mark.parametrize(
    ("verdict", "longest_s"), [(TRANSIENT, [2, 4, 8, 16, 30, 30]), (THROTTLED, [4, 8, 16, 32, 60, 60])]
)
def test_by_default_waits_double_up_to_a_cap_and_throttling_doubles_both(verdict, longest_s):
    """After n failed tries at most min(30, 2 ** n) seconds, after throttling min(60, 2 * 2 ** n)."""
    waits = [decided(verdict, tries=tries, attempts=9, rand=0.5).wait_s for tries in range(1, 7)]

    assert waits == [longest / 2 for longest in longest_s]


def test_full_jitter_may_wait_for_nothing():
    """The lowest sample is no wait at all, so that a fleet is spread over the whole time."""
    assert decided(rand=0.0) == Again(0.0, 0.0)


@pytest.mark.parametrize(
    ("jitter", "rand", "expected_s"),
    [(None, 0.5, 2.0), ("full", 0.5, 2.0), ("equal", 0.0, 2.0), ("equal", 0.5, 3.0), ("decorrelated", 0.5, 4.0)],
)
def test_the_jitter_is_the_one_that_was_asked_for(jitter, rand, expected_s):
    """Second retry with base 2 s: full is half of 4, equal is 2 to 4, decorrelated is 2 to three times the base."""
    found = own_wait_s(Backoff(base_s=2, cap_s=30, jitter=jitter), 2, 0.0, is_throttled=False, rand=rand)

    assert found == expected_s


def test_decorrelated_jitter_grows_from_the_last_wait():
    """After a wait of 5 s the next one is at most 15 s."""
    backoff = Backoff(base_s=1, cap_s=30, jitter="decorrelated")

    assert own_wait_s(backoff, 9, 5.0, is_throttled=False, rand=0.5) == 8.0


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_what_cannot_help_is_not_tried(tries):
    """The verdict comes before everything else."""
    assert decided(PERMANENT, tries=tries, attempts=3) is GiveUp.NOT_RETRYABLE


@pytest.mark.parametrize(("attempts", "tries"), [(1, 1), (3, 3), (3, 4)])
def test_the_last_try_is_the_last(attempts, tries):
    """``attempts`` counts all of them, the first included."""
    assert decided(attempts=attempts, tries=tries) is GiveUp.ATTEMPTS


@pytest.mark.parametrize("left_s", [1.0, 0.5, 0.0, -3.0])
def test_a_wait_that_does_not_fit_is_not_waited(left_s):
    """It would end at the deadline, or after it."""
    assert decided(left_s=left_s, rand=0.5) is GiveUp.DEADLINE


def test_the_wait_that_was_asked_for_has_jitter_on_top():
    """Ten seconds were asked for, one of its own is added: nobody comes earlier, and not all at once."""
    assert decided(TRANSIENT._replace(retry_after_s=10.0), rand=0.5) == Again(11.0, 1.0)


def test_a_wait_that_was_asked_for_and_does_not_fit_ends_it_at_once():
    """Whoever comes earlier than asked is refused again."""
    assert decided(TRANSIENT._replace(retry_after_s=10.0), left_s=10.0, rand=0.0) is GiveUp.DEADLINE


@pytest.mark.parametrize(("asked_s", "is_waited"), [(900.0, True), (901.0, False), (86_400.0, False), (1e300, False)])
def test_nobody_waits_within_a_call_for_longer_than_an_invocation_can_last(asked_s, is_waited):
    """Where there is no deadline one header of a broken server would stop a script for a day, or overflow its sleep."""
    found = decided(TRANSIENT._replace(retry_after_s=asked_s), rand=0.0)

    assert found == (Again(asked_s, 0.0) if is_waited else GiveUp.TOO_LONG)


def test_the_deadline_is_named_before_the_wait_that_was_asked_for():
    """It is what ends most of them."""
    assert decided(TRANSIENT._replace(retry_after_s=1e6), left_s=60.0) is GiveUp.DEADLINE


@pytest.mark.parametrize("asked", [None, -1.0, math.nan, math.inf])
def test_nonsense_that_was_asked_for_is_as_nothing(asked):
    """Then one's own backoff is all there is."""
    assert decided(TRANSIENT._replace(retry_after_s=asked), rand=0.5).wait_s == 1.0


@given(
    backoff=BACKOFFS,
    tries=st.integers(1, 2_000),
    previous_s=st.floats(0, 100_000),
    is_throttled=st.booleans(),
    rand=RAND,
)
def test_a_wait_is_never_negative_and_never_beyond_the_cap(backoff, tries, previous_s, is_throttled, rand):
    """Whatever the backoff, and twice the cap after throttling."""
    wait_s = own_wait_s(backoff, tries, previous_s, is_throttled=is_throttled, rand=rand)

    assert 0 <= wait_s <= backoff.cap_s * (2 if is_throttled else 1)


@given(
    backoff=BACKOFFS,
    attempts=st.integers(1, 20),
    total_s=st.floats(0, 10_000),
    asked_s=st.none() | st.floats(0, 1_000),
    category=st.sampled_from([Category.TRANSIENT, Category.THROTTLING]),
    rands=st.lists(RAND, min_size=20, max_size=20),
)
def test_a_series_of_tries_ends_before_the_deadline(backoff, attempts, total_s, asked_s, category, rands):
    """All waits together are shorter than the time there was, none is shorter than asked, nor are they too many."""
    verdict = Classification(Verdict.RETRYABLE, category, asked_s)
    left_s, previous_s, waits = total_s, 0.0, []
    for tries, rand in enumerate(rands, start=1):
        found = decide(
            verdict, tries=tries, attempts=attempts, backoff=backoff, previous_s=previous_s, left_s=left_s, rand=rand
        )
        if isinstance(found, GiveUp):
            break
        waits.append(found.wait_s)
        left_s, previous_s = left_s - found.wait_s, found.own_s

    assert len(waits) < attempts
    assert left_s > 0 or not waits
    assert all(wait_s >= (asked_s or 0.0) for wait_s in waits)


@pytest.mark.parametrize("why", GiveUp)
def test_each_reason_has_words(why):
    """They stand in the log and in the note on the error."""
    assert len(why.text.split()) > 3


@pytest.mark.parametrize("jitter", ["none", "", "FULL", 1, True])
def test_a_jitter_that_does_not_exist_is_refused(jitter):
    """The message names those that do."""
    with pytest.raises(ConfigurationError, match="'full', 'equal', 'decorrelated'"):
        Backoff(jitter=jitter)


def test_a_backoff_shows_its_jitter():
    """Only where one was given."""
    assert repr(Backoff(base_s=1, cap_s=2, jitter="equal")) == "Backoff(base_s=1, cap_s=2, jitter='equal')"
