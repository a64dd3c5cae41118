"""Events of the sources without partial answers: Amazon MQ, DocumentDB, S3 and SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.delivery.sent import ACCOUNT, base64_of

if TYPE_CHECKING:
    from tests.delivery.sent import Sent


def activemq(sent: list[Sent]) -> dict[str, Any]:
    """Return the event of *sent*."""
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": f"arn:aws:mq:{ACCOUNT}:broker:orders:b-9bcfa592-423a-4942-879d-eb284b418fc8",
        "messages": [
            {
                "messageID": f"ID:b-9bcfa592-1.mq.example-37557-1234520418293-4:1:1:1:{one.serial}",
                "messageType": "jms/text-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 1,
                "correlationId": "",
                "redelivered": False,
                "destination": {"physicalName": "orders"},
                "data": base64_of(one.text),
                "timestamp": 1598827811958,
                "brokerInTime": 1598827811958,
                "brokerOutTime": 1598827811959,
                "properties": {"index": "1"},
            }
            for one in sent
        ],
    }


def rabbitmq(sent: list[Sent]) -> dict[str, Any]:
    """Return the event of *sent*."""
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
                "data": base64_of(one.text),
            }
        )
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": f"arn:aws:mq:{ACCOUNT}:broker:orders:b-9bcfa592-423a-4942-879d-eb284b418fc8",
        "rmqMessagesByQueue": queues,
    }


def documentdb(sent: list[Sent]) -> dict[str, Any]:
    """Return the event of *sent*."""
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


def s3(sent: list[Sent]) -> dict[str, Any]:
    """Return the event of *sent*."""
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


def sns(sent: list[Sent]) -> dict[str, Any]:
    """Return the event of *sent*."""
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
