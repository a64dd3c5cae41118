"""
What Lambda does with a queue of SQS: the event source mapping.

It receives messages, has a function handle them in batches, and deletes what an answer does not name. Nothing but an
answer deletes: after an exception, a timeout, a crash or a throttle the messages stay hidden until their visibility
timeout ends, and come back. Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import NONE_FAILED, among, read_failures
from ..history import Kind
from .message import MOST_BATCH_BYTES, Batch
from .polling import Polling
from .stored_queue import LONGEST_HIDDEN_S, StoredQueue

if TYPE_CHECKING:
    from collections.abc import Set

    from ..function import Function
    from ..invocation import Result
    from ..source import Item, Key
    from ..world import World
    from .message import Message

MOST_IN_A_RECEIVE = 10
# Until messages that nobody was waiting for are received.
POLL_S = 0.1


class MappedQueue(StoredQueue):
    """
    A queue and its event source mapping.

    Args:
        visibility_s: For how long a received message is hidden; six times the function's timeout, and the batching
            window, by default.
        max_receives: The queue's maxReceiveCount: how often a message is received before it goes to the dead-letter
            queue.
        dead_letter: The queue has one; with *max_receives* only.
        batch_size: How many messages an invocation gets at most.
        window_s: The batching window.
        max_concurrency: MaximumConcurrency of the mapping, from 2 to 1,000.
        partial: The mapping has ReportBatchItemFailures; without it any answer at all is success of the whole batch.
        retention_s: After how long a message is deleted, whatever became of it.
    """

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str,
        key: Key,
        visibility_s: float | None,
        max_receives: int | None,
        dead_letter: bool,
        batch_size: int,
        window_s: float,
        max_concurrency: int | None,
        partial: bool,
        retention_s: float,
    ) -> None:
        if visibility_s is None:
            visibility_s = min(6 * function.timeout_s + window_s, LONGEST_HIDDEN_S)
        if not function.timeout_s <= visibility_s <= LONGEST_HIDDEN_S:
            raise ValueError(
                f"visibility_s={visibility_s!r} must be from {function.timeout_s:g}, the function's timeout,"
                f" to {LONGEST_HIDDEN_S:g}: Lambda refuses a queue that hides messages for less"
            )
        if max_concurrency is not None and not 2 <= max_concurrency <= 1000:
            raise ValueError(f"max_concurrency={max_concurrency!r} must be from 2 to 1,000")
        super().__init__(
            world,
            function,
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            retention_s=retention_s,
        )
        self._batch_size = batch_size
        self._is_partial = partial
        self._polling = Polling(world.clock, max_concurrency)
        self._batches = 0
        self._is_waking = False

    # What differs between the kinds of queues

    def _poll(self) -> None:
        """Receive what may be received now, and have it handled."""
        raise NotImplementedError

    def _deletes(self, message: Message, receipt: int) -> bool:
        """Tell whether *receipt* is good for deleting *message*, which is stored."""
        raise NotImplementedError

    def _tries_until_s(self, batch: Batch) -> float:
        """Return until when Lambda tries to have *batch* handled while it is throttled."""
        return batch.received_at_s + self._visibility_s

    # What does not

    def _wake(self, message: Message) -> None:
        """Have the queue polled soon: *message* is there."""
        if not self._is_waking:
            self._is_waking = True
            item = message.item
            wait_s = POLL_S * self._world.chance.sample("poll", self.number, item.number, item.receives)
            self._world.clock.after(wait_s, self._wake_up)

    def _wake_up(self) -> None:
        self._is_waking = False
        self._poll()

    def _new_batch(self) -> Batch:
        self._batches += 1
        return Batch(self._batches, self._world.clock.now_s)

    def _has_place(self, batch: Batch, message: Message) -> bool:
        return batch.number_of_bytes + message.number_of_bytes <= MOST_BATCH_BYTES or not batch.messages

    def _received(self, batch: Batch) -> None:
        """Have what a receive has just added to *batch* come back when the visibility timeout ends."""
        batch.timers.append(self._world.clock.after(self._visibility_s, lambda: self._come_again(batch.messages)))

    def _invoke(self, batch: Batch, tries: int = 1) -> None:
        self.function.invoke(
            {"Records": batch.records}, lambda result: self._hear(batch, tries, result), source=self.name, ids=batch.ids
        )

    def _hear(self, batch: Batch, tries: int, result: Result) -> None:
        if result.kind is Kind.THROTTLED:
            self._polling.failed()
            if self._tries_again(batch, tries):
                return
        elif result.is_answered:
            self._polling.answered()
            failed = read_failures(result.answer, among(batch.ids)) if self._is_partial else NONE_FAILED
            if failed is not None:
                self._settle(batch, failed)
        else:
            self._polling.failed()
        self._polling.under_way -= 1
        self._poll()

    def _tries_again(self, batch: Batch, tries: int) -> bool:
        """
        Have *batch*, which was throttled, tried again, or dropped: its receives were spent then for nothing.

        Lambda tries until the visibility timeout is over, ever more slowly. AWS does not say when (?): here at any
        moment until then, so that many a batch gets no second try.
        """
        world = self._world
        wait_s = world.chance.between(1.0, self._visibility_s, "throttled", self.number, batch.number, tries)
        if world.clock.now_s + wait_s >= self._tries_until_s(batch):
            return False
        world.clock.after(wait_s, lambda: self._invoke(batch, tries + 1))
        return True

    def _settle(self, batch: Batch, failed: Set[Any]) -> None:
        """Delete what has not failed."""
        done: list[Item] = []
        late: list[Item] = []
        for message, receipt in zip(batch.messages, batch.receipts, strict=True):
            item = message.item
            if item.id in failed:
                continue
            if message.is_stored and self._deletes(message, receipt):
                self._remove(message)
                done.append(item)
            else:
                late.append(item)
        if not failed and not late:
            for timer in batch.timers:
                timer.cancel()
        self.acknowledge(done)
        if late:
            self._answer_late(late)

    def _answer_late(self, items: list[Item]) -> None:
        """Take notice that *items* were handled, although that deletes nothing."""
        place = len(self._world.happenings)
        for item in items:
            item.answers += 1
            if item.settled is None:
                item.settled = place
        ids = [item.id for item in items if self._messages[item.id].is_stored]
        if ids:
            self._world.note(Kind.COMES_AGAIN, self.name, ids, text="handled, but not deleted")
