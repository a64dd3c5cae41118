"""Kinesis data streams: events, shards, ParallelizationFactor, and the record in the destination."""

from __future__ import annotations

import json
from hashlib import md5

import pytest

from resilient_lambda.testing import kinesis_record
from resilient_lambda.testing.simulator.delivery import Delivery

from .logs import Kinesis, Scripted, answer


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def shapes(value):
    """Return the names and types of JSON."""
    return {name: shapes(part) for name, part in value.items()} if isinstance(value, dict) else type(value)


def keys_by_shard():
    """Return a partition key of each of two shards: the first has the lower half of all hashes."""
    found = {}
    for number in range(20):
        found.setdefault(md5(str(number).encode()).digest()[0] < 128, str(number))
    return found[True], found[False]


def test_an_event_is_as_lambda_makes_it(delivery):
    """Every field of the example in the developer guide."""
    events = []
    stream = delivery.kinesis(lambda event, context: events.append(event))
    sent = stream.send({"a": "ü"}, partition_key="p")
    sent_at_s = delivery.now_s
    delivery.run()
    ((record,),) = [event["Records"] for event in events]

    assert list(events[0]) == ["Records"]
    assert shapes(record) == shapes(kinesis_record({}))
    assert record["eventID"] == f"shardId-000000000000:{sent}"
    assert record["eventSourceARN"] == stream.arn
    assert record["kinesis"]["partitionKey"] == "p"
    assert record["kinesis"]["sequenceNumber"] == sent
    assert record["kinesis"]["approximateArrivalTimestamp"] == sent_at_s


@pytest.mark.parametrize(("data", "found"), [(b"\xff", "/w=="), ("text", "dGV4dA=="), ([1], "WzFd"), ("", "")])
def test_data_are_base64(delivery, data, found):
    """Bytes and texts are sent as they are, anything else as JSON."""
    events = []
    stream = delivery.kinesis(lambda event, context: events.append(event))
    stream.send(data, partition_key="p")
    delivery.run()

    assert events[0]["Records"][0]["kinesis"]["data"] == found


def test_sequence_numbers_do_not_grow_as_texts(delivery):
    """Their lengths differ."""
    stream = delivery.kinesis(lambda event, context: None)
    sent = [stream.send(number, partition_key="p") for number in range(15)]

    assert sorted(sent, key=int) == sent
    assert sorted(sent) != sent


def test_sequence_numbers_grow_with_time(delivery):
    """A record that is put later has a higher one, though the test has asked for it first."""
    stream = delivery.kinesis(lambda event, context: None)
    sent = [stream.send(number, partition_key="p", after_s=3 - number // 5) for number in range(20)]
    delivery.run()
    put = list(stream.items)

    assert put == [*sent[15:], *sent[10:15], *sent[5:10], *sent[:5]]
    assert sorted(put, key=int) == put


def test_a_partition_key_belongs_to_one_shard(delivery):
    """By its hash: keys spread over all shards."""
    shards = {}

    def handler(event, context):
        for record in event["Records"]:
            shards.setdefault(record["kinesis"]["partitionKey"], set()).add(record["eventID"].partition(":")[0])

    stream = delivery.kinesis(handler, shards=4)
    for number in range(200):
        stream.send(number, partition_key=str(number % 40))
    delivery.run()

    assert {len(found) for found in shards.values()} == {1}
    assert set.union(*shards.values()) == {f"shardId-{number:012d}" for number in range(4)}


def test_shards_have_ranges_of_the_hash(delivery):
    """Of MD5, as Kinesis has it."""
    shards = {}

    def handler(event, context):
        for record in event["Records"]:
            shards[record["kinesis"]["partitionKey"]] = record["eventID"].partition(":")[0]

    stream = delivery.kinesis(handler, shards=2)
    low, high = keys_by_shard()
    for key in (low, high):
        stream.send({}, partition_key=key)
    delivery.run()

    assert shards == {low: "shardId-000000000000", high: "shardId-000000000001"}


def test_a_batch_is_of_one_shard(delivery):
    """Each shard is read by itself, and all of them at the same time."""
    running, most = 0, 0

    def handler(event, context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        delivery.work(5)
        running -= 1
        shards.append({record["eventID"].partition(":")[0] for record in event["Records"]})

    shards = []
    stream = delivery.kinesis(handler, shards=3)
    for number in range(60):
        stream.send(number, partition_key=str(number))
    delivery.run()

    assert [len(found) for found in shards] == [1, 1, 1]
    assert most == 3


def test_a_shard_that_fails_does_not_block_others(delivery):
    """Only what is behind it in its own shard waits."""
    done = []

    def handler(event, context):
        for id, identifier in Kinesis.records(event):
            if id == "bad":
                return answer(identifier)
            done.append(id)
        return None

    stream = delivery.kinesis(handler, shards=2)
    first, second = keys_by_shard()
    for id, key in [("bad", first), ("behind", first), ("other", second)]:
        stream.send({"id": id}, partition_key=key)
    delivery.run(3600)

    assert done == ["other"]


def test_a_shard_has_one_batch_in_flight(delivery):
    """Records that come meanwhile wait until it is done."""
    began = []

    def handler(event, context):
        began.append(delivery.now_s)
        delivery.work(10)

    stream = delivery.kinesis(handler)
    for number in range(3):
        stream.send(number, partition_key=str(number), after_s=2 * number)
    delivery.run()

    assert len(began) == 2
    assert began[1] - began[0] >= 10


def test_with_a_parallelization_factor_a_shard_has_several_batches_in_flight(delivery):
    """As many as the factor says, and the records of a partition key never in two of them."""
    running, most, keys = 0, 0, []

    def handler(event, context):
        nonlocal running, most
        running += 1
        most = max(most, running)
        keys.append({record["kinesis"]["partitionKey"] for record in event["Records"]})
        delivery.work(5)
        running -= 1

    stream = delivery.kinesis(handler, parallelization=3)
    for number in range(60):
        stream.send(number, partition_key=str(number % 20))
    delivery.run()

    assert most == 3
    assert sum(len(found) for found in keys) == 20


def test_lambda_polls_once_a_second(delivery):
    """A record that comes alone waits for that; it is not invoked at once."""
    began = []
    stream = delivery.kinesis(lambda event, context: began.append(delivery.now_s))
    for number in range(20):
        stream.send(number, partition_key="p", after_s=number * 100)
    start_s = delivery.now_s
    delivery.run()
    waits = [at_s - start_s - number * 100 for number, at_s in enumerate(began)]

    assert all(0 <= wait <= 1.3 for wait in waits)
    assert max(waits) > 0.6


def test_the_destination_names_where_the_records_are(delivery):
    """Shard, first and last number, times of arrival, and how many: enough to read them again."""
    handler = Scripted(Kinesis, delivery, raises=[0])
    stream = delivery.kinesis(handler, retries=0, on_failure="sqs", window_s=60)
    sent = [Kinesis.send(stream, number, after_s=1.5 * number) for number in range(3)]
    delivery.run()
    (letter,) = stream.dead_letters

    assert json.loads(letter.body)["KinesisBatchInfo"] == {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": sent[0],
        "endSequenceNumber": sent[2],
        "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00.000Z",
        "approximateArrivalOfLastRecord": "2027-01-15T08:00:03.000Z",
        "batchSize": 3,
        "streamArn": stream.arn,
    }


@pytest.mark.parametrize("options", [{"shards": 0}, {"parallelization": 0}, {"parallelization": 11}])
def test_impossible_streams_are_refused(delivery, options):
    """The message names the setting."""
    with pytest.raises(ValueError, match=next(iter(options))):
        delivery.kinesis(lambda event, context: None, **options)


def test_records_expire_after_a_day(delivery):
    """The stream's default retention: what fails until then is gone, and nobody is told."""
    stream = delivery.kinesis(Scripted(Kinesis, delivery, raises=[0]), on_failure="sqs")
    sent = Kinesis.send(stream, 0)
    began_s = delivery.now_s
    delivery.run()

    assert 86_400 <= delivery.now_s - began_s < 86_500
    assert stream.lost == [sent]
    assert stream.dead_letters == []
