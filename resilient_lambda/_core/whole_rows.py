"""
The rows of what takes no partial answer: Amazon MQ, DocumentDB, S3, SNS.

An error has the whole event delivered again, so only `Idempotency` keeps what is done from running again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidRecordError
from .source_fields import (
    body_text,
    from_base64,
    no_fields,
    no_image,
    no_number,
    no_text,
    nothing,
    part,
    part_text,
    url_decoded,
    with_part,
)
from .source_rows import batch_lane
from .source_types import Answers, Data, Source, Twin

if TYPE_CHECKING:
    from .source_types import Raw


def _message_data(raw: Raw) -> bytes:
    return from_base64("the message's data", raw.get("data"))


def _activemq_id(raw: Raw) -> str:
    return part_text(raw, "messageID")


def activemq_key_of(raw: Raw, broker: str) -> list[str] | None:
    """Return the default key of a message of *broker*."""
    found, destination = _activemq_id(raw), part_text(raw, "destination", "physicalName")
    return [broker, destination or "unknown queue", found] if found else None


ACTIVEMQ = Source(
    name="activemq",
    event_source="aws:mq",
    id_of=_activemq_id,
    default_key_of=nothing,
    content_of=_message_data,
    receives_of=no_number,
    origin_of=no_text,
    event_fields_of=no_fields,
    lane_of=None,
    order_key_of=None,
    key_of=nothing,
    image_of=no_image,
    answers=Answers.WHOLE,
    twin=Twin.WAIT,
    has_short_lease=True,
    brings_back_done=True,
    keeps_results=False,
)


def _rabbitmq_id(raw: Raw) -> str:
    return part_text(raw, "basicProperties", "messageId")


def rabbitmq_key_of(raw: Raw, broker: str, queue: str) -> list[str] | None:
    """Return the default key of a message of *queue*: RabbitMQ gives no id, but publishers may."""
    found = _rabbitmq_id(raw)
    return [broker, queue, found] if found else None


RABBITMQ = ACTIVEMQ._replace(name="rabbitmq", event_source="aws:rmq", id_of=_rabbitmq_id, default_key_of=nothing)


def _documentdb_id(raw: Raw) -> str:
    return part_text(raw, "event", "_id", "_data")


def documentdb_key_of(raw: Raw, cluster: str) -> list[str] | None:
    """Return the default key of a change in *cluster*: its resume token."""
    found = _documentdb_id(raw)
    return [cluster, found] if found else None


def _documentdb_change(raw: Raw) -> Data:
    change = raw.get("event")
    if not isinstance(change, dict):
        raise InvalidRecordError(f"the change event is {type(change).__name__}, not an object")
    return Data(change)


DOCUMENTDB = ACTIVEMQ._replace(
    name="documentdb",
    event_source="aws:docdb",
    id_of=_documentdb_id,
    default_key_of=nothing,
    content_of=_documentdb_change,
    lane_of=batch_lane,  # a change stream is in order, and so is its one batch
)


def s3_key_of(raw: Raw) -> list[str] | None:
    """Return the default key of an S3 record."""
    bucket, key = part_text(raw, "s3", "bucket", "name"), part_text(raw, "s3", "object", "key")
    if not (bucket and key):
        return None
    version = part_text(raw, "s3", "object", "versionId") or "null"
    # Only what creates and removes objects has a sequencer; of a tag set twice the time alone tells.
    found = part_text(raw, "s3", "object", "sequencer") or part_text(raw, "eventTime")
    return [bucket, key, version, found or "unknown time", part_text(raw, "eventName") or "unknown event"]


def _s3_id(raw: Raw) -> str:
    found = s3_key_of(raw)
    return "{}/{}@{}#{}".format(*found) if found else ""


def s3_record_of(raw: Any) -> dict[str, Any]:
    """
    Return the S3 record *raw* with its key as the object has it.

    Raises:
        InvalidRecordError: It is no S3 record.
    """
    key = part(raw, "s3", "object", "key")
    if not isinstance(key, str):
        raise InvalidRecordError("the record names no S3 object")
    return with_part(raw, url_decoded(key), "s3", "object", "key")


def _s3_content(raw: Raw) -> Data:
    return Data(s3_record_of(raw))


def _s3_origin(raw: Raw) -> str:
    return part_text(raw, "s3", "bucket", "arn")


S3 = ACTIVEMQ._replace(
    name="s3",
    event_source="aws:s3",
    id_of=_s3_id,
    default_key_of=s3_key_of,
    content_of=_s3_content,
    origin_of=_s3_origin,
)


def _sns_id(raw: Raw) -> str:
    return part_text(raw, "Sns", "MessageId")


def _sns_default_key(raw: Raw) -> str | None:
    return _sns_id(raw) or None


def _sns_message(raw: Raw) -> str:
    return body_text("the message", part(raw, "Sns", "Message"))


def _sns_topic(raw: Raw) -> str:
    return part_text(raw, "Sns", "TopicArn")


SNS = ACTIVEMQ._replace(
    name="sns",
    event_source="aws:sns",
    id_of=_sns_id,
    default_key_of=_sns_default_key,
    content_of=_sns_message,
    origin_of=_sns_topic,
)


WHOLE_ROWS = {row.name: row for row in (ACTIVEMQ, RABBITMQ, DOCUMENTDB, S3, SNS)}
