"""A small SQS standard queue with Lambda's event source mapping, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda.testing import sqs_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

BATCH = 10
SERVERS_ASKED = 2 / 3


class Message:
    """One message, how often it was received, and when it can be received again."""

    def __init__(self, message_id: str, body: str, now_s: float) -> None:
        self.id = message_id
        self.body = body
        self.receives = 0
        self.visible_at_s = now_s


class Delivery(NamedTuple):
    """
    A message as one receiver got it.

    Attributes:
        receives: Which receive this was; only the latest one can delete the message, the worst that SQS allows.
    """

    message: Message
    receives: int


class Queue:
    """
    The queue: at least once, in no order.

    Args:
        visibility_s: For how long a received message stays hidden; only an answer deletes it.
        max_receives: After so many receives the next one moves the message to `dead`.
        random: Decides which of the visible messages a receive finds.
    """

    def __init__(self, *, visibility_s: float, max_receives: int, random: Random) -> None:
        self._visibility_s = visibility_s
        self._max_receives = max_receives
        self._random = random
        self._messages: dict[str, Message] = {}
        self.dead: list[Message] = []

    def __len__(self) -> int:
        return len(self._messages)

    def send(self, message_id: str, body: str, now_s: float) -> None:
        """Put a message on the queue."""
        self._messages[message_id] = Message(message_id, body, now_s)

    def next_visible_s(self) -> float:
        """Return when the next message can be received."""
        return min(message.visible_at_s for message in self._messages.values())

    def receive(self, now_s: float) -> list[Delivery]:
        """
        Return up to ten messages that are visible, roughly those that have waited longest.

        A receive asks a part of the servers that hold the queue, so messages that came together part company, and not
        all that could come do.

        Source: "Short and long polling", Amazon SQS Developer Guide.
        """
        visible = [message for message in self._messages.values() if message.visible_at_s <= now_s]
        waiting = sorted(visible, key=lambda message: message.visible_at_s)
        asked = [message for message in waiting if self._random.random() < SERVERS_ASKED] or waiting
        return [delivery for message in asked[:BATCH] if (delivery := self._deliver(message, now_s)) is not None]

    def receive_again(self, message_id: str, now_s: float) -> list[Delivery]:
        """Return a message that is hidden, as SQS does if one of its servers has not heard of the first receive."""
        message = self._messages.get(message_id)
        delivery = self._deliver(message, now_s) if message is not None else None
        return [delivery] if delivery is not None else []

    def _deliver(self, message: Message, now_s: float) -> Delivery | None:
        if message.receives == self._max_receives:
            self.dead.append(self._messages.pop(message.id))
            return None
        message.receives += 1
        message.visible_at_s = now_s + self._visibility_s
        return Delivery(message, message.receives)

    def settle(self, batch: Sequence[Delivery], answer: dict[str, list[dict[str, str]]] | None) -> None:
        """
        Delete what *answer* does not name; call it for answers only: after an exception or a crash all stays.

        Source: "Using Lambda with Amazon SQS", AWS Lambda Developer Guide: an empty answer is a success of the whole
        batch, and one that names something else a failure of the whole batch.
        """
        ids = {delivery.message.id for delivery in batch}
        failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]} if answer else set[str]()
        for message, receives in batch:
            if failed <= ids and message.id not in failed and message.receives == receives:
                self._messages.pop(message.id, None)


def event_of(batch: Sequence[Delivery]) -> dict[str, Any]:
    """Return the event that Lambda hands to the function."""
    return {
        "Records": [sqs_record(message.body, message_id=message.id, receives=receives) for message, receives in batch]
    }
