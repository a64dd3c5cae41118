"""Events of S3 and SNS, and the envelopes of SNS and EventBridge, as AWS makes them."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from . import _clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:orders"

_numbers = itertools.count(1)


def _now() -> str:
    at_s = _clock.now_s()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + f".{int(at_s * 1000) % 1000:03}Z"


def s3_record(
    key: str,
    *,
    bucket: str = "orders",
    event_name: str = "ObjectCreated:Put",
    version_id: str | None = None,
    sequencer: str | None = None,
    size: int = 1_024,
) -> dict[str, Any]:
    """
    Return one record of an S3 event.

    Args:
        key: The object's key as it is; in the event it is encoded, as S3 does.
        bucket: The name of the bucket.
        event_name: What happened.
        version_id: The version in a bucket that keeps versions.
        sequencer: A hexadecimal number; higher than that of the record made before, by default.
        size: The object's bytes.

    Source: "Event message structure", Amazon S3 User Guide.
    """
    found: dict[str, Any] = {"key": quote_plus(key, safe="/"), "size": size, "eTag": "d41d8cd98f00b204e9800998ecf8427e"}
    if version_id is not None:
        found["versionId"] = version_id
    found["sequencer"] = f"{next(_numbers):018X}" if sequencer is None else sequencer
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": _now(),
        "eventName": event_name,
        "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
        "requestParameters": {"sourceIPAddress": "205.255.255.255"},
        "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQ"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "828aa6fc-f7b5-4305-8584-487c791949c1",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3I5XTEXAMAI3E"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": found,
        },
    }


def s3_event(keys: Iterable[object]) -> dict[str, Any]:
    """
    Return an S3 event, which may also be the body of an SQS message or the message of an SNS notification.

    Args:
        keys: One per record: the key of an object that was created, or a record made by `s3_record`.
    """
    return {"Records": [key if isinstance(key, dict) else s3_record(str(key)) for key in keys]}


def sns_record(
    message: object,
    *,
    message_id: str | None = None,
    subject: str | None = None,
    attributes: Mapping[str, Mapping[str, str]] | None = None,
    topic_arn: str = TOPIC_ARN,
) -> dict[str, Any]:
    """
    Return one record of an SNS event.

    Args:
        message: Sent as it is if it is a text, as JSON otherwise.
        message_id: Random by default.
        subject: The subject.
        attributes: Message attributes as SNS spells them: ``{"name": {"Type": ..., "Value": ...}}``.
        topic_arn: The topic's ARN.

    Source: "Invoking Lambda functions with Amazon SNS notifications", AWS Lambda Developer Guide, example event.
    """
    return {
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{topic_arn}:21be56ed-a058-49f5-8c98-aedd2564c486",
        "EventSource": "aws:sns",
        "Sns": {
            "SignatureVersion": "1",
            "Timestamp": _now(),
            "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d28.pem",
            "MessageId": message_id or str(uuid.uuid4()),
            "Message": message if isinstance(message, str) else json.dumps(message),
            "MessageAttributes": {name: dict(value) for name, value in (attributes or {}).items()},
            "Type": "Notification",
            "UnsubscribeUrl": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic_arn}",
            "TopicArn": topic_arn,
            "Subject": subject,
        },
    }


def sns_event(messages: Iterable[object]) -> dict[str, Any]:
    """
    Return an SNS event.

    Args:
        messages: One per record: a text, anything that is JSON, or a record made by `sns_record`.
    """
    return {"Records": [one if isinstance(one, dict) and "Sns" in one else sns_record(one) for one in messages]}


def sns_envelope(message: object, *, message_id: str | None = None, topic_arn: str = TOPIC_ARN) -> dict[str, Any]:
    """
    Return what SNS makes the body of an SQS message, where raw message delivery is off.

    Args:
        message: Sent as it is if it is a text, as JSON otherwise.
        message_id: Random by default.
        topic_arn: The topic's ARN.

    Source: "Fanout to Amazon SQS queues", Amazon SNS Developer Guide.
    """
    return {
        "Type": "Notification",
        "MessageId": message_id or str(uuid.uuid4()),
        "TopicArn": topic_arn,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": _now(),
        "SignatureVersion": "1",
        "Signature": "EXAMPLEpH+DcEwjAPg8O9mY8dReBSwksfg2S7WKQcikcNKWLQjwu6A4VbeS0QHVCkhRS7fUQvi2egU3N858fiTDN6bkk",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d28.pem",
        "UnsubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic_arn}",
    }


def eventbridge_envelope(
    detail: object, *, event_id: str | None = None, detail_type: str = "Order Placed", source: str = "orders"
) -> dict[str, Any]:
    """
    Return what EventBridge makes the body of an SQS message, or the event of a function.

    Args:
        detail: The event's detail.
        event_id: Random by default.
        detail_type: What kind of event it is.
        source: Who put it on the bus.

    Source: "Event structure reference", Amazon EventBridge Events Reference.
    """
    return {
        "version": "0",
        "id": event_id or str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": _now()[:-5] + "Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
