"""The truth table of docs/architecture.md: for every end of a run, what is written and what is answered."""

from __future__ import annotations

import pytest

from resilient_lambda import NonRetryableError, Success, current_claim
from resilient_lambda._core.model import Category, Classification, Failure, Verdict
from resilient_lambda.errors import NotRunError
from resilient_lambda.events import ClaimLost, CompletionUnrecorded, ReleaseFailed
from tests.policies.stores import KEY, key_of


def raising(error):
    """Return work that fails with *error*."""

    def work(body):
        raise error

    return work


def test_a_success_is_recorded_and_acknowledged(make, store):
    """success | recorded | ACK."""
    assert make().deliver("a") == []
    assert store.steps == ["claim", "complete"]
    assert store.status() == "COMPLETED"


@pytest.mark.parametrize("has_effect", [False, True], ids=["failed", "unknown"])
def test_an_unrecorded_success_is_acknowledged_and_journalled(make, store, has_effect):
    """success | unknown/failed | ACK + journal."""
    store.fail("complete", times=99, has_effect=has_effect)
    environment = make()

    assert environment.deliver("a") == []
    assert [event.key for event in environment.heard(CompletionUnrecorded)] == [KEY]

    store.heal()

    assert environment.deliver("b") == []
    assert store.status() == "COMPLETED"


def test_a_success_beside_another_live_owner_is_acknowledged(make, store, time):
    """success | refused: other live owner | ACK + ClaimLost."""
    environment = make(lambda body: store.lay(time.now(), lease_until_s=time.now() + 60))

    assert environment.deliver("a") == []
    assert [event.key for event in environment.heard(ClaimLost)] == [KEY]
    assert store.entry().version == "other.0"


@pytest.mark.parametrize("found", ["released", "failed", "absent", "lapsed"])
def test_a_success_is_completed_over_what_nobody_holds(make, store, time, found):
    """success | refused: released/absent/lapsed | complete over it, ACK."""

    def work(body):
        if found == "absent":
            store.take_away()
        elif found == "lapsed":
            store.lay(time.now(), lease_until_s=time.now() - 2.001)
        else:
            store.lay(time.now(), found.upper())

    environment = make(work)

    assert environment.deliver("a") == []
    assert store.status() == "COMPLETED"
    assert store.entry().version.rpartition(".")[0] != "other"
    assert environment.heard(ClaimLost) == []


def test_a_retryable_failure_is_released_and_comes_again(make, store):
    """retryable failure | released | RETRY."""
    assert make(raising(ValueError())).deliver("a") == ["m0"]

    entry = store.entry()

    assert (entry.status.value, entry.attempts, entry.error, entry.lapses) == ("RELEASED", 1, "ValueError", 0)


def test_a_retryable_failure_comes_again_when_its_release_is_refused(make, store, time):
    """retryable failure | release refused | RETRY, and the new owner's entry stays."""

    def work(body):
        store.lay(time.now(), lease_until_s=time.now() + 60)
        raise ValueError

    assert make(work).deliver("a") == ["m0"]
    assert store.entry().version == "other.0"


def test_a_retryable_failure_comes_again_when_its_release_fails(make, store):
    """retryable failure | release failed | RETRY; the lease ends on its own."""
    store.fail("release", times=99)
    environment = make(raising(ValueError()))

    assert environment.deliver("a") == ["m0"]
    assert [event.error_type for event in environment.heard(ReleaseFailed)] == ["StoreUnavailableError"]
    assert store.status() == "IN_PROGRESS"


def test_a_permanent_failure_is_sent_then_recorded_then_acknowledged(make, store, sink):
    """non-retryable | sent + recorded | ACK."""
    sink.before_call = lambda: store.steps.append("sent")

    assert make(raising(NonRetryableError()), sink=sink, remember_failures_s=60).deliver("a") == []
    assert store.steps == ["claim", "sent", "fail"]
    assert (store.status(), store.entry().parked, store.entry().delivery) == ("FAILED", "letter-1", "m0")


@pytest.mark.parametrize("remember_failures_s", [None, 60])
def test_a_permanent_failure_that_was_sent_but_not_recorded_is_acknowledged(make, store, sink, remember_failures_s):
    """non-retryable | sent, not recorded | ACK: it is in the sink."""
    store.fail("release", times=99)
    store.fail("fail", times=99)
    environment = make(raising(NonRetryableError()), sink=sink, remember_failures_s=remember_failures_s)

    assert environment.deliver("a") == []
    assert len(sink.letters) == 1


@pytest.mark.parametrize(("remember_failures_s", "status"), [(None, "RELEASED"), (60, "FAILED")])
def test_a_permanent_failure_that_was_not_sent_comes_again(make, store, sink, remember_failures_s, status):
    """non-retryable | not sent | RETRY, not recorded as parked."""
    sink.is_down = True
    environment = make(raising(NonRetryableError()), sink=sink, remember_failures_s=remember_failures_s)

    assert environment.deliver("a") == ["m0"]
    assert (store.status(), store.entry().parked, store.entry().attempts) == (status, "", 1)


def test_a_permanent_failure_of_a_former_owner_is_not_sent(make, store, sink, time):
    """non-retryable | lease lost before the send | RETRY: the new owner decides."""

    def work(body):
        time.advance(60)
        store.lay(time.now(), lease_until_s=time.now() + 60)
        raise NonRetryableError

    assert make(work, sink=sink).deliver("a", timeout_s=58) == ["m0"]
    assert sink.letters == []
    assert store.entry().version == "other.0"


def test_a_lost_lease_comes_again(other, store, time, sink):
    """lease lost in the function | nothing of the new owner's is touched | RETRY, no attempt counted."""

    def work(body):
        time.advance(60)
        store.lay(time.now(), lease_until_s=time.now() + 60, attempts=1)
        current_claim().ensure_owned()

    assert other(work, sink=sink, max_attempts=1).deliver("a") == ["m0"]
    assert (sink.letters, store.entry().version, store.entry().attempts) == ([], "other.0", 1)


def test_what_was_not_started_for_want_of_time_holds_no_claim(make, store, time):
    """not started | its claim ahead is released | RETRY, no attempt counted."""
    environment = make(lambda body: time.advance(28))

    assert environment.deliver("a", "b") == ["m1"]
    assert store.steps == ["claim", "claim", "complete", "release"]
    assert (store.status(key_of("b")), store.entry(key_of("b")).attempts) == ("RELEASED", 0)


def test_what_is_in_progress_elsewhere_comes_again_untouched(make, store, time):
    """in progress elsewhere | nothing written | RETRY, no attempt counted."""
    store.lay(time.now(), lease_until_s=time.now() + 60, attempts=1)
    before = store.entry()

    assert make().deliver("a") == ["m0"]
    assert store.entry() == before


class OpenCircuit:
    """A policy that does not let the call through, as an open circuit does."""

    async def around(self, call, proceed):
        """Refuse."""
        return Failure(NotRunError("open"), Classification(Verdict.RETRYABLE, Category.UNKNOWN), ran=False)


def test_an_open_circuit_gives_the_claim_back_without_an_attempt(make, store):
    """circuit open | claim released | RETRY, no attempt counted."""
    assert make(inner=[OpenCircuit()]).deliver("a") == ["m0"]
    assert (store.status(), store.entry().attempts, store.entry().error) == ("RELEASED", 0, "")


class Inventing:
    """A policy that answers without the function."""

    async def around(self, call, proceed):
        """Succeed."""
        return Success("cached")


def test_a_success_of_an_inner_policy_is_recorded(make, store):
    """What an inner policy calls a success is one."""
    environment = make(inner=[Inventing()])

    assert environment.deliver("a") == []
    assert (environment.runs, store.status()) == ([], "COMPLETED")
