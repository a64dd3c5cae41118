"""The token bucket of retries."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import ConfigurationError, RetryBudget


def test_there_are_as_many_tokens_as_were_given():
    """The retry behind the last one is refused."""
    budget = RetryBudget(3)

    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    assert budget.left == 0


def test_a_token_that_is_given_back_can_be_taken_again():
    """As after a retry that has helped."""
    budget = RetryBudget(1)
    budget.take()
    budget.give_back()

    assert budget.take()


def test_successes_earn_a_token_together():
    """Two halves make one; one half is none."""
    budget = RetryBudget(1, per_success=0.5)
    budget.take()
    budget.earn()
    assert not budget.take()

    budget.earn()

    assert budget.take()


@pytest.mark.parametrize("tokens", [1, 10])
def test_ten_tenths_are_a_whole_token(tokens):
    """Although their sum as floats is a little less."""
    budget = RetryBudget(tokens)
    while budget.take():
        pass
    for _ in range(10):
        budget.earn()

    assert budget.take()
    assert not budget.take()


def test_nothing_is_earned_by_default_but_a_tenth():
    """Under an outage at most one call in eleven is a retry."""
    budget = RetryBudget()
    for _ in range(10):
        budget.take()
    for _ in range(15):
        budget.earn()

    assert budget.left == pytest.approx(1.5)


@given(
    tokens=st.integers(1, 20),
    per_success=st.floats(0, 3),
    steps=st.lists(st.sampled_from(["take", "give_back", "earn"]), max_size=200),
)
def test_a_budget_is_never_overdrawn_and_never_overfull(tokens, per_success, steps):
    """What is left stays between none and all, and no more is taken than there was and came in."""
    budget = RetryBudget(tokens, per_success=per_success)
    taken = came_in = 0.0
    for step in steps:
        if step == "take":
            taken += budget.take()
        elif step == "give_back":
            budget.give_back()
            came_in += 1
        else:
            budget.earn()
            came_in += per_success

        assert -1e-8 <= budget.left <= tokens
        assert taken <= tokens + came_in + 1e-9


def test_threads_cannot_take_a_token_twice():
    """Eight threads take all they can get: exactly what there was."""
    budget = RetryBudget(1_000)
    taken = []

    def work():
        while budget.take():
            taken.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(taken), budget.left) == (1_000, 0)


def test_what_is_missing_is_an_environments_own():
    """Another environment's memory in its place, the budget is full; with its own again, as it was."""
    budget = RetryBudget(2)
    budget.take()
    memory = budget.swap_memory(None)
    assert budget.left == 2

    budget.swap_memory(memory)

    assert budget.left == 1


@pytest.mark.parametrize("options", [{"tokens": 0}, {"tokens": 1.5}, {"tokens": True}, {"per_success": -0.1}], ids=str)
def test_wrong_options_are_refused(options):
    """At import of the user's module."""
    with pytest.raises(ConfigurationError):
        RetryBudget(**options)


def test_a_budget_shows_its_settings():
    """Not what is left of it, which changes."""
    assert repr(RetryBudget(5)) == "RetryBudget(5, per_success=0.1)"
