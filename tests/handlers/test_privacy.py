"""What is written about failures: one line each, with what an operator needs, and never a payload."""

from __future__ import annotations

import logging
import re
import traceback

import pytest
from pydantic import BaseModel, ConfigDict

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, batch_handler, resilient_handler
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import failed

SECRET = "4111-1111-1111-1111"


class Card(BaseModel):
    """A body that must not be shown."""

    model_config = ConfigDict(extra="forbid")

    number: int


LEAKS = {
    "wrong value": (Card, f'{{"number": "{SECRET}"}}'),
    "extra field": (Card, f'{{"number": 1, "{SECRET}": 1}}'),
    "key of a dict": (dict[str, int], f'{{"{SECRET}": "x"}}'),
    "wrong key": (dict[int, int], f'{{"{SECRET}": 1}}'),
    "not JSON": (Card, f"{SECRET}"),
    "no dict": (dict, f'["{SECRET}"]'),
    "text": (int, f'"{SECRET}"'),
}


@pytest.mark.parametrize(("kind", "body"), LEAKS.values(), ids=LEAKS.keys())
def test_a_body_that_does_not_fit_appears_in_no_log_line_and_no_error_text(paint, caplog, kind, body):
    """A validation error says where and of which kind; the input, also as the name of a field, stays out."""
    caplog.set_level(logging.DEBUG)
    letters = []
    sink = DeadLetter(lambda record, error: letters.append(str(error)))
    handler = batch_handler(model=kind, dead_letter=sink)(paint(lambda value: None))
    handler(sqs_event([body]), lambda_context())

    assert len(letters) == 1
    assert SECRET not in letters[0]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(("kind", "body"), LEAKS.values(), ids=LEAKS.keys())
def test_a_printed_traceback_shows_no_payload(paint, kind, body):
    """Loggers that print uncaught errors with their causes print ours, too."""
    errors = []
    sink = DeadLetter(lambda record, error: errors.append(error))
    handler = batch_handler(model=kind, dead_letter=sink)(paint(lambda value: None))
    handler(sqs_event([body]), lambda_context())

    assert SECRET not in "".join(traceback.format_exception(errors[0]))


def test_an_event_that_does_not_fit_is_raised_without_payload(paint):
    """Lambda reports class and text of what a single event's handler raises."""
    handler = resilient_handler(model=Card)(paint(lambda card: None))

    with pytest.raises(InvalidRecordError) as caught:
        handler({"number": SECRET, SECRET: 1}, lambda_context())

    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_users_own_validation_error_is_not_logged(paint, caplog):
    """A model validated inside the function fails with a text that quotes its input: only the class is logged."""

    def function(record):
        Card.model_validate_json(record.body)

    handler = batch_handler(paint(function))
    handler(sqs_event([f'{{"number": "{SECRET}"}}']), lambda_context())

    assert SECRET not in caplog.text
    assert "ValidationError" in caplog.text


def test_keys_and_bodies_of_failed_claims_are_not_logged(paint, caplog):
    """An error under Idempotency is logged without key or payload."""

    def function(body):
        raise ValueError(SECRET)

    caplog.set_level(logging.DEBUG)
    handler = batch_handler(policies=[Idempotency(MemoryStore(), key="number")], model=dict)(paint(function))
    handler(sqs_event([{"number": SECRET}, {"number": object.__name__}, {}]), lambda_context())

    assert SECRET not in caplog.text


def test_each_failed_record_leaves_one_line(paint, caplog):
    """Id, class, category, verdict and next step in one warning; successes leave none."""

    def function(record):
        if record.body == "poison":
            raise NonRetryableError("x")
        if record.body == "bad":
            raise TimeoutError("x")

    sink = DeadLetter(lambda record, error: None)
    event = sqs_event(sqs_record(body, message_id=f"m-{body}") for body in ("ok", "bad", "poison"))
    batch_handler(dead_letter=sink)(paint(function))(event, lambda_context())

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    bad, poison = (record.getMessage() for record in caplog.records)
    assert re.search(r"m-bad .*TimeoutError.*timeout.*retryable.*delivered again", bad)
    assert re.search(r"m-poison .*NonRetryableError.*non_retryable.*dead-letter sink", poison)


def test_a_refused_dead_letter_is_told_beside_the_records_line(paint, caplog):
    """The line of the sink names the record and the error's class, the record's line says that it comes again."""

    def broken(record, error):
        raise OSError(SECRET)

    def function(record):
        raise NonRetryableError(SECRET)

    event = sqs_event([sqs_record(SECRET, message_id="m0")])
    names = failed(batch_handler(dead_letter=DeadLetter(broken))(paint(function))(event, lambda_context()))

    assert names == ["m0"]
    assert SECRET not in caplog.text
    assert [("m0" in line, "OSError" in line) for line in caplog.messages] == [(True, True), (True, False)]


def test_a_record_not_started_leaves_a_line(paint, time, caplog):
    """It says that it was not run, and why."""
    event = sqs_event([sqs_record("1", message_id="m0")])
    batch_handler(paint(lambda record: None))(event, time.context(timeout_s=0))

    assert len(caplog.messages) == 1
    assert re.search(r"m0 is not done.*DeadlineExceededError.*timeout.*delivered again", caplog.messages[0])


def test_nothing_is_written_if_nobody_listens(paint, caplog):
    """The library's logger can be switched off like any other."""
    caplog.set_level(logging.ERROR, logger="resilient_lambda")

    def function(record):
        raise ValueError("x")

    batch_handler(paint(function))(sqs_event(["1"]), lambda_context())

    assert caplog.messages == []


def test_the_representation_of_a_record_shows_no_payload(paint):
    """Whoever logs the record itself shows its id."""
    shown = []

    def function(record):
        shown.append(repr(record))

    batch_handler(paint(function))(sqs_event([sqs_record(SECRET, message_id="m0")]), lambda_context())

    assert shown == ["Record(sqs, 'm0')"]
