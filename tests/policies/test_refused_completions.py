"""A slow former owner: its success is kept where nobody else can keep the promise, and never overwrites another's."""

from __future__ import annotations

import pytest

from resilient_lambda.events import ClaimLost
from tests.policies.environments import Crash


def test_a_slow_former_owner_overwrites_nothing(make, other, store, time):
    """A lapses while it runs, B takes over and completes within, A completes late: B's entry stays, C does not run."""
    second, third = other(), other()

    def slow(body):
        time.advance(100)
        assert second.deliver("a") == []

    first = make(slow)

    assert first.deliver("a") == []

    done = store.entry()

    assert third.deliver("a") == []
    assert (first.runs, second.runs, third.runs) == (["a"], ["a"], [])
    assert store.entry() == done
    assert done.lapses == 1


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "succeeds"])
def test_a_slow_former_owner_leaves_a_running_one_alone(make, other, store, time, fails):
    """A ends while B runs: neither A's completion nor its release takes the key from B, so C is refused."""
    third = other()

    # The second environment's run begins within the first one's, and outlives it.
    def slow(body):
        time.advance(100)
        store.lay(time.now(), lease_until_s=time.now() + 30)
        if fails:
            raise ValueError

    first = make(slow)

    assert first.deliver("a") == (["m0"] if fails else [])
    assert third.deliver("a") == ["m0"]
    assert third.runs == []
    assert store.entry().version == "other.0"


def test_a_late_success_is_recorded_over_the_failure_of_the_next_owner(make, other, store, time):
    """A slow; B takes over, fails without effect and releases; A's success is recorded: nobody runs a third time."""

    def fail(body):
        raise ValueError

    second, third = other(fail), other()

    def slow(body):
        time.advance(100)
        assert second.deliver("a") == ["m0"]

    assert make(slow).deliver("a") == []
    assert store.status() == "COMPLETED"
    assert third.deliver("a", receives=2) == []
    assert third.runs == []


def test_a_success_that_was_refused_is_recorded_once_the_new_owner_fails(make, store, time):
    """The journal keeps what a live owner refused, and writes it over what that one leaves behind."""
    environment = make(lambda body: store.lay(time.now(), lease_until_s=time.now() + 60))
    environment.deliver("a")

    assert len(environment.heard(ClaimLost)) == 1

    store.lay(time.now(), "RELEASED", attempts=1)
    environment.work = lambda body: None
    environment.deliver("b")

    assert store.status() == "COMPLETED"


def test_a_success_that_was_refused_yields_to_the_new_owners_success(make, store, time):
    """Two successes are one completion: the recorded one stays."""
    environment = make(lambda body: store.lay(time.now(), lease_until_s=time.now() + 60))
    environment.deliver("a")
    store.lay(time.now(), "COMPLETED", result='"theirs"')
    environment.work = lambda body: None
    environment.deliver("b")

    assert store.entry().result == '"theirs"'


def test_the_last_change_of_hands_decides(make, store, time):
    """A key that is released, claimed and lapsed again between tries is completed in the end."""
    stages = iter(
        [
            lambda: store.lay(time.now(), "RELEASED", version="b.1"),
            lambda: store.lay(time.now(), version="c.0", lease_until_s=time.now() - 60),
            store.take_away,
        ]
    )
    store.before_call = lambda step: next(stages, lambda: None)() if step == "complete" else None

    assert make().deliver("a") == []
    assert store.steps.count("complete") == 4
    assert store.status() == "COMPLETED"


def test_a_key_that_changes_hands_for_ever_is_journalled(make, store, time):
    """The completion gives up after a few rounds, acknowledges, and is written at the next invocation."""
    changes = iter(range(1000))
    store.before_call = lambda step: (
        store.lay(time.now(), "RELEASED", version=f"b.{next(changes)}") if step == "complete" else None
    )
    environment = make()

    assert environment.deliver("a") == []
    assert store.steps.count("complete") < 20

    store.before_call = lambda step: None
    environment.deliver("b")

    assert store.status() == "COMPLETED"


def test_a_crash_leaves_the_claim_to_its_lease(make, other, store, time):
    """A process that ends without a word writes nothing; the next one takes over after the lease."""

    def die(body):
        store.fail("any", times=999)
        raise Crash

    with pytest.raises(Crash):
        make(die).deliver("a")
    store.heal()

    assert store.status() == "IN_PROGRESS"

    environment = other()

    assert environment.deliver("a") == ["m0"]

    time.advance(40)

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]
