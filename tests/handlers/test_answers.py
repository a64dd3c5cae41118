"""What a batch handler answers to Lambda."""

from __future__ import annotations

import asyncio
import types
from collections import UserDict

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent

from resilient_lambda import Idempotency, MemoryStore, batch_handler
from resilient_lambda.errors import BatchFailedError, UnknownEventError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


def fail_on_bad(record):
    """Fail for the body "bad"."""
    if record.body == "bad":
        raise ValueError(record.body)


def named(*bodies: str) -> dict:
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}") for number, body in enumerate(bodies))


@pytest.fixture(params=["bare", "called", "with idempotency"])
def decorate(request):
    """The decorator in each of its forms."""
    if request.param == "bare":
        return batch_handler
    if request.param == "called":
        return batch_handler()
    return batch_handler(policies=[Idempotency(MemoryStore())])


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([], []),
        (["ok"], []),
        (["bad"], ["m0"]),
        (["ok", "bad", "ok"], ["m1"]),
        (["bad", "ok", "bad"], ["m0", "m2"]),
        (["bad"] * 5, ["m0", "m1", "m2", "m3", "m4"]),
        (["ok"] * 10, []),
    ],
)
def test_the_answer_names_the_records_that_failed_in_their_order(decorate, paint, bodies, expected):
    """Every failed record is named once, in the order of the event, and nothing else is."""
    handler = decorate(paint(fail_on_bad))

    assert failed(handler(named(*bodies), lambda_context())) == expected


@pytest.mark.parametrize("value", [None, False, 0, "", {}, {"batchItemFailures": [{"itemIdentifier": "x"}]}, object()])
def test_what_the_function_returns_never_reaches_the_answer(decorate, paint, value):
    """A forgotten return, or a strange one, is a success and not Lambda's business."""
    handler = decorate(paint(lambda record: value))

    assert handler(named("a", "b"), lambda_context()) == NOTHING_FAILED


def test_records_run_in_the_order_of_the_event(decorate, paint):
    """The function sees the records as the event lists them, whether some fail or not."""
    seen = []

    def function(record):
        seen.append(record.id)
        fail_on_bad(record)

    decorate(paint(function))(named("a", "bad", "c", "bad", "e"), lambda_context())

    assert seen == ["m0", "m1", "m2", "m3", "m4"]


@pytest.mark.parametrize("wrap", [SQSEvent, types.MappingProxyType, UserDict], ids=lambda kind: kind.__name__)
def test_the_event_may_be_any_mapping(decorate, paint, wrap):
    """Powertools' data class and other mappings are taken like a dict."""
    handler = decorate(paint(fail_on_bad))

    assert failed(handler(wrap(named("bad", "ok")), lambda_context())) == ["m0"]


def test_a_record_without_an_id_that_succeeds_is_no_matter(paint):
    """Only a record that must come again needs a name."""
    event = named("a", "b")
    del event["Records"][0]["messageId"]

    assert batch_handler(paint(lambda record: None))(event, lambda_context()) == NOTHING_FAILED


@pytest.mark.parametrize("identifier", [None, "", 5, ["m"]])
def test_a_failed_record_without_an_id_raises_after_the_others_ran(decorate, paint, identifier):
    """Lambda would take an empty identifier for a failure of the whole batch; raising says so, and nothing is lost."""
    event = named("bad", "ok", "ok")
    event["Records"][0]["messageId"] = identifier
    seen = []

    def function(record):
        seen.append(record.body)
        fail_on_bad(record)

    with pytest.raises(BatchFailedError, match="has no identifier"):
        decorate(paint(function))(event, lambda_context())

    assert [body for body in seen if body == "ok"] == ["ok", "ok"]


def test_two_records_of_one_message_id_are_named_once(paint):
    """One name brings both deliveries back, and Lambda accepts each name once."""
    event = sqs_event([sqs_record("bad", message_id="m"), sqs_record("bad", message_id="m")])

    assert failed(batch_handler(paint(fail_on_bad))(event, lambda_context())) == ["m"]


def test_two_records_of_one_message_id_of_which_one_fails_both_come_back(paint):
    """The answer cannot tell the two apart, so the message is kept rather than lost."""
    event = sqs_event([sqs_record("ok", message_id="m"), sqs_record("bad", message_id="m")])

    assert failed(batch_handler(paint(fail_on_bad))(event, lambda_context())) == ["m"]


def test_no_context_is_needed(decorate, paint):
    """Without a context there is no deadline, and a namespace has to come from somewhere else."""
    if decorate is batch_handler:
        assert decorate(paint(lambda record: None))(named("a"), None) == NOTHING_FAILED

    handler = batch_handler(policies=[Idempotency(MemoryStore(), namespace="n")])(paint(lambda record: None))

    assert handler(named("a"), None) == NOTHING_FAILED


def test_ten_thousand_records_are_answered(decorate, paint):
    """The largest batch of SQS works, every second record failing."""
    handler = decorate(paint(fail_on_bad))

    assert len(failed(handler(named(*["ok", "bad"] * 5_000), lambda_context()))) == 5_000


def test_a_handler_for_one_source_refuses_no_event_of_it(paint):
    """``source="sqs"`` takes SQS events."""
    assert batch_handler(source="sqs")(paint(lambda record: None))(named("a"), lambda_context()) == NOTHING_FAILED


def test_sys_exit_is_the_failure_of_its_record(paint):
    """Let through, it would end the batch at this record on every delivery, and the next ones would never run."""
    ran = []

    def leave(record):
        ran.append(record.id)
        if record.id == "m0":
            raise SystemExit(3)

    assert failed(batch_handler(paint(leave))(named("a", "b"), lambda_context())) == ["m0"]
    assert ran == ["m0", "m1"]


@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_a_cancellation_of_what_a_record_awaits_is_its_failure(policies):
    """A task that somebody else cancelled fails the record that awaits it, not the batch."""
    ran = []

    @batch_handler(policies=policies)
    async def handler(record):
        ran.append(record.id)
        if record.id == "m0":
            task = asyncio.ensure_future(asyncio.sleep(60))
            task.cancel()
            await task

    assert failed(handler(named("a", "b"), lambda_context())) == ["m0"]
    assert ran == ["m0", "m1"]


@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_a_cancellation_of_the_invocation_goes_through(policies):
    """Whoever cancels ``aio(event, context)`` ends it: the records behind are not run."""
    ran = []

    @batch_handler(policies=policies)
    async def handler(record):
        ran.append(record.id)
        await asyncio.sleep(60)

    async def cancel():
        task = asyncio.ensure_future(handler.aio(named("a", "b"), lambda_context(timeout_s=100)))
        while not ran:
            await asyncio.sleep(0.001)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())

    assert ran == ["m0"]


def test_no_record_runs_when_the_event_is_refused(paint):
    """A batch with one foreign record is refused before anything ran."""
    event = named("a", "b")
    event["Records"][1]["eventSource"] = "aws:kinesis"
    seen = []

    def function(record):
        seen.append(record)

    with pytest.raises(UnknownEventError, match="'aws:kinesis', 'aws:sqs'"):
        batch_handler(paint(function))(event, lambda_context())

    assert seen == []
