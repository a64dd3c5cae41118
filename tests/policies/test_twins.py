"""Keys in progress elsewhere: when they are waited for, when taken over, when left alone."""

from __future__ import annotations

import pytest

from resilient_lambda import InProgressError, NonRetryableError
from resilient_lambda.events import ClaimTaken
from tests.policies.stores import KEY, key_of


def test_a_crashed_event_blocks_its_key_for_the_short_lease_only(make, other, store, time):
    """20 s and the skew after the crash, not the fifteen minutes of the invocation, a waiting twin takes over."""
    store.lay(time.now(), lease_until_s=time.now() + 20)
    start_s = time.now()
    environment = make(is_single=True)
    environment.invoke("a", timeout_s=900)

    assert environment.runs == ["a"]
    assert 22 < time.now() - start_s < 24
    assert [(event.lapses, event.is_takeover) for event in environment.heard(ClaimTaken)] == [(1, True)]


def test_a_single_event_claims_for_twenty_seconds(make, store, time):
    """Whatever time the invocation has left."""
    environment = make(lambda body: leases.append(store.entry().lease_until_s - time.now()), is_single=True)
    leases = []
    environment.invoke("a", timeout_s=900)

    assert leases == [20.0]


def test_a_message_is_claimed_for_the_rest_of_the_invocation(make, store, time):
    """And the skew, so that the owner may trust its lease to the deadline."""
    environment = make(lambda body: leases.append(store.entry().lease_until_s - time.now()))
    leases = []
    environment.deliver("a", timeout_s=40)

    assert leases == [42.0]


def test_a_waiting_twin_gets_the_result(make, other, store, time):
    """The second of two overlapping events is answered with the first one's result, and does not run."""
    second = other(is_single=True)
    store.lay(time.now(), lease_until_s=time.now() + 20)

    def finish_after_3_s(step):
        if time.now() - start_s > 3 and store.status() == "IN_PROGRESS":
            store.lay(time.now(), "COMPLETED", result='{"paid":5}')

    start_s = time.now()
    store.before_call = finish_after_3_s

    assert second.invoke("a") == {"paid": 5}
    assert second.runs == []
    assert 3 < time.now() - start_s < 5


def test_waiting_ends_with_the_margin(make, store, time):
    """Before the deadline the event is raised as in progress, with when it may be tried again."""
    store.lay(time.now(), lease_until_s=time.now() + 300)
    start_s = time.now()
    environment = make(is_single=True)
    with pytest.raises(InProgressError) as raised:
        environment.invoke("a", timeout_s=30)

    assert 20 < time.now() - start_s < 27
    assert raised.value.retry_after_s == pytest.approx(start_s + 302 - time.now())
    assert environment.runs == []


def test_waiting_polls_at_a_growing_interval(make, store, time):
    """A minute of waiting costs about a read a second, not ten."""
    store.lay(time.now(), lease_until_s=time.now() + 300)
    with pytest.raises(InProgressError):
        make(is_single=True).invoke("a", timeout_s=65)

    assert 30 < store.steps.count("read") < 75


def test_a_lease_that_goes_on_is_waited_for_on(make, store, time):
    """A twin whose heartbeat renews its lease is alive: nobody takes over."""
    store.lay(time.now(), lease_until_s=time.now() + 20)

    def renew(step):
        if store.entry().lease_until_s - time.now() < 10:
            store.lay(time.now(), version=f"other.{time.now()}", lease_until_s=time.now() + 20)

    store.before_call = renew
    environment = make(is_single=True)
    with pytest.raises(InProgressError):
        environment.invoke("a", timeout_s=120)

    assert environment.runs == []


@pytest.mark.parametrize(
    ("is_single", "on_in_progress", "waits"),
    [
        (True, "auto", True),
        (False, "auto", False),
        (True, "wait", True),
        (False, "wait", True),
        (True, "retry", False),
        (False, "retry", False),
    ],
)
def test_who_waits(  # half of them are fixtures
    make, store, time, is_single, on_in_progress, waits
):
    """Single events wait, messages come back, unless told otherwise."""
    store.lay(time.now(), lease_until_s=time.now() + 5)
    environment = make(is_single=is_single, on_in_progress=on_in_progress)
    if is_single and not waits:
        with pytest.raises(InProgressError):
            environment.invoke("a")
    else:
        answer = environment.invoke("a") if is_single else environment.deliver("a")

        assert answer == ([] if waits and not is_single else None if is_single else ["m0"])
    assert environment.runs == (["a"] if waits else [])


def test_what_need_not_wait_runs_first(make, store, time):
    """A batch that waits for twins does so with its own work done."""
    store.lay(time.now(), lease_until_s=time.now() + 5)
    environment = make(on_in_progress="wait")

    assert environment.deliver("a", "b", "c") == []
    assert environment.runs == ["b", "c", "a"]


def test_dead_letters_are_settled_before_anyone_waits(make, store, time, sink):
    """A claim that is held for the sink while waiting could have two environments wait for each other."""

    def work(body):
        if body["k"] == "b":
            raise NonRetryableError

    store.lay(time.now(), lease_until_s=time.now() + 5)
    start_s, sent_at_s = time.now(), []
    sink.before_call = lambda: sent_at_s.append(time.now())

    assert make(work, on_in_progress="wait", sink=sink).deliver("a", "b") == []
    assert sent_at_s == [start_s]


@pytest.mark.parametrize(("after_s", "runs"), [(21.9, []), (22.0, []), (22.1, ["a"])])
def test_others_wait_for_the_skew_of_clocks(make, store, time, after_s, runs):
    """A lease of 20 s is taken over once 22 s have passed."""
    store.lay(time.now(), lease_until_s=time.now() + 20)
    time.advance(after_s)
    environment = make()
    environment.deliver("a")

    assert environment.runs == runs


def test_a_longer_skew_is_waited_for_longer(make, store, time):
    """``skew_s=10`` makes it 30 s."""
    store.lay(time.now(), lease_until_s=time.now() + 20)
    time.advance(25)
    environment = make(skew_s=10)

    assert environment.deliver("a") == ["m0"]
    assert environment.runs == []


def test_a_claim_outlives_its_lease_and_its_retention(make, store, time):
    """TTL must not remove a running claim: a day is added to the later of lease and retention."""
    found = []
    make(lambda body: found.append(store.entry()), keep_s=60).deliver("a", timeout_s=900)

    assert found[0].expires_at_s >= found[0].lease_until_s + 86_400


def test_a_release_outlives_its_retention(make, store, time):
    """It carries the attempts: a day is added."""

    def fail(body):
        raise ValueError

    make(fail, keep_s=60).deliver("a")

    assert store.entry().expires_at_s >= time.now() + 60 + 86_400


def test_a_completion_is_forgotten_after_its_retention(make, store, time):
    """From ``keep_s`` on the key runs again, in this environment and in others, though the item is still there."""
    first, second = make(keep_s=60), make(keep_s=60)
    first.deliver("a")
    time.advance(59)
    second.deliver("a", receives=2)

    assert (first.runs, second.runs) == (["a"], [])

    time.advance(2)
    second.deliver("a", receives=2)
    first.deliver("a")

    assert (first.runs, second.runs) == (["a"], ["a"])
    assert store.status(KEY) == "COMPLETED"
    assert store.status(key_of("b")) is None


def test_a_key_that_changes_hands_faster_than_it_can_be_claimed_comes_again(make, store, time):
    """After a few rounds, without having run; a hot key is not hammered."""
    changes = iter(range(1_000))
    store.before_call = lambda step: store.lay(time.now(), "RELEASED", version=f"b.{next(changes)}")
    environment = make()

    assert environment.deliver("a") == ["m0"]
    assert (environment.runs, len(store.steps)) == ([], 6)
