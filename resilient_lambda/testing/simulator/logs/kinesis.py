"""
Kinesis data streams.

Sources: "Using Lambda with Kinesis" and "Configuring partial batch response with Kinesis Data Streams and Lambda", AWS
Lambda Developer Guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..._stream_events import as_base64
from .shards import Entry
from .streams import Stream

if TYPE_CHECKING:
    from ..function import Function
    from ..source import Key
    from ..world import World
    from .stream_failures import Limits


class KinesisStream(Stream):
    """
    A data stream, with Lambda as its consumer.

    Events with the same partition key are a lane. Records of different keys in a shard are ordered, too, as long as
    there is one batch of it in flight at a time; but whoever relies on that cannot work at them side by side.

    Args:
        limits: The settings of the event source mapping.
        shards: How many; a record goes to one by the hash of its partition key.
        parallelization: `ParallelizationFactor`: how many batches of a shard may be in flight, from 1 to 10. The order
            is kept for each partition key.
    """

    # Lambda polls a shard once a second.
    poll_s = 1.0
    first_number = 10**55 - 8
    info_name = "KinesisBatchInfo"

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str = "kinesis",
        key: Key = None,
        limits: Limits,
        shards: int = 1,
        parallelization: int = 1,
    ) -> None:
        arn = f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"
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

    def send(self, data: Any, *, partition_key: str, after_s: float = 0.0) -> str:
        """
        Put a record after *after_s* seconds; return its sequence number.

        Args:
            data: Sent as it is if it is bytes or a text, as JSON otherwise.
        """
        number = self._next_number(after_s)
        self._send(lambda: self._put(data, partition_key, number), after_s)
        return str(number)

    def _put(self, data: Any, partition_key: str, number: int) -> None:
        item = self.add(str(number), data, lane=partition_key)
        shard, reader = self._place_of(partition_key)
        record = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": partition_key,
                "sequenceNumber": item.id,
                "data": as_base64(data),
                "approximateArrivalTimestamp": round(item.sent_at_s, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard.name}:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
            "awsRegion": "us-east-1",
            "eventSourceARN": self.arn,
        }
        self._append(Entry(item, shard, number, json.dumps(record)), reader)
