"""Events of Kinesis, DynamoDB streams and Kafka as Lambda makes them."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from ..stores._dynamodb_values import write_all
from . import _clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
TABLE_STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
CLUSTER_ARN = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
BOOTSTRAP_SERVERS = (
    "b-2.orders.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092,b-1.orders.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092"
)

_kinesis_sequence = itertools.count(49590338271490256608559692538361571095921575989136588898)
_dynamodb_sequence = itertools.count(111_000_000_000_000_000_000_001, 111)
_offsets = itertools.count()


def as_base64(value: object) -> str:
    """Return the base64 of *value*: bytes and texts as they are, anything else as JSON."""
    sent = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return b64encode(sent).decode()


def kinesis_record(
    data: object, *, key: str = "1", sequence_number: int | str | None = None, stream_arn: str = STREAM_ARN
) -> dict[str, Any]:
    """
    Return one record of a Kinesis event.

    Args:
        data: Sent as it is if it is bytes or a text, as JSON otherwise.
        key: The partition key.
        sequence_number: Higher than that of the record made before, by default.
        stream_arn: The stream's ARN.

    Source: "Using Lambda with Kinesis", AWS Lambda Developer Guide, example event.
    """
    number = str(next(_kinesis_sequence) if sequence_number is None else sequence_number)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": number,
            "data": as_base64(data),
            "approximateArrivalTimestamp": round(_clock.now_s(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": stream_arn.split(":")[3],
        "eventSourceARN": stream_arn,
    }


def kinesis_event(data: Iterable[object], *, window: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    Return a Kinesis event.

    Args:
        data: One per record: bytes, a text, anything that is JSON, or a record made by `kinesis_record`.
        window: What `tumbling_window` returns, for a mapping with a window.
    """
    records = [one if isinstance(one, dict) and "eventSourceARN" in one else kinesis_record(one) for one in data]
    return {"Records": records, **_of_shard(records, STREAM_ARN, window)}


def tumbling_window(
    state: Mapping[str, Any] | None = None,
    *,
    start: str = "2026-01-01T00:00:00Z",
    end: str = "2026-01-01T00:05:00Z",
    is_final: bool = False,
    is_terminated_early: bool = False,
) -> dict[str, Any]:
    """
    Return what the events of a tumbling window have beside their records.

    Args:
        state: What the last invocation of the window returned.
        start: When the window began, in ISO 8601.
        end: When it ends.
        is_final: True if Lambda ends the window with this event.
        is_terminated_early: True if it does so because the state has become too large.

    Source: "Implementing stateful Kinesis Data Streams processing in Lambda", AWS Lambda Developer Guide.
    """
    return {
        "window": {"start": start, "end": end},
        "state": dict(state or {}),
        "shardId": "shardId-000000000006",
        "isFinalInvokeForWindow": is_final,
        "isWindowTerminatedEarly": is_terminated_early,
    }


def _of_shard(records: list[dict[str, Any]], arn: str, window: Mapping[str, Any] | None) -> dict[str, Any]:
    if window is None:
        return {}
    return {**window, "eventSourceARN": records[0]["eventSourceARN"] if records else arn}


def dynamodb_record(
    new_image: Mapping[str, Any] | None = None,
    old_image: Mapping[str, Any] | None = None,
    *,
    key_names: Sequence[str] = ("id",),
    sequence_number: int | str | None = None,
    stream_arn: str = TABLE_STREAM_ARN,
) -> dict[str, Any]:
    """
    Return one record of a DynamoDB stream's event: INSERT, MODIFY or REMOVE, by which images there are.

    Args:
        new_image: The item after the change, as plain Python; None if it was removed.
        old_image: The item before the change; None if it was inserted.
        key_names: The attributes that are the item's key.
        sequence_number: Higher than that of the record made before, by default.
        stream_arn: The stream's ARN.

    Source: "Using AWS Lambda with Amazon DynamoDB", AWS Lambda Developer Guide, example event.
    """
    number = str(next(_dynamodb_sequence) if sequence_number is None else sequence_number)
    item = new_image if new_image is not None else old_image or {}
    images = {"Keys": {name: item[name] for name in key_names}, "NewImage": new_image, "OldImage": old_image}
    change = {
        name: {field: _json_of(value) for field, value in write_all(name, image).items()}
        for name, image in images.items()
        if image is not None
    }
    return {
        "eventID": f"{int(number):032x}",
        "eventName": "REMOVE" if new_image is None else "INSERT" if old_image is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stream_arn.split(":")[3],
        "dynamodb": {
            "ApproximateCreationDateTime": int(_clock.now_s()),
            **change,
            "SequenceNumber": number,
            "SizeBytes": len(json.dumps(change)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": stream_arn,
    }


def _json_of(attribute: Any) -> Any:
    """Return an attribute with its binary as base64: bytes are not JSON."""
    ((kind, content),) = attribute.items()
    if kind == "B":
        content = as_base64(content)
    elif kind == "BS":
        content = [as_base64(part) for part in content]
    elif kind == "L":
        content = [_json_of(part) for part in content]
    elif kind == "M":
        content = {name: _json_of(part) for name, part in content.items()}
    return {kind: content}


def dynamodb_event(items: Iterable[Mapping[str, Any]], *, window: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    Return the event of a DynamoDB stream.

    Args:
        items: One per record: an item with the key ``id`` that was inserted, or a record made by `dynamodb_record`.
        window: What `tumbling_window` returns, for a mapping with a window.
    """
    records = [dict(item) if "eventSourceARN" in item else dynamodb_record(item) for item in items]
    return {"Records": records, **_of_shard(records, TABLE_STREAM_ARN, window)}


def kafka_record(
    value: object,
    *,
    topic: str = "orders",
    partition: int = 0,
    offset: int | None = None,
    key: str | bytes | None = None,
    headers: Iterable[tuple[str, bytes]] = (),
) -> dict[str, Any]:
    """
    Return one record of a Kafka event.

    Args:
        value: Sent as it is if it is bytes or a text, as JSON otherwise; None for a tombstone.
        topic: The topic.
        partition: The number of the partition.
        offset: Higher than that of the record made before, by default.
        key: The record's key.
        headers: Names and values.

    Source: "Using Lambda with Amazon MSK", AWS Lambda Developer Guide, example event.
    """
    record: dict[str, Any] = {
        "topic": topic,
        "partition": partition,
        "offset": next(_offsets) if offset is None else offset,
        "timestamp": int(_clock.now_s() * 1000),
        "timestampType": "CREATE_TIME",
        "key": None if key is None else as_base64(key),
        "value": None if value is None else as_base64(value),
        "headers": [{name: [byte - 256 if byte > 127 else byte for byte in text]} for name, text in headers],
    }
    return record


def kafka_event(values: Iterable[object], *, cluster_arn: str | None = CLUSTER_ARN) -> dict[str, Any]:
    """
    Return a Kafka event.

    Args:
        values: One per record: bytes, a text, None, anything that is JSON, or a record made by `kafka_record`.
        cluster_arn: The cluster of Amazon MSK; None for a cluster that you run yourself.
    """
    partitions: dict[str, list[dict[str, Any]]] = {}
    for one in values:
        record = one if isinstance(one, dict) and "timestampType" in one else kafka_record(one)
        partitions.setdefault(f"{record['topic']}-{record['partition']}", []).append(record)
    if cluster_arn is None:
        return {"eventSource": "SelfManagedKafka", "bootstrapServers": BOOTSTRAP_SERVERS, "records": partitions}
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": cluster_arn,
        "bootstrapServers": BOOTSTRAP_SERVERS,
        "records": partitions,
    }
