"""Kafka topics: events, checkpoints by partition, and retries by default."""

from __future__ import annotations

import json

import pytest

from resilient_lambda.testing import kafka_event
from resilient_lambda.testing.simulator.delivery import Delivery

from .logs import Kafka, Scripted, answer


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def raises(event, context):
    """Fail."""
    raise ValueError


def send(topic, id, partition=0):
    """Send a record to a partition."""
    return topic.send({"id": id}, partition=partition)


def test_an_event_is_as_lambda_makes_it(delivery):
    """Every field of the example in the developer guide; ``records`` maps partitions to lists."""
    events = []
    topic = delivery.kafka(lambda event, context: events.append(event), topic="orders")
    topic.send({"a": 1}, key="k", partition=2)
    delivery.run()
    example = kafka_event([{"a": 1}])

    assert set(events[0]) == set(example)
    assert events[0]["eventSource"] == "aws:kafka"
    assert events[0]["records"] == {
        "orders-2": [
            {
                "topic": "orders",
                "partition": 2,
                "offset": 0,
                "timestamp": 1_800_000_000_000,
                "timestampType": "CREATE_TIME",
                "key": "aw==",
                "value": "eyJhIjogMX0=",
                "headers": [],
            }
        ]
    }
    assert set(events[0]["records"]["orders-2"][0]) == set(example["records"]["orders-0"][0])


def test_a_tombstone_has_no_value(delivery):
    """Its value is null, not the text."""
    events = []
    topic = delivery.kafka(lambda event, context: events.append(event))
    topic.send(None, key="k", partition=0)
    delivery.run()

    assert events[0]["records"]["topic-0"][0]["value"] is None


def test_records_with_a_key_go_to_one_partition(delivery):
    """Those without go to all in turn."""
    topic = delivery.kafka(lambda event, context: None, partitions=4)
    keyed = {topic.send(number, key="k").partition("@")[0] for number in range(10)}
    others = {topic.send(number).partition("@")[0] for number in range(4)}

    assert len(keyed) == 1
    assert others == {f"topic-{number}" for number in range(4)}


def test_offsets_count_from_0_in_each_partition(delivery):
    """Those of later seconds are higher."""
    topic = delivery.kafka(lambda event, context: None)
    now = [topic.send(number, partition=number % 2) for number in range(4)]
    later = topic.send(4, partition=0, after_s=5)

    assert now == ["topic-0@0", "topic-1@0", "topic-0@1", "topic-1@1"]
    assert int(later.partition("@")[2]) > 1


def test_an_event_can_hold_records_of_several_partitions(delivery):
    """One consumer reads them all."""
    handler = Scripted(Kafka, delivery)
    topic = delivery.kafka(handler, key="id")
    for id in range(6):
        send(topic, id, id % 3)
    delivery.run()

    assert [sorted(batch) for batch in handler.batches] == [[0, 1, 2, 3, 4, 5]]


def test_each_partition_has_its_checkpoint(delivery):
    """The lowest offset that is reported of it; a partition of which none is reported is done."""
    batches = []

    def handler(event, context):
        batches.append(dict(Kafka.records(event)))
        if len(batches) > 1:
            return None
        records = batches[0]
        return answer(records["a1"], records["b2"], records["a2"], records["b1"])

    topic = delivery.kafka(handler)
    for partition, letter in enumerate("abc"):
        for number in range(3):
            send(topic, f"{letter}{number}", partition)
    delivery.run()

    assert set(batches[1]) == {"a1", "a2", "b1", "b2"}
    assert len(batches) == 2


def test_other_partitions_go_on_while_one_waits_for_its_retry(delivery):
    """What is sent to them meanwhile is delivered; what is behind the failed record waits."""
    done = []

    def handler(event, context):
        failed = []
        for id, identifier in Kafka.records(event):
            if identifier["partition"] == "topic-0":
                failed.append(identifier)
            else:
                done.append(id)
        return answer(*failed)

    topic = delivery.kafka(handler)
    for minute in range(5):
        for partition in range(2):
            topic.send({"id": (partition, minute)}, partition=partition, after_s=60 * minute)
    delivery.run(400)

    assert done == [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]]
    assert len(topic.waiting) == 5
    assert [topic.receives[id] for id in topic.waiting[1:]] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "identifier",
    [
        "topic-0@0",
        "0",
        {"partition": "topic-0"},
        {"partition": "topic-0", "offset": "0"},
        {"partition": "topic-0", "offset": True},
        {"partition": 0, "offset": 0},
        {"partition": "topic-1", "offset": 0},
        {"topic": "topic", "partition": "0", "offset": 0},
    ],
)
def test_an_identifier_that_is_not_an_object_of_a_record_fails_the_whole_batch(delivery, identifier):
    """A text above all, which is what queues want."""
    batches = []

    def handler(event, context):
        batches.append(len(Kafka.records(event)))
        return answer({"partition": "topic-0", "offset": 1}, identifier) if len(batches) == 1 else None

    topic = delivery.kafka(handler)
    for id in range(2):
        send(topic, id)
    delivery.run()

    assert batches == [2, 2]


@pytest.mark.parametrize(
    ("options", "attempts"),
    [
        ({"on_failure": "sqs"}, 11),
        ({"on_failure": "sqs", "retries": -1}, 11),
        ({"on_failure": "sqs", "retries": 2}, 3),
        ({"retries": 0}, 1),
        ({"share_group": True}, 1),
        ({"share_group": True, "retries": 3}, 4),
    ],
)
def test_retries_by_default(delivery, options, attempts):
    """There is no limit, but with a destination that means 10; share groups have none at all."""
    topic = delivery.kafka(raises, **options)
    send(topic, 0)
    delivery.run()

    assert delivery.invocations == attempts
    assert len(topic.dead_letters) == ("on_failure" in options)


def test_without_a_destination_records_are_retried_until_they_expire(delivery):
    """After seven days by Kafka's default."""
    topic = delivery.kafka(raises)
    send(topic, 0)
    began_s = delivery.now_s
    delivery.run()

    assert delivery.now_s - began_s >= 604_800
    assert len(topic.lost) == 1


def test_the_destination_names_where_the_records_are(delivery):
    """By partition: first and last offset, and their times."""
    topic = delivery.kafka(raises, retries=0, on_failure="sqs")
    for id in range(3):
        send(topic, id, id % 2)
    delivery.run()
    (letter,) = topic.dead_letters
    info = json.loads(letter.body)["KafkaBatchInfo"]
    time = "2027-01-15T08:00:00.000Z"

    assert info["batchSize"] == 3
    assert info["eventSourceArn"] == topic.arn
    assert info["recordsInfo"] == {
        "topic-0": {
            "firstRecordOffset": "0",
            "lastRecordOffset": "1",
            "firstRecordTimestamp": time,
            "lastRecordTimestamp": time,
        },
        "topic-1": {
            "firstRecordOffset": "0",
            "lastRecordOffset": "0",
            "firstRecordTimestamp": time,
            "lastRecordTimestamp": time,
        },
    }


def test_only_records_of_a_partition_with_their_key_are_a_lane(delivery):
    """Those that have no key are one in each partition."""
    topic = delivery.kafka(lambda event, context: None)
    topic.send(0, key="a", partition=0)
    topic.send(1, key="b", partition=0)
    topic.send(2, partition=0)
    topic.send(3, partition=0)
    topic.send(4, partition=1)
    lanes = [item.lane for item in topic.items.values()]

    assert lanes[2] == lanes[3]
    assert len(set(lanes)) == 4


@pytest.mark.parametrize("partition", [-1, 3])
def test_a_partition_that_there_is_not_is_refused(delivery, partition):
    """The message says which there are."""
    with pytest.raises(ValueError, match="from 0 to 2"):
        delivery.kafka(raises).send(0, partition=partition)


@pytest.mark.parametrize("options", [{"partitions": 0}, {"bisect": True, "share_group": True}])
def test_impossible_topics_are_refused(delivery, options):
    """A share group has nothing to bisect."""
    with pytest.raises(ValueError, match=next(iter(options))):
        delivery.kafka(raises, **options)
