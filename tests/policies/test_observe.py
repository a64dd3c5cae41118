"""``mode="observe"``: nothing changes what runs, and what would have been suppressed is told."""

from __future__ import annotations

import pytest

from resilient_lambda import current_claim
from resilient_lambda.events import DuplicateSuppressed
from tests.policies.stores import KEY


@pytest.fixture
def observing(make, sink):
    """Return an environment that observes."""
    return lambda *args, **options: make(*args, **{"mode": "observe", "sink": sink, "local_cache": 0, **options})


def reasons(environment):
    """Return why duplicates would have been suppressed; all must be marked as observed only."""
    events = environment.heard(DuplicateSuppressed)
    assert all(event.is_observed_only for event in events)
    return [event.reason for event in events]


@pytest.mark.parametrize("local_cache", [0, 10])
def test_a_duplicate_runs_and_is_told(observing, local_cache):
    """In one batch and in the next."""
    environment = observing(local_cache=local_cache)

    assert environment.deliver("a", "a") == []
    assert environment.deliver("a") == []
    assert environment.runs == ["a", "a", "a"]
    assert reasons(environment) == ["same_batch", "completed"]


STATES = {
    "in progress": {"status": "IN_PROGRESS", "lease_until_s": 1e12},
    "completed": {"status": "COMPLETED"},
    "failed": {"status": "FAILED", "delivery": "m0", "parked": "letter"},
    "other payload": {"status": "COMPLETED", "fingerprint": "theirs"},
    "crash loop": {"status": "RELEASED", "lapses": 9},
    "lapsed": {"status": "IN_PROGRESS", "lease_until_s": 1.0},
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize("on_in_progress", ["auto", "wait"])
def test_every_state_of_the_key_runs(  # half of them are fixtures
    observing, store, time, sink, state, on_in_progress
):
    """At once, with a claim, and without a dead letter."""
    store.lay(time.now(), **state)
    start_s, claims = time.now(), []

    def work(body):
        current_claim().ensure_owned(for_s=1)
        claims.append(current_claim().key)

    environment = observing(
        work, max_attempts=2, fingerprint=True, on_in_progress=on_in_progress, paint=lambda function: function
    )

    assert environment.deliver("a") == []
    assert (environment.runs, claims, sink.letters) == (["a"], [KEY], [])
    assert time.now() == start_s


def test_an_item_that_is_not_ours_runs(observing, store):
    """Nor one of a newer version."""
    store.memory.add(KEY, {"format": 99}, expires_at_s=1)
    environment = observing()

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]


@pytest.mark.parametrize("receives", [1, 2])
def test_a_store_that_is_away_runs(observing, store, receives):
    """With a claim that is content with itself."""
    store.fail("any", times=999)

    def work(body):
        current_claim().ensure_owned(for_s=500)

    environment = observing(work, paint=lambda function: function)

    assert environment.deliver("a", receives=receives) == []
    assert environment.runs == ["a"]


def test_a_lost_lease_goes_on(observing, store, time):
    """What another environment does is not this one's business yet."""

    def work(body):
        store.lay(time.now() + 100, lease_until_s=time.now() + 600)
        time.advance(100)
        current_claim().ensure_owned()

    environment = observing(work, paint=lambda function: function)

    assert environment.deliver("a", timeout_s=50) == []


def test_a_record_without_its_key_runs(observing):
    """And so does one whose key is no JSON."""
    environment = observing(key="missing")

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]
