"""What one environment remembers of completed keys: bounded, expiring, and successes only."""

from __future__ import annotations

import pytest

from resilient_lambda._policies.local import CACHED_RESULT_BYTES
from resilient_lambda.events import DuplicateSuppressed
from tests.policies.stores import KEY


@pytest.mark.parametrize("is_single", [True, False])
def test_a_cached_duplicate_costs_no_request(make, store, is_single):
    """Nor does it run."""
    environment = make(is_single=is_single)
    deliver = environment.invoke if is_single else environment.deliver
    deliver("a")
    store.steps.clear()
    deliver("a")

    assert (store.steps, environment.runs) == ([], ["a"])
    assert environment.heard(DuplicateSuppressed) == [DuplicateSuppressed(KEY, "completed", is_observed_only=False)]


def test_a_cached_redelivery_costs_no_read(make, store):
    """The cache is asked before the store."""
    environment = make()
    environment.deliver("a")
    store.steps.clear()
    environment.deliver("a", receives=2)

    assert store.steps == []


def test_what_was_read_as_done_is_cached(make, store):
    """A replay from the store is the last one that asks it."""
    make().deliver("a")
    environment = make()
    environment.deliver("a")
    store.steps.clear()
    environment.deliver("a")

    assert (store.steps, environment.runs) == ([], [])


def test_the_cache_can_be_off(make, store):
    """``local_cache=0`` asks the store each time."""
    environment = make(local_cache=0)
    environment.deliver("a")
    store.steps.clear()
    environment.deliver("a")

    assert store.steps == ["claim"]
    assert environment.runs == ["a"]


def test_the_cache_is_bounded(make, store):
    """The key that was completed first makes room; it is still done."""
    environment = make(local_cache=2)
    environment.deliver("a", "b", "c")
    store.steps.clear()
    environment.deliver("b", "c")

    assert store.steps == []

    environment.deliver("a")

    assert store.steps == ["claim"]
    assert environment.runs == ["a", "b", "c"]


def test_a_cached_key_expires(make, time):
    """``keep_s`` holds in the cache too, to the second."""
    environment = make(keep_s=60)
    environment.deliver("a")
    time.advance(59.5)
    environment.deliver("a")

    assert environment.runs == ["a"]

    time.advance(1.5)
    environment.deliver("a")

    assert environment.runs == ["a", "a"]


@pytest.mark.parametrize("remember_failures_s", [None, 60])
def test_failures_are_not_cached(make, store, time, remember_failures_s):
    """Another environment may have succeeded since."""
    from resilient_lambda import NonRetryableError

    def refuse(body):
        raise NonRetryableError

    environment = make(refuse, remember_failures_s=remember_failures_s)
    environment.deliver("a")
    store.lay(time.now(), "COMPLETED")
    environment.deliver("a")

    assert environment.runs == ["a"]
    assert environment.heard(DuplicateSuppressed)[-1].reason == "completed"


@pytest.mark.parametrize(("size", "requests"), [(CACHED_RESULT_BYTES - 2, 0), (CACHED_RESULT_BYTES - 1, 1)])
def test_large_results_are_not_kept_for_life(make, store, size, requests):
    """4 kB are cached, more is read again."""
    environment = make(lambda body: "x" * size, is_single=True)
    environment.invoke("a")
    store.steps.clear()

    assert environment.invoke("a") == "x" * size
    assert len(store.steps) == requests


def test_two_policies_share_nothing(make, store):
    """The cache is the policy object's."""
    make().deliver("a")
    store.take_away()
    environment = make()
    environment.deliver("a")

    assert environment.runs == ["a"]


def test_forgetting_makes_a_new_environment(make, store):
    """As tests need it."""
    environment = make()
    environment.deliver("a")
    store.take_away()
    environment.policy.forget()
    environment.deliver("a")

    assert environment.runs == ["a", "a"]
