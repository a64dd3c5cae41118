"""Events that are no batch of a known source: refused whole and loudly, so that Lambda keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import Idempotency, MemoryStore, batch_handler
from resilient_lambda.errors import BatchFailedError, UnknownEventError
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import as_async, as_sync

FIFO_ARN = "arn:aws:sqs:us-east-1:123456789012:orders.fifo"


def sources(*names: object) -> dict:
    """Return an event with one record of each of the sources *names*."""
    return {"Records": [{**sqs_record("1"), "eventSource": name} for name in names]}


@pytest.fixture
def ran():
    """What the function was given."""
    return []


@pytest.fixture(params=[[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def handler(request, paint, ran):
    """A handler whose runs are seen in `ran`."""

    def function(record):
        ran.append(record)

    return batch_handler(policies=request.param)(paint(function))


NO_BATCHES = [
    None,
    "",
    "Records",
    5,
    [],
    [sqs_record("1")],
    {},
    {"records": [sqs_record("1")]},
    {"Records": None},
    {"Records": 5},
    {"Records": "abc"},
    {"Records": ""},
    {"Records": {}},
    {"Records": {"0": sqs_record("1")}},
    {"Records": [None]},
    {"Records": [5]},
    {"Records": ["aws:sqs"]},
    {"Records": [["eventSource", "aws:sqs"]]},
    {"Records": [{}]},
    {"Records": [{"body": "1"}]},
    {"Records": [sqs_record("1"), None]},
    {"Records": [sqs_record("1"), {}]},
    {"detail-type": "x", "detail": {}},
]


@pytest.mark.parametrize("event", NO_BATCHES, ids=range(len(NO_BATCHES)))
def test_an_event_that_is_no_batch_is_refused(handler, ran, event):
    """The message says what is missing and what takes single events; nothing runs."""
    with pytest.raises(UnknownEventError, match="resilient_handler"):
        handler(event, lambda_context())

    assert ran == []


@pytest.mark.parametrize("name", ["aws:codecommit", "aws:SQS", "sqs", "", None, 5, ["aws:sqs"], {}, "Sns"], ids=repr)
def test_an_unknown_source_is_refused(handler, ran, name):
    """Only sources of the table are run: for others the answer would be wrong, and nothing runs."""
    with pytest.raises(UnknownEventError, match=r"takes batches of .*kinesis.*sqs-fifo"):
        handler(sources(name), lambda_context())

    assert ran == []


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("aws:sqs", "aws:kinesis"), "'aws:kinesis', 'aws:sqs'"),
        (("aws:kinesis", "aws:dynamodb"), "'aws:dynamodb', 'aws:kinesis'"),
        (("x", "aws:sqs"), "'aws:sqs', 'x'"),
        (("aws:sqs", "aws:sqs", None), "odd 'eventSource'"),
    ],
)
def test_mixed_sources_are_refused(handler, ran, names, says):
    """A batch comes from one source; one that does not is refused whole, and the message names what it holds."""
    with pytest.raises(UnknownEventError, match=says):
        handler(sources(*names), lambda_context())

    assert ran == []


def test_a_batch_of_a_fifo_and_a_standard_queue_is_refused(handler, ran):
    """It has no order that could be kept, and no mapping delivers it."""
    event = sqs_event([sqs_record("1", queue_arn=FIFO_ARN), sqs_record("1")])

    with pytest.raises(UnknownEventError, match="FIFO"):
        handler(event, lambda_context())

    assert ran == []


def test_an_empty_batch_is_answered(handler, ran):
    """There is nothing to do and nothing to lose."""
    assert handler({"Records": []}, lambda_context()) == NOTHING_FAILED
    assert ran == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# Values that come near: what is right in one field beside anything in the others.
RECORDS = st.fixed_dictionaries(
    {"eventSource": st.just("aws:sqs") | JSON},
    optional={
        "messageId": st.sampled_from(["m1", "m2", ""]) | JSON,
        "body": st.sampled_from(["1", "{}", "["]) | JSON,
        "attributes": st.dictionaries(st.just("ApproximateReceiveCount"), JSON, max_size=1) | JSON,
        "messageAttributes": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
        "eventSourceARN": st.just("arn:aws:sqs:us-east-1:123456789012:q") | JSON,
    },
)
EVENTS = JSON | st.fixed_dictionaries({"Records": st.lists(RECORDS | JSON, max_size=4) | JSON})


@pytest.mark.parametrize("paint", [as_sync, as_async], ids=["sync", "async"])
@given(event=EVENTS)
def test_any_json_is_answered_or_refused(paint, event):
    """Whatever the event is: an answer with names of the event, or one of two documented errors; or nothing ran."""
    ran = []

    def function(record):
        ran.append(record)
        raise ValueError("x")

    try:
        names = failed(batch_handler(paint(function))(event, lambda_context()))
    except UnknownEventError:
        assert ran == []
    except BatchFailedError:
        assert any(not record.id for record in ran)
    else:
        assert set(names) == {record.id for record in ran}
