"""How long a run may take, by what has been seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.pace import Pace

DURATIONS = st.floats(0, 900)


def after(*durations_s: float) -> Pace:
    """Return a pace that has seen runs of *durations_s*."""
    pace = Pace()
    for took_s in durations_s:
        pace.note(took_s)
    return pace


def test_nothing_seen_is_nothing_known():
    """A new environment expects nothing: the first run may start whenever there is time."""
    assert (Pace().longest_s, Pace().mean_s) == (0, 0)


@pytest.mark.parametrize(
    ("durations_s", "longest_s"),
    [
        ((3,), 3),
        ((1, 3), 3),
        ((3, 1), 2.98),  # a hundredth of the difference
        ((3, 1, 1), 2.9602),
        ((3, 3), 3),
        ((10, 0), 9.9),
    ],
)
def test_the_longest_run_is_what_counts(durations_s, longest_s):
    """A shorter run takes away a hundredth of the difference, a longer one counts at once."""
    assert after(*durations_s).longest_s == pytest.approx(longest_s)


def test_one_long_run_is_forgotten_in_time():
    """Five hundred short runs later it no longer keeps others from being started."""
    assert after(60, *[0.1] * 500).longest_s < 0.6


@given(durations_s=st.lists(DURATIONS, min_size=1))
def test_the_estimate_is_within_what_was_seen(durations_s):
    """Both figures lie between the shortest and the longest run."""
    pace = after(*durations_s)

    assert min(durations_s) * 0.999_999 <= pace.longest_s <= max(durations_s)
    assert 0 <= pace.mean_s <= max(durations_s) * 1.000_001


@given(durations_s=st.lists(DURATIONS), took_s=DURATIONS)
def test_the_next_run_is_never_expected_to_be_shorter_than_the_last(durations_s, took_s):
    """Who has just seen a run of some length starts no other where only less than that is left."""
    assert after(*durations_s, took_s).longest_s >= took_s


@pytest.mark.parametrize(
    ("durations_s", "mean_s"), [((2,), 2), ((2, 2), 2), ((0, 4), 4), ((5, 0), 4), ((5, 0, 0), 3.2), ((1, 2), 1.2)]
)
def test_the_mean_follows_the_last_runs(durations_s, mean_s):
    """Each run weighs a fifth; one that took no time at all says nothing."""
    assert after(*durations_s).mean_s == pytest.approx(mean_s)


def test_a_run_for_many_records_is_long_and_its_records_are_short():
    """A function that takes a whole lane: the lane's time decides what may start, the record's how much is claimed."""
    pace = Pace()
    pace.note(8.0, 4)

    assert (pace.longest_s, pace.mean_s) == (8.0, 2.0)


def test_it_can_be_forgotten():
    """As in a new environment."""
    pace = after(5, 7)
    pace.forget()

    assert (pace.longest_s, pace.mean_s) == (0, 0)
