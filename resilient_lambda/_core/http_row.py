"""The row of the table of sources for requests, and a request as a record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import MalformedRequestError
from .http_request import body_of
from .record import EventRecord
from .source_rows import INVOCATION
from .source_types import Twin

if TYPE_CHECKING:
    from .http_request import HttpRequest

# The caller waits, so a twin in progress is answered at once, and the answer is kept for duplicates. Nobody delivers a
# request again on a schedule that a lease could outlast: it lasts for as long as the invocation may.
HTTP = INVOCATION._replace(name="http", content_of=body_of, twin=Twin.BOUNCE, has_short_lease=False)


class HttpRecord(EventRecord[Any]):
    """
    A request, for policies: its id is Lambda's request id, its body the decoded body.

    Attributes:
        request: What it asks for.
        caller: Who calls, once somebody has found out.
    """

    __slots__ = ("caller", "request")

    def __init__(self, raw: Any, request_id: str, request: HttpRequest) -> None:
        super().__init__(raw, HTTP, request_id)
        self.request = request
        self.caller: list[str | None] | None = None

    @property
    def delivery(self) -> str:
        """The same for all: a client that repeats its request asks what became of it, and is told so (A1)."""
        return "request"

    def json(self) -> Any:
        """
        Return the body as JSON, parsed once.

        Raises:
            MalformedRequestError: It is not JSON.
        """
        if not hasattr(self, "_json"):
            content = self.body
            try:
                self._json = json.loads(content)
            except (ValueError, RecursionError):
                # Not chained: the text of a JSONDecodeError's traceback would show the body.
                raise MalformedRequestError(f"the body is {'not JSON' if content else 'empty'}") from None
        return self._json

    def comparable(self) -> list[Any]:
        """
        Return the body as it is compared with that of another request: as JSON if it is, else as it is.

        Raises:
            MalformedRequestError: It cannot be read.
        """
        content = self.body
        try:
            return ["json", self.json()]
        except MalformedRequestError:
            return ["text", content] if isinstance(content, str) else ["bytes", content.hex()]
