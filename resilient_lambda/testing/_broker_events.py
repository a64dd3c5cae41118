"""Events of Amazon MQ and DocumentDB as Lambda makes them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from . import _clock
from ._stream_events import as_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BROKER_ARN = "arn:aws:mq:us-east-1:123456789012:broker:orders:b-9bcfa592-423a-4942-879d-eb284b418fc8"
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:orders"

_numbers = itertools.count(1)


def activemq_event(data: Iterable[object], *, queue: str = "orders", broker_arn: str = BROKER_ARN) -> dict[str, Any]:
    """
    Return the event of an ActiveMQ broker.

    Args:
        data: One per message: bytes, a text, or anything that is JSON.
        queue: The name of the queue.
        broker_arn: The broker's ARN.

    Source: "Using Lambda with Amazon MQ", AWS Lambda Developer Guide, example ActiveMQ event.
    """
    now_ms, host = int(_clock.now_s() * 1000), f"{broker_arn.rpartition(':')[2]}-1.mq.us-east-1.amazonaws.com"
    messages = [
        {
            "messageID": f"ID:{host}-37557-1234520418293-4:1:1:1:{next(_numbers)}",
            "messageType": "jms/bytes-message" if isinstance(one, bytes) else "jms/text-message",
            "deliveryMode": 1,
            "replyTo": None,
            "type": None,
            "expiration": "60000",
            "priority": 1,
            "correlationId": "myJMSCoID",
            "redelivered": False,
            "destination": {"physicalName": queue},
            "data": as_base64(one),
            "timestamp": now_ms,
            "brokerInTime": now_ms,
            "brokerOutTime": now_ms + 1,
            "properties": {"index": "1"},
        }
        for one in data
    ]
    return {"eventSource": "aws:mq", "eventSourceArn": broker_arn, "messages": messages}


def rabbitmq_message(data: object, *, message_id: str | None = None) -> dict[str, Any]:
    """
    Return one message of a RabbitMQ broker's event.

    Args:
        data: Bytes, a text, or anything that is JSON.
        message_id: What the publisher gave it; RabbitMQ itself gives none.

    Source: "Using Lambda with Amazon MQ", AWS Lambda Developer Guide, example RabbitMQ event.
    """
    encoded = as_base64(data)
    return {
        "basicProperties": {
            "contentType": "text/plain",
            "contentEncoding": None,
            "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "numberInHeader": 10},
            "deliveryMode": 1,
            "priority": 34,
            "correlationId": None,
            "replyTo": None,
            "expiration": "60000",
            "messageId": message_id,
            "timestamp": "Jan 1, 1970, 12:33:41 AM",
            "type": None,
            "userId": "AIDACKCEVSQ6C2EXAMPLE",
            "appId": None,
            "clusterId": None,
            "bodySize": len(encoded) * 3 // 4 - encoded.count("="),
        },
        "redelivered": False,
        "data": encoded,
    }


def rabbitmq_event(
    data: Iterable[object], *, queue: str = "orders", virtual_host: str = "/", broker_arn: str = BROKER_ARN
) -> dict[str, Any]:
    """
    Return the event of a RabbitMQ broker.

    Args:
        data: One per message: bytes, a text, anything that is JSON, or a message made by `rabbitmq_message`.
        queue: The name of the queue.
        virtual_host: The virtual host it is in.
        broker_arn: The broker's ARN.
    """
    messages = [one if isinstance(one, dict) and "basicProperties" in one else rabbitmq_message(one) for one in data]
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": broker_arn,
        "rmqMessagesByQueue": {f"{queue}::{virtual_host}": messages},
    }


def documentdb_event(documents: Iterable[Mapping[str, Any]], *, cluster_arn: str = CLUSTER_ARN) -> dict[str, Any]:
    """
    Return the event of a DocumentDB change stream.

    Args:
        documents: One per change: a document that was inserted, or a change event (with ``operationType``).
        cluster_arn: The cluster's ARN.

    Source: "Using Lambda with Amazon DocumentDB", AWS Lambda Developer Guide, example event.
    """
    changes = [
        dict(document) if "operationType" in document else _insertion(document, next(_numbers))
        for document in documents
    ]
    return {
        "eventSourceArn": cluster_arn,
        "events": [{"event": change} for change in changes],
        "eventSource": "aws:docdb",
    }


def _insertion(document: Mapping[str, Any], number: int) -> dict[str, Any]:
    key = {"_id": {"$oid": f"{number:024x}"}}
    return {
        "_id": {"_data": f"{number:038x}"},
        "clusterTime": {"$timestamp": {"t": int(_clock.now_s()), "i": number}},
        "documentKey": key,
        "fullDocument": {**key, **document},
        "ns": {"db": "shop", "coll": "orders"},
        "operationType": "insert",
    }
