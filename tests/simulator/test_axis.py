"""The time axis of plots."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda.testing.simulator.telling.axis import LEAST_PX, Axis

SPANS = st.lists(
    st.tuples(st.floats(0, 100_000), st.floats(0.001, 1000)).map(lambda span: (span[0], span[0] + span[1])),
    min_size=1,
    max_size=40,
)


def axis(times_s, busy=()):
    """Return an axis from 0 to 1000."""
    return Axis(times_s, busy, left=0.0, width=1000.0)


@given(SPANS)
def test_time_goes_from_left_to_right(busy):
    """Whatever happened later is drawn further to the right, from one end of the axis to the other."""
    times = sorted({time_s for span in busy for time_s in span})
    drawn = axis(times, busy)
    xs = [drawn.x(time_s) for time_s in times]

    assert xs == sorted(xs)
    assert xs[0] == pytest.approx(0, abs=1)
    assert xs[-1] == pytest.approx(1000, abs=1)


@given(SPANS, st.floats(0, 1000))
def test_the_time_at_a_place_is_drawn_there(busy, x):
    """Reading the axis is the reverse of drawing on it."""
    drawn = axis((), busy)

    assert drawn.x(drawn.time_s(x)) == pytest.approx(x, abs=0.01)


@given(SPANS)
def test_written_times_do_not_touch(busy):
    """There is room for each time that is written, and they are in order."""
    ticks = axis((), busy).ticks
    gaps = [after.x - before.x for before, after in pairwise(ticks)]

    assert ticks
    assert all(gap >= LEAST_PX - 0.01 for gap in gaps)
    assert [tick.time_s for tick in ticks] == sorted(tick.time_s for tick in ticks)


def test_without_pauses_nothing_is_cut():
    """Work that goes on all the time is drawn to scale."""
    drawn = axis(range(11), [(0, 10)])

    assert drawn.cuts == []
    assert drawn.x(5) == pytest.approx(500)


def test_a_pause_is_cut():
    """An hour between two seconds of work takes less room than the work."""
    drawn = axis((), [(0, 1), (3600, 3601)])

    assert [cut.lasted_s for cut in drawn.cuts] == [3599]
    assert drawn.cuts[0].right - drawn.cuts[0].left < 200


def test_one_moment_is_an_axis():
    """Nothing but a moment has happened, or nothing at all."""
    assert axis([5.0]).x(5.0) == pytest.approx(0)
    assert axis([]).ticks
