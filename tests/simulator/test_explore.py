"""`explore` finds a seed that breaks a handler, and leaves of its faults those that it takes."""

from __future__ import annotations

import re
import traceback

import pytest

from resilient_lambda.testing import Delivery, explore


def charges_twice_after_a_crash(delivery):
    """Play a handler that is not idempotent, among faults that do it no harm and one that does."""

    def handler(event, context):
        delivery.effect(event["id"])
        delivery.work(1)

    calls = delivery.synchronous(handler, key="id", attempts=20, wait_s=60)
    for order in "abcdefghij":
        calls.send({"id": order})
    delivery.faults(crash=0.2, throttle=0.3)
    delivery.run()
    assert calls.handled_more_than_once() == []


def failure(play, **options):
    """Return what `explore` raises."""
    with pytest.raises(AssertionError) as caught:
        explore(play, **options)
    return caught.value


def test_a_handler_that_stands_it_passes():
    """Nothing is raised when no seed fails; every seed is played once."""
    seeds = []

    explore(lambda delivery: seeds.append(delivery.seed), seeds=[3, 1, 2])

    assert seeds == [3, 1, 2]


def test_a_seed_that_fails_is_made_as_small_as_it_gets():
    """One crash is enough for a second charge: no other fault is left."""
    said = str(failure(charges_twice_after_a_crash))

    assert re.search(r"it takes crash:\d+ \(1 of \d+ faults\)", said)
    assert "  1 fault struck: crash:" in said


def test_the_line_that_is_printed_replays_it():
    """What stands behind `replay:` makes the simulation of the failure."""
    said = str(failure(charges_twice_after_a_crash))
    line = re.search(r"replay: (.*)", said).group(1)
    with eval(line, {"Delivery": Delivery}) as delivery:
        with pytest.raises(AssertionError):
            charges_twice_after_a_crash(delivery)

        assert delivery.strikes == re.search(r"it takes (crash:\d+)", said).group(1).split(", ")


def test_the_cause_is_what_was_raised():
    """The error of the smallest schedule is chained, so that pytest shows where it was raised."""
    error = failure(charges_twice_after_a_crash)

    assert isinstance(error.__cause__, AssertionError)
    assert traceback.extract_tb(error.__cause__.__traceback__)[-1].name == charges_twice_after_a_crash.__name__


def test_it_says_the_same_each_time():
    """Two explorations print the same, to the letter."""
    assert str(failure(charges_twice_after_a_crash)) == str(failure(charges_twice_after_a_crash))


def test_the_timeline_is_that_of_the_smallest():
    """What is shown has the crash in it, and the second effect."""
    said = str(failure(charges_twice_after_a_crash))

    assert "crashed" in said
    assert "throttled" not in said
    assert "handled more than once: " in said


def test_a_failure_without_faults_says_so():
    """Of a handler that is simply wrong, no fault is left."""

    def play(delivery):
        delivery.faults(throttle=0.5)
        calls = delivery.synchronous(lambda event, context: None, attempts=9)
        for number in range(5):
            calls.send({"id": number})
        delivery.run()
        raise LookupError("always")

    said = str(failure(play))

    assert said.startswith("seed 0 fails: LookupError: always\nit takes none of the ")
    assert "no fault struck" in said


def test_another_error_is_no_smaller_failure():
    """A schedule that fails with another kind of exception is not taken for the same failure."""

    def play(delivery):
        delivery.faults(throttle=0.5)
        calls = delivery.synchronous(lambda event, context: None, attempts=9)
        for number in range(5):
            calls.send({"id": number})
        delivery.run()
        if not delivery.strikes:
            raise LookupError("without a fault")
        raise ValueError("with one")

    said = str(failure(play))

    assert said.startswith("seed 0 fails: ValueError: with one\n")
    assert "it takes throttle:" in said


def test_a_play_that_does_not_begin_anew_is_told_apart():
    """If it does not fail a second time nothing is claimed about faults."""
    played = []

    def play(delivery):
        played.append(1)
        assert len(played) > 1

    def play_with_faults(delivery):
        delivery.faults(throttle=1.0)
        delivery.synchronous(lambda event, context: None).send({})
        delivery.run()
        play(delivery)

    assert "played again, it did not fail in this way" in str(failure(play_with_faults))
    assert len(played) == 2


def test_it_ends_although_nothing_can_be_left_out():
    """Of a failure that takes each of many faults, the number of replays is bounded."""
    played = []

    def play(delivery):
        played.append(1)
        delivery.faults(throttle=1.0)
        calls = delivery.synchronous(lambda event, context: None)
        for number in range(400):
            calls.send({"id": number})
        delivery.run()
        assert len(delivery.strikes) < 400

    failure(play, seeds=[0])

    assert len(played) <= 302


def test_pytest_fail_is_a_failure():
    """`pytest.fail` raises no Exception, and counts all the same; a skipped test is skipped."""

    def play(delivery):
        pytest.fail("no")

    assert "no" in str(failure(play))

    with pytest.raises(pytest.skip.Exception):
        explore(lambda delivery: pytest.skip("not here"))
