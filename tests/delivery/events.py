"""Events as each source sends them, from a list of what its records are to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.delivery import model, whole_events
from tests.delivery.sent import ACCOUNT, Sent, base64_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.delivery.model import Source


def event_of(source: Source, sent: Iterable[Sent]) -> dict[str, Any]:
    """Return the event that *source* makes of *sent*."""
    return _BUILDERS[source.name](list(sent))


def only(source: Source, event: Mapping[str, Any], positions: Iterable[int]) -> dict[str, Any]:
    """Return the event of the next delivery, with the records of *event* at *positions*."""
    wanted = set(positions)
    raws = [(item.part, item.raw) for position, item in enumerate(model.items(source, event)) if position in wanted]
    if "Records" in event and source in {model.SQS, model.FIFO}:
        return {**event, "Records": [_received_again(raw) for _, raw in raws]}
    for field in ("Records", "messages", "events"):
        if field in event:
            return {**event, field: [raw for _, raw in raws]}
    parts: dict[str, list[Any]] = {}
    for part, raw in raws:
        parts.setdefault(part, []).append(raw)
    return {**event, "records" if "records" in event else "rmqMessagesByQueue": parts}


def _received_again(raw: dict[str, Any]) -> dict[str, Any]:
    receives = int(raw["attributes"]["ApproximateReceiveCount"]) + 1
    return {**raw, "attributes": {**raw["attributes"], "ApproximateReceiveCount": str(receives)}}


def _sqs(sent: list[Sent], *, is_fifo: bool = False) -> dict[str, Any]:
    records = []
    for one in sent:
        attributes = {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1799999990000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1799999995000",
        }
        if is_fifo:
            attributes |= {
                "SequenceNumber": f"{18849496460467696128 + one.serial}",
                "MessageGroupId": f"group-{one.lane}",
                "MessageDeduplicationId": f"dedup-{one.serial}",
            }
        records.append(
            {
                "messageId": f"00000000-0000-4000-8000-{one.serial:012d}",
                "receiptHandle": f"handle-{one.serial}",
                "body": one.text,
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{ACCOUNT}:orders{'.fifo' if is_fifo else ''}",
                "awsRegion": "us-east-1",
            }
        )
    return {"Records": records}


def _fifo(sent: list[Sent]) -> dict[str, Any]:
    return _sqs(sent, is_fifo=True)


def _kinesis(sent: list[Sent]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": f"key-{one.key}",
                    "sequenceNumber": str(one.number),
                    "data": base64_of(one.text),
                    "approximateArrivalTimestamp": 1799999990.123,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{one.number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-1",
                "eventSourceARN": f"arn:aws:kinesis:{ACCOUNT}:stream/orders",
            }
            for one in sent
        ]
    }


def _dynamodb(sent: list[Sent]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"{one.serial:032x}",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1799999990.0,
                    "Keys": {"id": {"N": str(one.key)}},
                    "NewImage": {"id": {"N": str(one.key)}, "serial": {"N": str(one.serial)}},
                    "SequenceNumber": str(one.number),
                    "SizeBytes": 26,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": f"arn:aws:dynamodb:{ACCOUNT}:table/orders/stream/2026-01-01T00:00:00.000",
            }
            for one in sent
        ]
    }


def _kafka(sent: list[Sent]) -> dict[str, Any]:
    # Partitions 0 and 1 of a topic whose name itself ends in a number, and one of another topic.
    partitions: dict[str, list[Any]] = {}
    for one in sent:
        topic, partition = ("orders-1", one.lane) if one.lane < 2 else ("payments", 0)
        partitions.setdefault(f"{topic}-{partition}", []).append(
            {
                "topic": topic,
                "partition": partition,
                "offset": one.offset,
                "timestamp": 1799999990123,
                "timestampType": "CREATE_TIME",
                "key": base64_of(f"key-{one.key}"),
                "value": base64_of(one.text),
                "headers": [{"trace": [97, -30, -126, -84]}],
            }
        )
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": f"arn:aws:kafka:{ACCOUNT}:cluster/orders/751d2973-a626-431c-9d4e-d7975eb44dd7-2",
        "bootstrapServers": "b-1.orders.example:9092,b-2.orders.example:9092",
        "records": partitions,
    }


_BUILDERS = {
    "SQS": _sqs,
    "SQS FIFO": _fifo,
    "Kinesis": _kinesis,
    "DynamoDB": _dynamodb,
    "Kafka": _kafka,
    "Kafka share group": _kafka,
    "ActiveMQ": whole_events.activemq,
    "RabbitMQ": whole_events.rabbitmq,
    "DocumentDB": whole_events.documentdb,
    "S3": whole_events.s3,
    "SNS": whole_events.sns,
}

__all__ = ["Sent", "event_of", "only"]
