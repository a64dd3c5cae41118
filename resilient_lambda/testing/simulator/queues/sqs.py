"""
Standard queues of SQS.

Sources: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide; "Amazon SQS standard queues" and "Amazon SQS short
and long polling", Amazon SQS Developer Guide: the order is kept as well as it goes, a message may be delivered more
than once, and a receive that asks some of the servers sees some of the messages.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from ..source import State
from .mapping import MOST_IN_A_RECEIVE, MappedQueue

if TYPE_CHECKING:
    from ..function import Function
    from ..source import Key
    from ..world import World
    from .message import Batch, Message

# Of the receives, how many do not see all there is; and among how many messages the order is lost (?).
SAMPLED = 0.2
MINGLED = 20
# When a second copy comes: mostly while the first is in flight, up to so many of the function's timeouts later.
COPY_AFTER = 1.5


class Queue(MappedQueue):
    """
    A standard queue and its event source mapping; see `MappedQueue` for the other arguments.

    Args:
        batch_size: Up to 10,000; above 10 with a window of 1 s or more.
        window_s: MaximumBatchingWindowInSeconds: how long a batch waits, from its first message on, until it is full.
            Its messages have been received by then: their visibility timeouts run.
    """

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str = "sqs",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        window_s: float = 0.0,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> None:
        if (
            not 1 <= batch_size <= 10_000
            or not 0 <= window_s <= 300
            or (batch_size > MOST_IN_A_RECEIVE and window_s < 1)
        ):
            raise ValueError(
                f"batch_size={batch_size!r}, window_s={window_s!r}: Lambda takes 1 to 10,000 messages, more than 10"
                " with a window of at least 1 s, and a window of at most 300 s"
            )
        super().__init__(
            world,
            function,
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            window_s=window_s,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )
        self._window_s = window_s
        self._visible: list[tuple[float, int, Message]] = []
        self._shown = 0
        self._open: Batch | None = None

    def send(self, body: Any, *, after_s: float = 0.0) -> str:
        """
        Send a message after *after_s* seconds; return its id.

        Args:
            body: A text, or anything that is JSON.
        """
        id = self._next_id()
        if after_s > 0:
            self._world.clock.after(after_s, lambda: self._send(id, body))
        else:
            self._send(id, body)
        return id

    def _send(self, id: str, body: Any) -> None:
        message = self._store(id, body)
        self._world.soon(lambda: self._arrive(message))

    def _arrive(self, message: Message) -> None:
        late_s = self._late_s(message.item)
        if late_s:
            self._world.clock.after(late_s, lambda: self._show(message))
        else:
            self._show(message)

    def _show(self, message: Message) -> None:
        item = message.item
        self._shown += 1
        rank = self._shown + MINGLED * self._world.chance.sample("order", self.number, item.number, item.receives)
        heappush(self._visible, (rank, self._shown, message))
        self._wake(message)

    def _poll(self) -> None:
        while self._visible:
            batch = self._open
            if batch is None:
                if not self._polling.may_begin():
                    return
                batch = self._new_batch()
            is_full = self._receive(batch)
            if not batch.messages:
                continue
            if batch is not self._open:
                self._begin(batch)
            if is_full or not self._window_s or len(batch.messages) >= self._batch_size:
                self._close(batch)

    def _begin(self, batch: Batch) -> None:
        self._polling.under_way += 1
        self._open = batch
        if self._window_s:
            self._world.clock.after(self._window_s, lambda: self._close(batch))

    def _close(self, batch: Batch) -> None:
        if self._open is batch:
            self._open = None
            self._invoke(batch)

    def _receive(self, batch: Batch) -> bool:
        """Receive up to ten messages; tell whether there is one that does not fit into *batch*."""
        visible, before = self._visible, len(batch.messages)
        most = min(MOST_IN_A_RECEIVE, self._batch_size - before, len(visible))
        first = visible[0][2].item
        seen = self._world.chance.sample("seen", self.number, first.number, first.receives)
        if seen < SAMPLED:
            most = 1 + int(seen / SAMPLED * most)
        fits = True
        while visible and len(batch.messages) - before < most:
            message = visible[0][2]
            fits = self._has_place(batch, message)
            if not fits:
                break
            heappop(visible)
            if message.has_copy:
                self._take_copy(message, batch)
            elif message.is_stored and not message.is_hidden:
                self._take(message, batch)
            # Or it was deleted or received meanwhile, with an older receipt handle or as a second copy.
        if len(batch.messages) > before:
            self._received(batch)
        return not fits

    def _deletes(self, message: Message, receipt: int) -> bool:
        # With an older handle than the newest one the request succeeds, and deletes nothing.
        return message.item.receives == receipt

    def _was_hidden(self, message: Message) -> None:
        item, chance = message.item, self._world.chance
        if item.receives == 1 and chance.strikes_at("duplicate", self.number, item.number):
            # A server that was not there when the message was received, or deleted, has a copy of it.
            share = chance.sample("copy", self.number, item.number)
            self._world.clock.after(COPY_AFTER * self.function.timeout_s * share**4, lambda: self._show_copy(message))

    def _show_copy(self, message: Message) -> None:
        message.has_copy = True
        self._show(message)

    def _take_copy(self, message: Message, batch: Batch) -> None:
        """Receive a second copy: from now on it is the message itself."""
        item = message.item
        message.has_copy = False
        is_spent = self._max_receives is not None and item.receives >= self._max_receives
        if is_spent or item.state is State.DISCARDED:
            return
        if item.state is not State.WAITING:
            self.comes_again([item], "once more, although nothing failed")
        message.is_stored = True
        self._take(message, batch)
