"""The model of Lambda's delivery itself: each rule that is written down about AWS, as a small table."""

from __future__ import annotations

import pytest

from tests.delivery import model
from tests.delivery.events import Sent, event_of, only
from tests.delivery.model import Partial, UndocumentedAnswerError, deleted_too_early, delivered_again, forced_again

PARTIAL = [source for source in model.SOURCES if source.partial is not Partial.NONE]
WHOLE = [source for source in model.SOURCES if source.partial is Partial.NONE]
CHECKPOINTS = [model.KINESIS, model.DYNAMODB]

# Two lanes (message groups, topic-partitions, queues) of three records each, taking turns.
SIX = [Sent(serial, lane=serial % 2) for serial in range(6)]


def names(*identifiers):
    """Return an answer that names *identifiers*."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def identifier(source, event, position):
    """Return what an answer calls the record at *position* by."""
    name = model.items(source, event)[position].name
    return {"partition": name[0], "offset": name[1]} if isinstance(name, tuple) else name


@pytest.mark.parametrize("source", model.SOURCES, ids=str)
def test_an_event_of_each_source_is_read_whole(source):
    """Every record is found once, and told from the others."""
    event = event_of(source, SIX)
    raws = [item.raw for item in model.items(source, event)]

    assert len({source.identity(raw) for raw in raws}) == 6


@pytest.mark.parametrize("answer", [None, {}, [], "", names(), {"batchItemFailures": None}], ids=repr)
@pytest.mark.parametrize("source", PARTIAL, ids=str)
def test_nothing_comes_again_after_what_counts_as_success(source, answer):
    """(R) A forgotten return deletes every message."""
    assert delivered_again(source, event_of(source, SIX), answer) == set()


@pytest.mark.parametrize("source", model.SOURCES, ids=str)
def test_everything_comes_again_after_an_exception(source):
    """(R) Whatever the source."""
    assert delivered_again(source, event_of(source, SIX), ValueError()) == set(range(6))


BAD_ANSWERS = [
    names(""),
    names(None),
    names("not-in-the-batch"),
    names("101"),
    names({"partition": "orders-1-0", "offset": 99}),
    names({"partition": "orders-1-0", "offset": "97"}),
    names({"partition": "orders-1-0", "offset": True}),
    names({"partition": "orders-1-0"}),
    names({"partition": 0, "offset": 97}),
    names({"topic": "orders-1", "partition": "orders-1-0", "offset": 97, "key": "x"}),
    {"batchItemFailures": [{}]},
    {"batchItemFailures": [None]},
    {"batchItemFailures": ["97"]},
    {"batchItemFailures": [{"itemidentifier": "97"}]},
    {"batchItemFailures": [{"identifier": "00000000-0000-4000-8000-000000000000"}]},
]


@pytest.mark.parametrize("answer", BAD_ANSWERS, ids=repr)
@pytest.mark.parametrize("source", [model.SQS, model.FIFO, model.KINESIS, model.DYNAMODB], ids=str)
def test_everything_comes_again_after_an_identifier_that_is_none(source, answer):
    """(R) Empty, null, under a wrong key, or not in the batch."""
    event = event_of(source, [Sent(0), Sent(1)])

    assert delivered_again(source, event, answer) == {0, 1}


@pytest.mark.parametrize("answer", [*BAD_ANSWERS[:3], names("97"), names("orders-1-0"), *BAD_ANSWERS[5:]], ids=repr)
@pytest.mark.parametrize("source", [model.KAFKA, model.SHARE_GROUP], ids=str)
def test_everything_comes_again_after_a_kafka_identifier_of_another_form(source, answer):
    """(D) A partition and an offset in an object; a text fails the whole batch."""
    assert delivered_again(source, event_of(source, [Sent(0), Sent(1)]), answer) == {0, 1}


@pytest.mark.parametrize("source", PARTIAL, ids=str)
def test_one_bad_identifier_spoils_the_good_ones(source):
    """(R) One name that is not in the batch, and everything comes again."""
    event = event_of(source, SIX)

    assert delivered_again(source, event, names(identifier(source, event, 4), "x")) == set(range(6))


@pytest.mark.parametrize(
    ("source", "named", "again"),
    [
        (model.SQS, [1], {1}),
        (model.SQS, [4, 1], {1, 4}),
        (model.FIFO, [1], {1}),
        (model.FIFO, [1, 3, 5], {1, 3, 5}),
        (model.KINESIS, [1], {1, 2, 3, 4, 5}),
        (model.KINESIS, [5, 3], {3, 4, 5}),
        (model.DYNAMODB, [2, 4], {2, 3, 4, 5}),
        (model.KAFKA, [1], {1, 2}),  # the model's order is the event's: 0, 1, 2 in one partition, 3, 4, 5 in the other
        (model.KAFKA, [2, 3], {2, 3, 4, 5}),
        (model.KAFKA, [4, 5], {4, 5}),
        (model.SHARE_GROUP, [1], {1}),
        (model.SHARE_GROUP, [0, 5], {0, 5}),
    ],
)
def test_what_is_named_comes_again_by_the_rule_of_its_source(source, named, again):
    """(D) Each by itself; everything behind the lowest; behind the lowest of each topic-partition."""
    event = event_of(source, SIX)
    answer = names(*(identifier(source, event, position) for position in named))

    assert delivered_again(source, event, answer) == again


@pytest.mark.parametrize("source", CHECKPOINTS, ids=str)
def test_sequence_numbers_compare_as_integers(source):
    """(D) Their lengths differ: 100 is after 99, and the checkpoint is 99."""
    event = event_of(source, [Sent(serial) for serial in range(4)])

    assert [item.name for item in model.items(source, event)] == ["97", "98", "99", "100"]
    assert delivered_again(source, event, names("99", "100")) == {2, 3}


@pytest.mark.parametrize("source", WHOLE, ids=str)
def test_no_answer_says_anything_of_a_part_where_there_are_no_partial_answers(source):
    """(D) A batch of Amazon MQ or DocumentDB, an event of SNS or S3: returned is done."""
    event = event_of(source, SIX)

    assert delivered_again(source, event, names("x")) == set()


@pytest.mark.parametrize(
    "answer", ["ok", 5, True, ["x"], {"batchItemFailure": []}, {"batchItemFailures": {}}], ids=repr
)
@pytest.mark.parametrize("source", PARTIAL, ids=str)
def test_what_nobody_has_written_down_is_no_answer(source, answer):
    """A handler that answers so is wrong whatever Lambda does."""
    with pytest.raises(UndocumentedAnswerError):
        delivered_again(source, event_of(source, SIX), answer)


def test_the_answer_of_a_tumbling_window_carries_its_state():
    """(M) Without it the state is gone."""
    window = {**event_of(model.KINESIS, SIX), "window": {"start": "2026-01-01T00:00:00Z", "end": "x"}, "state": {}}

    assert delivered_again(model.KINESIS, window, {**names("98"), "state": {"count": 1}}) == {1, 2, 3, 4, 5}
    with pytest.raises(UndocumentedAnswerError, match="state"):
        delivered_again(model.KINESIS, window, names("98"))


@pytest.mark.parametrize(
    ("source", "unfinished", "again"),
    [
        *((source, set(), set()) for source in model.SOURCES),
        (model.SQS, {0, 3}, {0, 3}),
        (model.FIFO, {2}, {2, 4}),
        (model.FIFO, {2, 5}, {2, 4, 5}),
        (model.KINESIS, {5, 2}, {2, 3, 4, 5}),
        (model.DYNAMODB, {0}, {0, 1, 2, 3, 4, 5}),
        (model.KAFKA, {1}, {1, 2}),
        (model.KAFKA, {2, 4}, {2, 4, 5}),
        (model.SHARE_GROUP, {1}, {1}),
        *((source, {5}, {0, 1, 2, 3, 4, 5}) for source in WHOLE),
    ],
)
def test_what_a_right_answer_brings_back(source, unfinished, again):
    """What must come again, and what the source delivers with it."""
    assert forced_again(source, event_of(source, SIX), unfinished) == again


@pytest.mark.parametrize(
    ("named", "too_early"), [([], set()), ([0], {2, 4}), ([0, 2, 4], set()), ([3], {5}), ([1, 5, 0, 4], {2, 3})]
)
def test_a_fifo_group_loses_its_order_where_a_later_message_is_deleted(named, too_early):
    """(D) After the first failure of a group all later ones are to be named."""
    event = event_of(model.FIFO, SIX)
    answer = names(*(identifier(model.FIFO, event, position) for position in named))

    assert deleted_too_early(model.FIFO, event, answer) == too_early


@pytest.mark.parametrize("source", model.SOURCES, ids=str)
def test_the_next_delivery_has_what_comes_again(source):
    """The same records in the same order, and nothing else."""
    event = event_of(source, SIX)
    next_event = only(source, event, {1, 4})
    before = [source.identity(item.raw) for item in model.items(source, event)]

    assert [source.identity(item.raw) for item in model.items(source, next_event)] == [before[1], before[4]]


@pytest.mark.parametrize("source", [model.SQS, model.FIFO], ids=str)
def test_the_next_delivery_of_a_queue_is_counted(source):
    """The receive count says how often the message was handed out."""
    event = only(source, event_of(source, SIX), {0})

    assert event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
