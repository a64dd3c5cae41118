"""
What SQS does with messages, whatever their queue is: it hides, shows, gives up, forgets.

    a message      is sent: visible, at once or after its delay
                   is received: hidden for the visibility timeout, its receive count grows
                   is deleted, with its newest receipt handle; or is visible again when the timeout ends
                   is moved to the dead-letter queue, when it would be received more often than maxReceiveCount
                   is gone when the retention period has passed

Sources: "Amazon SQS visibility timeout", "Using dead-letter queues in Amazon SQS", "Amazon SQS message quotas", Amazon
SQS Developer Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..history import Kind
from ..source import Source, State
from .message import REGION, Message, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..function import Function
    from ..source import Item, Key
    from ..world import World
    from .message import Batch

LONGEST_HIDDEN_S = 43_200.0
RETENTION_S = (60.0, 1_209_600.0)
LATE_S = (60.0, 600.0)


class StoredQueue(Source):
    """
    A queue; see `MappedQueue` for the arguments.

    Attributes:
        arn: Its ARN.
    """

    def __init__(
        self,
        world: World,
        function: Function,
        *,
        name: str,
        key: Key,
        visibility_s: float,
        max_receives: int | None,
        dead_letter: bool,
        retention_s: float,
    ) -> None:
        if (max_receives is not None) != dead_letter or (max_receives is not None and max_receives < 1):
            raise ValueError(
                f"max_receives={max_receives!r}, dead_letter={dead_letter!r}: a redrive policy has both, a queue to"
                " move a message to and after how many receives, from 1"
            )
        shortest_s, longest_s = RETENTION_S
        if not shortest_s <= retention_s <= longest_s:
            raise ValueError(f"retention_s={retention_s!r} must be from {shortest_s:g} to {longest_s:g}")
        super().__init__(world, function, name, key)
        self.arn = f"arn:aws:sqs:{REGION}:123456789012:{self.name}"
        self._visibility_s = visibility_s
        self._max_receives = max_receives
        self._retention_s = retention_s
        self._messages: dict[str, Message] = {}
        self._sends = 0

    def hide(self, message_id: str, seconds: float) -> bool:
        """
        Change the visibility timeout of a message in flight, as ChangeMessageVisibility does; tell whether it took.

        It does not if the message is not in flight, or if the handler that calls this has an older receipt handle than
        the newest; or if it would be hidden for more than 12 h from its first receive.

        Args:
            seconds: From now, 0 to 43,200; 0 makes it visible at once.

        Raises:
            ValueError: *seconds* is less or more.
        """
        if not 0 <= seconds <= LONGEST_HIDDEN_S:
            raise ValueError(f"seconds={seconds!r} must be from 0 to {LONGEST_HIDDEN_S:g}")
        clock, message = self._world.clock, self._messages.get(message_id)
        if message is None or not message.is_hidden or not self._is_newest(message):
            return False
        visible_at_s = clock.now_s + seconds
        if visible_at_s > message.first_received_s + LONGEST_HIDDEN_S:
            return False
        message.visible_at_s = visible_at_s
        clock.at(visible_at_s, lambda: self._come_again((message,)))
        self._world.note(Kind.HIDDEN, self.name, (message_id,), text=f"for {seconds:g} s")
        return True

    # What differs between the kinds of queues

    def _show(self, message: Message) -> None:
        """Have *message* be received: its visibility timeout has ended."""
        raise NotImplementedError

    def _was_hidden(self, message: Message) -> None:
        """Take notice that *message* has been received."""
        raise NotImplementedError

    # What does not

    def _next_id(self) -> str:
        self._sends += 1
        return f"{self.name}-{self._sends}"

    def _store(self, id: str, body: Any, *, group: str | None = None, extra: dict[str, str] | None = None) -> Message:
        """Keep a message that is being sent."""
        text, now_s = text_of(body), self._world.clock.now_s
        item = self.add(id, body, lane=group)
        fixed = {"SentTimestamp": str(int(now_s * 1000)), "SenderId": "AIDAIENQZJOLO23YVJ4VO", **(extra or {})}
        message = self._messages[id] = Message(item, text, fixed, group=group)
        return message

    def _late_s(self, item: Item) -> float:
        """Return by how much *item* is late."""
        chance, numbers = self._world.chance, (self.number, item.number)
        return chance.between(*LATE_S, "late by", *numbers) if chance.strikes_at("late", *numbers) else 0.0

    def _take(self, message: Message, batch: Batch) -> bool:
        """Receive *message* into *batch*; return False if the queue gives it up instead."""
        item, now_s = message.item, self._world.clock.now_s
        if self._has_expired(message):
            return False
        if self._max_receives is not None and item.receives >= self._max_receives:
            self._remove(message)
            reason, attributes = f"received {item.receives} times", {"DeadLetterQueueSourceArn": self.arn}
            self.bury([item], message.text, reason=reason, attributes=attributes)
            return False
        item.receives += 1
        item.state = State.IN_FLIGHT
        message.is_hidden = True
        message.visible_at_s = now_s + self._visibility_s
        if not message.first_received_s:
            message.first_received_s = now_s
        self._was_hidden(message)
        batch.take(message, self.arn)
        return True

    def _come_again(self, messages: Sequence[Message]) -> None:
        """Show those of *messages* whose visibility timeout has ended."""
        now_s = self._world.clock.now_s
        again = [message for message in messages if message.is_hidden and message.visible_at_s <= now_s]
        for message in again:
            message.is_hidden = False
        self.comes_again([message.item for message in again])
        for message in again:
            self._show(message)

    def _has_expired(self, message: Message) -> bool:
        if self._world.clock.now_s < message.item.sent_at_s + self._retention_s:
            return False
        self._remove(message)
        self.discard([message.item], "its retention period has passed")
        return True

    def _remove(self, message: Message) -> None:
        """Have the queue hold *message* no longer."""
        message.is_stored = message.is_hidden = False

    def _is_newest(self, message: Message) -> bool:
        """Tell whether the handler that is running, if one is, has the newest receipt handle of *message*."""
        environment = self._world.active
        if environment is None or environment.invocation is None:
            return True
        # The handler may have done anything to its event.
        event = environment.invocation.event
        records = event.get("Records") if isinstance(event, dict) else None
        handles = [
            record.get("receiptHandle")
            for record in (records if isinstance(records, list) else ())
            if isinstance(record, dict) and record.get("messageId") == message.item.id
        ]
        return not handles or message.handle in handles
