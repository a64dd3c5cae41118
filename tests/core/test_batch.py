"""The decisions of a batch: a truth table, and the answer."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.batch import answer, dispose
from resilient_lambda._core.model import Category, Classification, Disposition, Failure, Success, Verdict
from resilient_lambda._core.sources import DYNAMODB, KINESIS, SQS, Answers, row_of
from resilient_lambda.errors import BatchFailedError, RememberedFailureError
from resilient_lambda.testing import kafka_record, kinesis_record

KAFKA = row_of("kafka")
RETRYABLE = Classification(Verdict.RETRYABLE, Category.UNKNOWN)
PERMANENT = Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN)


@pytest.mark.parametrize(
    ("attempts", "max_attempts", "has_sink"), list(itertools.product([None, 9], [None, 1], [True, False]))
)
def test_a_success_is_acknowledged(attempts, max_attempts, has_sink):
    """Whatever the counts say."""
    assert dispose(Success(), attempts=attempts, max_attempts=max_attempts, has_sink=has_sink) is Disposition.ACK


@pytest.mark.parametrize("ran", [True, False])
@pytest.mark.parametrize("classification", [RETRYABLE, PERMANENT])
@pytest.mark.parametrize("attempts", [None, 1, 99])
def test_without_a_sink_every_failure_comes_again(ran, classification, attempts):
    """Nothing is ever given up by default."""
    failure = Failure(ValueError(), classification, ran=ran)

    assert dispose(failure, attempts=attempts, max_attempts=1, has_sink=False) is Disposition.RETRY


@pytest.mark.parametrize(
    ("classification", "ran", "attempts", "max_attempts", "expected"),
    [
        (PERMANENT, True, 1, None, Disposition.DEAD_LETTER),
        (PERMANENT, False, None, None, Disposition.DEAD_LETTER),
        (RETRYABLE, True, 1, None, Disposition.RETRY),
        (RETRYABLE, True, 99, None, Disposition.RETRY),
        (RETRYABLE, True, 2, 3, Disposition.RETRY),
        (RETRYABLE, True, 3, 3, Disposition.DEAD_LETTER),
        (RETRYABLE, True, 4, 3, Disposition.DEAD_LETTER),
        (RETRYABLE, True, None, 3, Disposition.RETRY),
        (RETRYABLE, False, 99, 3, Disposition.RETRY),
        (RETRYABLE, True, 1, 1, Disposition.DEAD_LETTER),
    ],
)
def test_with_a_sink_what_cannot_succeed_is_set_aside(classification, ran, attempts, max_attempts, expected):
    """Permanent failures at once, retryable ones after their last attempt, and what did not run never for its count."""
    failure = Failure(ValueError(), classification, ran=ran)

    assert dispose(failure, attempts=attempts, max_attempts=max_attempts, has_sink=True) is expected


@pytest.mark.parametrize(
    ("parked", "has_sink", "expected"),
    [
        ("letter-1", True, Disposition.ACK),
        ("letter-1", False, Disposition.ACK),
        (None, True, Disposition.DEAD_LETTER),
        (None, False, Disposition.RETRY),
    ],
)
def test_a_remembered_failure_is_acknowledged_only_if_the_sink_has_it(parked, has_sink, expected):
    """The same delivery again: sent and confirmed before, or still to be sent."""
    failure = Failure(RememberedFailureError("x", error_type="E", parked=parked), PERMANENT, ran=False)

    assert dispose(failure, attempts=None, max_attempts=None, has_sink=has_sink) is expected


@given(st.lists(st.text(min_size=1)))
def test_the_answer_of_a_queue_names_each_id_once_in_order(ids):
    """Whatever the ids are, as long as none is empty."""
    entries = answer(SQS, [{"messageId": one} for one in ids])["batchItemFailures"]

    assert [entry["itemIdentifier"] for entry in entries] == list(dict.fromkeys(ids))
    assert all(set(entry) == {"itemIdentifier"} for entry in entries)


@pytest.mark.parametrize("ids", [[""], ["a", ""], ["", "a"], [None], [5], [["a"]]], ids=repr)
def test_an_id_that_is_empty_or_no_text_is_never_named(ids):
    """Lambda would take it for a failure of the whole batch; the error says so openly."""
    with pytest.raises(BatchFailedError, match="no identifier"):
        answer(SQS, [{"messageId": one} for one in ids])


@given(st.lists(st.integers(0, 10**56), min_size=1))
def test_the_answer_of_a_stream_is_the_lowest_sequence_number(numbers):
    """As a number, in whatever order; Lambda delivers everything from there again."""
    raws = [kinesis_record("x", sequence_number=number) for number in numbers]

    assert answer(KINESIS, raws) == {"batchItemFailures": [{"itemIdentifier": str(min(numbers))}]}


@pytest.mark.parametrize("source", [KINESIS, DYNAMODB])
@pytest.mark.parametrize("number", ["", "x", "-1", "1.0", "1e3", " 1", "²", "٣", "1" * 130, None, 5, [], {}], ids=repr)
@pytest.mark.parametrize("others", [[], ["1"]])
def test_what_is_no_sequence_number_has_the_batch_raised(source, number, others):
    """A checkpoint that is too high would lose records, and any other one names nothing."""
    numbers = [*others, number]
    raws = [{"kinesis": {"sequenceNumber": one}, "dynamodb": {"SequenceNumber": one}} for one in numbers]

    with pytest.raises(BatchFailedError, match="no identifier"):
        answer(source, raws)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2**63 - 1)), min_size=1))
def test_the_answer_of_kafka_is_the_lowest_offset_of_each_partition(places):
    """One entry for each topic-partition that failed, an object and no text."""
    raws = [kafka_record("x", topic=topic, partition=number, offset=offset) for topic, number, offset in places]
    entries = [entry["itemIdentifier"] for entry in answer(KAFKA, raws)["batchItemFailures"]]
    partitions = {f"{topic}-{number}" for topic, number, _ in places}

    assert {entry["partition"]: entry["offset"] for entry in entries} == {
        partition: min(offset for topic, number, offset in places if f"{topic}-{number}" == partition)
        for partition in partitions
    }
    assert len(entries) == len(partitions)


@pytest.mark.parametrize("offset", [None, "5", 5.0, True, -1, 2**63, [], {}], ids=repr)
@pytest.mark.parametrize("source", [KAFKA, KAFKA._replace(answers=Answers.OFFSETS)], ids=["partitions", "offsets"])
def test_what_is_no_offset_has_the_batch_raised(source, offset):
    """Also where another record of the partition has one."""
    raws = [kafka_record("x", offset=1), {**kafka_record("x"), "offset": offset}]

    with pytest.raises(BatchFailedError, match="no identifier"):
        answer(source, raws)


@pytest.mark.parametrize("raw", [{"partition": "0"}, {"partition": None}, {"topic": ""}, {"topic": 5}], ids=repr)
def test_a_record_of_no_partition_has_the_batch_raised(raw):
    """It could not be named."""
    with pytest.raises(BatchFailedError):
        answer(KAFKA, [{**kafka_record("x"), **raw}])


@pytest.mark.parametrize("source", [SQS, KINESIS, KAFKA, row_of("s3")], ids=lambda source: source.name)
def test_two_answers_share_nothing(source):
    """What a caller does to one does not show in the next."""
    answer(source, [])["batchItemFailures"].append("x")

    assert answer(source, []) == {"batchItemFailures": []}
