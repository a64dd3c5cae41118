"""
Kafka topics: Amazon MSK, and clusters that you run yourself.

Sources: "Using Lambda with Amazon MSK" and "Retaining discarded batches", AWS Lambda Developer Guide, and the API's
`CreateEventSourceMapping`. What they leave open is marked with (?).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..._stream_events import BOOTSTRAP_SERVERS, CLUSTER_ARN, as_base64
from ..invocations.destinations import timestamp
from .log import Log
from .reader import Reader
from .shards import Entry, Shard
from .share_group import ShareGroup
from .stream_failures import NO_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from ..function import Function
    from ..source import Key
    from ..world import World
    from .stream_failures import Limits

# With a destination, as many retries as no limit is (aws-facts of the project, "Kafka").
RETRIES_WITH_DESTINATION = 10
TICKS_PER_S = 1_000_000
OFFSETS_PER_TICK = 1_000_000


def retries_of(retries: int | None, *, share_group: bool, on_failure: str | None) -> int:
    """Return how often a batch is tried again: what was asked for, or what is the default."""
    if retries is None:
        retries = 0 if share_group else NO_LIMIT
    return RETRIES_WITH_DESTINATION if retries == NO_LIMIT and on_failure is not None else retries


class KafkaTopic(Log):
    """
    A topic, with Lambda as its consumer.

    Records with the same key are a lane, and so are those of a partition that have none. An event can hold records of
    several partitions, and there is one checkpoint for each: a partition of which a record has failed waits for its
    retry, the others go on. A ``duplicate`` is a rebalance: the offset that was committed last is an older one.

    A share group (`ConsumptionMode` Queue) has no order: each record is acknowledged on its own.

    Args:
        topic: Its name.
        partitions: How many; a record goes to one by the hash of its key, without one to the next.
        limits: The settings of the event source mapping.
        share_group: Read it as a share group.
    """

    # How long a consumer waits for records (?).
    poll_s = 0.1

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str = "kafka",
        key: Key = None,
        topic: str = "topic",
        partitions: int = 3,
        limits: Limits,
        share_group: bool = False,
    ) -> None:
        if partitions < 1:
            raise ValueError(f"partitions={partitions!r} must be 1 or more")
        if share_group and limits.bisect:
            raise ValueError("bisect=True has nothing to divide in a share group: each record is on its own")
        super().__init__(world, function, name=name, key=key, limits=limits, arn=CLUSTER_ARN)
        self.topic = topic
        self._began_s = world.clock.now_s
        self._partitions = [Shard(f"{topic}-{number}") for number in range(partitions)]
        self._is_ordered = not share_group
        self._reader = (ShareGroup if share_group else Reader)(world, self, self._partitions, 0)
        self._sent = 0
        self._next_offsets: dict[tuple[int, int], int] = {}

    def send(self, value: Any, *, key: str | None = None, partition: int | None = None, after_s: float = 0.0) -> str:
        """
        Send a record after *after_s* seconds; return its topic, partition and offset.

        Offsets grow, but not by 1 each time: those of later seconds are higher. Real ones have gaps, too.

        Args:
            value: Sent as it is if it is bytes or a text, as JSON otherwise.
            partition: To this one; by the hash of the key, if it has one, by default.
        """
        self._sent += 1
        if partition is None:
            spread = self._sent if key is None else crc32(key.encode())  # producers take murmur2; it is as good
            partition = spread % len(self._partitions)
        elif not 0 <= partition < len(self._partitions):
            raise ValueError(f"partition={partition!r} must be from 0 to {len(self._partitions) - 1}")
        ticks = round((self._world.clock.now_s + after_s - self._began_s) * TICKS_PER_S)
        place = (partition, ticks)
        number = self._next_offsets[place] = self._next_offsets.get(place, -1) + 1
        offset, chosen = ticks * OFFSETS_PER_TICK + number, partition
        self._send(lambda: self._put(value, key, chosen, offset), after_s)
        return f"{self.topic}-{partition}@{offset}"

    def event_text(self, entries: Sequence[Entry]) -> str:
        """Return the JSON of the event with *entries*, by partition."""
        partitions: dict[str, list[str]] = {}
        for entry in entries:
            partitions.setdefault(entry.shard.name, []).append(entry.text)
        records = ",".join(f"{json.dumps(name)}:[{','.join(texts)}]" for name, texts in partitions.items())
        return (
            f'{{"eventSource":"aws:kafka","eventSourceArn":"{self.arn}",'
            f'"bootstrapServers":"{BOOTSTRAP_SERVERS}","records":{{{records}}}}}'
        )

    def identify_among(self, entries: Sequence[Entry]) -> Callable[[Any], Hashable | None]:
        """Return what finds the id of an item by the identifier in an answer: an object, not a text."""
        ids = {entry.item.id for entry in entries}

        def identify(identifier: Any) -> str | None:
            if not isinstance(identifier, dict) or type(identifier.get("offset")) is not int:
                return None
            id = f"{identifier.get('partition')}@{identifier['offset']}"
            return id if id in ids else None

        return identify

    def batch_info(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Return where *entries* are to be found, by partition."""
        partitions: dict[str, list[Entry]] = {}
        for entry in entries:
            partitions.setdefault(entry.shard.name, []).append(entry)
        return {
            "KafkaBatchInfo": {
                "batchSize": len(entries),
                "eventSourceArn": self.arn,
                "bootstrapServers": BOOTSTRAP_SERVERS,
                "payloadSize": len(self.event_text(entries)),
                "recordsInfo": {
                    name: {
                        "firstRecordOffset": str(found[0].number),
                        "lastRecordOffset": str(found[-1].number),
                        "firstRecordTimestamp": timestamp(found[0].item.sent_at_s),
                        "lastRecordTimestamp": timestamp(found[-1].item.sent_at_s),
                    }
                    for name, found in partitions.items()
                },
            }
        }

    def _put(self, value: Any, key: str | None, partition: int, offset: int) -> None:
        shard = self._partitions[partition]
        item = self.add(f"{shard.name}@{offset}", value, lane=(partition, key) if self._is_ordered else None)
        record = {
            "topic": self.topic,
            "partition": partition,
            "offset": offset,
            "timestamp": int(item.sent_at_s * 1000),
            "timestampType": "CREATE_TIME",
            "key": None if key is None else as_base64(key),
            "value": None if value is None else as_base64(value),
            "headers": [],
        }
        self._append(Entry(item, shard, offset, json.dumps(record)), self._reader)
