"""Events that say their source themselves, once for all their records: Kafka, Amazon MQ, DocumentDB."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..errors import UnknownEventError
from .kafka_row import KAFKA_ROW, kafka_key_of, kafka_partition
from .source_fields import is_object, part_text
from .source_types import Answers
from .whole_rows import WHOLE_ROWS, activemq_key_of, documentdb_key_of, rabbitmq_key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .source_types import Raw, Source


OTHER_ROWS = {KAFKA_ROW.name: KAFKA_ROW, **WHOLE_ROWS}


def open_event(
    source: Source, event: Mapping[str, Any], records: Any, *, share_group: bool
) -> tuple[Source, Sequence[Raw]]:
    """
    Return the row with what *event* says of all its records, and the *records* as a list.

    Raises:
        UnknownEventError: The event is not as its source writes it.
    """
    origin = part_text(event, "eventSourceArn")
    said = {name: part_text(event, name) for name in ("eventSource", "eventSourceArn", "bootstrapServers")}
    said = {name: text for name, text in said.items() if text}
    source = source._replace(origin_of=lambda raw: origin, event_fields_of=lambda raw: said)
    if source.name == "kafka" and share_group:
        source = source._replace(answers=Answers.OFFSETS, lane_of=None, order_key_of=None, brings_back_done=False)
    return _OPENERS[source.name](source, event, records, origin)


def _open_kafka(source: Source, event: Mapping[str, Any], records: Any, origin: str) -> tuple[Source, Sequence[Raw]]:
    partitions = _lists(source, records)
    for name, raws in partitions.items():
        # The answer names a partition as the event does; another name would have Lambda retry the whole batch.
        if not _are_of(name, raws):
            raise UnknownEventError(f"a record under {name[:80]!r} of this event is of another topic or partition")
    cluster = origin or ",".join(sorted(part_text(event, "bootstrapServers").split(","))) or "unknown cluster"
    source = source._replace(default_key_of=lambda raw: kafka_key_of(raw, cluster))
    return source, [raw for raws in partitions.values() for raw in raws]


_place_of, _number_of = itemgetter("topic", "partition"), itemgetter("partition")


def _are_of(name: str, raws: Sequence[Raw]) -> bool:
    """Tell whether all *raws* are of the topic-partition *name*: each different place is looked at once."""
    try:
        places, kinds = set(map(_place_of, raws)), set(map(type, map(_number_of, raws)))
    except (LookupError, TypeError):  # one says nothing, or what cannot be in a set
        kinds = places = set()
    if kinds == {int}:  # 1, 1.0 and True are one in a set
        return all(kafka_partition({"topic": topic, "partition": number}) == name for topic, number in places)
    return all(kafka_partition(raw) == name for raw in raws)


def _open_activemq(source: Source, event: Mapping[str, Any], records: Any, origin: str) -> tuple[Source, Sequence[Raw]]:
    broker = origin or "unknown broker"
    return source._replace(default_key_of=lambda raw: activemq_key_of(raw, broker)), _list(source, records)


def _open_rabbitmq(source: Source, event: Mapping[str, Any], records: Any, origin: str) -> tuple[Source, Sequence[Raw]]:
    broker, queues = origin or "unknown broker", _lists(source, records)
    queue_of = {id(raw): name for name, raws in queues.items() for raw in raws}  # a message does not say it
    said = source.event_fields_of
    source = source._replace(
        default_key_of=lambda raw: rabbitmq_key_of(raw, broker, queue_of.get(id(raw)) or "unknown queue"),
        event_fields_of=lambda raw: {**said(raw), "queue": queue_of.get(id(raw), "")},
    )
    return source, [raw for raws in queues.values() for raw in raws]


def _open_documentdb(
    source: Source, event: Mapping[str, Any], records: Any, origin: str
) -> tuple[Source, Sequence[Raw]]:
    cluster = origin or "unknown cluster"
    return source._replace(default_key_of=lambda raw: documentdb_key_of(raw, cluster)), _list(source, records)


_OPENERS: dict[str, Callable[[Source, Mapping[str, Any], Any, str], tuple[Source, Sequence[Raw]]]] = {
    "kafka": _open_kafka,
    "activemq": _open_activemq,
    "rabbitmq": _open_rabbitmq,
    "documentdb": _open_documentdb,
}


def _list(source: Source, records: Any) -> list[Raw]:
    if not isinstance(records, list) or not all(map(is_object, records)):
        raise UnknownEventError(f"this event is not as {source.name} writes it: its records are no list of objects")
    return records


def _lists(source: Source, records: Any) -> dict[str, list[Raw]]:
    if not is_object(records) or not all(isinstance(name, str) for name in records):
        raise UnknownEventError(f"this event is not as {source.name} writes it: its records are no object of lists")
    return {name: _list(source, raws) for name, raws in records.items()}
