"""Observers: every decision as an event, in order; a broken observer is logged once and harmless."""

from __future__ import annotations

import logging

import pytest

from resilient_lambda import (
    DeadLetter,
    Disposition,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Verdict,
    batch_handler,
)
from resilient_lambda.events import ClaimTaken, DeadLettered, DuplicateSuppressed, RecordSettled, SinkRejected
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


def by_body(record):
    """Fail as the body says."""
    if record.body == "poison":
        raise NonRetryableError("poison")
    if record.body == "bad":
        raise ValueError("bad")


def named(*bodies):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}") for number, body in enumerate(bodies))


def confirm(record, error):
    """Take a letter."""
    return "letter-1"


def refuse(record, error):
    """Refuse a letter."""
    raise OSError("down")


def test_every_record_is_settled_once_with_what_became_of_it(paint):
    """Successes too; ids, dispositions, class names and verdicts, in the order of their settling."""
    seen = []
    handler = batch_handler(dead_letter=DeadLetter(confirm), observers=[seen.append])(paint(by_body))
    handler(named("ok", "poison", "bad", "ok"), lambda_context())

    settled = [event for event in seen if isinstance(event, RecordSettled)]
    assert [(event.record_id, event.disposition, event.error_type) for event in settled] == [
        ("m0", Disposition.ACK, None),
        ("m2", Disposition.RETRY, "ValueError"),
        ("m3", Disposition.ACK, None),
        ("m1", Disposition.DEAD_LETTER, "NonRetryableError"),
    ]
    assert settled[1].classification.verdict is Verdict.RETRYABLE
    assert all(event.ran for event in settled)


@pytest.mark.parametrize(
    ("sink", "expected", "disposition"),
    [
        (confirm, DeadLettered("m0", "NonRetryableError", "letter-1"), Disposition.DEAD_LETTER),
        (refuse, SinkRejected("m0", "NonRetryableError", is_permanent=False), Disposition.RETRY),
    ],
)
def test_the_sinks_answer_comes_before_the_records_end(paint, sink, expected, disposition):
    """First what the sink said, then what became of the record because of it."""
    seen = []
    handler = batch_handler(dead_letter=DeadLetter(sink), observers=[seen.append])(paint(by_body))
    handler(named("poison"), lambda_context())

    assert seen[0] == expected
    assert isinstance(seen[1], RecordSettled)
    assert seen[1].disposition is disposition


def test_claims_and_duplicates_are_told(paint):
    """A claim before its run's end, a duplicate with its reason."""
    seen = []
    policies = [Idempotency(MemoryStore(), key="k")]
    handler = batch_handler(policies=policies, observers=[seen.append], model=dict)(paint(lambda body: None))
    handler(sqs_event([{"k": 1}, {"k": 1}]), lambda_context())
    handler(sqs_event([{"k": 1}]), lambda_context())

    assert [type(event) for event in seen] == [
        ClaimTaken,
        RecordSettled,
        DuplicateSuppressed,
        RecordSettled,
        DuplicateSuppressed,
        RecordSettled,
    ]
    assert [event.reason for event in seen if isinstance(event, DuplicateSuppressed)] == ["same_batch", "completed"]


def test_what_was_not_started_is_told_as_not_run(paint, time):
    """A record given back for want of time did not run."""
    seen = []
    handler = batch_handler(observers=[seen.append])(paint(by_body))
    handler(named("ok"), time.context(timeout_s=0))

    assert [(event.ran, event.error_type, event.disposition) for event in seen] == [
        (False, "DeadlineExceededError", Disposition.RETRY)
    ]


class Broken:
    """An observer that always fails."""

    def __call__(self, event):
        """Fail."""
        raise OSError("no metrics today")


def test_a_failing_observer_disturbs_nothing_and_is_logged_once(paint, caplog):
    """The answer is right, the other observers hear everything, and the log has one error for many events."""
    seen = []
    broken = Broken()
    handler = batch_handler(observers=[broken, seen.append])(paint(by_body))
    for _ in range(3):
        assert failed(handler(named("ok", "bad", "ok"), lambda_context())) == ["m1"]

    assert len(seen) == 9
    assert [record.levelno for record in caplog.records if "observer" in record.message] == [logging.ERROR]


def test_each_failing_observer_is_logged(paint, caplog):
    """A new observer that fails is told, too, although an earlier one is gone whose place in memory it may have."""
    for _ in range(20):
        batch_handler(observers=[Broken()])(paint(by_body))(named("ok"), lambda_context())

    assert len([record for record in caplog.records if "observer" in record.message]) == 20


def test_events_carry_no_payload(paint):
    """Keys are digests, and errors are class names."""
    seen = []

    def function(body):
        raise ValueError(body["secret"])

    policies = [Idempotency(MemoryStore(), key="secret")]
    handler = batch_handler(policies=policies, observers=[seen.append], model=dict)(paint(function))
    handler(sqs_event([{"secret": "s3cr3t"}]), lambda_context())

    assert seen
    assert "s3cr3t" not in repr(seen)


def test_without_observers_nothing_changes(paint):
    """The answer is the same."""
    assert batch_handler(observers=())(paint(by_body))(named("ok"), lambda_context()) == NOTHING_FAILED
