"""What the store is asked, how often, and until when."""

from __future__ import annotations

import pytest

from resilient_lambda.errors import InProgressError, StoreError, StoreUnavailableError

TRIES = 4


def test_a_new_record_costs_two_writes_and_no_read(make, store):
    """Claim and completion."""
    make().deliver("a", "b")

    assert store.steps == ["claim", "claim", "complete", "complete"]


def test_a_redelivery_reads_first(make, store):
    """A refused write would cost as much as one that succeeds."""
    make().deliver("a")
    store.steps.clear()
    make().deliver("a", receives=2)

    assert store.steps == ["read"]


def test_a_redelivery_of_what_failed_reads_and_claims(make, store):
    """And completes."""

    def fail(body):
        raise ValueError

    make(fail).deliver("a")
    store.steps.clear()
    make().deliver("a", receives=2)

    assert store.steps == ["read", "claim", "complete"]


def test_a_first_delivery_of_a_done_key_costs_one_write(make, store):
    """Its refusal brings the item."""
    make().deliver("a")
    store.steps.clear()
    make().deliver("a")

    assert store.steps == ["claim"]


def test_an_unavailable_store_is_tried_four_times(make, store, time):
    """With growing, jittered waits between; the record comes again, unrun."""
    store.fail("any", times=999)
    environment = make()

    assert environment.deliver("a") == ["m0"]
    assert environment.runs == []
    assert store.steps[:TRIES] == ["claim"] * TRIES
    assert len(time.slept_s) == TRIES - 1
    assert all(0 <= wait_s < bound_s for wait_s, bound_s in zip(time.slept_s, (0.05, 0.1, 0.2), strict=True))


def test_an_outage_is_not_hammered(make, store):
    """A thousand records make a request for each 25, and not four of them, and then as many releases."""
    store.fail("any", times=99_999)
    environment = make()

    assert len(environment.deliver(*range(1_000), timeout_s=900)) == 1_000
    assert store.requests < 60


def test_a_store_that_comes_back_is_used_at_once(make, store):
    """The first records come again, the others run."""
    store.fail("claim", times=TRIES * 25)
    environment = make()

    assert environment.deliver(*range(30)) == [f"m{n}" for n in range(25)]
    assert environment.runs == [25, 26, 27, 28, 29]


def test_a_store_that_refuses_for_good_is_asked_once(make, store):
    """No permission does not become one by asking again."""
    store.fail("claim", times=999, error=StoreError("denied"))

    assert make().deliver("a") == ["m0"]
    assert store.steps == ["claim"]


@pytest.mark.parametrize("records", [1, 5, 50])
@pytest.mark.parametrize("call_s", [0.5, 3.0])
def test_a_store_that_hangs_does_not_outlive_the_invocation(make, store, time, records, call_s):
    """Every call takes its time-out; the answer is there before Lambda ends the invocation."""
    store.fail("any", times=9_999)
    store.before_call = lambda step: time.advance(call_s)
    ends_at_s = time.now() + 30

    assert len(make().deliver(*range(records), timeout_s=30)) == records
    assert time.now() < ends_at_s


@pytest.mark.parametrize("step", ["complete", "release"])
def test_a_store_that_hangs_at_the_end_does_not_outlive_the_invocation(make, store, time, step):
    """Also where claims succeed and only completions, or releases, hang."""

    def work(body):
        time.advance(1)
        if step == "release":
            raise ValueError

    store.fail(step, times=9_999)
    store.before_call = lambda asked: time.advance(3) if asked == step else None
    ends_at_s = time.now() + 60
    answer = make(work).deliver(*range(20), timeout_s=60)

    assert time.now() < ends_at_s
    assert len(answer) < 20 or step == "release"


def test_on_store_error_run_runs_without_protection(make, store):
    """The claim's fate is unknown; the function runs and is acknowledged."""
    from resilient_lambda.events import StoreBypassed

    store.fail("any", times=999)
    environment = make(on_store_error="run")

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]
    assert [event.error_type for event in environment.heard(StoreBypassed)] == ["StoreUnavailableError"]


@pytest.mark.parametrize("receives", [1, 2])
@pytest.mark.parametrize("error", [StoreUnavailableError("away"), StoreError("denied")], ids=["away", "denied"])
def test_a_run_without_the_store_still_has_a_claim(make, store, receives, error):
    """Functions that hand on its key go on working, in a redelivery too."""
    from resilient_lambda import current_claim
    from tests.policies.stores import KEY

    keys = []
    store.fail("any", times=999, error=error)
    environment = make(lambda body: keys.append(current_claim().key), on_store_error="run")

    assert environment.deliver("a", receives=receives) == []
    assert keys == [KEY]


def test_a_run_without_the_store_is_recorded_once_it_is_back(make, store):
    """The journal has it."""
    store.fail("any", times=999)
    environment = make(on_store_error="run")
    environment.deliver("a")
    store.heal()
    environment.deliver("b")

    assert store.status() == "COMPLETED"


def test_a_single_event_without_the_store_raises(make, store):
    """Lambda tries again."""
    store.fail("any", times=999)
    with pytest.raises(StoreUnavailableError):
        make(is_single=True).invoke("a")


def test_a_store_that_fails_while_a_twin_is_waited_for(make, store, time):
    """The event is raised, not run."""
    store.lay(time.now(), lease_until_s=time.now() + 600)
    store.fail("read", times=999)
    environment = make(is_single=True)
    with pytest.raises((StoreUnavailableError, InProgressError)):
        environment.invoke("a")

    assert environment.runs == []


@pytest.mark.parametrize("mode", ["retry", "run"])
@pytest.mark.parametrize("count", [1, 4])
def test_what_an_outage_left_takes_no_time_from_the_events_at_hand(make, store, time, mode, count):
    """The journal is tried once; and a store that hangs is not asked when it may hang beyond the deadline."""
    environment = make(on_store_error=mode, local_cache=0)
    store.fail("complete", times=99)
    environment.deliver("left")
    store.fail("any", times=9_999)
    store.before_call = lambda step: time.advance(1.0)
    ends_at_s = time.now() + 6
    environment.deliver(*range(count), timeout_s=6)

    assert time.now() < ends_at_s
    assert (environment.runs[1:] == list(range(count))) == (mode == "run")
