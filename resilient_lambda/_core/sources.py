"""Opening a batch: which source an event comes from, and where its records are."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import UnknownEventError
from .source_fields import from_base64, is_object, part_text
from .source_rows import DYNAMODB, INVOCATION, KINESIS, SQS, SQS_FIFO
from .source_types import TOMBSTONE, Answers, Data, Source, Twin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .source_types import Raw as Raw  # noqa: PLC0414  # for who imports this module

__all__ = [
    "DYNAMODB",
    "INVOCATION",
    "KINESIS",
    "SOURCE_NAMES",
    "SQS",
    "SQS_FIFO",
    "TOMBSTONE",
    "Answers",
    "Data",
    "Delivery",
    "Source",
    "Twin",
    "open_batch",
    "row_of",
    "warm",
]

SOURCE_NAMES = (
    "activemq", "documentdb", "dynamodb", "kafka", "kinesis", "rabbitmq", "s3", "sns", "sqs", "sqs-fifo",
)  # fmt: skip
_ROWS = {row.name: row for row in (SQS, SQS_FIFO, KINESIS, DYNAMODB)}

# What sources call themselves, in their records or in the event, and where such an event has its records.
_OF_RECORDS = {
    "aws:sqs": "sqs",
    "aws:kinesis": "kinesis",
    "aws:dynamodb": "dynamodb",
    "aws:s3": "s3",
    "aws:sns": "sns",
}
_OF_EVENTS = {
    "aws:kafka": "kafka",
    "aws:SelfManagedKafka": "kafka",
    "SelfManagedKafka": "kafka",
    "aws:mq": "activemq",
    "aws:amq": "activemq",
    "aws:rmq": "rabbitmq",
    "aws:docdb": "documentdb",
}
_FIELDS = {"kafka": "records", "activemq": "messages", "rabbitmq": "rmqMessagesByQueue", "documentdb": "events"}
_CONTAINERS = ("Records", *_FIELDS.values())

_ADVICE = f"batch_handler takes batches of {', '.join(SOURCE_NAMES)}; for single events use resilient_handler"

_source_and_arn = itemgetter("eventSource", "eventSourceARN")


def row_of(name: str) -> Source:
    """Return the row of the source called *name*."""
    row = _ROWS.get(name)
    if row is None:
        from .event_rows import OTHER_ROWS  # a millisecond that only their cold starts need pay

        row = OTHER_ROWS[name]
    return row


def warm(name: str | None) -> None:
    """Load what reading events of the source called *name* takes; None for a source that is not known yet."""
    if name in _FIELDS:
        _opener()
    if name is not None:
        row_of(name)
    if name == DYNAMODB.name:
        from . import attribute_values

        attribute_values.read_number("0.5")
    if name not in {None, SQS.name, SQS_FIFO.name, "s3", "sns"}:
        from_base64("nothing", "")


class Delivery(NamedTuple):
    """
    What Lambda delivered.

    Attributes:
        source: The row of the table, with what the event says of all its records put in.
        raws: The records in the order of the event.
        window: The event itself if it is of a tumbling window, else None.
    """

    source: Source
    raws: Sequence[Raw]
    window: Mapping[str, Any] | None


def open_batch(event: Any, *, only: str | None = None, share_group: bool = False) -> Delivery:
    """
    Return the source of a batch event and its records.

    An empty batch that does not say its source is taken for SQS: there is nothing to lose.

    Args:
        only: The name of the one source that is taken. Records that do not say their source are taken for it.
        share_group: True if Kafka delivers from a share group: no order, and each record is named by itself.

    Raises:
        UnknownEventError: The event is of no known source, mixed, or not as its source writes it.
    """
    if not is_object(event):
        hint = " (EventBridge Pipes send a bare list: use resilient_handler)" if isinstance(event, list) else ""
        raise UnknownEventError(f"this event is {type(event).__name__}, not an object{hint}; {_ADVICE}")
    found = [name for name in _CONTAINERS if name in event]
    if len(found) != 1:
        # With two of them, what is in the other one would be acknowledged unseen.
        raise UnknownEventError(f"this event has {' and '.join(found) or 'no records'}; {_ADVICE}")
    if found == ["Records"]:
        source, raws = _open_records(event, only)
    else:
        source = _source_of_event(event, found[0], only)
        source, raws = _opener()(source, event, event[found[0]], share_group=share_group)
    has_window = source.answers is Answers.CHECKPOINT and is_object(event.get("window"))
    return Delivery(source, raws, event if has_window else None)


def _opener() -> Callable[..., tuple[Source, Sequence[Raw]]]:
    from .event_rows import open_event

    return open_event


def _source_of_event(event: Mapping[str, Any], field: str, only: str | None) -> Source:
    said = event.get("eventSource")
    name = _OF_EVENTS.get(said) if isinstance(said, str) else only if said is None else None
    if name is None or _FIELDS.get(name) != field:
        raise UnknownEventError(f"this event has {field!r}, but no 'eventSource' that is known for it; {_ADVICE}")
    _refuse_other(name, only)
    return row_of(name)


def _open_records(event: Mapping[str, Any], only: str | None) -> tuple[Source, Sequence[Raw]]:
    records = event["Records"]
    if not isinstance(records, list):
        raise UnknownEventError(f"'Records' of this event is {type(records).__name__}, not a list; {_ADVICE}")
    names_and_arns = _names_and_arns(records)
    names = {name for name, _ in names_and_arns}
    if only is not None:
        names = {name or row_of(only).event_source for name in names}
    source = _source_of_records(names) if names else _source_of_nothing(event, only)
    if source is SQS:
        fifo = {_is_fifo(arn, only) for _, arn in names_and_arns}
        if len(fifo) > 1:
            raise UnknownEventError("the batch holds messages of FIFO and of standard queues; nothing was run")
        # Run as a standard queue, a FIFO queue would lose the order of its groups.
        if fifo == {True}:
            source = SQS_FIFO
    _refuse_other(source.name, only)
    return source, records


def _names_and_arns(records: list[Any]) -> set[tuple[str, Any]]:
    try:
        # The usual batch: all records say the same, and there is no faster way to see it.
        found = set(map(_source_and_arn, records))
        if all(isinstance(name, str) and name for name, _ in found):
            return found
    except (KeyError, TypeError):
        pass
    return {_name_and_arn(raw) for raw in records}


def _name_and_arn(raw: object) -> tuple[str, str]:
    if not is_object(raw):
        raise UnknownEventError(f"'Records' of this event holds {type(raw).__name__}, not objects only; {_ADVICE}")
    # SNS alone writes it with a capital. What is there and no text belongs to no source, and is not left out either.
    fields = [raw[name] for name in ("eventSource", "EventSource") if name in raw]  # type: ignore[operator,index]
    if len(fields) > 1 or not all(isinstance(name, str) and name for name in fields):
        raise UnknownEventError(f"a record of this event has an odd 'eventSource'; {_ADVICE}")
    return (fields[0] if fields else ""), part_text(raw, "eventSourceARN")


def _is_fifo(arn: object, only: str | None) -> bool:
    return arn.endswith(".fifo") if isinstance(arn, str) and arn else only == SQS_FIFO.name


def _source_of_records(names: set[str]) -> Source:
    source = _OF_RECORDS.get(next(iter(names)))
    if source is None or len(names) > 1:
        shown = ", ".join(sorted(repr(name[:40]) if name else "no source" for name in names))
        raise UnknownEventError(f"the batch holds records of {shown}; {_ADVICE}")
    return row_of(source)


def _source_of_nothing(event: Mapping[str, Any], only: str | None) -> Source:
    """Return the source of an event without records: the end of a tumbling window may have none."""
    if only is not None:
        return row_of(only)
    if not is_object(event.get("window")):
        return SQS
    return DYNAMODB if part_text(event, "eventSourceARN").split(":")[2:3] == ["dynamodb"] else KINESIS


def _refuse_other(name: str, only: str | None) -> None:
    if only is not None and name != only and not (name == SQS_FIFO.name and only == SQS.name):
        raise UnknownEventError(f"the batch comes from {name}, this handler takes {only} only")
