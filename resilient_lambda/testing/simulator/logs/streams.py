"""
What Kinesis and DynamoDB streams have in common: shards, partition keys and sequence numbers.

Sources: "Using Lambda with Kinesis" and "Using Lambda with DynamoDB", AWS Lambda Developer Guide.
"""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any

from ..invocations.destinations import timestamp
from .log import Log
from .reader import Reader
from .shards import Entry, Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..function import Function
    from ..source import Key
    from ..world import World
    from .stream_failures import Limits

MOST_PARALLELIZATION = 10
TICKS_PER_S = 1_000_000
RECORDS_PER_TICK = 1_000_000_000


class Stream(Log):
    """
    A stream with shards.

    Args:
        shards: How many.
        parallelization: `ParallelizationFactor`, from 1 to 10: how many batches of a shard may be in flight. All
            records with the same partition key go into the same of so many queues, each of which keeps its order.
    """

    # By how much sequence numbers are more than 0. The first few have a digit less than those that follow: compared as
    # texts they are in the wrong order.
    first_number = 0
    info_name = ""

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str,
        key: Key,
        limits: Limits,
        arn: str,
        shards: int = 1,
        parallelization: int = 1,
    ) -> None:
        if shards < 1:
            raise ValueError(f"shards={shards!r} must be 1 or more")
        if not 1 <= parallelization <= MOST_PARALLELIZATION:
            raise ValueError(f"parallelization={parallelization!r} must be from 1 to {MOST_PARALLELIZATION}")
        super().__init__(world, function, name=name, key=key, limits=limits, arn=arn)
        self._began_s = world.clock.now_s
        self._sent = 0
        self._queues: list[list[tuple[Shard, Reader]]] = []
        for number in range(shards):
            queues = [Shard(f"shardId-{number:012d}") for _ in range(parallelization)]
            self._queues.append(
                [
                    (queue, Reader(world, self, [queue], number * MOST_PARALLELIZATION + place))
                    for place, queue in enumerate(queues)
                ]
            )
        self._places: dict[str, tuple[Shard, Reader]] = {}

    def event_text(self, entries: Sequence[Entry]) -> str:
        """Return the JSON of the event with *entries*."""
        return f'{{"Records":[{",".join([entry.text for entry in entries])}]}}'

    def batch_info(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Return where *entries* are to be found."""
        first, last = entries[0], entries[-1]
        return {
            self.info_name: {
                "shardId": first.shard.name,
                "startSequenceNumber": str(first.number),
                "endSequenceNumber": str(last.number),
                "approximateArrivalOfFirstRecord": timestamp(first.item.sent_at_s),
                "approximateArrivalOfLastRecord": timestamp(last.item.sent_at_s),
                "batchSize": len(entries),
                "streamArn": self.arn,
            }
        }

    def _next_number(self, after_s: float) -> int:
        """Return the sequence number of a record that is put after *after_s*: later ones have higher numbers."""
        self._sent += 1
        ticks = round((self._world.clock.now_s + after_s - self._began_s) * TICKS_PER_S)
        return self.first_number + ticks * RECORDS_PER_TICK + self._sent

    def _place_of(self, partition_key: str) -> tuple[Shard, Reader]:
        """
        Return where records with *partition_key* go.

        Source: "Amazon Kinesis Data Streams terminology and concepts", Kinesis Developer Guide: shards have ranges of
        the MD5 hash of the key. How Lambda divides a shard is not documented.
        """
        place = self._places.get(partition_key)
        if place is None:
            hashed = int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest(), "big")
            queues = self._queues[hashed * len(self._queues) >> 128]
            place = self._places[partition_key] = queues[hashed % len(queues)]
        return place
