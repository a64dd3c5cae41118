"""
What each source of Lambda's delivers again after an answer: an executable model, written without the library.

Every rule has its source. (R) recorded on AWS, (D) AWS Lambda Developer Guide, (M) botocore's API model.

    SQS           each message that the answer names (D)
    FIFO          the same; a handler must name the later messages of a failed one's group, too (D)
    streams       everything from the lowest sequence number on that the answer names, compared as integers (D)
    Kafka         of each topic-partition that the answer names everything from its lowest named offset on (D)
    share group   each record that the answer names; there is no order (M)
    others        everything after an error, nothing after any answer at all: Amazon MQ and DocumentDB have no
                  partial answers, SNS and S3 invoke asynchronously (D)

An answer that the documentation says nothing of raises `UndocumentedAnswerError`: no handler may give it.
"""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping


class UndocumentedAnswerError(AssertionError):
    """Nobody has written down what Lambda does with this answer."""


class Partial(enum.Enum):
    """What an answer can say of a part of the batch."""

    EACH = "each record that is named"
    CHECKPOINT = "each part of the batch from its lowest named record on"
    NONE = "nothing: all or none"


class Item(NamedTuple):
    """
    One record of an event, as far as the rules look at it.

    Attributes:
        raw: The record as the event holds it.
        part: The part of the batch that has a checkpoint of its own: a topic-partition, else ``""``.
        name: What an answer calls the record by; None if it has nothing that could stand there.
        place: Where the record stands in its part.
    """

    raw: Any
    part: str
    name: Hashable | None
    place: int


class Source(NamedTuple):
    """
    A source and its rule.

    Attributes:
        name: What people call it.
        records: Reads an event: pairs of a part and a record, in the order of the event.
        identity: What tells one record from every other one of the source, in whatever delivery.
        partial: What an answer can say.
        name_of: What an answer calls a record by, from its part and the record; None if it has no such thing.
        lane: The order that the source promises, from the record; None if it promises none.
        key: The order that ``order="key"`` asks for, from the record; None where there is no such thing.
    """

    name: str
    records: Callable[[Mapping[str, Any]], Iterable[tuple[str, Any]]]
    identity: Callable[[Any], Hashable]
    partial: Partial
    name_of: Callable[[str, Any], Hashable | None] = lambda part, raw: None
    lane: Callable[[Any], Hashable] | None = None
    key: Callable[[Any], Hashable] | None = None

    def __repr__(self) -> str:
        return self.name


def _look(raw: Any, *path: str) -> Any:
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw


def _listed(field: str) -> Callable[[Mapping[str, Any]], list[tuple[str, Any]]]:
    return lambda event: [("", raw) for raw in event[field]]


def _grouped(field: str) -> Callable[[Mapping[str, Any]], list[tuple[str, Any]]]:
    return lambda event: [(part, raw) for part, raws in event[field].items() for raw in raws]


def _text(*path: str) -> Callable[[str, Any], str | None]:
    def name_of(part: str, raw: Any) -> str | None:
        found = _look(raw, *path)
        return found if isinstance(found, str) and found else None

    return name_of


def _digits(*path: str) -> Callable[[str, Any], str | None]:
    def name_of(part: str, raw: Any) -> str | None:
        found = _look(raw, *path)
        return found if isinstance(found, str) and found.isascii() and found.isdigit() else None

    return name_of


def _offset(part: str, raw: Any) -> tuple[str, int] | None:
    # A topic-partition is called by its key in the event, "my-topic-0", and an offset is a number (D).
    offset = _look(raw, "offset")
    return (part, offset) if _is_offset(offset) else None


def _topic_partition(raw: Any) -> str:
    return f"{raw['topic']}-{raw['partition']}"


def _object_version(raw: Any) -> tuple[Any, ...]:
    s3 = raw["s3"]
    return s3["bucket"]["name"], s3["object"]["key"], s3["object"].get("versionId"), s3["object"]["sequencer"]


SQS = Source("SQS", _listed("Records"), lambda raw: raw["messageId"], Partial.EACH, _text("messageId"))
FIFO = SQS._replace(name="SQS FIFO", lane=lambda raw: raw["attributes"]["MessageGroupId"])
KINESIS = Source(
    "Kinesis",
    _listed("Records"),
    lambda raw: raw["kinesis"]["sequenceNumber"],
    Partial.CHECKPOINT,
    _digits("kinesis", "sequenceNumber"),
    lane=lambda raw: "the batch",
    key=lambda raw: raw["kinesis"]["partitionKey"],
)
DYNAMODB = Source(
    "DynamoDB",
    _listed("Records"),
    lambda raw: raw["dynamodb"]["SequenceNumber"],
    Partial.CHECKPOINT,
    _digits("dynamodb", "SequenceNumber"),
    lane=lambda raw: "the batch",
    key=lambda raw: json.dumps(raw["dynamodb"]["Keys"], sort_keys=True),
)
KAFKA = Source(
    "Kafka",
    _grouped("records"),
    lambda raw: (_topic_partition(raw), raw["offset"]),
    Partial.CHECKPOINT,
    _offset,
    lane=_topic_partition,
    key=lambda raw: (_topic_partition(raw), raw["key"]),
)
SHARE_GROUP = KAFKA._replace(name="Kafka share group", partial=Partial.EACH, lane=None, key=None)
ACTIVEMQ = Source("ActiveMQ", _listed("messages"), lambda raw: raw["messageID"], Partial.NONE)
RABBITMQ = Source(
    "RabbitMQ", _grouped("rmqMessagesByQueue"), lambda raw: raw["basicProperties"]["messageId"], Partial.NONE
)
DOCUMENTDB = Source(
    "DocumentDB",
    _listed("events"),
    lambda raw: raw["event"]["_id"]["_data"],
    Partial.NONE,
    lane=lambda raw: "the batch",  # a change stream has one order
)
S3 = Source("S3", _listed("Records"), _object_version, Partial.NONE)
SNS = Source("SNS", _listed("Records"), lambda raw: raw["Sns"]["MessageId"], Partial.NONE)

SOURCES = (SQS, FIFO, KINESIS, DYNAMODB, KAFKA, SHARE_GROUP, ACTIVEMQ, RABBITMQ, DOCUMENTDB, S3, SNS)


def items(source: Source, event: Mapping[str, Any]) -> list[Item]:
    """Return the records of *event* in its order. What cannot be named stands right behind the record before it."""
    found: list[Item] = []
    last: dict[str, int] = {}
    for part, raw in source.records(event):
        name = source.name_of(part, raw)
        if source.partial is not Partial.CHECKPOINT:
            place = len(found)
        elif name is None:
            place = last.get(part, -1)
        else:
            place = int(name[1] if isinstance(name, tuple) else name)  # type: ignore[call-overload]
        last[part] = place
        found.append(Item(raw, part, name, place))
    return found


def delivered_again(source: Source, event: Mapping[str, Any], answer: object) -> set[int]:
    """
    Return which records of *event* Lambda delivers again, as positions in the order of the event.

    Args:
        answer: What the function returned, or the exception that it raised.

    Raises:
        UndocumentedAnswerError: It is not known what Lambda does.
    """
    batch = items(source, event)
    everything = set(range(len(batch)))
    if isinstance(answer, BaseException):
        return everything  # (R) an exception: the whole batch
    if source.partial is Partial.NONE:
        return set()  # (D) whatever was returned
    if "window" in event and not (isinstance(answer, dict) and "state" in answer):
        raise UndocumentedAnswerError("(M) the answer of a tumbling window must carry its state")
    names = _named(answer)
    if names is None or not names <= {item.name for item in batch}:
        return everything  # (R) an identifier that is empty, null, under a wrong key, or not in the batch
    return _from(source, batch, {position for position, item in enumerate(batch) if item.name in names})


def forced_again(source: Source, event: Mapping[str, Any], unfinished: Collection[int]) -> set[int]:
    """
    Return what comes again at least if the positions *unfinished* are to, whatever is answered.

    That is what a right answer brings back: not less, which would be lost, and not more, which would run needlessly.
    """
    batch = items(source, event)
    if not unfinished:
        return set()
    if source.partial is Partial.NONE:
        return set(range(len(batch)))
    if any(batch[position].name is None for position in unfinished):
        if source.partial is Partial.CHECKPOINT:
            raise UndocumentedAnswerError("AWS sends no record without a sequence number or offset")
        return set(range(len(batch)))
    if source.partial is Partial.EACH and source.lane is not None:
        # (D) FIFO: with a failed message all later ones of its group, or their order is lost.
        lanes = [source.lane(item.raw) for item in batch]
        first = {lanes[position]: position for position in sorted(unfinished, reverse=True)}
        unfinished = [position for position, lane in enumerate(lanes) if position >= first.get(lane, len(batch))]
    return _from(source, batch, unfinished)


def deleted_too_early(source: Source, event: Mapping[str, Any], answer: object) -> set[int]:
    """
    Return the messages of a FIFO queue that are deleted while an earlier one of their group comes again.

    If they ran, the order is broken when the earlier one runs again; if they did not, they are lost besides.
    """
    if source.lane is None or source.partial is not Partial.EACH:
        return set()
    again = delivered_again(source, event, answer)
    lanes = [source.lane(item.raw) for item in items(source, event)]
    return {
        position
        for position, lane in enumerate(lanes)
        if position not in again and any(lane == lanes[earlier] for earlier in again if earlier < position)
    }


def _from(source: Source, batch: list[Item], unfinished: Iterable[int]) -> set[int]:
    if source.partial is Partial.EACH:
        names = {batch[position].name for position in unfinished}  # one name brings back all that have it
        return {position for position, item in enumerate(batch) if item.name in names}
    lowest: dict[str, int] = {}
    for position in unfinished:
        part, place = batch[position].part, batch[position].place
        lowest[part] = min(place, lowest.get(part, place))
    return {position for position, item in enumerate(batch) if item.part in lowest and item.place >= lowest[item.part]}


def _named(answer: object) -> set[Hashable] | None:
    """Return the names that *answer* gives, None if Lambda takes it for a failure of the whole batch."""
    if answer is None or answer in ([], {}, ""):
        return set()  # (R) all of these are a success of the whole batch
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        raise UndocumentedAnswerError(f"no answer: {answer!r}")
    entries = answer["batchItemFailures"]
    if entries is None:
        return set()  # (R)
    if not isinstance(entries, list):
        raise UndocumentedAnswerError(f"no list of failures: {entries!r}")
    names = [_identifier(entry) for entry in entries]
    return None if None in names else set(names)


def _identifier(entry: object) -> Hashable | None:
    identifier = _look(entry, "itemIdentifier")
    if isinstance(identifier, dict):  # (D) Kafka
        partition, offset = identifier.get("partition"), identifier.get("offset")
        is_right = set(identifier) == {"partition", "offset"} and isinstance(partition, str) and _is_offset(offset)
        return (partition, offset) if is_right else None
    return identifier if isinstance(identifier, str) and identifier else None  # (R) empty, null, under a wrong key


def _is_offset(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
