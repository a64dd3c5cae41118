"""``remember_failures_s``: a permanent failure is remembered for its own delivery, never for a redrive."""

from __future__ import annotations

import pytest

from resilient_lambda import NonRetryableError
from resilient_lambda.errors import RememberedFailureError


def refuse(body):
    """Fail for good."""
    raise NonRetryableError("no")


def succeed(body):
    """Do the work."""


def test_the_same_delivery_that_is_parked_is_acknowledged_without_a_run(make, sink):
    """It is in the sink already: neither run nor sent again, not even by another environment."""
    make(refuse, sink=sink, remember_failures_s=60).deliver(("m", "a"))
    second = make(succeed, sink=sink, remember_failures_s=60)

    assert second.deliver(("m", "a"), receives=2) == []
    assert (second.runs, len(sink.letters)) == ([], 1)


def test_the_same_delivery_that_is_not_parked_is_sent_then_acknowledged(make, sink):
    """What the sink did not confirm is sent without another run."""
    environment = make(refuse, sink=sink, remember_failures_s=60)
    sink.is_down = True

    assert environment.deliver(("m", "a")) == ["m"]

    sink.is_down = False

    assert environment.deliver(("m", "a"), receives=2) == []
    assert (environment.runs, sink.letters) == (["a"], [("m", "RememberedFailureError")])


def test_without_a_sink_a_remembered_failure_comes_again_without_a_run(make):
    """The queue's own dead-letter queue decides; the function is spared."""
    environment = make(refuse, remember_failures_s=60)

    assert environment.deliver(("m", "a")) == ["m"]
    assert environment.deliver(("m", "a"), receives=2) == ["m"]
    assert environment.runs == ["a"]


@pytest.mark.parametrize("remember_failures_s", [None, 60])
def test_a_redrive_after_a_fix_runs(make, store, sink, remember_failures_s):
    """Another delivery of the key is a new beginning, and its success is recorded."""
    environment = make(refuse, sink=sink, remember_failures_s=remember_failures_s)
    environment.deliver(("m", "a"))
    environment.work = succeed

    assert environment.deliver(("redriven", "a")) == []
    assert (environment.runs, store.status(), store.entry().attempts) == (["a", "a"], "COMPLETED", 0)


def test_a_redrive_beside_the_failure_it_is_of_runs(make, store, sink):
    """In one batch with the redelivery of its remembered failure, a redrive is still not swallowed."""
    make(refuse, sink=sink, remember_failures_s=60).deliver(("m", "a"))
    fixed = make(succeed, sink=sink, remember_failures_s=60)

    assert fixed.deliver(("m", "a"), ("redriven", "a"), receives=2) == []
    assert fixed.runs == ["a"]
    assert store.status() == "COMPLETED"


def test_a_failure_is_forgotten_after_its_time(make, store, time, sink):
    """From ``remember_failures_s`` on the delivery runs again."""
    environment = make(refuse, sink=sink, remember_failures_s=60)
    environment.deliver(("m", "a"))
    time.advance(61)
    environment.work = succeed

    assert environment.deliver(("m", "a"), receives=2) == []
    assert environment.runs == ["a", "a"]


def test_a_retryable_failure_is_not_remembered(make, store):
    """Only what is permanent is remembered."""

    def fail(body):
        raise ValueError

    environment = make(fail, remember_failures_s=60)

    assert environment.deliver(("m", "a")) == ["m"]
    assert environment.deliver(("m", "a"), receives=2) == ["m"]
    assert (environment.runs, store.status(), store.entry().attempts) == (["a", "a"], "RELEASED", 2)


def test_lambdas_retry_of_a_remembered_event_gets_the_failure(make, time):
    """Without a sink, the same request id is answered with what is remembered; another one runs."""
    environment = make(refuse, is_single=True, remember_failures_s=60)
    context = time.context()
    with pytest.raises(NonRetryableError):
        environment.handler({"k": "a"}, context)

    with pytest.raises(RememberedFailureError) as raised:
        environment.handler({"k": "a"}, context)

    assert (raised.value.error_type, raised.value.parked) == ("NonRetryableError", None)

    with pytest.raises(NonRetryableError, match="no"):
        environment.invoke("a")

    assert environment.runs == ["a", "a"]
