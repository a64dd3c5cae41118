"""
The rows of the sources that take partial answers: SQS, Kinesis, DynamoDB streams; and of a single event.

The rules and the JSON are Lambda's. The other rows are in kafka_row.py and whole_rows.py; docs/sources.md has the table
for readers.
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
)
from .source_types import CHANGES, Answers, Data, Source, Twin

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .source_types import Raw

# All records of a batch from a stream are of one shard, and its answer is one checkpoint: one lane, whatever they say.
BATCH_LANE = "batch"

_CONSUMER = "/consumer/"


def _origin(raw: Raw) -> str:
    return part_text(raw, "eventSourceARN")


def stream_of(arn: str) -> str:
    """
    Return the ARN of the Kinesis stream where *arn* is that of a consumer with enhanced fan-out.

    Its records are the stream's, whoever reads them; and a consumer that is registered anew has another ARN.
    """
    return arn.rpartition(_CONSUMER)[0] if _CONSUMER in arn else arn


# --- SQS -------------------------------------------------------------------------------------------------------------


def _sqs_id(raw: Raw) -> str:
    found = raw.get("messageId")
    return found if isinstance(found, str) else ""


def _sqs_body(raw: Raw) -> str:
    return body_text("the body", raw.get("body"))


def _sqs_receives(raw: Raw) -> int | None:
    count = part(raw, "attributes", "ApproximateReceiveCount")
    is_count = isinstance(count, str) and count.isascii() and count.isdecimal() and len(count) < 10
    return int(count) if is_count else None


def _sqs_group(raw: Raw) -> str:
    # A message that does not say its group is in one with all others of the kind: no order that there may be is lost.
    return part_text(raw, "attributes", "MessageGroupId")


SQS = Source(
    name="sqs",
    event_source="aws:sqs",
    id_of=_sqs_id,
    default_key_of=_sqs_id,
    content_of=_sqs_body,
    receives_of=_sqs_receives,
    origin_of=_origin,
    event_fields_of=no_fields,
    lane_of=None,
    order_key_of=None,
    key_of=nothing,
    image_of=no_image,
    answers=Answers.RECORDS,
    twin=Twin.BOUNCE,
    has_short_lease=False,
    brings_back_done=False,
    keeps_results=False,
)

SQS_FIFO = SQS._replace(name="sqs-fifo", lane_of=_sqs_group)


# --- Kinesis and DynamoDB streams ------------------------------------------------------------------------------------


def batch_lane(raw: Raw) -> str:
    """Return the one lane of a stream's batch, whatever the record."""
    return BATCH_LANE


def _stream_key(raw: Raw, stream: str, sequence_number: str) -> list[str] | None:
    found = [name for name in (part_text(raw, "eventID"), sequence_number) if name]  # the former has the shard as well
    return [stream or "unknown stream", *found] if found else None


def _kinesis_stream(raw: Raw) -> str:
    return stream_of(_origin(raw))


def _kinesis_id(raw: Raw) -> str:
    return part_text(raw, "kinesis", "sequenceNumber")


def _kinesis_default_key(raw: Raw) -> list[str] | None:
    return _stream_key(raw, _kinesis_stream(raw), _kinesis_id(raw))


def _kinesis_data(raw: Raw) -> bytes:
    # What the producer library has aggregated stays so: one record, which the answer can name as a whole only.
    return from_base64("the record's data", part(raw, "kinesis", "data"))


def _kinesis_partition_key(raw: Raw) -> str:
    return part_text(raw, "kinesis", "partitionKey")


KINESIS = Source(
    name="kinesis",
    event_source="aws:kinesis",
    id_of=_kinesis_id,
    default_key_of=_kinesis_default_key,
    content_of=_kinesis_data,
    receives_of=no_number,
    origin_of=_kinesis_stream,
    event_fields_of=no_fields,
    lane_of=batch_lane,
    order_key_of=_kinesis_partition_key,
    key_of=_kinesis_partition_key,
    image_of=no_image,
    answers=Answers.CHECKPOINT,
    twin=Twin.WAIT,
    has_short_lease=True,
    brings_back_done=True,
    keeps_results=False,
)


def _dynamodb_id(raw: Raw) -> str:
    return part_text(raw, "dynamodb", "SequenceNumber")


def _dynamodb_default_key(raw: Raw) -> list[str] | None:
    return _stream_key(raw, _origin(raw), _dynamodb_id(raw))


def _dynamodb_part(raw: Raw, name: str) -> dict[str, Any] | None:
    attributes = part(raw, "dynamodb", name)
    if attributes is None:
        return None
    from .attribute_values import read_event_attributes  # for this source only

    return read_event_attributes(name, attributes)


def _dynamodb_change(raw: Raw) -> Data:
    change = raw.get("eventName")
    if change not in CHANGES:
        raise InvalidRecordError(f"the record's eventName is none of {', '.join(CHANGES)}")
    found = _dynamodb_part(raw, "OldImage" if change == "REMOVE" else "NewImage")
    if found is None:  # the stream's view has keys only, or the other image only
        found = _dynamodb_part(raw, "Keys")
    if found is None:
        raise InvalidRecordError("the record has neither an image nor keys")
    return Data(found)


def _dynamodb_item_key(raw: Raw) -> Hashable:
    # Written with its types, so that 1 and "1" differ. Lambda writes the same key in the same way in every record.
    try:
        return repr(sorted(part(raw, "dynamodb", "Keys").items()))
    except (AttributeError, TypeError, ValueError, RecursionError):
        return ""


def _dynamodb_keys(raw: Raw) -> dict[str, Any] | None:
    return _dynamodb_part(raw, "Keys")


DYNAMODB = KINESIS._replace(
    name="dynamodb",
    event_source="aws:dynamodb",
    id_of=_dynamodb_id,
    default_key_of=_dynamodb_default_key,
    content_of=_dynamodb_change,
    origin_of=_origin,
    order_key_of=_dynamodb_item_key,
    key_of=_dynamodb_keys,
    image_of=_dynamodb_part,
)


# --- a single event --------------------------------------------------------------------------------------------------

# Invoked synchronously or asynchronously: the event does not say which. A crash under a lease as long as the timeout
# would outlast Lambda's two asynchronous retries, so the lease is short (protocols.md A2).
INVOCATION = SQS._replace(
    name="invocation",
    event_source="",
    id_of=no_text,
    default_key_of=nothing,
    content_of=Data,
    receives_of=no_number,
    origin_of=no_text,
    answers=Answers.WHOLE,
    twin=Twin.WAIT,
    has_short_lease=True,
    brings_back_done=False,
    keeps_results=True,
)
