"""`in_memory`: what would reach AWS reaches fakes, inside the block only."""

from __future__ import annotations

import pytest

from resilient_lambda import (
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    batch_handler,
    resilient_handler,
)
from resilient_lambda.testing import in_memory, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED
from tests.handlers.colours import COLOURS

URL = "https://sqs.us-east-1.amazonaws.com/1/parking"


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request):
    """Turn a ``def`` into the colour under test."""
    return request.param


def charging(charges, paint, **options):
    """Return a handler that charges each order once, as a user's module would have it."""

    def function(body):
        charges.append(body["k"])

    policies = [Idempotency(DynamoDBStore("orders"), key="k")]
    return batch_handler(policies=policies, model=dict, **options)(paint(function))


def test_a_table_that_does_not_exist_works_inside(paint):
    """No region, no credentials, no client: duplicates are suppressed all the same, over invocations."""
    charges = []
    handler = charging(charges, paint)
    with in_memory():
        for _ in range(2):
            assert handler(sqs_event([{"k": 1}, {"k": 1}]), lambda_context()) == NOTHING_FAILED

    assert charges == [1]


def test_a_new_block_is_a_new_world(paint):
    """What one test did, another does not see, also not through what the handler remembers."""
    charges = []
    handler = charging(charges, paint)
    for _ in range(2):
        with in_memory():
            handler(sqs_event([{"k": 1}]), lambda_context())

    assert charges == [1, 1]


def test_two_tables_are_two_stores():
    """And one table is one store, whoever asks."""
    with in_memory() as fakes:
        assert fakes.store("a") is fakes.store("a")
        assert fakes.store("a") is not fakes.store("b")


def test_handlers_of_one_table_share_it(paint):
    """Two functions with one namespace see each other's keys."""
    runs = []

    def function(event):
        runs.append(event)

    with in_memory():
        for _ in range(2):
            policies = [Idempotency(DynamoDBStore("jobs"), key="job_id")]
            resilient_handler(policies=policies)(paint(function))({"job_id": "j"}, lambda_context())

    assert len(runs) == 1


@pytest.mark.parametrize(("options", "name"), [({"url": URL}, URL), ({"env": "NO_SUCH_URL"}, "NO_SUCH_URL")])
def test_dead_letters_are_kept(paint, options, name):
    """With the sink's name, the record and the error; the variable need not be set."""

    def function(record):
        raise NonRetryableError("poison")

    handler = batch_handler(dead_letter=DeadLetter.sqs(**options))(paint(function))
    with in_memory() as fakes:
        answer = handler(sqs_event([sqs_record("body", message_id="m")]), lambda_context())

    assert answer == NOTHING_FAILED
    ((sink, record, error),) = fakes.dead_letters
    assert (sink, record.id, record.body, str(error)) == (name, "m", "body", "poison")


def test_warming_needs_no_aws_inside(monkeypatch):
    """A module that is imported under Lambda's INIT variables can be tested without AWS, its queue's URL aside."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with in_memory():
        handler = batch_handler(
            policies=[Idempotency(DynamoDBStore("t"))], dead_letter=DeadLetter.sqs("https://queue")
        )(lambda record: None)

        assert handler(sqs_event(["1"]), lambda_context()) == NOTHING_FAILED


def test_blocks_can_be_nested():
    """The inner one takes what happens inside it; the outer one goes on afterwards."""

    def function(record):
        raise NonRetryableError("poison")

    handler = batch_handler(dead_letter=DeadLetter.sqs(URL))(function)
    with in_memory() as outer:
        with in_memory() as inner:
            handler(sqs_event(["1"]), lambda_context())
        handler(sqs_event(["1", "2"]), lambda_context())

    assert (len(inner.dead_letters), len(outer.dead_letters)) == (1, 2)
