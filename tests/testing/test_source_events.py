"""Events of all sources for users' tests: as AWS documents them."""

from __future__ import annotations

import copy
import json
from decimal import Decimal

import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent, KafkaEvent, KinesisStreamEvent, S3Event
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from aws_lambda_powertools.utilities.data_classes.rabbit_mq_event import RabbitMQEvent
from aws_lambda_powertools.utilities.parser import models

from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    dynamodb_event,
    dynamodb_record,
    eventbridge_envelope,
    fake_io,
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    rabbitmq_event,
    rabbitmq_message,
    s3_event,
    s3_record,
    sns_envelope,
    sns_event,
    sns_record,
    sqs_event,
    tumbling_window,
)
from tests.core.golden_events import GOLDEN, S3_EVENT

GOLDEN_EVENTS = {golden.source + str(number): golden.event for number, golden in enumerate(GOLDEN)} | {"s3": S3_EVENT}
BUILT = {
    "sqs0": sqs_event(["1"]),
    "sqs-fifo1": sqs_event(["1"], group="g"),
    "kinesis2": kinesis_event(["1"]),
    "dynamodb3": dynamodb_event([dynamodb_record({"Id": 1}, key_names=["Id"])]),
    "kafka4": kafka_event([kafka_record("1", key="k", headers=[("h", b"x")])]),
    "kafka5": kafka_event([kafka_record("1", key="k")], cluster_arn=None),
    "activemq6": activemq_event(["1"]),
    "rabbitmq7": rabbitmq_event(["1"]),
    "documentdb8": documentdb_event([{"a": 1}]),
    "sns9": sns_event([sns_record("1", subject="s", attributes={"Test": {"Type": "String", "Value": "x"}})]),
    "s3": s3_event(["a"]),
}
# Where names are not those of AWS, but data: they differ from example to example.
DATA = {"fullDocument", "NewImage", "OldImage", "Keys", "headers", "properties", "MessageAttributes", "_id"}


def shape(value, name=""):
    """Return *value* with types in place of what is data."""
    if name in DATA:
        return name
    if name in {"records", "rmqMessagesByQueue"}:
        return shape(next(iter(value.values())))
    if isinstance(value, dict):
        return {field: shape(part, field) for field, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


@pytest.mark.parametrize("name", GOLDEN_EVENTS)
def test_an_event_has_the_fields_of_awss(name):
    """Compared with the documented one: no field more or less, and of the same types."""
    assert shape(BUILT[name]) == shape(GOLDEN_EVENTS[name])


@pytest.mark.parametrize(
    ("event", "model"),
    [
        (kinesis_event([{"a": 1}]), models.KinesisDataStreamModel),
        (dynamodb_event([{"id": 1, "n": 1.5}]), models.DynamoDBStreamModel),
        (kafka_event([kafka_record("1", key="k", headers=[("h", b"\xff")])]), models.KafkaMskEventModel),
        (s3_event(["a b"]), models.S3Model),
        (sns_event([{"a": 1}]), models.SnsModel),
        (sqs_event([s3_event(["a b"])]), models.S3SqsEventNotificationModel),
        (eventbridge_envelope({"a": 1}), models.EventBridgeModel),
    ],
)
def test_powertools_models_take_them(event, model):
    """They are what Powertools knows of each event."""
    assert model.model_validate(copy.deepcopy(event))  # the one of Kafka changes what it is given
    assert json.loads(json.dumps(event)) == event


def test_powertools_data_classes_read_them():
    """As users do who come from there."""
    (kinesis,) = KinesisStreamEvent(kinesis_event([{"a": 1}])).records
    (change,) = DynamoDBStreamEvent(dynamodb_event([{"id": 1}])).records
    (kafka,) = KafkaEvent(kafka_event([kafka_record({"a": 1}, key="k", headers=[("h", b"\xff")])])).records
    (s3,) = S3Event(s3_event(["a bü"])).records
    (active,) = ActiveMQEvent(activemq_event([{"a": 1}])).messages
    queues = RabbitMQEvent(rabbitmq_event([rabbitmq_message({"a": 1}, message_id="i")])).rmq_messages_by_queue
    (rabbit,) = queues["orders::/"]

    assert kinesis.kinesis.data_as_json() == {"a": 1}
    assert change.dynamodb.new_image == {"id": Decimal(1)}
    assert (kafka.json_value, kafka.decoded_key, kafka.decoded_headers) == ({"a": 1}, b"k", {"h": b"\xff"})
    assert s3.s3.get_object.key == "a+b%C3%BC"
    assert active.json_data == rabbit.json_data == {"a": 1}
    assert rabbit.basic_properties.message_id == "i"


def test_records_that_are_made_later_come_later():
    """Sequence numbers, offsets and sequencers rise."""
    numbers = [record["kinesis"]["sequenceNumber"] for record in kinesis_event("abc")["Records"]]
    changes = [record["dynamodb"]["SequenceNumber"] for record in dynamodb_event([{"id": 1}] * 3)["Records"]]
    offsets = [record["offset"] for record in kafka_event("abc")["records"]["orders-0"]]
    sequencers = [record["s3"]["object"]["sequencer"] for record in s3_event("abc")["Records"]]

    for found in (numbers, changes, offsets, sequencers):
        assert found == sorted(set(found))


def test_what_is_given_is_taken():
    """Each builder leaves a record that is made already as it is."""
    kinesis = kinesis_record(b"\x00", key="k", sequence_number=7, stream_arn="arn:aws:kinesis:eu-west-1:1:stream/s")
    change = dynamodb_record(None, {"a": 1, "b": 2}, key_names=["a", "b"], sequence_number=8)
    kafka = kafka_record(None, topic="t", partition=3, offset=9)
    s3 = s3_record("k", bucket="b", event_name="ObjectRemoved:Delete", version_id="v", sequencer="0A", size=5)
    sns = sns_record("m", message_id="i", topic_arn="arn:t")

    assert kinesis_event([kinesis])["Records"] == [kinesis]
    assert (kinesis["eventID"], kinesis["awsRegion"]) == ("shardId-000000000006:7", "eu-west-1")
    assert dynamodb_event([change])["Records"] == [change]
    assert (change["eventName"], change["dynamodb"]["Keys"]) == ("REMOVE", {"a": {"N": "1"}, "b": {"N": "2"}})
    assert kafka_event([kafka])["records"] == {"t-3": [kafka]}
    assert s3_event([s3])["Records"] == [s3]
    assert sns_event([sns])["Records"] == [sns]
    assert (sns_envelope("m", message_id="i")["MessageId"], eventbridge_envelope(1, event_id="e")["id"]) == ("i", "e")
    assert documentdb_event([{"operationType": "delete"}])["events"] == [{"event": {"operationType": "delete"}}]


def test_the_change_follows_from_the_images():
    """Both: MODIFY; only the new one: INSERT; only the old one: REMOVE."""
    item = {"id": 1}
    names = [dynamodb_record(*images)["eventName"] for images in ((item,), (item, item), (None, item))]

    assert names == ["INSERT", "MODIFY", "REMOVE"]


def test_binary_in_an_item_is_base64():
    """An event is JSON, however deep it lies."""
    image = dynamodb_record({"id": 1, "l": [b"a", {"m": {b"b"}}]})["dynamodb"]["NewImage"]

    assert image["l"] == {"L": [{"B": "YQ=="}, {"M": {"m": {"BS": ["Yg=="]}}}]}


def test_a_tumbling_window_has_the_fields_of_awss():
    """Its event carries the state, and the stream's ARN also where there are no records."""
    window = tumbling_window({"a": 1}, is_final=True)
    event = kinesis_event([], window=window)

    assert event["state"] == {"a": 1}
    assert event["eventSourceARN"] == kinesis_event(["1"])["Records"][0]["eventSourceARN"]
    assert sorted(event) == [
        "Records",
        "eventSourceARN",
        "isFinalInvokeForWindow",
        "isWindowTerminatedEarly",
        "shardId",
        "state",
        "window",
    ]
    assert (event["isFinalInvokeForWindow"], event["isWindowTerminatedEarly"]) == (True, False)


def test_events_are_stamped_with_the_clock_that_handlers_see():
    """Inside `fake_io` time is virtual: a message is as old there as the test says."""
    with fake_io() as io:
        message = sqs_event(["1"])["Records"][0]
        now_ms = int(io.now() * 1000)
        times = [
            int(message["attributes"]["ApproximateFirstReceiveTimestamp"]),
            kafka_event(["1"])["records"]["orders-0"][0]["timestamp"],
            int(kinesis_event(["1"])["Records"][0]["kinesis"]["approximateArrivalTimestamp"] * 1000),
            activemq_event(["1"])["messages"][0]["timestamp"],
        ]

    assert times == [now_ms] * 4
