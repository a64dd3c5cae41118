"""What a row of the table of event sources says."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import TypeAlias

    Raw: TypeAlias = Mapping[str, Any]


class Twin(Enum):
    """What a source does with a record whose idempotency key is in progress elsewhere."""

    BOUNCE = "bounce"  # give it back: the queue brings it again
    WAIT = "wait"  # wait inside the invocation: giving it back would spend one of few retries (protocols.md A2)


class Answers(Enum):
    """How the answer to Lambda names what must be delivered again."""

    RECORDS = "records"  # each record by its id
    CHECKPOINT = "checkpoint"  # the lowest sequence number: Lambda delivers everything from there again
    PARTITIONS = "partitions"  # the lowest offset of each topic-partition
    OFFSETS = "offsets"  # each record by partition and offset
    WHOLE = "whole"  # not at all: an error has the whole batch delivered again


class Data:
    """
    What a record holds where that is no text: a DynamoDB image, an S3 record, what a user's ``decode`` returned.

    Attributes:
        value: The value itself.
        sent: What was sent, where `value` was read from bytes; None where the event itself has the structure.
    """

    __slots__ = ("sent", "value")

    def __init__(self, value: Any, sent: str | bytes | None = None) -> None:
        self.value = value
        self.sent = sent

    def __repr__(self) -> str:
        return "Data(...)"  # never what it holds


CHANGES = ("INSERT", "MODIFY", "REMOVE")  # of an item in a DynamoDB table
KAFKA = "kafka"  # its records alone have headers and tombstones

# A Kafka record without a value: its key is deleted. Told from a decoded None by identity.
TOMBSTONE = Data(None, b"")


class Source(NamedTuple):
    """
    One event source.

    The functions take a record as the event holds it. Events can hold anything: all but `content_of`, `key_of` and
    `image_of`, which raise `InvalidRecordError`, return nothing ("" or None) for what they cannot read.

    Attributes:
        name: Its name for people and for ``source=``.
        event_source: What the event or its records carry as their source.
        id_of: Returns what identifies a record in logs, in dead letters and in the answer; "" if nothing does.
        default_key_of: Returns the idempotency key of a record where no ``key=`` is given; None if there is none. It
            is the same at each delivery, and no other record of any source has it.
        content_of: Returns what was sent.
        receives_of: Returns how often a record was received, or None where the source does not say.
        origin_of: Returns the ARN of the queue, stream, topic, broker or bucket; "" if unknown.
        event_fields_of: Returns what the event itself says of a record: to deliver it again, this is needed too.
        lane_of: Returns the lane whose order a record keeps; None if the source has no order.
        order_key_of: Returns what keeps its order under ``order="key"``, never None; None if the source has no keys.
        key_of: Returns the record's own key, None where it has none.
        image_of: Returns the ``"NewImage"`` or ``"OldImage"`` of a record, None where it has none.
        answers: How the answer names what failed.
        twin: What to do about a twin in progress.
        has_short_lease: True if claims use a short lease with heartbeat instead of the invocation's remaining time.
        brings_back_done: True if a redelivery brings records back that are done, because the answer cannot except them.
        keeps_results: True if somebody waits for the function's result, so that a replay must give it again.
    """

    name: str
    event_source: str
    id_of: Callable[[Raw], str]
    default_key_of: Callable[[Raw], Any]
    content_of: Callable[[Raw], str | bytes | Data]
    receives_of: Callable[[Raw], int | None]
    origin_of: Callable[[Raw], str]
    event_fields_of: Callable[[Raw], dict[str, str]]
    lane_of: Callable[[Raw], str] | None
    order_key_of: Callable[[Raw], Hashable] | None
    key_of: Callable[[Raw], Any]
    image_of: Callable[[Raw, str], dict[str, Any] | None]
    answers: Answers
    twin: Twin
    has_short_lease: bool
    brings_back_done: bool
    keeps_results: bool
