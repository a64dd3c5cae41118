"""One event of each source, as Lambda writes it."""

from __future__ import annotations

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders.fifo"
CLUSTER_ARN = "arn:aws:kafka:us-east-1:123456789012:cluster/c/1"
BROKER_ARN = "arn:aws:mq:us-east-1:123456789012:broker:b:1"
DOCUMENTS_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:docs"
SENT_MS = 1_763_683_199_000  # 2025-11-20T23:59:59Z, in November 2025
SENT_DAY = "2025/11/20"


def fifo(message_id="m0", *, group="g", sequence="1885", dedup="own", body="{}"):
    """Return a message of a FIFO queue."""
    return {
        "messageId": message_id,
        "receiptHandle": "h",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(SENT_MS),
            "SequenceNumber": sequence,
            "MessageGroupId": group,
            "MessageDeduplicationId": dedup,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "awsRegion": "us-east-1",
    }


def kinesis(number="4959", *, shard="shardId-000000000006", arrived_s=SENT_MS / 1000):
    """Return a record of a Kinesis stream."""
    return {
        "kinesis": {
            "partitionKey": "k",
            "sequenceNumber": number,
            "data": "e30=",
            "approximateArrivalTimestamp": arrived_s,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"{shard}:{number}",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
    }


def dynamodb():
    """Return a record of a DynamoDB stream."""
    return {
        "eventID": "7de3",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": SENT_MS / 1000,
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}},
            "SequenceNumber": "111",
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x",
    }


def kafka(offset=100, *, value="e30="):
    """Return a record of a Kafka topic."""
    return {"topic": "orders", "partition": 0, "offset": offset, "timestamp": SENT_MS, "value": value, "headers": []}


def kafka_event(*records, **fields):
    """Return an event of Kafka."""
    arn = {"eventSource": "aws:kafka", "eventSourceArn": CLUSTER_ARN}
    return {**(fields or arn), "records": {"orders-0": list(records)}}


def rabbitmq(message_id="p1", data="e30="):
    """Return a message of RabbitMQ."""
    return {"basicProperties": {"messageId": message_id}, "redelivered": False, "data": data}


def rabbitmq_event(*records):
    """Return an event of RabbitMQ."""
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": BROKER_ARN,
        "rmqMessagesByQueue": {"queue::/": list(records)},
    }


def s3(key="a+b/c.json", *, sequencer="0A"):
    """Return a record of S3."""
    return {
        "eventSource": "aws:s3",
        "eventTime": "2025-11-20T23:59:59.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "in", "arn": "arn:aws:s3:::in"},
            "object": {"key": key, "sequencer": sequencer},
        },
    }


EVENTS = {
    "sqs-fifo": {"Records": [fifo()]},
    "kinesis": {"Records": [kinesis()]},
    "dynamodb": {"Records": [dynamodb()]},
    "kafka": kafka_event(kafka()),
    "activemq": {
        "eventSource": "aws:mq",
        "eventSourceArn": BROKER_ARN,
        "messages": [
            {
                "messageID": "ID:b-1:1",
                "messageType": "jms/text-message",
                "data": "e30=",
                "timestamp": SENT_MS,
                "destination": {"physicalName": "q"},
            }
        ],
    },
    "rabbitmq": rabbitmq_event(rabbitmq()),
    "documentdb": {
        "eventSource": "aws:docdb",
        "eventSourceArn": DOCUMENTS_ARN,
        "events": [
            {"event": {"_id": {"_data": "0163"}, "clusterTime": {"$timestamp": {"t": SENT_MS // 1000, "i": 1}}}}
        ],
    },
    "s3": {"Records": [s3()]},
    "sns": {
        "Records": [
            {
                "EventSource": "aws:sns",
                "Sns": {
                    "MessageId": "n1",
                    "TopicArn": "arn:aws:sns:us-east-1:123456789012:t",
                    "Message": "{}",
                    "Timestamp": "2025-11-20T23:59:59.000Z",
                },
            }
        ]
    },
}
WITHOUT_TIME = {"rabbitmq"}
