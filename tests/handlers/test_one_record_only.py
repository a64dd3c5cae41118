"""What one record, or one letter, does is its own affair: the others are run, and told of, all the same."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from resilient_lambda import DeadLetter, Idempotency, LeaseLostError, MemoryStore, NonRetryableError, batch_handler
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import failed

BOTH = pytest.mark.parametrize("with_policy", [False, True], ids=["plain", "with idempotency"])


def batch() -> dict[str, Any]:
    """Two records: the first is trouble, the second is innocent."""
    return sqs_event([sqs_record("{}", message_id="trouble"), sqs_record("{}", message_id="innocent")])


def policies(with_policy: bool) -> list[Idempotency]:
    return [Idempotency(MemoryStore())] if with_policy else []


@BOTH
def test_a_forgotten_await_is_a_failure(with_policy):
    """The coroutine that an async function returns has not run: acknowledging its record would lose it."""

    async def work(record):
        raise AssertionError("nobody awaits this")

    @batch_handler(policies=policies(with_policy))
    async def handler(record):
        return work(record) if record.id == "trouble" else None

    assert failed(handler(batch(), lambda_context())) == ["trouble"]


@BOTH
def test_sys_exit_in_a_task_of_the_record_is_its_failure(with_policy):
    """It leaves nothing behind on the loop that could go on in the next invocation."""
    ran = []

    async def leave():
        sys.exit(1)

    @batch_handler(policies=policies(with_policy))
    async def handler(record):
        ran.append(record.id)
        if record.id == "trouble":
            await asyncio.create_task(leave())

    assert failed(handler(batch(), lambda_context())) == ["trouble"]
    assert ran == ["trouble", "innocent"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup exists since Python 3.11")
@BOTH
def test_a_lost_lease_in_a_task_group_is_a_failure(with_policy):
    """The group wraps it into a BaseExceptionGroup, which ``except Exception`` does not see."""

    async def lose():
        raise LeaseLostError("gone")

    @batch_handler(policies=policies(with_policy))
    async def handler(record):
        if record.id == "trouble":
            async with asyncio.TaskGroup() as group:
                group.create_task(lose())

    assert failed(handler(batch(), lambda_context())) == ["trouble"]


@BOTH
@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
def test_a_sink_that_exits_keeps_its_record_only(with_policy, error):
    """Cancelled or exiting, it has confirmed nothing."""
    ran = []

    async def sink(record, problem):
        raise error

    @batch_handler(policies=policies(with_policy), dead_letter=DeadLetter(sink))
    async def handler(record):
        ran.append(record.id)
        if record.id == "trouble":
            raise NonRetryableError("no")

    assert failed(handler(batch(), lambda_context())) == ["trouble"]
    assert ran == ["trouble", "innocent"]


class OddClient:
    """An SQS client whose answers are not those of SQS."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def send_message_batch(self, **request: Any) -> Any:
        return self.answer


@BOTH
@pytest.mark.parametrize(
    "answer", [{"Successful": [{"Id": "0"}]}, {"Successful": [{}]}, {"Failed": [{"Id": "x"}]}, None]
)
def test_an_odd_answer_of_the_sink_confirms_nothing(with_policy, answer):
    """What SQS has not confirmed with a message id goes back."""
    sink = DeadLetter.sqs(url="https://sqs.us-east-1.amazonaws.com/1/q", client=OddClient(answer))

    @batch_handler(policies=policies(with_policy), dead_letter=sink)
    def handler(record):
        if record.id == "trouble":
            raise NonRetryableError("no")

    assert failed(handler(batch(), lambda_context())) == ["trouble"]
