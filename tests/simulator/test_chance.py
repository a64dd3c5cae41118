"""Chance: decided by a seed and a name, the same in every process, and even."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from resilient_lambda.testing.simulator.chance import Chance, Faults
from resilient_lambda.testing.simulator.delivery import Delivery

SCRIPT = """
from resilient_lambda.testing.simulator.chance import Chance
chance = Chance(7)
print([chance.sample("kind", number, 3) for number in range(20)], chance.between(5, 6, "other"))
"""


def run_with(hash_seed):
    """Return what the script prints in a process whose texts hash in another way."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def happen(fault, without=(), seed=3):
    """Return what happens to a hundred things, each of which *fault* may strike."""
    chance = Chance(seed, without)
    chance.faults = Faults(crash=0.3, late=0.3)
    return [chance.strikes_at(fault, 1, number) for number in range(100)], chance.strikes


def test_a_seed_decides_the_same_in_every_process():
    """Also where texts hash in another way: a seed in a failing test's output means the same everywhere."""
    assert run_with("1") == run_with("2") == run_with("random")


def test_a_decision_depends_on_its_name_and_not_on_what_was_decided_before():
    """However often something else is asked."""
    asked, other = Chance(1), Chance(1)
    for number in range(100):
        other.sample("something else", number)

    assert asked.sample("kind", 4) == other.sample("kind", 4) == other.sample("kind", 4)


@pytest.mark.parametrize("numbers", [lambda n: (n,), lambda n: (0, n), lambda n: (n, 1), lambda n: (n % 50, n // 50)])
@pytest.mark.parametrize("kind", ["crash", "environment"])
def test_samples_are_even(kind, numbers):
    """Each twentieth of the range gets its share, whatever the numbers count."""
    chance = Chance(11)
    counts = Counter(int(chance.sample(kind, *numbers(number)) * 20) for number in range(20_000))

    # A thousand expected in each; the bounds are six standard deviations away.
    assert set(counts) == set(range(20))
    assert all(815 < count < 1_185 for count in counts.values())


def test_samples_of_neighbouring_seeds_have_nothing_to_do_with_each_other():
    """Seeds 0, 1, 2, ... are as good as any."""
    counts = Counter(int(Chance(seed).sample("crash", 1) * 10) for seed in range(5_000))

    assert all(370 < counts[place] < 630 for place in range(10))


def test_two_kinds_have_nothing_to_do_with_each_other():
    """That a thing is late does not say whether it is delivered twice."""
    chance = Chance(5)
    both = sum(chance.sample("late", n) < 0.5 and chance.sample("duplicate", n) < 0.5 for n in range(8_000))

    assert 1_770 < both < 2_230


def test_neighbours_have_nothing_to_do_with_each_other():
    """That one thing is struck does not say whether the next one is."""
    chance = Chance(5)
    both = sum(chance.sample("late", n) < 0.5 and chance.sample("late", n + 1) < 0.5 for n in range(8_000))

    assert 1_770 < both < 2_230


def test_between_has_its_bounds():
    """The lower one may occur, the upper one does not."""
    chance = Chance(2)
    found = [chance.between(-3.0, 5.0, "kind", number) for number in range(2_000)]

    assert min(found) == pytest.approx(-3.0, abs=0.05)
    assert max(found) == pytest.approx(5.0, abs=0.05)
    assert max(found) < 5.0


def test_a_fault_strikes_as_often_as_it_should():
    """A probability of 0.3 means three in ten."""
    chance = Chance(4)
    chance.faults = Faults(crash=0.3)
    count = sum(chance.strikes_at("crash", number) for number in range(10_000))

    assert 2_700 < count < 3_300
    assert len(chance.strikes) == count


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0), (1.0, 100)])
def test_what_is_certain_is_certain(probability, expected):
    """Probability 0 never strikes, 1 always."""
    chance = Chance(4)
    chance.faults = Faults(late=probability)

    assert sum(chance.strikes_at("late", number) for number in range(100)) == expected


def test_a_more_probable_fault_strikes_where_it_did_before():
    """Raising a probability adds to what happens and moves nothing."""
    rare, often = Chance(4), Chance(4)
    rare.faults, often.faults = Faults(crash=0.1), Faults(crash=0.4)
    for number in range(200):
        rare.strikes_at("crash", number)
        often.strikes_at("crash", number)

    assert rare.strikes
    assert set(rare.strikes) < set(often.strikes)


def test_one_fault_can_be_left_out_without_moving_another():
    """That is how a failing schedule is made smaller."""
    before, strikes = happen("crash")
    left_out = strikes[3]
    after, fewer = happen("crash", without=[left_out])

    assert fewer == [name for name in strikes if name != left_out]
    assert [place for place in range(100) if before[place] != after[place]] == [int(left_out.rsplit(".", 1)[1])]


def test_leaving_one_fault_out_leaves_other_kinds_alone():
    """Each kind is decided for itself."""
    _, strikes = happen("crash")

    assert happen("late", without=strikes) == happen("late")


def simulated(seed, without=()):
    """Return what struck, and what took effect, in a simulation of some calls."""
    with Delivery(seed, without=without) as delivery:
        delivery.faults(crash=0.3, duplicate=0.3, late=0.3)

        def handler(event, context):
            delivery.work(1)
            delivery.effect(event["id"])

        calls = delivery.asynchronous(handler, key="id", dead_letter=True)
        for number in range(10):
            calls.send({"id": number}, after_s=number)
        delivery.run()
        return delivery.strikes, delivery.effects, delivery.now_s


def test_a_simulation_repeats_itself():
    """The same seed, the same test: the same in every detail."""
    for seed in range(10):
        assert simulated(seed) == simulated(seed)


def test_seeds_differ():
    """Another seed is another story."""
    assert len({str(simulated(seed)) for seed in range(10)}) == 10


def test_a_simulation_without_any_of_its_strikes_has_none():
    """Leaving out what struck, and what strikes then, ends with a quiet run."""
    strikes, _, _ = simulated(1)
    without = set(strikes)
    while strikes:
        strikes, effects, _ = simulated(1, without)
        without.update(strikes)

    assert sorted(effects) == list(range(10))


@pytest.mark.parametrize("chances", [{"crash": -0.1}, {"late": 1.1}, {"duplicate": float("nan")}, {"skew_s": -1.0}])
def test_a_probability_that_is_none_is_refused(chances):
    """It would be taken for never, or for always."""
    with Delivery() as delivery, pytest.raises(ValueError, match=next(iter(chances))):
        delivery.faults(**chances)


def test_a_fault_that_does_not_exist_is_refused():
    """A misspelt one would never happen."""
    with Delivery() as delivery, pytest.raises(TypeError, match="crsh"):
        delivery.faults(crsh=0.1)
