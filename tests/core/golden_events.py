"""
One event of each source, written as AWS documents it, and what must be read from it.

Written by hand from the developer guides, not with the builders of `resilient_lambda.testing`, which are compared with
it.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Golden(NamedTuple):
    """
    One event.

    Attributes:
        source: The name of its source.
        event: The event.
        ids: The id of each record.
        keys: The default key of each record.
        bodies: The body of each record.
        origin: The ARN of where all of them are from.
        lanes: The lane of each record.
        answer: What is answered if all records must be delivered again; None if the batch must be raised.
        last_answer: What is answered if only the last one must be.
    """

    source: str
    event: dict[str, Any]
    ids: list[str]
    keys: list[Any]
    bodies: list[str | bytes]
    origin: str
    lanes: list[str | None]
    answer: list[Any] | None
    last_answer: list[Any] | None


QUEUE = "arn:aws:sqs:us-east-2:123456789012:my-queue"
FIFO = "arn:aws:sqs:us-east-2:123456789012:fifo.fifo"
STREAM = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
TABLE = "arn:aws:dynamodb:us-east-2:123456789012:table/my-table/stream/2024-06-10T19:26:16.525"
MSK = "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
BROKER = "arn:aws:mq:us-east-2:111122223333:broker:test:b-9bcfa592-423a-4942-879d-eb284b418fc8"
TOPIC = "arn:aws:sns:us-east-1:123456789012:sns-lambda"
DOCDB = "arn:aws:rds:us-east-1:123456789012:cluster:canaryclusterb2a659a2-qo5tcmqkcl03"


def _sqs(message_id: str, body: str, arn: str, **attributes: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
            **attributes,
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-2",
    }


def _fifo(message_id: str, group: str) -> dict[str, Any]:
    return _sqs(
        message_id,
        "Test message.",
        FIFO,
        SequenceNumber="18849496460467696128",
        MessageGroupId=group,
        MessageDeduplicationId="1",
    )


def _kinesis(number: str, data: str) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": number,
            "data": data,
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": STREAM,
    }


def _dynamodb(number: str, change: str, event_id: str, **images: Any) -> dict[str, Any]:
    return {
        "eventID": event_id,
        "eventName": change,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-2",
        "dynamodb": {
            "ApproximateCreationDateTime": 1718047576,
            "Keys": {"Id": {"N": "101"}},
            **images,
            "SequenceNumber": number,
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": TABLE,
    }


def _kafka(topic: str, partition: int, offset: int, value: str | None = "eyJrZXkiOiJ2YWx1ZSJ9") -> dict[str, Any]:
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": 1545084650987,
        "timestampType": "CREATE_TIME",
        "key": "cmVjb3JkS2V5",
        "value": value,
        "headers": [{"headerKey": [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101]}],
    }


def _s3(key: str, sequencer: str, **fields: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-2",
        "eventTime": "2019-09-03T19:37:27.192Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
        "requestParameters": {"sourceIPAddress": "205.255.255.255"},
        "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQ"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "828aa6fc-f7b5-4305-8584-487c791949c1",
            "bucket": {
                "name": "DOC-EXAMPLE-BUCKET",
                "ownerIdentity": {"principalId": "A3I5XTEXAMAI3E"},
                "arn": "arn:aws:s3:::lambda-artifacts-deafc19498e3f2df",
            },
            "object": {"key": key, "size": 1305107, "eTag": "b21b84d653bb07b05b1e6b33684dc11b", **fields}
            | {"sequencer": sequencer},
        },
    }


def _rabbit(message_id: str | None) -> dict[str, Any]:
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
            "bodySize": 80,
        },
        "redelivered": False,
        "data": "eyJ0aW1lb3V0IjowfQ==",
    }


GOLDEN = [
    Golden(
        source="sqs",
        event={"Records": [_sqs("059f36b4", "Test message.", QUEUE), _sqs("2e1424d4", "", QUEUE)]},
        ids=["059f36b4", "2e1424d4"],
        keys=["059f36b4", "2e1424d4"],
        bodies=["Test message.", ""],
        origin=QUEUE,
        lanes=[None, None],
        answer=[{"itemIdentifier": "059f36b4"}, {"itemIdentifier": "2e1424d4"}],
        last_answer=[{"itemIdentifier": "2e1424d4"}],
    ),
    Golden(
        source="sqs-fifo",
        event={"Records": [_fifo("11d6ee51", "1"), _fifo("22d6ee51", "2")]},
        ids=["11d6ee51", "22d6ee51"],
        keys=["11d6ee51", "22d6ee51"],
        bodies=["Test message.", "Test message."],
        origin=FIFO,
        lanes=["1", "2"],
        answer=[{"itemIdentifier": "11d6ee51"}, {"itemIdentifier": "22d6ee51"}],
        last_answer=[{"itemIdentifier": "22d6ee51"}],
    ),
    Golden(
        source="kinesis",
        # As text the first number would be the higher one.
        event={"Records": [_kinesis("9", "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg=="), _kinesis("10", "/+8=")]},
        ids=["9", "10"],
        keys=[[STREAM, "shardId-000000000006:9", "9"], [STREAM, "shardId-000000000006:10", "10"]],
        bodies=[b"Hello, this is a test.", b"\xff\xef"],
        origin=STREAM,
        lanes=["batch", "batch"],
        answer=[{"itemIdentifier": "9"}],
        last_answer=[{"itemIdentifier": "10"}],
    ),
    Golden(
        source="dynamodb",
        event={
            "Records": [
                _dynamodb("111", "INSERT", "c4ca42", NewImage={"Message": {"S": "New!"}, "Id": {"N": "101"}}),
                _dynamodb(
                    "222",
                    "MODIFY",
                    "c81e72",
                    NewImage={"Message": {"S": "Changed"}, "Id": {"N": "101"}},
                    OldImage={"Message": {"S": "New!"}, "Id": {"N": "101"}},
                ),
                _dynamodb("333", "REMOVE", "eccbc8", OldImage={"Message": {"S": "Changed"}, "Id": {"N": "101"}}),
            ]
        },
        ids=["111", "222", "333"],
        keys=[[TABLE, "c4ca42", "111"], [TABLE, "c81e72", "222"], [TABLE, "eccbc8", "333"]],
        bodies=[
            '{"Message": "New!", "Id": 101}',
            '{"Message": "Changed", "Id": 101}',
            '{"Message": "Changed", "Id": 101}',
        ],
        origin=TABLE,
        lanes=["batch", "batch", "batch"],
        answer=[{"itemIdentifier": "111"}],
        last_answer=[{"itemIdentifier": "333"}],
    ),
    Golden(
        source="kafka",
        event={
            "eventSource": "aws:kafka",
            "eventSourceArn": MSK,
            "bootstrapServers": "b-2.demo.us-east-1.amazonaws.com:9092,b-1.demo.us-east-1.amazonaws.com:9092",
            "records": {
                "mytopic-0": [_kafka("mytopic", 0, 15), _kafka("mytopic", 0, 16, None)],
                "other-topic-12": [_kafka("other-topic", 12, 7)],
            },
        },
        ids=["mytopic-0@15", "mytopic-0@16", "other-topic-12@7"],
        keys=[
            [MSK, "mytopic", 0, 15, 1545084650987],
            [MSK, "mytopic", 0, 16, 1545084650987],
            [MSK, "other-topic", 12, 7, 1545084650987],
        ],
        bodies=[b'{"key":"value"}', b"", b'{"key":"value"}'],
        origin=MSK,
        lanes=["mytopic-0", "mytopic-0", "other-topic-12"],
        answer=[
            {"itemIdentifier": {"partition": "mytopic-0", "offset": 15}},
            {"itemIdentifier": {"partition": "other-topic-12", "offset": 7}},
        ],
        last_answer=[{"itemIdentifier": {"partition": "other-topic-12", "offset": 7}}],
    ),
    Golden(
        source="kafka",
        event={
            "eventSource": "SelfManagedKafka",
            "bootstrapServers": "b-2.demo:9092,b-1.demo:9092",
            "records": {"mytopic-0": [_kafka("mytopic", 0, 15)]},
        },
        ids=["mytopic-0@15"],
        keys=[["b-1.demo:9092,b-2.demo:9092", "mytopic", 0, 15, 1545084650987]],
        bodies=[b'{"key":"value"}'],
        origin="",
        lanes=["mytopic-0"],
        answer=[{"itemIdentifier": {"partition": "mytopic-0", "offset": 15}}],
        last_answer=[{"itemIdentifier": {"partition": "mytopic-0", "offset": 15}}],
    ),
    Golden(
        source="activemq",
        event={
            "eventSource": "aws:mq",
            "eventSourceArn": BROKER,
            "messages": [
                {
                    "messageID": "ID:b-9bcfa592-1.mq.us-east-2.amazonaws.com-37557-1234520418293-4:1:1:1:1",
                    "messageType": "jms/text-message",
                    "deliveryMode": 1,
                    "replyTo": None,
                    "type": None,
                    "expiration": "60000",
                    "priority": 1,
                    "correlationId": "myJMSCoID",
                    "redelivered": False,
                    "destination": {"physicalName": "testQueue"},
                    "data": "QUJDOkFBQUE=",
                    "timestamp": 1598827811958,
                    "brokerInTime": 1598827811958,
                    "brokerOutTime": 1598827811959,
                    "properties": {"index": "1"},
                }
            ],
        },
        ids=["ID:b-9bcfa592-1.mq.us-east-2.amazonaws.com-37557-1234520418293-4:1:1:1:1"],
        keys=[[BROKER, "testQueue", "ID:b-9bcfa592-1.mq.us-east-2.amazonaws.com-37557-1234520418293-4:1:1:1:1"]],
        bodies=[b"ABC:AAAA"],
        origin=BROKER,
        lanes=[None],
        answer=None,
        last_answer=None,
    ),
    Golden(
        source="rabbitmq",
        event={
            "eventSource": "aws:rmq",
            "eventSourceArn": BROKER,
            "rmqMessagesByQueue": {"pizzaQueue::/": [_rabbit(None), _rabbit("pizza-1")]},
        },
        ids=["", "pizza-1"],
        keys=[None, [BROKER, "pizzaQueue::/", "pizza-1"]],
        bodies=[b'{"timeout":0}', b'{"timeout":0}'],
        origin=BROKER,
        lanes=[None, None],
        answer=None,
        last_answer=None,
    ),
    Golden(
        source="documentdb",
        event={
            "eventSourceArn": DOCDB,
            "events": [
                {
                    "event": {
                        "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
                        "clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}},
                        "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
                        "fullDocument": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "sampleValue"},
                        "ns": {"db": "test_database", "coll": "test_collection"},
                        "operationType": "insert",
                    }
                }
            ],
            "eventSource": "aws:docdb",
        },
        ids=["0163eeb6e7000000090100000009000041e1"],
        keys=[[DOCDB, "0163eeb6e7000000090100000009000041e1"]],
        bodies=[
            (
                '{"_id": {"_data": "0163eeb6e7000000090100000009000041e1"}, '
                '"clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}}, '
                '"documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}}, '
                '"fullDocument": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "sampleValue"}, '
                '"ns": {"db": "test_database", "coll": "test_collection"}, "operationType": "insert"}'
            )
        ],
        origin=DOCDB,
        lanes=["batch"],
        answer=None,
        last_answer=None,
    ),
    Golden(
        source="sns",
        event={
            "Records": [
                {
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": f"{TOPIC}:21be56ed-a058-49f5-8c98-aedd2564c486",
                    "EventSource": "aws:sns",
                    "Sns": {
                        "SignatureVersion": "1",
                        "Timestamp": "2019-01-02T12:45:07.000Z",
                        "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
                        "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b.pem",
                        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                        "Message": "Hello from SNS!",
                        "MessageAttributes": {"Test": {"Type": "String", "Value": "TestString"}},
                        "Type": "Notification",
                        "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                        "TopicArn": TOPIC,
                        "Subject": "TestInvoke",
                    },
                }
            ]
        },
        ids=["95df01b4-ee98-5cb9-9903-4c221d41eb5e"],
        keys=["95df01b4-ee98-5cb9-9903-4c221d41eb5e"],
        bodies=["Hello from SNS!"],
        origin=TOPIC,
        lanes=[None],
        answer=None,
        last_answer=None,
    ),
]

S3_EVENT = {"Records": [_s3("red+flower%C3%BC.jpg", "0C0F6F405D6ED209E1"), _s3("b21b", "0A", versionId="v1")]}
