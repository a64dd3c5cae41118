"""
Share groups of Kafka: many consumers of a partition, no order, and each record on its own.

Sources: KIP-932, "Queues for Kafka", and `ConsumptionMode` of the API's `CreateEventSourceMapping`. How Lambda retries
what a share group has not acknowledged is not documented; here each record has its retries and its record in the
destination (?).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..history import Kind
from .reader import Reader
from .shards import Batch, divide_one_by_one
from .stream_failures import EXHAUSTED, NO_LIMIT, wait_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..invocation import Result
    from ..world import World
    from .reader import Readable
    from .shards import Entry, Job, Shard


class ShareGroup(Reader):
    """
    As many consumers as there are partitions (?), each with one batch of records of any of them.

    A record that is reported, or that was in a batch that failed, comes again with others; the rest is done.
    """

    def __init__(self, world: World, source: Readable, shards: Sequence[Shard], number: int) -> None:
        super().__init__(world, source, shards, number)
        self._in_flight = 0
        self._known: dict[Entry, Batch] = {}  # a record that comes again, as a batch of its own

    def _ready(self) -> int:
        return super()._ready() if self._in_flight < len(self._shards) else 0

    def _take(self, job: Job) -> None:
        self._in_flight += 1
        batch = job.parts[0]
        known = (self._known.get(entry) for entry in batch.entries)
        batch.invocations = max((one.invocations for one in known if one is not None), default=0)

    def _replace(self, job: Job, parts: Sequence[Batch]) -> None:
        self._in_flight -= 1
        self._plan(0.0)

    def _hear(self, job: Job, batch: Batch, result: Result) -> None:
        source, entries = self._source, batch.entries
        if result.kind is Kind.THROTTLED:
            for item in batch.items:
                item.receives -= 1
            source.comes_again(batch.items, "throttled")
            self._later(entries)
        else:
            done, rest = divide_one_by_one(entries, source.failed(result, entries))
            source.acknowledge([entry.item for entry in done])
            again = [entry for entry in done if source.replayed([entry])]
            source.comes_again([entry.item for entry in again], "the acknowledgement was lost")
            error = None if result.is_answered else "Unhandled"
            left = [entry for entry in rest if self._may_try_again(entry, batch.request_id, error)]
            source.comes_again([entry.item for entry in left], "each on its own")
            self._later([*again, *left])
        self._replace(job, ())

    def _may_try_again(self, entry: Entry, request_id: str, function_error: str | None) -> bool:
        """Count the failure of a record; give it up if it has no retry left."""
        known = self._known.setdefault(entry, Batch([entry]))
        known.request_id, known.function_error = request_id, function_error
        known.invocations += 1
        known.retries += 1
        limit = self._source.limits.retries
        if limit == NO_LIMIT or known.retries <= limit:
            return True
        self._source.give_up(known, [entry], EXHAUSTED)
        return False

    def _later(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            known = self._known.setdefault(entry, Batch([entry]))
            known.failures += 1
            numbers = (self._source.number, entry.item.number, known.failures)
            delay_s = wait_s(known.failures, self._world.chance.sample("retry", *numbers))
            self._world.clock.after(delay_s, partial(self._put_back, entry))

    def _put_back(self, entry: Entry) -> None:
        entry.shard.pending.append(entry)
        self.notice()
