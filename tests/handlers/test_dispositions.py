"""What becomes of a record that failed: given back, set aside, or given back because the sink did not confirm."""

from __future__ import annotations

import functools

import pytest

from resilient_lambda import (
    Category,
    Classification,
    Classifier,
    ConfigurationError,
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    RetryableError,
    Verdict,
    batch_handler,
)
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


@pytest.fixture(params=[False, True], ids=["plain", "with idempotency"])
def policies(request):
    """No policy, or Idempotency with an empty store."""
    return [Idempotency(MemoryStore())] if request.param else []


@pytest.fixture
def letters():
    """What went to the sink: record id and error."""
    return []


@pytest.fixture
def sink(letters):
    """A sink that fills `letters`."""
    return DeadLetter(lambda record, error: letters.append((record.id, error)))


def named(*bodies, receives=1):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}", receives=receives) for number, body in enumerate(bodies))


def by_body(record):
    """Fail as the body says."""
    if record.body == "poison":
        raise NonRetryableError("poison")
    if record.body == "bad":
        raise ValueError("bad")
    if record.body == "throttled":
        raise RetryableError("slow down", retry_after_s=5)


BODIES = ("ok", "poison", "bad", "throttled", "ok", "poison")


def test_without_a_sink_nothing_is_given_up(paint, policies):
    """A permanent failure goes back to the queue, whose own dead-letter queue decides."""
    handler = batch_handler(policies=policies)(paint(by_body))

    assert failed(handler(named(*BODIES), lambda_context())) == ["m1", "m2", "m3", "m5"]


def test_with_a_sink_only_what_cannot_succeed_is_set_aside(paint, policies, sink, letters):
    """Permanent failures are acknowledged after the sink has them, the others come again."""
    handler = batch_handler(policies=policies, dead_letter=sink)(paint(by_body))

    assert failed(handler(named(*BODIES), lambda_context())) == ["m2", "m3"]
    assert [(name, type(error)) for name, error in letters] == [("m1", NonRetryableError), ("m5", NonRetryableError)]


def test_what_the_sink_does_not_confirm_comes_again(paint, policies):
    """A sink that raises for one record keeps that one with its source, and only that one."""
    taken = []

    def fails_once(record, error):
        if not taken:
            taken.append(None)
            raise OSError("down")
        taken.append(record.id)

    handler = batch_handler(policies=policies, dead_letter=DeadLetter(fails_once))(paint(by_body))

    assert failed(handler(named("poison", "poison", "ok"), lambda_context())) == ["m0"]
    assert taken[1:] == ["m1"]


def test_a_record_that_the_sink_refused_is_run_and_sent_again(paint, policies):
    """The next delivery tries again; nothing says that it is done."""
    sent = []

    def down_at_first(record, error):
        sent.append(record.id)
        if len(sent) == 1:
            raise OSError("down")

    handler = batch_handler(policies=policies, dead_letter=DeadLetter(down_at_first))(paint(by_body))

    assert failed(handler(named("poison"), lambda_context())) == ["m0"]
    assert handler(named("poison"), lambda_context()) == NOTHING_FAILED
    assert sent == ["m0", "m0"]


def test_letters_are_sent_after_all_records_ran(paint, policies):
    """The sink's time is not taken from records that could still run."""
    order = []

    def function(record):
        order.append(record.id)
        by_body(record)

    handler = batch_handler(policies=policies, dead_letter=DeadLetter(lambda *letter: order.append("letter")))
    handler(paint(function))(named("poison", "ok", "poison"), lambda_context())

    assert order == ["m0", "m1", "m2", "letter", "letter"]


def test_a_record_without_an_id_can_be_set_aside(paint, sink, letters):
    """It need not be named, for it does not come again."""
    event = named("poison", "ok")
    del event["Records"][0]["messageId"]

    assert batch_handler(dead_letter=sink)(paint(by_body))(event, lambda_context()) == NOTHING_FAILED
    assert [name for name, _ in letters] == [""]


def test_a_record_without_an_id_that_the_sink_refuses_brings_the_batch_back(paint):
    """It must come again and cannot be named."""
    event = named("poison", "ok")
    del event["Records"][0]["messageId"]

    def broken(record, error):
        raise OSError("down")

    with pytest.raises(BatchFailedError):
        batch_handler(dead_letter=DeadLetter(broken))(paint(by_body))(event, lambda_context())


def test_an_asynchronous_sink_is_awaited(paint, policies):
    """In an ``async def`` handler; a synchronous one refuses it at import."""
    sent = []

    async def sink(record, error):
        sent.append(record.id)

    decorate = batch_handler(policies=policies, dead_letter=DeadLetter(sink))
    if paint.__name__ == "as_sync":
        with pytest.raises(ConfigurationError, match="async"):
            decorate(paint(by_body))
    else:
        assert decorate(paint(by_body))(named("poison"), lambda_context()) == NOTHING_FAILED
        assert sent == ["m0"]


def _plain(record, error):
    sent.append(record.id)


async def _asynchronous(record, error):
    sent.append(record.id)


async def _tagged(tag, record, error):
    sent.append(record.id)


class _AsyncObject:
    async def __call__(self, record, error):
        sent.append(record.id)

    async def method(self, record, error):
        sent.append(record.id)


sent: list[str] = []
ASYNC_SINKS = {
    "function": _asynchronous,
    "partial": functools.partial(_tagged, "tag"),
    "object": _AsyncObject(),
    "method": _AsyncObject().method,
    "partial of a method": functools.partial(_AsyncObject().method),
    "lambda": lambda *letter: _asynchronous(*letter),  # noqa: PLW0108  # what is under test
}


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("sink", ASYNC_SINKS.values(), ids=ASYNC_SINKS.keys())
def test_a_record_is_acknowledged_only_if_the_asynchronous_sink_ran(paint, sink):
    """However a sink hides that it is asynchronous: awaited, refused, or the record comes again; never lost."""
    sent.clear()
    try:
        names = failed(batch_handler(dead_letter=DeadLetter(sink))(paint(by_body))(named("poison"), lambda_context()))
    except ConfigurationError:
        return

    assert sorted(names + sent) == ["m0"]


@pytest.mark.parametrize(("receives", "goes"), [(1, []), (2, []), (3, ["m0"]), (4, ["m0"]), (100, ["m0"])])
def test_max_attempts_without_idempotency_reads_the_receive_count(paint, sink, letters, receives, goes):
    """The count stands in for runs: at three receives and failing, the record is set aside."""
    handler = batch_handler(dead_letter=sink, max_attempts=3)(paint(by_body))
    names = failed(handler(named("bad", "ok", receives=receives), lambda_context()))

    assert [name for name, _ in letters] == goes
    assert names == ([] if goes else ["m0"])


def test_max_attempts_with_idempotency_counts_runs_that_failed(paint, sink, letters):
    """Receives that did not run the function do not count; the third failed run does."""
    handler = batch_handler(policies=[Idempotency(MemoryStore())], dead_letter=sink, max_attempts=3)(paint(by_body))
    event = named("bad", receives=50)

    assert failed(handler(event, lambda_context())) == ["m0"]
    assert failed(handler(event, lambda_context())) == ["m0"]
    assert handler(event, lambda_context()) == NOTHING_FAILED
    assert [type(error) for _, error in letters] == [ValueError]


def test_records_that_were_not_run_are_never_set_aside_for_their_receives(paint, sink, letters, time):
    """What had no time to start is given back, however often it was received."""
    handler = batch_handler(dead_letter=sink, max_attempts=1)(paint(by_body))

    assert failed(handler(named("bad", "ok", receives=99), time.context(timeout_s=0))) == ["m0", "m1"]
    assert letters == []


def test_max_attempts_where_the_receive_count_is_missing_never_gives_up(paint, sink, letters):
    """An unknown count is no reason to set a record aside."""
    event = named("bad")
    del event["Records"][0]["attributes"]

    handler = batch_handler(dead_letter=sink, max_attempts=1)(paint(by_body))

    assert failed(handler(event, lambda_context())) == ["m0"]
    assert letters == []


def test_the_users_classifier_decides_first(paint, policies, sink, letters):
    """A rule can make an unknown error permanent, and a permanent one retryable."""

    def rule(error):
        if isinstance(error, ValueError):
            return Classification(Verdict.NON_RETRYABLE, Category.INVALID_INPUT)
        if isinstance(error, NonRetryableError):
            return Classification(Verdict.RETRYABLE, Category.TRANSIENT)
        return None

    handler = batch_handler(policies=policies, dead_letter=sink, classifier=Classifier(rules=[rule]))(paint(by_body))

    assert failed(handler(named("bad", "poison", "throttled"), lambda_context())) == ["m1", "m2"]
    assert [name for name, _ in letters] == ["m0"]


def test_classes_of_the_user_decide_too(paint, policies, sink, letters):
    """``non_retryable=`` takes classes."""
    handler = batch_handler(policies=policies, dead_letter=sink, classifier=Classifier(non_retryable=[ValueError]))

    assert handler(paint(by_body))(named("bad"), lambda_context()) == NOTHING_FAILED
    assert [name for name, _ in letters] == ["m0"]
