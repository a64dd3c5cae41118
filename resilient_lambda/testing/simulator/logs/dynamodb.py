"""
DynamoDB streams: every change of a table, in order for each item.

Sources: "Using Lambda with DynamoDB", AWS Lambda Developer Guide, and "Change data capture for DynamoDB Streams",
Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..._stream_events import dynamodb_record
from .shards import Entry
from .streams import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..function import Function
    from ..source import Key
    from ..world import World
    from .stream_failures import Limits


class TableStream(Stream):
    """
    A table and its stream of new and old images, with Lambda as its consumer.

    The changes of one item are a lane. What ``key=`` looks into is the new image, or the old one of an item that was
    removed.

    Args:
        key_names: The attributes that are the key of an item.
        limits: The settings of the event source mapping.
        shards: How many; all changes of an item go to the same.
        parallelization: `ParallelizationFactor`: how many batches of a shard may be in flight, from 1 to 10. The order
            is kept for each item.

    Attributes:
        table: What the table holds, by the JSON of the keys.
    """

    # Lambda polls a shard four times a second.
    poll_s = 0.25
    first_number = 10**20 - 8
    info_name = "DDBStreamBatchInfo"

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str = "dynamodb",
        key: Key = None,
        limits: Limits,
        key_names: Sequence[str] = ("id",),
        shards: int = 1,
        parallelization: int = 1,
    ) -> None:
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{name}/stream/2026-01-01T00:00:00.000"
        super().__init__(
            world,
            function,
            name=name,
            key=key,
            limits=limits,
            arn=arn,
            shards=shards,
            parallelization=parallelization,
        )
        self.table: dict[str, Mapping[str, Any]] = {}
        self._key_names = tuple(key_names)

    def send(self, item: Mapping[str, Any], *, after_s: float = 0.0) -> str:
        """
        Put *item* after *after_s* seconds: INSERT, or MODIFY if there is one with its key; return the sequence number.

        A put that changes nothing makes no record.
        """
        kept, number = dict(item), self._next_number(after_s)
        place = self._key_text(kept)
        self._send(lambda: self._change(place, kept, number), after_s)
        return str(number)

    def remove(self, after_s: float = 0.0, **keys: Any) -> str:
        """
        Remove the item with *keys* after *after_s* seconds; return the sequence number.

        If there is none by then, that makes no record.
        """
        number, place = self._next_number(after_s), self._key_text(keys)
        self._send(lambda: self._change(place, None, number), after_s)
        return str(number)

    def _key_text(self, item: Mapping[str, Any]) -> str:
        try:
            return json.dumps({name: item[name] for name in self._key_names}, default=str)
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is part of the key, but not of {item!r}") from None

    def _change(self, place: str, new: Mapping[str, Any] | None, number: int) -> None:
        old = self.table.get(place)
        if new == old:
            return
        if new is None:
            del self.table[place]
        else:
            self.table[place] = new
        item = self.add(str(number), old if new is None else new, lane=place)
        record = dynamodb_record(new, old, key_names=self._key_names, sequence_number=number, stream_arn=self.arn)
        record["dynamodb"]["ApproximateCreationDateTime"] = int(item.sent_at_s)
        shard, reader = self._place_of(place)
        self._append(Entry(item, shard, number, json.dumps(record)), reader)
