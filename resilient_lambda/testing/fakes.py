"""Fakes for what the library would reach in AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .._handlers import visibility
from .._policies.idempotency import living
from ..sinks import _seam as sinks
from ..stores import dynamodb
from ..stores.memory import MemoryStore
from .io import forget_paces

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._core.record import Record
    from ..stores.base import TransactItem


class SentLetter(NamedTuple):
    """
    A dead letter that would have gone to AWS.

    Attributes:
        sink: The queue's URL, the topic's ARN, the name of the bucket or bus, or the environment variable that would
            hold it.
        record: The record that was set aside.
        error: Why.
    """

    sink: str
    record: Record[Any]
    error: BaseException


class HiddenMessage(NamedTuple):
    """
    A failed message of a queue that would have been hidden.

    Attributes:
        hidden_s: For how long, in seconds.
    """

    message_id: str
    hidden_s: int


class Fakes:
    """
    What stands in for AWS inside `in_memory`.

    Attributes:
        dead_letters: What was sent to sinks of AWS, in order.
        hidden: The failed messages of queues that would have been hidden, in order.
        committed: The items that transactions have written beside the library's own, in order, with plain values.
    """

    def __init__(self) -> None:
        self.dead_letters: list[SentLetter] = []
        self.hidden: list[HiddenMessage] = []
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

    def take_hidden(self, message_id: str, hidden_s: int) -> None:
        """Keep for how long a message would have been hidden."""
        self.hidden.append(HiddenMessage(message_id, hidden_s))


@contextmanager
def in_memory() -> Generator[Fakes]:
    """
    Redirect every `DynamoDBStore` and AWS sink of the process to fakes, inside the ``with`` block.

    Every `Idempotency` forgets what it knows by itself, before and after: as in a new environment.
    """
    fakes = Fakes()
    before = dynamodb.redirect, sinks.redirect, visibility.redirect
    _forget()
    dynamodb.redirect, sinks.redirect = fakes.store, fakes.take_letter
    visibility.redirect = fakes.take_hidden
    try:
        yield fakes
    finally:
        dynamodb.redirect, sinks.redirect, visibility.redirect = before
        _forget()


def _forget() -> None:
    # What a policy remembers of another store would answer duplicates that this one has never seen.
    for policy in list(living):
        policy.forget()
    forget_paces()
