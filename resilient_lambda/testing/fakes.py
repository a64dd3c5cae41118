"""Fakes for what the library would reach in AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .._policies.idempotency import living
from ..sinks import _seam as sinks
from ..stores import dynamodb
from ..stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._core.record import Record
    from ..stores.base import TransactItem


class SentLetter(NamedTuple):
    """
    A dead letter that would have gone to AWS.

    Attributes:
        sink: The queue's URL, or the environment variable that would hold it.
        record: The record that was set aside.
        error: Why.
    """

    sink: str
    record: Record[Any]
    error: BaseException


class Fakes:
    """
    What stands in for AWS inside `in_memory`.

    Attributes:
        dead_letters: What was sent to sinks of AWS, in order.
        committed: The items that transactions have written beside the library's own, in order, with plain values.
    """

    def __init__(self) -> None:
        self.dead_letters: list[SentLetter] = []
        self.committed: list[TransactItem] = []
        self._stores: dict[str, MemoryStore] = {}

    def store(self, table: str) -> MemoryStore:
        """Return the store that stands in for *table*."""
        store = self._stores.setdefault(table, MemoryStore())
        store.committed = self.committed
        return store

    def take_letter(self, sink: str, record: Record[Any], error: BaseException) -> str:
        """Keep a dead letter and confirm it."""
        self.dead_letters.append(SentLetter(sink, record, error))
        return f"fake-{len(self.dead_letters)}"


@contextmanager
def in_memory() -> Generator[Fakes]:
    """
    Redirect every `DynamoDBStore` and AWS sink of the process to fakes, inside the ``with`` block.

    Every `Idempotency` forgets what it knows by itself, before and after: as in a new environment.
    """
    fakes = Fakes()
    before = dynamodb.redirect, sinks.redirect
    _forget()
    dynamodb.redirect, sinks.redirect = fakes.store, fakes.take_letter
    try:
        yield fakes
    finally:
        dynamodb.redirect, sinks.redirect = before
        _forget()


def _forget() -> None:
    # What a policy remembers of another store would answer duplicates that this one has never seen.
    for policy in list(living):
        policy.forget()
