"""How many batches of a queue are under way at a time."""

from __future__ import annotations

import pytest

from resilient_lambda.testing.simulator.clock import Clock
from resilient_lambda.testing.simulator.queues.polling import Polling


@pytest.fixture
def clock():
    """A clock that nothing is to happen by."""
    return Clock(1000.0)


@pytest.mark.parametrize(
    ("after_s", "allowed"), [(0, 5), (0.1, 5), (1, 10), (60, 305), (240, 1205), (249, 1250), (10_000, 1250)]
)
def test_a_mapping_grows_by_three_hundred_batches_a_minute(clock, after_s, allowed):
    """From five up to 1,250."""
    polling = Polling(clock, None)
    clock.run(1000.0 + after_s)

    assert polling.allowed == allowed


@pytest.mark.parametrize(("most", "at_first"), [(2, 2), (5, 5), (8, 5)])
def test_maximum_concurrency_is_the_most(clock, most, at_first):
    """Also at first."""
    polling = Polling(clock, most)

    assert polling.allowed == at_first

    clock.run(2000.0)
    assert polling.allowed == most


def test_a_failure_halves_what_may_be_under_way(clock):
    """It does not grow from then on, and one batch may always be."""
    polling = Polling(clock, None)
    clock.run(1007.0)
    allowed = [polling.allowed]
    for _ in range(7):
        polling.failed()
        allowed.append(polling.allowed)
    clock.run(2000.0)

    assert allowed == [40, 20, 10, 5, 2, 1, 1, 1]
    assert polling.allowed == 1
    assert polling.may_begin()


def test_an_answer_lets_it_grow_again(clock):
    """From where the failures left it."""
    polling = Polling(clock, None)
    polling.failed()
    polling.failed()
    clock.run(1100.0)
    polling.answered()
    clock.run(1102.0)

    assert polling.allowed == 11

    polling.answered()
    assert polling.allowed == 11


def test_a_mapping_that_has_rested_begins_anew(clock):
    """With five batches, unless failures have left it fewer."""
    polling = Polling(clock, None)
    clock.run(1060.0)
    polling.may_begin()

    assert polling.allowed == 5

    polling.failed()
    clock.run(1120.0)
    polling.may_begin()
    assert polling.allowed == 2


def test_no_more_batches_begin_than_may(clock):
    """Those under way count."""
    polling = Polling(clock, 2)
    polling.under_way = 1
    could_begin = polling.may_begin()
    polling.under_way = 2

    assert could_begin
    assert not polling.may_begin()
