"""
Shards and partitions: records in order, of which Lambda has one batch in flight, and a checkpoint.

Sources: "Using Lambda with Kinesis", "Using Lambda with DynamoDB" and "Using Lambda with Amazon MSK", AWS Lambda
Developer Guide: a batch that fails blocks its shard until it succeeds, expires, or is given up; other shards go on.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..source import Item


class Shard:
    """
    A log of records, or the share of it that is read by itself.

    Attributes:
        name: As events and answers call it.
        pending: What no batch has been made of yet, in order.
        is_taken: Lambda has a batch of it in flight, or waits to retry one.
    """

    __slots__ = ("_hidden", "is_taken", "name", "pending")

    def __init__(self, name: str) -> None:
        self.name = name
        self.pending: deque[Entry] = deque()
        self.is_taken = False
        self._hidden: deque[tuple[float, Entry]] = deque()

    def append(self, entry: Entry, readable_s: float) -> None:
        """Add *entry*, which can be read from *readable_s* on, if all that was added before it can be."""
        self._hidden.append((readable_s, entry))

    def reveal(self, now_s: float) -> None:
        """Have what can be read by now be pending."""
        while self._hidden and self._hidden[0][0] <= now_s:
            self.pending.append(self._hidden.popleft()[1])


class Entry:
    """
    A record in a shard.

    Attributes:
        number: Its sequence number or offset: those of a shard grow.
        text: Its JSON in an event.
    """

    __slots__ = ("item", "number", "shard", "text")

    def __init__(self, item: Item, shard: Shard, number: int, text: str) -> None:
        self.item = item
        self.shard = shard
        self.number = number
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.shard.name} {self.number}>"


class Batch:
    """
    Records that go into one invocation.

    Attributes:
        retries: How many retries they have spent.
        invocations: How many of the invocations that they were in the function has got.
        failures: How often in succession nothing of it was done; for the next wait.
        request_id: Of the last invocation; "" if there was none.
        function_error: What its function error was called; None if it answered.
    """

    __slots__ = ("entries", "failures", "function_error", "invocations", "request_id", "retries")

    def __init__(self, entries: Sequence[Entry], before: Batch | None = None) -> None:
        self.entries = entries
        self.retries: int = before.retries if before else 0
        self.invocations: int = before.invocations if before else 0
        self.failures: int = before.failures if before else 0
        self.request_id: str = before.request_id if before else ""
        self.function_error: str | None = before.function_error if before else None

    @property
    def items(self) -> list[Item]:
        """What was sent."""
        return [entry.item for entry in self.entries]


class Job:
    """
    A batch, from when it was read until its last record is settled, and what it has been cut into meanwhile.

    Attributes:
        parts: One comes after the other, so that order is kept.
        shards: Of which no other batch is made meanwhile.
    """

    __slots__ = ("parts", "shards")

    def __init__(self, batch: Batch) -> None:
        self.parts = [batch]
        self.shards = {entry.shard for entry in batch.entries}

    def release(self) -> None:
        """Give shards back of which nothing is left."""
        left = {entry.shard for part in self.parts for entry in part.entries}
        for shard in self.shards - left:
            shard.is_taken = False
        self.shards = left


# What is done, and what is not.
Division: TypeAlias = "tuple[Sequence[Entry], Sequence[Entry]]"


def divide_at_checkpoints(entries: Sequence[Entry], failed: Collection[Entry] | None) -> Division:
    """
    Divide a batch in what is done and what comes again: of each shard, all from the lowest number that failed on.

    Args:
        failed: None for all.

    Source: "Configuring partial batch response with Kinesis Data Streams and Lambda", AWS Lambda Developer Guide: the
    lowest sequence number becomes the checkpoint. Numbers are compared as integers: as texts, "10" is lower than "9".
    """
    if failed is None:
        return [], entries
    if not failed:
        return entries, []
    lowest: dict[Shard, int] = {}
    for entry in failed:
        lowest[entry.shard] = min(entry.number, lowest.get(entry.shard, entry.number))
    done: list[Entry] = []
    rest: list[Entry] = []
    for entry in entries:
        checkpoint = lowest.get(entry.shard)
        (done if checkpoint is None or entry.number < checkpoint else rest).append(entry)
    return done, rest


def divide_one_by_one(entries: Sequence[Entry], failed: Collection[Entry] | None) -> Division:
    """Divide a batch in what is done and what comes again: each record on its own, as in a share group."""
    if failed is None:
        return [], entries
    return [entry for entry in entries if entry not in failed], [entry for entry in entries if entry in failed]
