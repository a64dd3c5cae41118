"""FIFO queues and topics: the group is kept, the deduplication id never (protocols.md A7)."""

from __future__ import annotations

import json

import pytest

from tests.sinks import events
from tests.sinks.events import EVENTS, fifo
from tests.sinks.services import QUEUE_URL, SERVICES, TOPIC_ARN, Client, event_record, park, records_of, sqs_records

ADDRESSES = {"sqs": f"{QUEUE_URL}.fifo", "sns": f"{TOPIC_ARN}.fifo"}


@pytest.fixture(params=ADDRESSES)
def sent(request, time):
    """Return what a FIFO queue or topic gets for records."""
    service = SERVICES[request.param]

    def sent(*records):
        client = Client(service)
        park(service.sink(client, _address=ADDRESSES[service.name]), time, records)
        return client.entries

    return sent


def message(*args, **options):
    """Return the record of a FIFO message."""
    return records_of({"Records": [fifo(*args, **options)]})[0]


def test_the_group_is_kept(sent):
    """So a replay brings the messages of a group in their order."""
    assert [entry["MessageGroupId"] for entry in sent(message(group="a"), message(group="b/:~"))] == ["a", "b/:~"]


def test_the_deduplication_id_is_never_the_messages_own(sent):
    """Set aside, sent back and set aside again within five minutes, it would be taken for its own copy and vanish."""
    (entry,) = sent(message(dedup="own"))

    assert entry["MessageDeduplicationId"] != "own"
    assert len(entry["MessageDeduplicationId"]) == 64


def test_repetitions_of_one_delivery_have_one_deduplication_id(sent):
    """The same message, received again: the queue keeps one letter."""
    again = fifo()
    again["attributes"]["ApproximateReceiveCount"] = "2"
    again["receiptHandle"] = "other"
    first, second = sent(message(), records_of({"Records": [again]})[0])

    assert first["MessageDeduplicationId"] == second["MessageDeduplicationId"]


@pytest.mark.parametrize("name", sorted(set(EVENTS) - {"sqs-fifo"}))
def test_other_sources_have_a_new_deduplication_id_each_time(sent, name):
    """A replay brings their records back under the id that they had: a letter must not be taken for its forerunner."""
    first, second = sent(*records_of(EVENTS[name]), *records_of(EVENTS[name]))

    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


def test_a_letter_that_is_tried_again_keeps_its_deduplication_id(time):
    """The answer was lost: the queue recognises the second try, whatever the source."""
    client = Client(SERVICES["sqs"])
    client.script = [TimeoutError()]
    park(SERVICES["sqs"].sink(client, _address=ADDRESSES["sqs"]), time, records_of(EVENTS["kinesis"]))

    assert len(client.entries) == 2
    assert len({entry["MessageDeduplicationId"] for entry in client.entries}) == 1


@pytest.mark.parametrize("change", [{"message_id": "m9"}, {"sequence": "1886"}], ids=["new id", "new number"])
def test_a_message_that_was_sent_back_has_a_new_deduplication_id(sent, change):
    """SQS gave it another id or at least another sequence number, though its own deduplication id is the same."""
    first, second = sent(message(), message(**change))

    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


@pytest.mark.parametrize("name", ["kinesis", "dynamodb", "kafka", "documentdb"])
def test_records_of_a_stream_share_a_group_by_lane(sent, name):
    """One stable group for each stream or partition, so that their order is kept."""
    first, second = sent(*records_of(EVENTS[name]), *records_of(EVENTS[name]))

    assert first["MessageGroupId"] == second["MessageGroupId"]
    assert first["MessageGroupId"].startswith(f"{name}-")
    assert len(first["MessageGroupId"]) <= 128


@pytest.mark.parametrize("change", [{}, {"MessageGroupId": "tenant"}], ids=["plain", "fair"])
def test_messages_of_a_standard_queue_have_groups_of_their_own(sent, change):
    """They have no order, and in one group the first ten that stay would hide the rest; so with a fair queue's."""
    one, other = sqs_records(2)
    for record in (one, other):
        record.raw["attributes"].update(change)
    first, second = sent(one, other)

    assert first["MessageGroupId"] != second["MessageGroupId"]
    assert first["MessageGroupId"].startswith("sqs-")


@pytest.mark.parametrize("name", ["activemq", "rabbitmq", "s3", "sns"])
def test_records_without_order_have_groups_of_their_own(sent, name):
    """Two of one broker, bucket or topic."""
    first, second = (record for _ in range(2) for record in records_of(EVENTS[name]))
    second.raw = json.loads(json.dumps(second.raw).replace("1", "2").replace('"sequencer": "', '"sequencer": "9'))
    groups = {entry["MessageGroupId"] for entry in sent(first, second)}

    assert len(groups) == 2
    assert all(group.startswith(f"{name}-") and len(group) <= 128 for group in groups)


def test_partitions_are_groups(sent):
    """Kafka's order is by topic and partition."""
    raw = {**events.kafka(), "partition": 1}
    event = events.kafka_event(events.kafka())
    event["records"]["orders-1"] = [raw]
    one, other = sent(*records_of(event))

    assert one["MessageGroupId"] != other["MessageGroupId"]


@pytest.mark.parametrize("group", ["", None, 5, "a b", "ä", "x" * 129, "\ud83d"], ids=ascii)
def test_a_group_that_aws_would_not_take_is_replaced(sent, group):
    """An odd record still has its letter."""
    (entry,) = sent(message(group=group))

    assert entry["MessageGroupId"].startswith("sqs-fifo-")


def test_whole_events_have_groups_of_their_own(sent):
    """Nothing is known of their order."""
    one, other = sent(event_record({"n": 1}, "r-1"), event_record({"n": 2}, "r-2"))

    assert one["MessageGroupId"] != other["MessageGroupId"]
    assert one["MessageDeduplicationId"] != other["MessageDeduplicationId"]


def test_the_note_has_the_original_ids(time):
    """In a message with the record's own body there is no other place for them."""
    client = Client(SERVICES["sqs"])
    park(SERVICES["sqs"].sink(client), time, [message(group="g", dedup="own")])
    (entry,) = client.entries
    note = json.loads(entry["MessageAttributes"]["resilient_lambda"]["StringValue"])

    assert note["fifo"] == {"group": "g", "dedup": "own"}
    assert "MessageGroupId" not in entry
    assert "MessageDeduplicationId" not in entry


def test_a_standard_topic_gets_no_group(time):
    """It would be no error there, and no order either."""
    client = Client(SERVICES["sns"])
    park(SERVICES["sns"].sink(client), time, [message()])

    assert set(client.entries[0]) == {"Id", "Message"}


def test_order_is_kept_within_a_request(time):
    """Requests of a FIFO sink are made one after the other, in the order of the letters."""
    client = Client(SERVICES["sqs"])
    records = [message(f"m{n}", body=str(n), sequence=str(n)) for n in range(25)]
    park(SERVICES["sqs"].sink(client, _address=ADDRESSES["sqs"]), time, records)

    assert client.texts == [str(n) for n in range(25)]
