"""Share groups of Kafka: each record on its own."""

from __future__ import annotations

import json

import pytest

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


def test_each_record_is_acknowledged_on_its_own(delivery):
    """What is behind a failed record is done: it alone comes again."""
    handler = Scripted(Kafka, delivery)
    batches = []

    def fails(event, context):
        records = Kafka.records(event)
        batches.append([id for id, _ in records])
        handler(event, context)
        return answer(*[identifier for id, identifier in records if id == 1]) if len(batches) == 1 else None

    topic = delivery.kafka(fails, key="id", share_group=True, retries=1)
    for id in range(3):
        send(topic, id)
    delivery.run()

    assert batches == [[0, 1, 2], [1]]
    assert topic.lost == []


def test_a_partition_has_several_batches_in_flight(delivery):
    """There is no order to keep: none is violated."""
    running, most = 0, 0

    def handler(event, context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        delivery.work(5)
        running -= 1

    topic = delivery.kafka(handler, share_group=True, batch_size=2)
    for id in range(20):
        send(topic, id)
    delivery.run()

    assert most == 3
    assert {item.lane for item in topic.items.values()} == {None}
    assert topic.waiting == []


def test_each_record_is_given_up_on_its_own(delivery):
    """With one record in the destination for each."""
    topic = delivery.kafka(raises, share_group=True, retries=2, on_failure="s3")
    sent = [send(topic, id) for id in range(2)]
    delivery.run()
    records = [json.loads(letter.body) for letter in topic.dead_letters]

    assert [letter.ids for letter in topic.dead_letters] == [(id,) for id in sent]
    assert [record["requestContext"]["approximateInvokeCount"] for record in records] == [3, 3]
    assert [record["KafkaBatchInfo"]["batchSize"] for record in records] == [1, 1]


def test_a_throttle_spends_no_retry(delivery):
    """The records have not reached the function."""
    topic = delivery.kafka(lambda event, context: None, share_group=True)
    delivery.faults(throttle=1.0)
    sent = send(topic, 0)
    delivery.run(600)

    assert topic.receives == {sent: 0}
    assert topic.waiting == [sent]


def test_a_record_whose_acknowledgement_was_lost_comes_again(delivery):
    """That record alone, once."""
    delivery.faults(duplicate=1.0)
    topic = delivery.kafka(lambda event, context: None, share_group=True)
    sent = [send(topic, id) for id in range(3)]
    delivery.run()

    assert topic.receives == dict.fromkeys(sent, 2)
    assert topic.waiting == topic.lost == []


def test_a_record_that_is_too_old_is_given_up(delivery):
    """Its invocations are counted, whichever batches they were of."""
    topic = delivery.kafka(raises, share_group=True, retries=1000, record_age_s=60, on_failure="sqs")
    sent = send(topic, 0)
    delivery.run()
    (letter,) = topic.dead_letters

    assert letter.reason == "RecordAgeExceeded"
    assert json.loads(letter.body)["requestContext"]["approximateInvokeCount"] == topic.receives[sent]


def test_a_handler_that_stops_at_the_first_failure_loses_what_is_behind_it(delivery):
    """Right for a partition, wrong for a share group: what it does not report is acknowledged."""
    topic = delivery.kafka(Scripted(Kafka, delivery, fails={1: 1}), key="id", share_group=True, retries=1)
    sent = [send(topic, id) for id in range(4)]
    delivery.run()

    assert topic.lost == sent[2:]
