"""
What may stand around the record of a destination: a queue's message, a notification, a bus's event, an S3 object.

Pure: what only names an object in a bucket is returned as such, for somebody else to read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import InvalidRecordError
from .source_fields import part
from .whole_rows import s3_record_of

if TYPE_CHECKING:
    from typing import TypeAlias

DELAYED = "resilient_lambda_reinvocation"  # the one name in a message of our own delay queue

# A queue may hold a topic's notification of an object; deeper than that nothing of AWS nests.
_DEPTH = 5
_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo", "KafkaBatchInfo")
_PAYLOADS = ("requestPayload", "responsePayload", "responseContext")


class RecordFound(NamedTuple):
    """A destination's record."""

    record: dict[str, Any]


class DelayedFound(NamedTuple):
    """A re-invocation that has waited in a delay queue."""

    said: Any


class ObjectFound(NamedTuple):
    """An S3 object that holds a record; *version* is "" where the bucket keeps none."""

    bucket: str
    key: str
    version: str


class NothingFound(NamedTuple):
    """Something else; *is_test* if it is what S3 sends when notifications are set up."""

    reason: str
    is_test: bool = False


if TYPE_CHECKING:
    Found: TypeAlias = RecordFound | DelayedFound | ObjectFound | NothingFound

_NO_RECORD = NothingFound("this is no record of a Lambda destination, and none is in it")


def look_into(value: Any) -> Found:
    """Return what *value* holds: parsed JSON, or its text."""
    for _ in range(_DEPTH):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return NothingFound("this is no JSON")
        if not isinstance(value, dict):
            return _NO_RECORD
        if DELAYED in value:
            return DelayedFound(value[DELAYED])
        if is_record(value):
            return RecordFound(value)
        if value.get("source") == "aws.s3":
            return _object_on_bus(value)
        if isinstance(value.get("detail"), dict):
            value = value["detail"]
        elif isinstance(value.get("Message"), str):
            value = value["Message"]
        elif "s3" in value:
            return _object(value)
        elif isinstance(records := value.get("Records"), list):
            if len(records) != 1:
                return NothingFound(f"this has {len(records)} records in one message, which nobody sends")
            value = records[0]
        else:
            is_test = value.get("Event") == "s3:TestEvent"
            return NothingFound("S3's test of its notifications", is_test=True) if is_test else _NO_RECORD
    return _NO_RECORD


def is_record(value: dict[str, Any]) -> bool:
    """Tell whether *value* looks like a destination's record; events of APIs have a ``requestContext``, too."""
    context = value.get("requestContext")
    if isinstance(context, dict) and ("condition" in context or "functionArn" in context):
        return True
    return any(name in value for name in (*_PAYLOADS, *_BATCHES))


def _object(raw: dict[str, Any]) -> Found:
    try:
        record = s3_record_of(raw)
    except InvalidRecordError:
        return _NO_RECORD
    bucket, key = part(record, "s3", "bucket", "name"), part(record, "s3", "object", "key")
    return _found(bucket, key, part(record, "s3", "object", "versionId"))


def _object_on_bus(event: dict[str, Any]) -> Found:
    # Here, unlike in notifications, the key is as the object has it.
    found = part(event, "detail", "object")
    return _found(part(event, "detail", "bucket", "name"), part(found, "key"), part(found, "version-id"))


def _found(bucket: Any, key: Any, version: Any) -> Found:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        return _NO_RECORD
    return ObjectFound(bucket, key, version if isinstance(version, str) else "")
