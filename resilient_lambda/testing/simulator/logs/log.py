"""
What streams and topics have in common: records in order that Lambda reads, and what becomes of those it gives up.

Sources: "Using Lambda with Kinesis", "Using Lambda with DynamoDB" and "Using Lambda with Amazon MSK", AWS Lambda
Developer Guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..answers import among, read_failures
from ..source import Source, State
from .stream_failures import on_failure_record, s3_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from ..function import Function
    from ..invocation import Result
    from ..source import Item, Key
    from ..world import World
    from .reader import Reader
    from .shards import Batch, Entry, Shard
    from .stream_failures import Limits

LATE_S = (60.0, 600.0)


class Log(Source):
    """
    A source that keeps records in order, of which Lambda makes batches.

    A record that is ``late`` can be read late, and so can all that is behind it in its shard: whoever reads the shard
    lags. A ``duplicate`` is a lost checkpoint: from that record on the batch comes again.

    Args:
        limits: The settings of the event source mapping.

    Attributes:
        arn: Its ARN.
        poll_s: How often Lambda looks for records while there are none.
    """

    poll_s = 1.0

    def __init__(self, world: World, function: Function, *, name: str, key: Key, limits: Limits, arn: str) -> None:
        limits.check()
        super().__init__(world, function, name, key)
        self.limits = limits
        self.arn = arn
        self._request_ids = 0
        self._replayed: set[int] = set()

    def event_text(self, entries: Sequence[Entry]) -> str:
        """Return the JSON of the event with *entries*."""
        raise NotImplementedError

    def batch_info(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Return where *entries* are to be found, as records of on-failure destinations say it."""
        raise NotImplementedError

    def identify_among(self, entries: Sequence[Entry]) -> Callable[[Any], Hashable | None]:
        """Return what finds the id of an item by the identifier in an answer; see `read_failures`."""
        return among({entry.item.id for entry in entries})

    def failed(self, result: Result, entries: Sequence[Entry]) -> Collection[Entry] | None:
        """Return which of *entries* have failed, by the handler's answer; None if the whole batch has."""
        if not result.is_answered:
            return None
        if not self.limits.partial:
            return ()  # whatever it answers
        found = read_failures(result.answer, self.identify_among(entries))
        if found is None:
            return None
        return [entry for entry in entries if entry.item.id in found] if found else ()

    def next_request_id(self) -> str:
        """Return the id of a new invocation: each retry has its own."""
        self._request_ids += 1
        return f"{self.number:08x}-0000-4000-8000-{self._request_ids:012x}"

    def replayed(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return which of *entries*, which are done, come again because their checkpoint is lost; each once at most."""
        chance = self._world.chance
        if not chance.faults.duplicate:
            return ()
        lost: dict[Shard, int] = {}
        for entry in entries:
            number = entry.item.number
            if (
                entry.shard not in lost
                and number not in self._replayed
                and chance.strikes_at("duplicate", self.number, number)
            ):
                lost[entry.shard] = entry.number
        found = [entry for entry in entries if entry.number >= lost.get(entry.shard, entry.number + 1)]
        self._replayed.update(entry.item.number for entry in found)
        return found

    def give_up(self, batch: Batch, entries: Sequence[Entry], condition: str) -> None:
        """Give *entries* of *batch* up: their metadata go to the destination, if there is one."""
        items = self._undone(entries)
        destination, now_s = self.limits.on_failure, self._world.clock.now_s
        if destination is None:
            self.discard(items, condition)
            return
        record = on_failure_record(
            self.function,
            condition=condition,
            request_id=batch.request_id or self.next_request_id(),
            invocations=batch.invocations,
            function_error=batch.function_error,
            batch_info=self.batch_info(entries),
            now_s=now_s,
            payload=self.event_text(entries) if destination == "s3" else None,
        )
        attributes = {"Key": s3_key(self.name, entries[0].shard.name, record)} if destination == "s3" else None
        self.bury([entry.item for entry in entries], json.dumps(record), reason=condition, attributes=attributes)

    def expire(self, entries: Sequence[Entry]) -> None:
        """Forget *entries*: they are older than what is kept. Nobody is told."""
        self.discard(self._undone(entries), "older than the retention period")

    def _undone(self, entries: Sequence[Entry]) -> list[Item]:
        """Return what is lost with *entries*: what had been done when its checkpoint got lost is not."""
        for entry in entries:
            if entry.item.answers:
                entry.item.state = State.DONE
        return [entry.item for entry in entries if not entry.item.answers]

    def _send(self, put: Callable[[], None], after_s: float) -> None:
        if after_s > 0:
            self._world.clock.after(after_s, put)
        else:
            put()

    def _append(self, entry: Entry, reader: Reader) -> None:
        """Have the record of an item be in its shard."""
        self._world.soon(lambda: self._arrive(entry, reader))

    def _arrive(self, entry: Entry, reader: Reader) -> None:
        clock, chance = self._world.clock, self._world.chance
        readable_s = now_s = clock.now_s
        if chance.strikes_at("late", self.number, entry.item.number):
            readable_s += chance.between(*LATE_S, "late for", self.number, entry.item.number)
        entry.shard.append(entry, readable_s)
        if readable_s <= now_s:
            self._reveal(entry.shard, reader)
        else:
            clock.at(readable_s, lambda: self._reveal(entry.shard, reader))

    def _reveal(self, shard: Shard, reader: Reader) -> None:
        shard.reveal(self._world.clock.now_s)
        reader.notice()
