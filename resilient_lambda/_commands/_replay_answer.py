"""What the answer of a batch function says of the letters that it was given, read as Lambda reads it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._replay_letter import QUEUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._replay_letter import Letter

CHECKPOINT = ("kinesis", "dynamodb")
# Sources whose functions name what failed in their answer.
ANSWERING = (*QUEUES, *CHECKPOINT, "kafka")


def not_done(content: bytes, group: Sequence[Letter], message_ids: Sequence[str]) -> list[bool]:
    """
    Return of each letter of *group* whether the answer asks for its record again.

    Whatever Lambda would take for a failure of the whole batch counts as that here.

    Args:
        content: The answer.
        message_ids: The id that each record had in the event, where it is a message.
    """
    try:
        answer = json.loads(content) if content else None
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        named = [failure["itemIdentifier"] for failure in failures or ()]
        if not named:
            return [False] * len(group)
        source = group[0].source
        if source == "kafka":
            return _of_kafka(group, named)
        if source in CHECKPOINT:
            return _from_checkpoint(group, named)
    except (ValueError, KeyError, TypeError):
        return [True] * len(group)
    return [each in named or not set(named) <= set(message_ids) for each in message_ids]


def _from_checkpoint(group: Sequence[Letter], named: Sequence[str]) -> list[bool]:
    numbers = [_sequence_number(letter) for letter in group]
    if not {int(each) for each in named} <= set(numbers):
        raise ValueError
    lowest = min(int(each) for each in named)
    return [number >= lowest for number in numbers]


def _of_kafka(group: Sequence[Letter], named: Sequence[Any]) -> list[bool]:
    lowest: dict[str, int] = {}
    places = [(partition_of(letter), int(letter.record["offset"])) for letter in group]
    for each in named:
        place = (each["partition"], int(each["offset"]))
        if place not in places:
            raise ValueError
        lowest[place[0]] = min(place[1], lowest.get(place[0], place[1]))
    return [partition in lowest and offset >= lowest[partition] for partition, offset in places]


def partition_of(letter: Letter) -> str:
    """Return what an event calls the topic-partition of a Kafka record."""
    return f"{letter.record.get('topic')}-{letter.record.get('partition')}"


def _sequence_number(letter: Letter) -> int:
    record = letter.record
    # Their lengths differ: as text, "9" would come after "10".
    return int(
        record["dynamodb"]["SequenceNumber"] if letter.source == "dynamodb" else record["kinesis"]["sequenceNumber"]
    )
