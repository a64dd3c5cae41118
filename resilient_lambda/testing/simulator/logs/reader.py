"""
How Lambda reads shards and partitions: batches, windows, retries, bisection, and when it gives up.

Sources: "Using Lambda with Kinesis", "Using Lambda with DynamoDB" and "Using Lambda with Amazon MSK", AWS Lambda
Developer Guide. What they leave open is marked with (?).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from ..history import Kind
from ..source import State
from .shards import Batch, Job, divide_at_checkpoints
from .stream_failures import EXHAUSTED, NO_LIMIT, TOO_OLD, wait_s

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..clock import Timer
    from ..function import Function
    from ..invocation import Result
    from ..source import Item
    from ..world import World
    from .shards import Entry, Shard
    from .stream_failures import Limits

# Lambda invokes when a batch has 6 MB, whatever its size in records.
MOST_BYTES = 6_000_000


class Readable(Protocol):
    """
    What a reader asks of its source.

    Attributes:
        poll_s: How often Lambda looks for records while there are none.
    """

    name: str
    number: int
    function: Function
    limits: Limits
    poll_s: float

    def failed(self, result: Result, entries: Sequence[Entry]) -> Collection[Entry] | None:
        """Return which of *entries* have failed, by the handler's answer; None if the whole batch has."""
        ...

    def event_text(self, entries: Sequence[Entry]) -> str:
        """Return the event's JSON."""
        ...

    def next_request_id(self) -> str:
        """Return the id of a new invocation."""
        ...

    def acknowledge(self, items: Sequence[Item]) -> None:
        """Take notice that *items* are done."""
        ...

    def comes_again(self, items: Sequence[Item], text: str = "") -> None:
        """Take notice that *items* are not."""
        ...

    def replayed(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return which of *entries*, which are done, come again because their checkpoint is lost."""
        ...

    def give_up(self, batch: Batch, entries: Sequence[Entry], condition: str) -> None:
        """Take notice that *entries* do not come again."""
        ...

    def expire(self, entries: Sequence[Entry]) -> None:
        """Take notice that *entries* are gone."""
        ...


class Reader:
    """
    Makes batches of what shards hold, and sees to it that each is done with.

    A batch can hold records of several shards: a Kafka consumer reads several partitions. But there is never more than
    one batch of a shard, and what it was cut into comes one part after the other: so the order within a shard is kept.

    Args:
        number: Counts the readers of the source.
    """

    def __init__(self, world: World, source: Readable, shards: Sequence[Shard], number: int) -> None:
        self._world = world
        self._source = source
        self._shards = shards
        self._number = number
        self._polls = 0
        self._opened_s = 0.0
        self._due_s = 0.0
        self._timer: Timer | None = None

    def notice(self) -> None:
        """Take notice that a shard has a new record."""
        if self._timer is None:
            sample = self._world.chance.sample("poll", self._source.number, self._number, self._polls)
            self._plan(self._source.poll_s * sample)
        elif self._due_s > self._opened_s and self._ready() >= self._source.limits.batch_size:
            self._timer.cancel()
            self._wake_at(self._opened_s)

    def _plan(self, delay_s: float) -> None:
        """Read after *delay_s* if there is anything to read; the window begins when the first record is read."""
        ready, limits = self._ready(), self._source.limits
        if self._timer is None and ready:
            self._opened_s = self._world.clock.now_s + delay_s
            self._wake_at(self._opened_s if ready >= limits.batch_size else self._opened_s + limits.window_s)

    def _wake_at(self, time_s: float) -> None:
        self._due_s = time_s
        self._timer = self._world.clock.at(time_s, self._read)

    def _ready(self) -> int:
        return sum(len(shard.pending) for shard in self._shards if not shard.is_taken)

    def _read(self) -> None:
        self._timer = None
        self._polls += 1
        entries: list[Entry] = []
        bytes_left = MOST_BYTES
        turn = self._polls % len(self._shards)  # so that it is not always the same shard that comes last
        for shard in (*self._shards[turn:], *self._shards[:turn]):
            while shard.pending and not shard.is_taken and len(entries) < self._source.limits.batch_size:
                bytes_left -= len(shard.pending[0].text)
                if bytes_left < 0 and entries:
                    break
                entries.append(shard.pending.popleft())
        if entries:
            job = Job(Batch(entries))
            self._take(job)
            self._deliver(job)
            self._plan(0.0)

    def _take(self, job: Job) -> None:
        for shard in job.shards:
            shard.is_taken = True

    def _deliver(self, job: Job) -> None:
        batch, source = job.parts[0], self._source
        self._drop_old(batch)
        if not batch.entries:
            self._replace(job, [])
            return
        items = batch.items
        for item in items:
            item.state = State.IN_FLIGHT
            item.receives += 1
        batch.request_id = source.next_request_id()
        source.function.invoke(
            json.loads(source.event_text(batch.entries)),
            lambda result: self._hear(job, batch, result),
            source=source.name,
            ids=[item.id for item in items],
            request_id=batch.request_id,
        )

    def _drop_old(self, batch: Batch) -> None:
        """
        Leave out what is older than the source keeps, and what is older than the mapping wants.

        Lambda looks at the age before the first invocation, too, and before each retry.
        """
        limits, now_s = self._source.limits, self._world.clock.now_s
        age_s = limits.retention_s if limits.record_age_s == NO_LIMIT else limits.record_age_s
        gone_s, old_s = now_s - limits.retention_s, now_s - age_s
        latest_s = max(gone_s, old_s)
        if not any(entry.item.sent_at_s < latest_s for entry in batch.entries):
            return
        gone = [entry for entry in batch.entries if entry.item.sent_at_s < gone_s]
        old = [entry for entry in batch.entries if gone_s <= entry.item.sent_at_s < old_s]
        batch.entries = [entry for entry in batch.entries if entry.item.sent_at_s >= latest_s]
        if gone:
            self._source.expire(gone)
        if old:
            self._source.give_up(batch, old, TOO_OLD)

    def _hear(self, job: Job, batch: Batch, result: Result) -> None:
        source = self._source
        if result.kind is Kind.THROTTLED:
            # The batch has not reached the function: that is no retry, and goes on until the records are too old.
            for item in batch.items:
                item.receives -= 1
            source.comes_again(batch.items, "throttled")
            batch.failures += 1
            self._replace(job, [batch])
            return
        batch.invocations += 1
        batch.function_error = None if result.is_answered else "Unhandled"
        done, rest = divide_at_checkpoints(batch.entries, source.failed(result, batch.entries))
        source.acknowledge([entry.item for entry in done])
        again = source.replayed(done)
        if rest and not self._may_retry(batch, done, rest):
            source.give_up(batch, rest, EXHAUSTED)
            rest = []
        if not rest and not again:
            self._replace(job, [])
            return
        left = {*rest, *again}
        batch.entries = [entry for entry in batch.entries if entry in left]
        text = "the whole batch" if not done else "from the checkpoint" if rest else "the checkpoint was lost"
        source.comes_again(batch.items, text)
        batch.failures = 1 if done else batch.failures + 1
        if source.limits.bisect and not done and len(rest) > 1:
            middle = (len(rest) + 1) // 2
            self._replace(job, [Batch(rest[:middle], batch), Batch(rest[middle:], batch)])
        else:
            self._replace(job, [batch])

    def _may_retry(self, batch: Batch, done: Sequence[Entry], rest: Sequence[Entry]) -> bool:
        """
        Tell whether *rest* of *batch* is tried again.

        To bisect is no retry: at the checkpoint, if an answer has moved it, or in halves. An answer that reports the
        first record has moved nothing; AWS does not say how that is bisected, here it is as after a function error (?).
        Nor does it say whether progress of the checkpoint gives a batch its retries back; here it does not (?).
        """
        limits = self._source.limits
        if limits.bisect and (done or len(rest) > 1):
            return True
        batch.retries += 1
        return limits.retries == NO_LIMIT or batch.retries <= limits.retries

    def _replace(self, job: Job, parts: Sequence[Batch]) -> None:
        """Go on with *parts*, which are what is left of the first part of *job*, or with the next one."""
        job.parts[:1] = parts
        job.release()
        if parts:
            batch = parts[0]
            sample = self._world.chance.sample(
                "retry", self._source.number, batch.entries[0].item.number, batch.failures
            )
            self._world.clock.after(wait_s(batch.failures, sample), lambda: self._deliver(job))
        elif job.parts:
            self._deliver(job)
        self._plan(0.0)
