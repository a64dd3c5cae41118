"""Events as each source sends them, from a list of what its records are to be."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.delivery import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.delivery.model import Source

ACCOUNT = "us-east-1:123456789012"


class Sent(NamedTuple):
    """
    What is sent to a source.

    Attributes:
        serial: Which of all records it is.
        lane: Of the message group, topic-partition or queue, where the source has such a thing.
        key: Of the partition key, item key or message key, where the source has such a thing.
        is_readable: Whether what was sent is JSON, where the source could send anything else.
    """

    serial: int
    lane: int = 0
    key: int = 0
    is_readable: bool = True

    @property
    def text(self) -> str:
        """What was sent."""
        return json.dumps({"serial": self.serial, "key": self.key}) if self.is_readable else "{nonsense"

    @property
    def number(self) -> int:
        """A sequence number, longer for some than for others: 9, 99, 100, ... as integers, not as text, in order."""
        return 97 + self.serial if self.serial < 50 else 10**25 + self.serial

    @property
    def offset(self) -> int:
        """An offset, which is a number of 64 bits."""
        return min(self.number, 10**18 + self.serial)


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


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


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
                    "data": _base64(one.text),
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
                "key": _base64(f"key-{one.key}"),
                "value": _base64(one.text),
                "headers": [{"trace": [97, -30, -126, -84]}],
            }
        )
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": f"arn:aws:kafka:{ACCOUNT}:cluster/orders/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2",
        "bootstrapServers": "b-1.orders.example:9092,b-2.orders.example:9092",
        "records": partitions,
    }


def _activemq(sent: list[Sent]) -> dict[str, Any]:
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": f"arn:aws:mq:{ACCOUNT}:broker:orders:b-9bcfa592-423a-4942-879d-eb284b418fc8",
        "messages": [
            {
                "messageID": f"ID:b-9bcfa592-423a-4942-879d-eb284b418fc8-1.mq.example-37557-1234520418293-4:1:1:1:{one.serial}",
                "messageType": "jms/text-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 1,
                "correlationId": "",
                "redelivered": False,
                "destination": {"physicalName": "orders"},
                "data": _base64(one.text),
                "timestamp": 1598827811958,
                "brokerInTime": 1598827811958,
                "brokerOutTime": 1598827811959,
                "properties": {"index": "1"},
            }
            for one in sent
        ],
    }


def _rabbitmq(sent: list[Sent]) -> dict[str, Any]:
    queues: dict[str, list[Any]] = {}
    for one in sent:
        queues.setdefault(f"orders{one.lane}::/", []).append(
            {
                "basicProperties": {
                    "contentType": "application/json",
                    "contentEncoding": None,
                    "headers": {"trace": {"bytes": [118, 97, 108, 117, 101, 49]}, "count": 10},
                    "deliveryMode": 1,
                    "priority": 34,
                    "correlationId": None,
                    "replyTo": None,
                    "expiration": "60000",
                    "messageId": f"rabbit-{one.serial}",
                    "timestamp": "Jan 1, 1970, 12:33:41 AM",
                    "type": None,
                    "userId": "AIDACKCEVSQ6C2EXAMPLE",
                    "appId": None,
                    "clusterId": None,
                    "bodySize": 80,
                },
                "redelivered": False,
                "data": _base64(one.text),
            }
        )
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": f"arn:aws:mq:{ACCOUNT}:broker:orders:b-9bcfa592-423a-4942-879d-eb284b418fc8",
        "rmqMessagesByQueue": queues,
    }


def _documentdb(sent: list[Sent]) -> dict[str, Any]:
    return {
        "eventSource": "aws:docdb",
        "eventSourceArn": f"arn:aws:rds:{ACCOUNT}:cluster:orders",
        "events": [
            {
                "event": {
                    "_id": {"_data": f"0163eeb6e7000000090100000009{one.serial:08x}"},
                    "clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}},
                    "documentKey": {"_id": {"$oid": f"{one.key:024x}"}},
                    "fullDocument": {"_id": {"$oid": f"{one.key:024x}"}, "serial": one.serial},
                    "ns": {"db": "shop", "coll": "orders"},
                    "operationType": "insert",
                }
            }
            for one in sent
        ],
    }


def _s3(sent: list[Sent]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2026-01-01T00:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
                "requestParameters": {"sourceIPAddress": "198.51.100.1"},
                "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6j"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "828aa6fc-f7b5-4305-8584-487c791949c1",
                    "bucket": {
                        "name": "orders",
                        "ownerIdentity": {"principalId": "A3I5"},
                        "arn": "arn:aws:s3:::orders",
                    },
                    "object": {
                        "key": f"in/order+{one.key}.json",
                        "size": 13,
                        "eTag": "b21b84d653bb07b05b1e6b33684dc11b",
                        "sequencer": f"0C0F6F405D6ED2{one.serial:04X}",
                    },
                },
            }
            for one in sent
        ]
    }


def _sns(sent: list[Sent]) -> dict[str, Any]:
    topic = f"arn:aws:sns:{ACCOUNT}:orders"
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:21be56ed-a058-49f5-8c98-aedd2564c486",
                "EventSource": "aws:sns",
                "Sns": {
                    "SignatureVersion": "1",
                    "Timestamp": "2026-01-01T00:00:00.000Z",
                    "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1",
                    "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
                    "MessageId": f"95df01b4-ee98-5cb9-9903-{one.serial:012d}",
                    "Message": one.text,
                    "MessageAttributes": {},
                    "Type": "Notification",
                    "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                    "TopicArn": topic,
                    "Subject": None,
                },
            }
            for one in sent
        ]
    }


_BUILDERS = {
    "SQS": _sqs,
    "SQS FIFO": _fifo,
    "Kinesis": _kinesis,
    "DynamoDB": _dynamodb,
    "Kafka": _kafka,
    "Kafka share group": _kafka,
    "ActiveMQ": _activemq,
    "RabbitMQ": _rabbitmq,
    "DocumentDB": _documentdb,
    "S3": _s3,
    "SNS": _sns,
}
