"""DynamoDB streams: what the changes of a table look like, and in which order they come."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from resilient_lambda.testing import dynamodb_record
from resilient_lambda.testing.simulator.delivery import Delivery


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


@pytest.fixture
def records(delivery):
    """What a handler gets."""
    return []


@pytest.fixture
def table(delivery, records):
    """A table whose handler keeps what it gets."""
    return delivery.dynamodb(lambda event, context: records.extend(event["Records"]))


def test_a_record_is_as_lambda_makes_it(delivery, table, records):
    """Every field of the example in the developer guide."""
    sent = table.send({"id": "a", "total": 5})
    delivery.run()
    (record,) = records
    example = dynamodb_record({"id": "a", "total": 5})

    assert set(record) == set(example)
    assert set(record["dynamodb"]) == set(example["dynamodb"])
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventSourceARN"] == table.arn
    assert record["dynamodb"]["SequenceNumber"] == sent
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 1_800_000_000


def test_an_item_is_inserted_modified_and_removed(delivery, table, records):
    """With the images before and after each change, and its keys."""
    table.send({"id": "a", "total": 5})
    table.send({"id": "a", "total": 6})
    table.remove(id="a")
    delivery.run()
    old, new = {"id": {"S": "a"}, "total": {"N": "5"}}, {"id": {"S": "a"}, "total": {"N": "6"}}

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [record["dynamodb"].get("OldImage") for record in records] == [None, old, new]
    assert [record["dynamodb"].get("NewImage") for record in records] == [old, new, None]
    assert [record["dynamodb"]["Keys"] for record in records] == [{"id": {"S": "a"}}] * 3


def test_a_change_that_changes_nothing_makes_no_record(delivery, table, records):
    """DynamoDB writes none for a put of what is there, nor for the removal of what is not."""
    table.send({"id": "a"})
    table.send({"id": "a"})
    table.remove(id="b")
    delivery.run()

    assert len(records) == len(table.items) == 1


def test_images_are_those_of_the_moment_of_the_change(delivery, table, records):
    """Not of the moment at which the change was asked for."""
    table.send({"id": "a", "n": 2}, after_s=20)
    table.send({"id": "a", "n": 1}, after_s=10)
    table.remove(after_s=30, id="a")
    delivery.run()

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["n"] == {"N": "1"}
    assert table.table == {}


def test_an_item_is_kept_as_it_was_when_it_was_sent(delivery, table, records):
    """What a test does to its dictionary later changes nothing."""
    item = {"id": "a", "n": 1}
    table.send(item, after_s=5)
    item["n"] = 2
    delivery.run()

    assert records[0]["dynamodb"]["NewImage"]["n"] == {"N": "1"}


def test_values_are_json(delivery, table, records):
    """Binary attributes are base64 in an event, numbers are texts."""
    table.send({"id": "a", "price": Decimal("1.50"), "data": b"\xff", "flags": {"x"}, "nested": {"list": [1, None]}})
    delivery.run()

    assert records[0]["dynamodb"]["NewImage"] == {
        "id": {"S": "a"},
        "price": {"N": "1.50"},
        "data": {"B": "/w=="},
        "flags": {"SS": ["x"]},
        "nested": {"M": {"list": {"L": [{"N": "1"}, {"NULL": True}]}}},
    }


def test_the_changes_of_an_item_are_ordered(delivery):
    """They are a lane, whatever its key is made of, and go to one shard."""
    table = delivery.dynamodb(lambda event, context: None, key_names=("customer", "order"), shards=3)
    for version in range(2):
        for order in range(4):
            table.send({"customer": "c", "order": order, "version": version})
    delivery.run()
    lanes = [item.lane for item in table.items.values()]

    assert len(set(lanes)) == 4
    assert lanes[:4] == lanes[4:]


def test_an_effect_is_found_by_the_image(delivery):
    """The new one; the old one of an item that was removed."""
    table = delivery.dynamodb(lambda event, context: None, key="name")
    table.send({"id": "a", "name": "put"})
    table.send({"id": "b", "name": "removed"})
    table.remove(id="b")

    assert [item.key for item in table.items.values()] == ["put", "removed", "removed"]


def test_an_item_without_its_key_is_refused(delivery, table):
    """The message says what is missing."""
    with pytest.raises(ValueError, match="'id' is part of the key"):
        table.send({"name": "a"})
    with pytest.raises(ValueError, match="'id' is part of the key"):
        table.remove(name="a")


def test_lambda_polls_four_times_a_second(delivery):
    """So it is faster than with Kinesis."""
    began = []
    table = delivery.dynamodb(lambda event, context: began.append(delivery.now_s))
    for number in range(20):
        table.send({"id": number}, after_s=number * 100)
    start_s = delivery.now_s
    delivery.run()

    assert all(0 <= at_s - start_s - number * 100 <= 0.55 for number, at_s in enumerate(began))


def test_the_destination_names_where_the_records_are(delivery):
    """As for Kinesis, under a name of its own."""

    def handler(event, context):
        raise ValueError

    table = delivery.dynamodb(handler, retries=0, on_failure="sqs")
    sent = [table.send({"id": number}) for number in range(2)]
    delivery.run()
    (letter,) = table.dead_letters

    assert json.loads(letter.body)["DDBStreamBatchInfo"] == {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": sent[0],
        "endSequenceNumber": sent[1],
        "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00.000Z",
        "approximateArrivalOfLastRecord": "2027-01-15T08:00:00.000Z",
        "batchSize": 2,
        "streamArn": table.arn,
    }
