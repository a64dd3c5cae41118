"""
The row of Kafka: Amazon MSK and clusters of one's own.

Its records are under the names of their topic-partitions, and the answer names them so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidRecordError
from .source_fields import from_base64, no_fields, no_image, no_number, no_text, nothing, part_text, whole_number
from .source_types import KAFKA, TOMBSTONE, Answers, Data, Source, Twin

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .source_types import Raw


def kafka_partition(raw: Raw) -> str:
    """Return topic and partition as the event and the answer write them, "" if the record does not say."""
    topic, partition = raw.get("topic"), raw.get("partition")
    # As `whole_number`, written out: this is asked of every record, on its way in and for the answer.
    if type(partition) is int and 0 <= partition < 2**63 and isinstance(topic, str) and topic:
        return f"{topic}-{partition}"
    return ""


def _kafka_id(raw: Raw) -> str:
    partition, offset = kafka_partition(raw), whole_number(raw.get("offset"))
    return f"{partition}@{offset}" if partition and offset is not None else ""


def kafka_key_of(raw: Raw, cluster: str) -> list[Any] | None:
    """Return the default key of a record of *cluster*."""
    if not _kafka_id(raw):
        return None
    # A topic that is deleted and made again begins with offset 0 again; the time tells the two apart.
    found = whole_number(raw.get("timestamp"))
    return [cluster, raw["topic"], raw["partition"], raw["offset"], "unknown time" if found is None else found]


def _kafka_value(raw: Raw) -> bytes | Data:
    value = raw.get("value")
    return TOMBSTONE if value is None else from_base64("the record's value", value)


def _kafka_key(raw: Raw) -> bytes | None:
    key = raw.get("key")
    return None if key is None else from_base64("the record's key", key)


def _kafka_order_key(raw: Raw) -> Hashable:
    # Records without a key are in order with each other: so Kafka keeps them.
    return part_text(raw, "key")


def kafka_headers(raw: Raw) -> list[tuple[str, bytes]]:
    """
    Return the headers of a record of Kafka.

    Raises:
        InvalidRecordError: They are not as Lambda writes them.
    """
    # A list of objects with one field each, for a name may come twice. Java's bytes are signed.
    try:
        return [
            # Kafka allows a header without a value.
            (name, bytes(byte & 0xFF if -128 <= byte < 256 else 256 for byte in (() if value is None else value)))
            for header in raw.get("headers") or ()
            for name, value in header.items()
        ]
    except (TypeError, ValueError, AttributeError):
        raise InvalidRecordError("the record's headers are not lists of bytes") from None


KAFKA_ROW = Source(
    name=KAFKA,
    event_source="aws:kafka",
    id_of=_kafka_id,
    default_key_of=nothing,  # it takes the cluster, which the event says: `open_event` puts it in
    content_of=_kafka_value,
    receives_of=no_number,
    origin_of=no_text,  # as above
    event_fields_of=no_fields,
    lane_of=kafka_partition,
    order_key_of=_kafka_order_key,
    key_of=_kafka_key,
    image_of=no_image,
    answers=Answers.PARTITIONS,
    twin=Twin.WAIT,
    has_short_lease=True,
    brings_back_done=True,
    keeps_results=False,
)
