"""Dead letters in an SQS queue: looked at, kept out of sight meanwhile, given back or deleted."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ._replay_calls import CallError, call
from ._replay_letter import Letter, of_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._replay_calls import Clients

ENTRIES = 10
# For how long a letter that was received is out of the sight of others. Longer than any lot takes, and long enough
# that a queue can be gone through once.
HELD_S = 1_200
WAIT_S = 1  # asks all of SQS's servers; without a wait, a queue that has messages may look empty


class QueueLetters:
    """
    The letters of one queue.

    Attributes:
        arn: The queue's ARN, "" if it is not known.
        count: How many letters there may be; None if it is not known.
        warnings: What whoever runs this should know of the queue.
    """

    def __init__(self, url: str, clients: Clients, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._client = clients.for_queue(url)
        self._clock = clock
        self._handles: dict[str, tuple[str, float]] = {}
        self._seen: set[str] = set()
        self.arn = ""
        self.count: int | None = None
        self.warnings: list[str] = []

    def open(self) -> None:
        """
        Ask what the queue is.

        Raises:
            CallError: There is no such queue, or no way to it.
        """
        try:
            answer = call(self._client, "get_queue_attributes", QueueUrl=self._url, AttributeNames=["All"])
        except CallError as error:
            if "AccessDenied" not in error.code:
                raise
            self.warnings.append("not allowed to look at the queue's attributes (sqs:GetQueueAttributes)")
            return
        attributes: dict[str, str] = answer.get("Attributes", {})
        self.arn = attributes.get("QueueArn", "")
        self.count = int(attributes.get("ApproximateNumberOfMessages", 0))
        receives = _max_receives(attributes.get("RedrivePolicy", ""))
        if receives is not None:
            self.warnings.append(
                f"this queue has a redrive policy of its own: a letter that was received {receives} times moves on to"
                " its dead-letter queue, and every look at it, a dry run's too, is a receive"
            )

    def take(self, most: int) -> list[Letter] | None:
        """Return letters that were not looked at yet, at most ten and perhaps none; None at the end of the queue."""
        began_s = self._clock()
        answer = call(
            self._client,
            "receive_message",
            QueueUrl=self._url,
            MaxNumberOfMessages=max(1, min(ENTRIES, most)),
            VisibilityTimeout=HELD_S,
            WaitTimeSeconds=WAIT_S,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        if not answer.get("Messages"):
            return None
        letters: list[Letter] = []
        for message in answer["Messages"]:
            letter = self._read(message)
            self._handles[letter.identity] = (message["ReceiptHandle"], began_s + HELD_S)
            # One that was looked at comes again if going through the queue takes longer than it is held.
            if letter.identity not in self._seen:
                letters.append(letter)
            self._seen.add(letter.identity)
        return letters

    def _read(self, message: dict[str, Any]) -> Letter:
        try:
            return of_message(message, queue_arn=self.arn)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Another program's attribute under our name.
            name = str(message["MessageId"])
            group = str(message.get("Attributes", {}).get("MessageGroupId", ""))
            return Letter(name, name, {}, "", "", None, {}, group, 0.0)

    def holds(self, letter: Letter, *, for_s: float) -> bool:
        """Tell whether nobody else will be given *letter* for that long."""
        held = self._handles.get(letter.identity)
        return held is not None and self._clock() + for_s < held[1]

    def unreached(self) -> int:
        """
        Return how many letters may lie where no look reaches, behind those that this run holds.

        A FIFO queue hands nothing of a group out while it has ten messages of it outstanding.
        """
        if not self._url.endswith(".fifo") or not self._handles or not self.count:
            return 0
        name = "ApproximateNumberOfMessages"
        try:
            answer = call(self._client, "get_queue_attributes", QueueUrl=self._url, AttributeNames=[name])
        except CallError:
            return 0  # nobody knows
        # The queue's count lags behind, so both must say so.
        return max(0, min(int(answer.get("Attributes", {}).get(name, 0)), self.count - len(self._seen)))

    def remove(self, letters: Sequence[Letter]) -> dict[str, str]:
        """Delete *letters*; return why, by its identity, for each that could not be."""
        entries = [
            {"Id": str(n), "ReceiptHandle": self._handles[letter.identity][0]} for n, letter in enumerate(letters)
        ]
        for letter in letters:
            # Also what cannot be deleted: given back at once, it would be sent twice the sooner.
            del self._handles[letter.identity]
        return {letters[n].identity: why for n, why in self._batch("delete_message_batch", entries).items()}

    def give_back(self) -> str | None:
        """Make what is still held visible again; return why if that failed."""
        held = [(handle, until_s) for handle, until_s in self._handles.values() if until_s > self._clock()]
        self._handles.clear()
        problem = None
        for start in range(0, len(held), ENTRIES):
            entries = [
                {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for n, (handle, _) in enumerate(held[start : start + ENTRIES])
            ]
            for why in self._batch("change_message_visibility_batch", entries).values():
                problem = f"some letters stay out of sight for up to {HELD_S / 60:.0f} minutes: {why}"
        return problem

    def _batch(self, method: str, entries: list[dict[str, Any]]) -> dict[int, str]:
        try:
            answer = call(self._client, method, QueueUrl=self._url, Entries=entries)
        except CallError as error:
            return {int(entry["Id"]): str(error) for entry in entries}
        return {
            int(entry["Id"]): f"{entry.get('Code')}: {entry.get('Message', '')}" for entry in answer.get("Failed", ())
        }


def _max_receives(policy: str) -> int | None:
    try:
        return int(json.loads(policy)["maxReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return None
