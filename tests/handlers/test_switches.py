"""Operators' switches: what ``RESILIENT_LAMBDA_DISABLE`` takes out of a deployed handler."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed

VARIABLE = "RESILIENT_LAMBDA_DISABLE"


@pytest.fixture
def runs():
    """The bodies that ran."""
    return []


@pytest.mark.parametrize("value", ["idempotency", " idempotency ,retry", "retry,idempotency,", "idempotency,nonsense"])
def test_idempotency_can_be_switched_off(monkeypatch, paint, runs, value):
    """Duplicates run again, and the store is not touched."""
    monkeypatch.setenv(VARIABLE, value)

    def function(record):
        runs.append(record.id)

    handler = batch_handler(policies=[Idempotency(MemoryStore())])(paint(function))
    event = sqs_event([sqs_record("1", message_id="m")])
    handler(event, lambda_context())

    assert handler(event, lambda_context()) == NOTHING_FAILED
    assert runs == ["m", "m"]


def test_dead_letters_can_be_switched_off(monkeypatch, paint):
    """Permanent failures go back to the source, and so does what ran too often."""
    monkeypatch.setenv(VARIABLE, "dead_letter")
    letters = []

    def function(record):
        if record.body == "poison":
            raise NonRetryableError("x")
        raise ValueError("x")

    sink = DeadLetter(lambda record, error: letters.append(record))
    handler = batch_handler(dead_letter=sink, max_attempts=1)(paint(function))

    assert len(failed(handler(sqs_event(["poison", "bad"], receives=9), lambda_context()))) == 2
    assert letters == []


def test_a_single_events_dead_letter_can_be_switched_off(monkeypatch, paint):
    """The error is raised instead."""
    monkeypatch.setenv(VARIABLE, "dead_letter")

    def function(event):
        raise NonRetryableError("x")

    with pytest.raises(NonRetryableError):
        resilient_handler(dead_letter=DeadLetter(print))(paint(function))({}, lambda_context())


def test_the_deadline_can_be_switched_off(monkeypatch, paint, time, runs):
    """Records are started until Lambda stops the invocation."""
    monkeypatch.setenv(VARIABLE, "deadline")

    def function(record):
        runs.append(record.id)

    handler = batch_handler(margin_s=3600)(paint(function))

    assert handler(sqs_event(["1", "2"]), time.context(timeout_s=0)) == NOTHING_FAILED
    assert len(runs) == 2


@pytest.mark.parametrize("value", ["circuit_breaker", "retry", "visibility", "nonsense", "", ",", "IDEMPOTENCY"])
def test_a_switch_of_something_else_changes_nothing_here(monkeypatch, paint, runs, value):
    """Names that mean nothing to this handler leave idempotency and sink on."""
    monkeypatch.setenv(VARIABLE, value)
    letters = []

    def function(record):
        runs.append(record.id)
        raise NonRetryableError("x")

    sink = DeadLetter(lambda record, error: letters.append(record.id))
    handler = batch_handler(policies=[Idempotency(MemoryStore())], dead_letter=sink)(paint(function))
    event = sqs_event([sqs_record("1", message_id="m"), sqs_record("1", message_id="m")])

    assert handler(event, lambda_context()) == NOTHING_FAILED
    assert (runs, letters) == (["m"], ["m", "m"])


def test_wrong_options_are_refused_although_switched_off(monkeypatch):
    """A switch is no way to deploy a handler that could not be switched on again."""
    monkeypatch.setenv(VARIABLE, "dead_letter,idempotency")

    with pytest.raises(ValueError, match="max_attempts"):
        batch_handler(max_attempts=3)(lambda record: None)


def warnings_of(value):
    """Return what a process that decorates three handlers logs under *value*."""
    code = """
import logging
logging.basicConfig(format="%(levelname)s %(message)s")
from resilient_lambda import batch_handler
for _ in range(3):
    batch_handler(lambda record: None)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: value},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stderr.splitlines()


def test_what_is_switched_off_is_logged_once_per_process():
    """Operators see it in the log of every environment, and not for every handler."""
    (line,) = warnings_of("retry, idempotency")

    assert line.startswith("WARNING")
    assert "idempotency, retry" in line


def test_an_unknown_name_is_warned_about_with_the_known_ones():
    """A typing mistake must not look like a switch that works."""
    lines = "\n".join(warnings_of("idempotncy"))

    assert "idempotncy" in lines
    for name in ("idempotency", "circuit_breaker", "retry", "dead_letter", "deadline", "visibility"):
        assert name in lines


def test_nothing_is_logged_without_the_variable():
    """Silence is the normal case."""
    assert warnings_of("") == []
