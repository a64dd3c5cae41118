"""
FIFO queues of SQS.

Sources: "Amazon SQS FIFO queues", "FIFO queue delivery logic", "Exactly-once processing", Amazon SQS Developer Guide;
"Using Lambda with Amazon SQS", AWS Lambda Developer Guide. A message group is received in order, and not at all while
one of its messages is in flight. So a failed message holds up its group until its visibility timeout ends, or until it
is moved to the dead-letter queue. A batch can hold several groups.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from .mapping import MOST_IN_A_RECEIVE, MappedQueue

if TYPE_CHECKING:
    from ..function import Function
    from ..source import Key
    from ..world import World
    from .message import Batch, Message

DEDUPLICATION_S = 300.0
# Of the groups, how many are received without their last messages although there would have been place for them (?).
CUT_SHORT = 0.2
FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128


class Group:
    """
    The messages of one group that are stored.

    Attributes:
        in_flight: How many of them are; none may be received as long as one is.
    """

    __slots__ = ("in_flight", "messages", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: deque[Message] = deque()
        self.in_flight = 0


class FifoQueue(MappedQueue):
    """
    A FIFO queue and its event source mapping, which has no batching window; see `MappedQueue` for the other arguments.

    The queue itself brings nothing twice. What fault `duplicate` stands for here is a deletion that Lambda asks for
    after a success and that fails: the message holds up its group, and comes again. A `late` message holds it up, too.

    Args:
        batch_size: Up to 10.
    """

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str = "fifo",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> None:
        if not 1 <= batch_size <= MOST_IN_A_RECEIVE:
            raise ValueError(f"batch_size={batch_size!r} must be from 1 to 10 for a FIFO queue")
        super().__init__(
            world,
            function,
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            window_s=0.0,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )
        self.arn += ".fifo"
        self._groups: dict[str, Group] = {}
        self._ready: dict[str, Group] = {}
        self._deduplicated: dict[str, tuple[float, str]] = {}

    def send(self, body: Any, *, group: str, deduplication_id: str | None = None, after_s: float = 0.0) -> str:
        """
        Send a message after *after_s* seconds; return its id.

        Args:
            body: A text, or anything that is JSON.
            group: The message group.
            deduplication_id: Another message with it within five minutes is accepted and dropped; the id of the first
                is returned if it was sent before this call. One of its own by default.
        """
        id = self._next_id()
        if after_s <= 0:
            return self._send(id, body, group, deduplication_id)

        def send() -> None:
            self._send(id, body, group, deduplication_id)

        self._world.clock.after(after_s, send)
        return id

    def _send(self, id: str, body: Any, group_name: str, deduplication_id: str | None) -> str:
        now_s = self._world.clock.now_s
        deduplication_id = deduplication_id or id
        sent_at_s, first_id = self._deduplicated.get(deduplication_id, (0.0, ""))
        if now_s < sent_at_s + DEDUPLICATION_S:
            return first_id
        self._deduplicated[deduplication_id] = now_s, id
        message = self._store(
            id,
            body,
            group=group_name,
            extra={
                "SequenceNumber": str(FIRST_SEQUENCE_NUMBER + 256 * len(self.items)),
                "MessageGroupId": group_name,
                "MessageDeduplicationId": deduplication_id,
            },
        )
        group = self._groups.setdefault(group_name, Group(group_name))
        group.messages.append(message)
        self._world.soon(lambda: self._arrive(message, group))
        return id

    def _arrive(self, message: Message, group: Group) -> None:
        late_s = self._late_s(message.item)
        if late_s:
            group.in_flight += 1
            self._world.clock.after(late_s, lambda: self._hold_no_longer(group))
        self._refresh(group)

    def _hold_no_longer(self, group: Group) -> None:
        group.in_flight -= 1
        self._refresh(group)

    def _refresh(self, group: Group) -> None:
        """Have *group* be received if it may be."""
        if group.messages and not group.in_flight:
            self._ready[group.name] = group
            self._wake(group.messages[0])
        else:
            self._ready.pop(group.name, None)

    def _show(self, message: Message) -> None:
        group = self._groups[message.group or ""]
        group.in_flight -= 1
        self._refresh(group)

    def _was_hidden(self, message: Message) -> None:
        self._groups[message.group or ""].in_flight += 1

    def _remove(self, message: Message) -> None:
        group = self._groups[message.group or ""]
        group.in_flight -= message.is_hidden
        group.messages.remove(message)
        super()._remove(message)
        self._refresh(group)

    def _deletes(self, message: Message, receipt: int) -> bool:
        item = message.item
        if not message.is_hidden or item.receives != receipt:
            return False  # a FIFO queue's receipt handles expire with the visibility timeout
        return item.answers > 0 or not self._world.chance.strikes_at("duplicate", self.number, item.number)

    def _tries_until_s(self, batch: Batch) -> float:
        # One batch of a group at a time: none begins that might go on when its messages are visible again (?).
        return super()._tries_until_s(batch) - self.function.timeout_s

    def _poll(self) -> None:
        while self._ready and self._polling.may_begin():
            batch = self._new_batch()
            self._receive(batch)
            if batch.messages:
                self._polling.under_way += 1
                self._received(batch)
                self._invoke(batch)

    def _receive(self, batch: Batch) -> None:
        """Receive messages: as many as there are of one group, then of the next."""
        groups = sorted(islice(self._ready.values(), 2 * self._batch_size), key=self._rank_of)
        for group in groups:
            self._receive_group(group, batch)
            self._refresh(group)
            if len(batch.messages) >= self._batch_size:
                return

    def _receive_group(self, group: Group, batch: Batch) -> None:
        messages = group.messages
        first, before = messages[0].item, len(batch.messages)
        most = min(self._batch_size - before, len(messages))
        seen = self._world.chance.sample("seen", self.number, first.number, first.receives)
        if seen < CUT_SHORT:
            most = 1 + int(seen / CUT_SHORT * most)
        place = 0
        while place < min(most, len(messages)) and self._has_place(batch, messages[place]):
            place += self._take(messages[place], batch)  # one that is given up makes place for the next

    def _rank_of(self, group: Group) -> float:
        first = group.messages[0].item
        return self._world.chance.sample("order", self.number, first.number, first.receives)
