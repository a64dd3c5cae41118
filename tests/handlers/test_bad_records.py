"""Records that are wrong in themselves: each is its own failure, never the batch's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict  # pydantic takes the one of typing from Python 3.12 on

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, batch_handler
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed

GOOD = '{"order_id": "a", "total": 1}'
MEBIBYTE = 1_048_576


class Order(BaseModel):
    """A body."""

    order_id: str
    total: int


class Checked(BaseModel):
    """A body whose validator fails with something else than pydantic's error."""

    order_id: str

    @field_validator("order_id")
    @classmethod
    def look_up(cls, value: str) -> str:
        """Fail for one order."""
        if value == "broken":
            raise KeyError(value)
        return value


class Typed(TypedDict):
    """A body as a dict."""

    order_id: str
    total: int


@pytest.fixture
def letters():
    """What went to the sink: record id and error."""
    return []


@pytest.fixture
def run(paint, letters):
    """Run one bad body between two good ones; return which ids come again and which bodies ran."""

    def run(kind: Any, bad: str, **options: Any) -> tuple[list[str], list[Any]]:
        seen: list[Any] = []

        def function(body):
            seen.append(body)

        handler = batch_handler(model=kind, **options)(paint(function))
        bodies = {"good1": GOOD, "bad": bad, "good2": GOOD}
        event = sqs_event(sqs_record(body, message_id=name) for name, body in bodies.items())
        return failed(handler(event, lambda_context())), seen

    return run


@pytest.fixture
def sink(letters):
    """A sink that fills `letters`."""
    return DeadLetter(lambda record, error: letters.append((record.id, error)))


BAD_BODIES = [
    "",
    "nojson",
    "{",
    "null",
    "[]",
    '{"order_id": "a"}',
    '{"total": "x"}',
    "[" * 100_000,
    "9" * 5_000,
    "\ud800",
]


@pytest.mark.parametrize("bad", BAD_BODIES, ids=lambda body: ascii(body[:12]))
@pytest.mark.parametrize("kind", [Order, Typed], ids=["model", "typed dict"])
def test_a_body_that_does_not_fit_fails_its_record_alone(run, bad, kind):
    """The neighbours run and are acknowledged; the bad one comes again, for there is no sink."""
    names, seen = run(kind, bad)

    assert names == ["bad"]
    assert len(seen) == 2


@pytest.mark.parametrize("bad", BAD_BODIES, ids=lambda body: ascii(body[:12]))
def test_a_body_that_does_not_fit_its_model_goes_to_the_sink(run, sink, letters, bad):
    """Another try cannot help, so it is set aside as `InvalidRecordError`, and the batch is done."""
    names, seen = run(Order, bad, dead_letter=sink)

    assert names == []
    assert [(name, type(error)) for name, error in letters] == [("bad", InvalidRecordError)]
    assert len(seen) == 2


@pytest.mark.parametrize("bad", ["nojson", "[1]", "5", '"text"', "null"])
def test_a_body_that_is_no_object_is_no_dict(run, sink, letters, bad):
    """A function that takes a dict never gets anything else."""
    names, seen = run(dict, bad, dead_letter=sink)

    assert names == []
    assert [type(error) for _, error in letters] == [InvalidRecordError]
    assert seen == [json.loads(GOOD)] * 2


def test_a_model_that_fails_with_another_error_fails_its_record_alone(run):
    """A validator that raises KeyError does not take the batch down."""
    names, seen = run(Checked, '{"order_id": "broken"}')

    assert names == ["bad"]
    assert len(seen) == 2


@pytest.mark.parametrize("kind", [str, bytes, dict, Order], ids=["str", "bytes", "dict", "model"])
def test_a_body_of_one_mebibyte_is_handled(run, kind):
    """The largest body that SQS takes arrives whole."""
    body = json.dumps({"order_id": "x" * (MEBIBYTE - 28), "total": 1})
    names, seen = run(kind, body)

    assert len(body) == MEBIBYTE
    assert names == []
    assert len(seen) == 3


@pytest.mark.parametrize("body", [None, 5, ["x"], {}], ids=repr)
@pytest.mark.parametrize("kind", [str, bytes, dict, int, Order, list], ids=lambda kind: kind.__name__)
def test_a_body_that_is_no_text_is_an_invalid_record(paint, sink, letters, kind, body):
    """SQS never sends it, a hand-made event may: it is the record's failure, and permanent."""
    event = sqs_event(["1"])
    event["Records"][0]["body"] = body

    answer = batch_handler(model=kind, dead_letter=sink)(paint(lambda value: None))(event, lambda_context())

    assert answer == NOTHING_FAILED
    assert [type(error) for _, error in letters] == [InvalidRecordError]


def test_a_missing_body_is_an_invalid_record(paint, sink, letters):
    """A record without a body fails alone, and permanently, when the body is asked for."""
    event = sqs_event([GOOD, GOOD])
    del event["Records"][0]["body"]

    answer = batch_handler(model=str, dead_letter=sink)(paint(lambda value: None))(event, lambda_context())

    assert answer == NOTHING_FAILED
    assert [type(error) for _, error in letters] == [InvalidRecordError]


def test_a_lone_surrogate_is_no_bytes(run, sink, letters):
    """Text that UTF-8 cannot hold fails its record as invalid."""
    run(bytes, "\ud800", dead_letter=sink)

    assert [type(error) for _, error in letters] == [InvalidRecordError]


@pytest.mark.parametrize(
    "attributes",
    [None, [], "x", {}, {"ApproximateReceiveCount": None}, {"ApproximateReceiveCount": "9" * 5_000}],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_a_receive_count_that_cannot_be_read_is_unknown(paint, attributes, policies):
    """The record fails or succeeds by its function, not by what stands beside its body."""
    event = sqs_event([sqs_record("ok", message_id="ok"), sqs_record("bad", message_id="bad")])
    for raw in event["Records"]:
        raw["attributes"] = attributes

    def function(record):
        if record.body == "bad":
            raise ValueError("x")

    handler = batch_handler(policies=policies)(paint(function))

    assert failed(handler(event, lambda_context())) == ["bad"]
