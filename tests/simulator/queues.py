"""Handlers of queues that keep what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.testing import Delivery


def failures(*ids: str) -> dict[str, Any]:
    """Return the answer that names messages."""
    return {"batchItemFailures": [{"itemIdentifier": id} for id in ids]}


def no_failures(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer that names none."""
    return failures()


def naming(*bodies: str) -> Callable[[list[dict[str, Any]]], Any]:
    """Return what names the messages with these bodies as failed."""
    return lambda records: failures(*(record["messageId"] for record in records if record["body"] in bodies))


class Recorder:
    """
    A handler that keeps what it was given.

    Args:
        answer: What it returns, by the records.
        work_s: How long it works before it does so.

    Attributes:
        began_at_s: When each invocation began, since the recorder was made.
        batches: The records of each invocation.
        most: How many of them were going on at a time, at most.
    """

    def __init__(
        self, delivery: Delivery, answer: Callable[[list[dict[str, Any]]], Any] = no_failures, work_s: float = 0.0
    ) -> None:
        self.began_at_s: list[float] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.most = 0
        self._answer = answer
        self._delivery = delivery
        self._work_s = work_s
        self._made_at_s = delivery.now_s
        self._going_on = 0

    def __call__(self, event: Any, context: Any) -> Any:
        """Handle a batch."""
        self.began_at_s.append(self._delivery.now_s - self._made_at_s)
        self.batches.append(event["Records"])
        self._going_on += 1
        self.most = max(self.most, self._going_on)
        try:
            self._delivery.work(self._work_s)
            return self._answer(event["Records"])
        finally:
            self._going_on -= 1

    @property
    def bodies(self) -> list[list[str]]:
        """The bodies of each batch."""
        return [[record["body"] for record in records] for records in self.batches]

    @property
    def order(self) -> list[str]:
        """All bodies, in the order of their delivery."""
        return [body for bodies in self.bodies for body in bodies]

    def attribute(self, name: str) -> list[str]:
        """The attribute *name* of all records, in the order of their delivery."""
        return [record["attributes"][name] for records in self.batches for record in records]
