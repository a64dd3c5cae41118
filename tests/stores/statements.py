"""Clients that do to single statements what DynamoDB does on a busy day, and DynamoDB Local never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Client:
    """
    A client that sends all to another one, and looks after BatchExecuteStatement itself.

    Args:
        client: Where calls go.
        change: Takes the position of a statement in its request and its entry of the answer; returns the entry to give
            back instead, or None to give none. A statement is done whatever is said of it.

    Attributes:
        calls: The client's methods in the order of the calls.
    """

    def __init__(self, client: Any, change: Callable[[int, dict[str, Any]], Mapping[str, Any] | None]) -> None:
        self.calls: list[str] = []
        self._client = client
        self._change = change

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        """Do the statements and answer what *change* makes of their entries."""
        self.calls.append("batch_execute_statement")
        answer = self._client.batch_execute_statement(**request)
        entries = [self._change(number, entry) for number, entry in enumerate(answer["Responses"])]
        return {"Responses": [entry for entry in entries if entry is not None]}

    def batch_get_item(self, **request: Any) -> Any:
        """Do it."""
        self.calls.append("batch_get_item")
        return self._client.batch_get_item(**request)

    def put_item(self, **request: Any) -> Any:
        """Do it."""
        self.calls.append("put_item")
        return self._client.put_item(**request)


def failing(code: str, *positions: int, message: str = "...") -> Callable[[int, dict[str, Any]], Mapping[str, Any]]:
    """Return a change that answers *code* for the statements at *positions*."""
    return lambda number, entry: {"Error": {"Code": code, "Message": message}} if number in positions else entry
