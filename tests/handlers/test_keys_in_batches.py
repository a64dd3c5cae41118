"""Idempotency keys as records bring them: missing, repeated, large, odd."""

from __future__ import annotations

import sys

import pytest

from resilient_lambda import DeadLetter, Idempotency, JMESPath, MemoryStore, NonRetryableError, batch_handler
from resilient_lambda.errors import MissingKeyError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed


@pytest.fixture
def runs():
    """The bodies that ran."""
    return []


@pytest.fixture
def letters():
    """What went to the sink."""
    return []


@pytest.fixture
def make(paint, runs, letters):
    """Return a handler with `Idempotency` whose function fails as its body says."""

    def make(*, parks=False, **options):
        def function(body):
            runs.append(body)
            if body.get("fails") == "now":
                raise ValueError("now")
            if body.get("fails") == "for good":
                raise NonRetryableError("for good")

        policy = Idempotency(MemoryStore(), **{"key": "k", **options})
        sink = DeadLetter(lambda record, error: letters.append((record.id, error))) if parks else None
        return batch_handler(policies=[policy], model=dict, dead_letter=sink)(paint(function))

    return make


def event_of(*bodies):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}") for number, body in enumerate(bodies))


MISSING = [{}, {"k": None}, {"k": ""}, {"other": 1}]


@pytest.mark.parametrize("body", MISSING, ids=repr)
def test_a_missing_key_fails_its_record_alone(make, runs, body):
    """Without a key nothing can be promised: the record is not run, its neighbours are."""
    answer = make()(event_of({"k": 1}, body, {"k": 2}), lambda_context())

    assert failed(answer) == ["m1"]
    assert runs == [{"k": 1}, {"k": 2}]


@pytest.mark.parametrize("body", MISSING, ids=repr)
def test_a_missing_key_is_permanent(make, letters, body):
    """With a sink the record is set aside, and the error says which key was looked for."""
    assert make(parks=True)(event_of(body), lambda_context()) == NOTHING_FAILED

    ((_, error),) = letters
    assert isinstance(error, MissingKeyError)
    assert "'k'" in str(error)


@pytest.mark.parametrize("body", MISSING, ids=repr)
def test_a_missing_key_may_be_skipped(make, runs, body):
    """``on_missing_key="skip"`` runs such a record without protection, each time."""
    handler = make(on_missing_key="skip")
    for _ in range(2):
        assert handler(event_of(body), lambda_context()) == NOTHING_FAILED

    assert runs == [body, body]


@pytest.mark.parametrize("key", [0, False, 0.0, " ", "0", "é" * 1_000, "x" * 3_000, [1], {"a": 1}, "\ud800"], ids=ascii)
def test_any_other_value_is_a_key(make, runs, key):
    """Zero and False are values, 3 kB are no matter, and text that is no UTF-8 is one, too."""
    handler = make()
    for _ in range(2):
        assert handler(event_of({"k": key}), lambda_context()) == NOTHING_FAILED

    assert runs == [{"k": key}]


def test_values_of_different_types_are_different_keys(make, runs):
    """The number 1, the text "1" and True are three things."""
    handler = make()

    assert handler(event_of({"k": 1}, {"k": "1"}, {"k": True}, {"k": [1]}), lambda_context()) == NOTHING_FAILED
    assert len(runs) == 4


def test_two_records_with_one_key_run_once(make, runs):
    """The second one shares the first one's success."""
    assert make()(event_of({"k": 1, "n": 1}, {"k": 1, "n": 2}), lambda_context()) == NOTHING_FAILED
    assert runs == [{"k": 1, "n": 1}]


def test_two_records_with_one_key_come_again_together_if_the_run_fails(make, runs):
    """A retryable failure is shared without a second run in the same batch."""
    answer = make()(event_of({"k": 1, "fails": "now"}, {"k": 1}), lambda_context())

    assert failed(answer) == ["m0", "m1"]
    assert len(runs) == 1


def test_two_records_with_one_key_are_both_set_aside_if_the_run_fails_for_good(make, runs, letters):
    """A permanent failure is shared: both deliveries are in the sink, none is lost and none runs twice."""
    answer = make(parks=True)(event_of({"k": 1, "fails": "for good"}, {"k": 1}), lambda_context())

    assert answer == NOTHING_FAILED
    assert [name for name, _ in letters] == ["m0", "m1"]
    assert len(runs) == 1


def test_a_failed_key_runs_again_in_the_next_delivery(make, runs):
    """What failed is not remembered as done."""
    handler = make()
    handler(event_of({"k": 1, "fails": "now"}), lambda_context())

    assert handler(event_of({"k": 1}), lambda_context()) == NOTHING_FAILED
    assert len(runs) == 2


def test_two_records_of_one_message_id_run_once_by_default(paint):
    """Without ``key=`` the message id is the key."""
    runs = []

    def function(record):
        runs.append(record.id)

    handler = batch_handler(policies=[Idempotency(MemoryStore())])(paint(function))
    event = sqs_event([sqs_record("1", message_id="m"), sqs_record("1", message_id="m")])

    assert handler(event, lambda_context()) == NOTHING_FAILED
    assert runs == ["m"]


@pytest.mark.parametrize(
    "key",
    ["a.b", ["a.b", "c"], JMESPath("a.b"), lambda body: body["a"]["b"]],
    ids=["path", "paths", "jmespath", "function"],
)
def test_every_way_to_name_a_key_finds_it(make, runs, key):
    """A path, several, a JMESPath and a function of what the function gets lead to the same value."""
    handler = make(key=key)
    for n in (1, 1, 2):
        handler(event_of({"a": {"b": n}, "c": 0}), lambda_context())

    assert [body["a"]["b"] for body in runs] == [1, 2]


def test_a_key_function_that_raises_fails_its_record_alone(make, runs):
    """The user's key function is user code: its error belongs to the record."""
    answer = make(key=lambda body: body["k"])(event_of({"k": 1}, {}, {"k": 2}), lambda_context())

    assert failed(answer) == ["m1"]
    assert len(runs) == 2


def test_a_key_that_is_no_json_fails_its_record_alone(make, runs):
    """An object cannot be a key; the record is permanent, the others run."""
    answer = make(key=lambda body: object() if body["k"] == 2 else body["k"])(
        event_of({"k": 1}, {"k": 2}, {"k": 3}), lambda_context()
    )

    assert failed(answer) == ["m1"]
    assert len(runs) == 2


def test_two_handlers_share_a_store_with_their_own_keys(paint):
    """The key configuration belongs to the policy, so the second function is not answered with the first one's runs."""
    store = MemoryStore()
    runs = []

    def first(record):
        runs.append(("first", record.json()))

    def second(record):
        runs.append(("second", record.json()))

    event = event_of({"a": 1, "b": 1})
    batch_handler(policies=[Idempotency(store, key="a", namespace="one")])(paint(first))(event, lambda_context())
    batch_handler(policies=[Idempotency(store, key="b", namespace="two")])(paint(second))(event, lambda_context())
    other = event_of({"a": 1, "b": 2})
    batch_handler(policies=[Idempotency(store, key="b", namespace="two")])(paint(second))(other, lambda_context())

    assert [name for name, _ in runs] == ["first", "second", "second"]


@pytest.mark.parametrize("records", [1, 5])
def test_an_exit_in_a_key_function_is_its_records_failure(paint, records):
    """Let through, it would end the batch there at every delivery, and the others would never run."""
    runs = []

    def key(body):
        if body["n"] == records // 2:
            sys.exit("no such tenant")
        return body["n"]

    def work(body):
        runs.append(body["n"])

    handler = batch_handler(policies=[Idempotency(MemoryStore(), key=key, namespace="n")], model=dict)(paint(work))
    answer = handler(sqs_event([sqs_record({"n": n}, message_id=f"m{n}") for n in range(records)]), lambda_context())

    assert failed(answer) == [f"m{records // 2}"]
    assert runs == [n for n in range(records) if n != records // 2]
