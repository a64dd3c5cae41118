"""One key several times in one batch, and one key with several payloads."""

from __future__ import annotations

import pytest

from resilient_lambda import NonRetryableError
from resilient_lambda.errors import FingerprintMismatchError
from resilient_lambda.events import DuplicateSuppressed, RecordSettled


def test_a_success_is_shared(make, store):
    """One run, one claim, one completion; the duplicate is told as such."""
    environment = make(local_cache=0)

    assert environment.deliver("a", "a", "a") == []
    assert (environment.runs, store.steps) == (["a"], ["claim", "complete"])
    assert [event.reason for event in environment.heard(DuplicateSuppressed)] == ["same_batch", "same_batch"]


def test_a_shared_success_is_not_told_as_a_run(make):
    """Whoever counts runs from the events counts one; so it is for a duplicate of an earlier batch."""
    environment = make()
    environment.deliver("a", "a")
    environment.deliver("a")

    assert [event.ran for event in environment.heard(RecordSettled)] == [True, False, False]


def test_a_retryable_failure_is_shared_without_a_second_run(make, store):
    """All come again, one attempt is counted."""

    def fail(body):
        raise ValueError

    environment = make(fail)

    assert environment.deliver("a", "a") == ["m0", "m1"]
    assert (environment.runs, store.entry().attempts) == (["a"], 1)


def test_a_failure_of_the_users_own_store_is_shared_too(make, store):
    """A function that raises an error of this library's has run all the same, and once."""
    from resilient_lambda.errors import InProgressError, StoreUnavailableError

    for error in (StoreUnavailableError("mine"), InProgressError("mine")):

        def fail(body, error=error):
            raise error

        environment = make(lambda body, fail=fail: fail(body))

        assert environment.deliver("a", "a") == ["m0", "m1"]
        assert environment.runs == ["a"]


@pytest.mark.parametrize("remember_failures_s", [None, 60])
def test_a_permanent_failure_is_shared(make, sink, remember_failures_s):
    """Each record has its own letter: the sink holds what the queue held."""

    def refuse(body):
        raise NonRetryableError

    environment = make(refuse, sink=sink, remember_failures_s=remember_failures_s)

    assert environment.deliver("a", "a") == []
    assert environment.runs == ["a"]
    assert sink.letters == [("m0", "NonRetryableError"), ("m1", "NonRetryableError")]


def test_a_last_attempt_sets_its_own_record_aside_only(make, sink):
    """What attached to it did not run: it comes again, with all attempts."""

    def fail(body):
        raise ValueError

    environment = make(fail, sink=sink, max_attempts=1)

    assert environment.deliver("a", "a") == ["m1"]
    assert sink.letters == [("m0", "ValueError")]


def test_an_outcome_is_not_shared_with_the_next_batch(make):
    """A redelivery after a failure runs."""

    def fail(body):
        raise ValueError

    environment = make(fail)
    environment.deliver("a")
    environment.work = lambda body: None

    assert environment.deliver("a") == []
    assert environment.runs == ["a", "a"]


FINGERPRINTS = {"whole body": True, "path": "total", "function": lambda body: body["total"], "paths": ["total", "k"]}


@pytest.mark.parametrize("fingerprint", FINGERPRINTS.values(), ids=FINGERPRINTS)
@pytest.mark.parametrize("where", ["same batch", "same environment", "another environment"])
def test_another_payload_under_a_used_key_is_refused(make, store, sink, fingerprint, where):
    """It is set aside unrun, and what is recorded for the key stays."""
    first = make(sink=sink, fingerprint=fingerprint)
    second = first if where != "another environment" else make(sink=sink, fingerprint=fingerprint)
    right, wrong = {"k": "a", "total": 5}, {"k": "a", "total": 6}
    if where == "same batch":
        assert first.deliver(right, wrong) == []
    else:
        assert first.deliver(right) == []
        assert second.deliver(("m1", wrong)) == []

    assert first.runs == ["a"]
    assert second.runs in ([], ["a"])
    assert sink.letters == [("m1", FingerprintMismatchError.__name__)]
    assert (store.status(), store.entry().attempts) == ("COMPLETED", 0)
    assert make(fingerprint=fingerprint).deliver(right) == []


def test_another_payload_does_not_take_the_right_one_with_it(make, sink):
    """After a mismatch in the batch, a true duplicate of the recorded payload is still one."""
    make(fingerprint="total").deliver({"k": "a", "total": 5})
    environment = make(sink=sink, fingerprint="total")

    assert environment.deliver({"k": "a", "total": 6}, {"k": "a", "total": 5}) == []
    assert (environment.runs, sink.letters) == ([], [("m0", "FingerprintMismatchError")])


def test_another_payload_under_a_key_in_progress_is_refused(make, store, time, sink):
    """It does not wait to be refused."""
    store.lay(time.now(), lease_until_s=time.now() + 60, fingerprint="theirs")
    before = store.entry()
    environment = make(sink=sink, fingerprint="total")

    assert environment.deliver({"k": "a", "total": 6}) == []
    assert sink.letters == [("m0", "FingerprintMismatchError")]
    assert store.entry() == before


@pytest.mark.parametrize("status", ["RELEASED", "IN_PROGRESS"])
def test_a_corrected_payload_may_run_after_a_failure(make, store, time, status):
    """A released or lapsed key is not bound to what was tried with it."""
    store.lay(time.now(), status, fingerprint="theirs", lease_until_s=time.now() - 60)
    environment = make(fingerprint="total")

    assert environment.deliver({"k": "a", "total": 6}) == []
    assert environment.runs == ["a"]


def test_a_fingerprint_added_later_accepts_what_has_none(make):
    """Turning the option on does not refuse what is recorded without it."""
    make().deliver({"k": "a", "total": 5})
    environment = make(fingerprint="total")

    assert environment.deliver({"k": "a", "total": 5}) == []
    assert environment.runs == []
