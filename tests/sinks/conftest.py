"""A stand-in for the SQS client, and virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda.testing import fake_io

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import FakeIo

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/parking"


class Queue:
    """
    An SQS client that answers as scripted.

    Attributes:
        requests: The entries of each request.
        script: What is done with the next requests: a function from entries to an answer, or an error to raise;
            beyond it every entry is confirmed.
    """

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self.urls: list[str] = []
        self.script: list[Any] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Answer as `script` says."""
        self.urls.append(QueueUrl)
        self.requests.append([dict(entry) for entry in Entries])
        act = self.script.pop(0) if self.script else confirm_all
        if isinstance(act, BaseException):
            raise act
        return act(Entries)

    @property
    def bodies(self) -> list[str]:
        """All bodies that were sent, in order."""
        return [entry["MessageBody"] for request in self.requests for entry in request]


def confirm_all(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Confirm every entry."""
    return {"Successful": [{"Id": entry["Id"], "MessageId": f"parked-{entry['Id']}"} for entry in entries]}


def refuse(*bodies: str, sender_fault: bool = False) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Return an answer that refuses the entries with these bodies and confirms the others."""

    def act(entries: list[dict[str, Any]]) -> dict[str, Any]:
        bad = [entry for entry in entries if entry["MessageBody"] in bodies]
        good = [entry for entry in entries if entry not in bad]
        code = "InvalidMessageContents" if sender_fault else "InternalError"
        return {
            **confirm_all(good),
            "Failed": [{"Id": entry["Id"], "SenderFault": sender_fault, "Code": code} for entry in bad],
        }

    return act


@pytest.fixture
def queue() -> Queue:
    """An SQS client under the test's control."""
    return Queue()


@pytest.fixture
def time() -> Iterator[FakeIo]:
    """Virtual time."""
    with fake_io() as io:
        yield io
