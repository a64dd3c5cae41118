"""Events of ordered sources whose records have names, and what Lambda delivers again after an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda.testing import (
    dynamodb_event,
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    sqs_event,
    sqs_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilient_lambda import Record


def fifo(names: Iterable[str]) -> dict[str, Any]:
    """Return messages called *names*, in groups by their first letters."""
    return sqs_event(sqs_record({"name": name}, message_id=name, group=name[0]) for name in names)


def kinesis(names: Iterable[str]) -> dict[str, Any]:
    """Return records of a shard, with their first letters as partition keys."""
    return kinesis_event(kinesis_record({"name": name}, key=name[0]) for name in names)


def dynamodb(names: Iterable[str]) -> dict[str, Any]:
    """Return changes of items whose keys are the first letters."""
    return dynamodb_event({"id": name[0], "name": name} for name in names)


def kafka(names: Iterable[str]) -> dict[str, Any]:
    """Return records in partitions by their first letters, with the second as their keys if there are three."""
    return kafka_event(
        kafka_record({"name": name}, partition=ord(name[0]) - ord("a"), key=name[1] if len(name) > 2 else None)
        for name in names
    )


LANED: dict[str, Callable[..., dict[str, Any]]] = {"fifo": fifo, "kafka": kafka}
STREAMS: dict[str, Callable[..., dict[str, Any]]] = {"kinesis": kinesis, "dynamodb": dynamodb}
ORDERED = {**LANED, **STREAMS}


def name_of(record: Record[Any]) -> str:
    """Return the name of *record*."""
    found = record.json() if record.new_image is None else record.new_image
    return str(found["name"])


def came_back(event: dict[str, Any], answer: dict[str, Any], name_in: Callable[[Any], str]) -> list[str]:
    """
    Return the names of what Lambda delivers again, by the rule of the event's source.

    Args:
        name_in: Returns the name of a record as the event has it.
    """
    assert set(answer) - {"state"} == {"batchItemFailures"}
    named = [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
    if "records" in event:  # Kafka: everything of a partition from the lowest offset on
        lowest = {entry["partition"]: entry["offset"] for entry in named}
        assert len(lowest) == len(named)
        return [
            name_in(raw)
            for partition, raws in event["records"].items()
            for raw in raws
            if partition in lowest and raw["offset"] >= lowest[partition]
        ]
    raws = event["Records"]
    if "messageId" in raws[0]:
        assert len(set(named)) == len(named)
        return [name_in(raw) for raw in raws if raw["messageId"] in named]
    assert len(named) <= 1
    sequence = [raw.get("kinesis", raw.get("dynamodb")) for raw in raws]
    numbers = [found.get("sequenceNumber", found.get("SequenceNumber")) for found in sequence]
    return [name_in(raw) for raw in raws[numbers.index(named[0]) :]] if named else []
