"""Policies of the user's own: what they see, and that a broken one loses nothing."""

from __future__ import annotations

import pytest

from resilient_lambda import (
    Category,
    Classification,
    ConfigurationError,
    DeadLetter,
    Failure,
    Idempotency,
    MemoryStore,
    Verdict,
    batch_handler,
    resilient_handler,
)
from resilient_lambda.errors import NotRunError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed

EVENT = sqs_event([sqs_record("1", message_id="m0"), sqs_record("2", message_id="m1")])


class Tracing:
    """Notes what passes."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    async def around(self, call, proceed):
        """Note before and after."""
        self.notes.append(f"{self.name} before {call.record.id}")
        outcome = await proceed(call)
        self.notes.append(f"{self.name} after {call.record.id}")
        return outcome

    async def finish(self, invocation):
        """Note the end."""
        self.notes.append(f"{self.name} finished")


def test_policies_stand_around_each_run_outermost_first(paint):
    """The first policy of the list sees a call first and its outcome last."""
    notes = []

    def function(record):
        notes.append(f"run {record.id}")

    policies = [Tracing("outer", notes), Tracing("inner", notes)]
    batch_handler(policies=policies)(paint(function))(sqs_event([EVENT["Records"][0]]), lambda_context())

    assert notes == [
        "outer before m0",
        "inner before m0",
        "run m0",
        "inner after m0",
        "outer after m0",
        "outer finished",
        "inner finished",
    ]


class Raises:
    """Raises although a policy must not."""

    async def around(self, call, proceed):
        """Raise for one record."""
        if call.record.id == "m0":
            raise KeyError("broken policy")
        return await proceed(call)


class Forgets:
    """Forgets to return the outcome."""

    async def around(self, call, proceed):
        """Return nothing."""
        await proceed(call)


class Lies:
    """Returns something that is no outcome."""

    async def around(self, call, proceed):
        """Return a text."""
        return "done"


def nothing(record):
    """Succeed."""


def test_a_policy_that_raises_fails_its_record_alone(paint):
    """The other records are handled."""
    handler = batch_handler(policies=[Raises()])(paint(nothing))

    assert failed(handler(EVENT, lambda_context())) == ["m0"]


@pytest.mark.parametrize("policy", [Forgets(), Lies()], ids=["none", "text"])
@pytest.mark.parametrize("sink", [None, DeadLetter(lambda record, error: None)], ids=["no sink", "sink"])
def test_what_is_no_outcome_acknowledges_nothing(paint, policy, sink):
    """A forgotten ``return`` in a policy must not delete messages, also not those whose function failed."""

    def function(record):
        raise ValueError("x")

    handler = batch_handler(policies=[policy], dead_letter=sink)(paint(function))

    assert failed(handler(EVENT, lambda_context())) == ["m0", "m1"]


@pytest.mark.parametrize("policy", [Forgets(), Lies()], ids=["none", "text"])
def test_what_is_no_outcome_is_an_error_of_a_single_event(paint, policy):
    """The error names the policy."""
    with pytest.raises(Exception, match=type(policy).__name__):
        resilient_handler(policies=[policy])(paint(nothing))({}, lambda_context())


class FinishRaises:
    """Fails at the end of the invocation."""

    async def around(self, call, proceed):
        """Do nothing."""
        return await proceed(call)

    async def finish(self, invocation):
        """Raise."""
        raise OSError("broken end")


def test_a_policy_that_fails_at_its_end_does_not_take_the_answer_along(paint):
    """Finished records are acknowledged, dead letters are sent, the other policies end."""
    notes, letters = [], []

    def function(record):
        if record.id == "m0":
            raise LookupError("x")

    handler = batch_handler(
        policies=[FinishRaises(), Tracing("inner", notes)],
        dead_letter=DeadLetter(lambda record, error: letters.append(record.id)),
        max_attempts=1,
    )(paint(function))

    assert handler(EVENT, lambda_context()) == NOTHING_FAILED
    assert letters == ["m0"]
    assert notes[-1] == "inner finished"


class Retry:
    """Stands for a policy of that kind."""

    kind = "retry"

    async def around(self, call, proceed):
        """Pass."""
        return await proceed(call)


@pytest.mark.parametrize("decorate", [batch_handler, resilient_handler])
def test_a_wrong_order_is_refused_with_the_right_one(decorate):
    """A retry outside Idempotency would try again what Idempotency answers without a run."""
    with pytest.raises(ConfigurationError, match=r"right order.*idempotency.*retry"):
        decorate(policies=[Retry(), Idempotency(MemoryStore(), key="k")])(nothing)


def test_policies_without_a_kind_stand_anywhere(paint):
    """Only the library's own policies have an order."""
    handler = batch_handler(policies=[Tracing("a", []), Idempotency(MemoryStore()), Tracing("b", []), Retry()])

    assert handler(paint(nothing))(EVENT, lambda_context()) == NOTHING_FAILED


def test_the_record_is_validated_once_however_often_it_is_run(paint):
    """A policy that runs twice hands over the same argument."""
    seen = []

    class Twice:
        async def around(self, call, proceed):
            await proceed(call)
            return await proceed(call)

    def function(body):
        seen.append(id(body))

    batch_handler(policies=[Twice()], model=dict)(paint(function))(sqs_event([{"a": 1}]), lambda_context())

    assert len(seen) == 2
    assert len(set(seen)) == 1


class PuttingOff:
    """A policy that puts every run off, and then again."""

    async def around(self, call, proceed):
        """Put it off."""
        call.put_off = 1
        return Failure(NotRunError("later"), Classification(Verdict.RETRYABLE, Category.UNKNOWN), ran=False)


def test_what_is_put_off_twice_comes_again():
    """What did not run is not acknowledged, whoever wanted it so."""
    runs = []

    def work(record):
        runs.append(record)

    handler = batch_handler(policies=[PuttingOff()])(work)
    answer = handler(sqs_event(["{}", "{}"]), lambda_context())

    assert len(answer["batchItemFailures"]) == 2
    assert runs == []
