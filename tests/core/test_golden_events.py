"""What is read from the events that AWS documents, and the exact answers."""

from __future__ import annotations

import json

import pytest

from resilient_lambda._core.batch import answer
from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import SQS, open_batch
from resilient_lambda.errors import BatchFailedError

from .golden_events import GOLDEN, S3_EVENT, Golden

each = pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.source}-{len(golden.ids)}")
partial = pytest.mark.parametrize("golden", [one for one in GOLDEN if one.answer], ids=lambda one: one.source)
whole = pytest.mark.parametrize(
    "golden", [golden for golden in GOLDEN if not golden.answer], ids=lambda one: one.source
)


@each
@pytest.mark.parametrize("field", ["id", "default_key", "body", "lane"])
def test_each_record_says_what_its_event_says(golden: Golden, field):
    """Ids, default keys, bodies and lanes, in the order of the event."""
    delivery = open_batch(golden.event)
    expected = {"id": golden.ids, "default_key": golden.keys, "body": golden.bodies, "lane": golden.lanes}

    assert [getattr(Record(raw, delivery.source), field) for raw in delivery.raws] == expected[field]


@each
def test_the_source_and_its_origin_are_recognised(golden: Golden):
    """By the event alone; the ARN is that of what Lambda reads from."""
    delivery = open_batch(golden.event)

    assert delivery.source.name == golden.source
    assert delivery.window is None
    assert {Record(raw, delivery.source).origin for raw in delivery.raws} == {golden.origin}


@each
def test_the_source_can_be_said(golden: Golden):
    """``source=`` takes what detection finds."""
    assert open_batch(golden.event, only=golden.source).source.name == golden.source


@each
def test_an_event_is_not_changed(golden: Golden):
    """Reading all of it leaves it as Lambda handed it over."""
    before = json.dumps(golden.event)
    delivery = open_batch(golden.event)
    for raw in delivery.raws:
        record = Record(raw, delivery.source)
        _ = (record.id, record.body, record.key, record.headers, record.new_image, record.old_image)

    assert json.dumps(golden.event) == before


@each
def test_nothing_failed_is_answered_with_an_empty_list(golden: Golden):
    """Whatever the source."""
    delivery = open_batch(golden.event)

    assert answer(delivery.source, []) == {"batchItemFailures": []}


@partial
def test_the_answer_to_a_batch_that_failed(golden: Golden):
    """Each record of a queue, one checkpoint of a stream, one offset of each partition."""
    delivery = open_batch(golden.event)

    assert answer(delivery.source, delivery.raws) == {"batchItemFailures": golden.answer}
    assert answer(delivery.source, delivery.raws[-1:]) == {"batchItemFailures": golden.last_answer}


@whole
def test_a_batch_without_partial_answers_is_raised(golden: Golden):
    """The error says how many records must be delivered again, not what they hold."""
    delivery = open_batch(golden.event)
    count = "1 record" if len(golden.ids) == 1 else f"{len(golden.ids)} records"

    with pytest.raises(BatchFailedError, match=f"^{count} must be delivered again, and {golden.source} takes no"):
        answer(delivery.source, delivery.raws)


def test_the_objects_of_an_s3_event():
    """The key is decoded in what the function gets, and as S3 wrote it in what identifies the record."""
    delivery = open_batch(S3_EVENT)
    first, second = (Record(raw, delivery.source) for raw in delivery.raws)

    assert first.value["s3"]["object"]["key"] == "red flowerü.jpg"
    assert first.raw["s3"]["object"]["key"] == "red+flower%C3%BC.jpg"
    assert first.id == "DOC-EXAMPLE-BUCKET/red+flower%C3%BC.jpg@null#0C0F6F405D6ED209E1"
    assert first.default_key == [
        "DOC-EXAMPLE-BUCKET",
        "red+flower%C3%BC.jpg",
        "null",
        "0C0F6F405D6ED209E1",
        "ObjectCreated:Put",
    ]
    assert second.default_key == ["DOC-EXAMPLE-BUCKET", "b21b", "v1", "0A", "ObjectCreated:Put"]
    assert first.origin == "arn:aws:s3:::lambda-artifacts-deafc19498e3f2df"
    with pytest.raises(BatchFailedError, match=r"^2 records must be delivered again, and s3 takes no"):
        answer(delivery.source, delivery.raws)


def test_a_share_group_answers_every_offset():
    """No order, no lanes: each failed record is named by itself, twice the same once."""
    delivery = open_batch(GOLDEN[4].event, share_group=True)

    assert delivery.source.lane_of is None
    assert delivery.source.order_key_of is None
    assert answer(delivery.source, [*delivery.raws, delivery.raws[0]]) == {
        "batchItemFailures": [
            {"itemIdentifier": {"partition": "mytopic-0", "offset": 15}},
            {"itemIdentifier": {"partition": "mytopic-0", "offset": 16}},
            {"itemIdentifier": {"partition": "other-topic-12", "offset": 7}},
        ]
    }


def test_a_kafka_record_has_key_and_headers():
    """Bytes, as the producer sent them; a tombstone has no value."""
    delivery = open_batch(GOLDEN[4].event)
    first, tombstone, _ = (Record(raw, delivery.source) for raw in delivery.raws)

    assert (first.key, first.headers) == (b"recordKey", [("headerKey", b"headerValue")])
    assert (first.is_tombstone, tombstone.is_tombstone) == (False, True)
    assert tombstone.json() is None
    assert tombstone.value is None


def test_a_change_of_dynamodb_has_both_images():
    """As plain Python, and None for the one that there is not."""
    delivery = open_batch(GOLDEN[3].event)
    insert, modify, remove = (Record(raw, delivery.source) for raw in delivery.raws)
    new, changed = {"Message": "New!", "Id": 101}, {"Message": "Changed", "Id": 101}

    assert [record.change for record in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record.new_image for record in (insert, modify, remove)] == [new, changed, None]
    assert [record.old_image for record in (insert, modify, remove)] == [None, new, changed]
    assert [record.value for record in (insert, modify, remove)] == [new, changed, changed]
    assert insert.key == {"Id": 101}


def test_a_queue_has_no_parts_of_other_sources():
    """No key, no headers, no images, no change."""
    record = Record(GOLDEN[0].event["Records"][0], SQS)

    assert (record.key, record.headers, record.change) == (None, [], None)
    assert (record.new_image, record.old_image, record.is_tombstone) == (None, None, False)
