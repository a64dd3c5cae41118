"""Writes that took effect although the store never answered: each is recognised as one's own."""

from __future__ import annotations

import pytest

from resilient_lambda import NonRetryableError, current_claim
from resilient_lambda.events import ClaimLost, CompletionUnrecorded, ReleaseFailed

ALL_TRIES = 4


def succeed(body):
    """Do the work."""


def renew(body):
    """Make sure of the lease in the midst of the work."""
    current_claim().ensure_owned(for_s=500)


def fail(body):
    """Fail, to be tried again."""
    raise ValueError


def refuse(body):
    """Fail for good."""
    raise NonRetryableError


STEPS = {
    "claim": (succeed, [], "COMPLETED"),
    "complete": (succeed, [], "COMPLETED"),
    "release": (fail, ["m0"], "RELEASED"),
    "fail": (refuse, [], "FAILED"),
}


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("step", STEPS)
def test_a_lost_answer_is_ones_own_success(make, store, sink, step, times):
    """However often the answer is lost but the last, the outcome is as if nothing had happened, and one run."""
    work, answer, status = STEPS[step]
    store.fail(step, times=times, has_effect=True)
    environment = make(work, sink=sink, remember_failures_s=60)

    assert environment.deliver("a") == answer
    assert (environment.runs, store.status()) == (["a"], status)
    assert store.entry().lapses == 0
    assert [
        event for event in environment.events if isinstance(event, ClaimLost | CompletionUnrecorded | ReleaseFailed)
    ] == []


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_lost_renewal_is_ones_own(other, store, times):
    """A renewal whose answer was lost neither loses the lease nor the completion."""
    store.fail("renew", times=times, has_effect=True)
    environment = other(renew)

    assert environment.deliver("a") == []
    assert (environment.runs, store.status()) == (["a"], "COMPLETED")
    assert environment.heard(ClaimLost) == []


def test_a_renewal_that_nobody_answered_is_a_lost_lease_but_keeps_the_key(other, store):
    """All tries' answers lost: the record comes again, and its release recognises the renewal as its own."""
    store.fail("renew", times=ALL_TRIES, has_effect=True)
    environment = other(renew)

    assert environment.deliver("a") == ["m0"]
    assert (store.status(), store.entry().attempts, store.entry().lapses) == ("RELEASED", 0, 0)


def test_a_beat_that_nobody_answered_does_not_refuse_the_completion(other, store, time):
    """The completion over a renewal of one's own that one does not know of is written."""
    store.fail("renew", times=1, has_effect=True)
    environment = other(lambda body: time.advance(12), lease_s=30)

    assert environment.deliver("a") == []
    assert store.steps == ["claim", "renew", "complete", "complete"]
    assert store.status() == "COMPLETED"
    assert environment.heard(ClaimLost) == []


def test_a_beat_that_nobody_answered_does_not_refuse_the_next_beat(other, store, time):
    """The next one adopts it, so that the lease goes on."""
    store.fail("renew", times=1, has_effect=True)
    leases = []

    def work(body):
        time.advance(8)
        leases.append(store.entry().lease_until_s - time.now())

    environment = other(work, lease_s=9)

    assert environment.deliver("a") == []
    assert leases[0] > 6
    assert environment.heard(ClaimLost) == []


def test_a_beat_that_nobody_answered_does_not_refuse_the_release(other, store, time):
    """The attempt is counted."""
    store.fail("renew", times=1, has_effect=True)

    def work(body):
        time.advance(12)
        raise ValueError

    assert other(work, lease_s=30).deliver("a") == ["m0"]
    assert (store.status(), store.entry().attempts) == ("RELEASED", 1)


@pytest.mark.parametrize("has_effect", [True, False], ids=["took effect", "did not"])
def test_a_claim_of_unknown_fate_is_given_back_before_the_answer(make, store, has_effect):
    """No environment waits for a lease that nobody holds, and no attempt is counted."""
    store.fail("claim", times=ALL_TRIES, has_effect=has_effect)
    environment = make()

    assert environment.deliver("a") == ["m0"]
    assert environment.runs == []
    assert store.status() == ("RELEASED" if has_effect else None)

    again = make()

    assert again.deliver("a", receives=2) == []
    assert (again.runs, store.entry().attempts, store.entry().lapses) == (["a"], 0, 0)


def test_a_claim_of_unknown_fate_that_another_took_over_is_left_alone(make, store, time):
    """What is given back is one's own only."""
    store.fail("claim", times=ALL_TRIES)
    store.before_call = lambda step: store.lay(time.now(), lease_until_s=time.now() + 60) if step == "release" else None

    assert make().deliver("a") == ["m0"]
    assert store.entry().version == "other.0"


def test_a_completion_that_nobody_answered_is_recorded_before_the_answer(make, store):
    """The journal finds its own completion there."""
    store.fail("complete", times=ALL_TRIES, has_effect=True)
    environment = make()

    assert environment.deliver("a") == []
    assert store.status() == "COMPLETED"

    version = store.entry().version
    environment.deliver("b")

    assert store.entry().version == version


def test_a_takeover_whose_answer_is_lost_counts_one_lapse(make, store, time):
    """Not two."""
    store.lay(time.now(), lease_until_s=time.now() - 10)
    store.fail("claim", times=2, has_effect=True)
    environment = make(fail)

    assert environment.deliver("a") == ["m0"]
    assert (store.entry().lapses, store.entry().attempts) == (1, 1)
