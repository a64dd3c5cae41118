"""The lines of one invocation in CloudWatch Logs, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import function_names
from .._core.invocation_trace import LogLine, trace_of
from ..errors import ConfigurationError
from ._bounds import read_within

if TYPE_CHECKING:
    from .._core.invocation_trace import Trace, TracedAttempt
    from .._io.base import Io
    from .._policies.retry import Retry
    from ._client import LambdaClient

# CloudWatch looks through the window as it is asked, so a page may take a while and be empty.
PAGE_WITHIN_S = 20.0
# What the runtime writes of an exception names no request.
ERRORS = '?"[ERROR]" ?"Task timed out" ?"Runtime exited"'
SLACK_S = 1.0


class Logs:
    """The log of one function."""

    def __init__(self, io: Io, client: LambdaClient, retry: Retry, function: str, log_group: str | None) -> None:
        self._io = io
        self._client = client
        self._retry = retry
        self._function = function
        if log_group is None:
            name = function_names.parse(function)
            if name is None:
                raise ConfigurationError(f"function={function!r} is no name or ARN of a function; pass log_group=")
            log_group = f"/aws/lambda/{name.name}"
        self._log_group = log_group

    async def trace(self, request_id: str, *, start_s: float, end_s: float | None) -> Trace:
        """Return what the log says of an invocation between two moments, in seconds since the epoch."""
        lines = await self._lines(f'"{request_id}"', start_s=start_s, end_s=end_s)
        trace = trace_of(request_id, lines)
        for attempt in trace.attempts:
            if attempt.started_s is not None and not attempt.failed:
                lines += await self._errors(attempt, end_s)
        return trace_of(request_id, lines)

    async def _errors(self, attempt: TracedAttempt, end_s: float | None) -> list[LogLine]:
        """Return the lines of an attempt's environment that show errors, from its beginning to its end."""
        assert attempt.started_s is not None
        until_s = end_s if attempt.ended_s is None else attempt.ended_s
        return await self._lines(ERRORS, start_s=attempt.started_s, end_s=until_s, stream=attempt.stream)

    async def _lines(
        self, pattern: str, *, start_s: float, end_s: float | None, stream: str | None = None
    ) -> list[LogLine]:
        request: dict[str, Any] = {
            "logGroupName": self._log_group,
            "filterPattern": pattern,
            "startTime": max(0, int(start_s * 1000)),
        }
        if end_s is not None:
            request["endTime"] = int(end_s * 1000) + 1
        if stream is not None:
            request["logStreamNames"] = [stream]
        found: list[LogLine] = []
        while True:
            page = await self._page(request)
            found += [
                LogLine(event["timestamp"] / 1000, event.get("logStreamName", ""), event["message"])
                for event in page.get("events", ())
            ]
            # The end is a page without a token, never an empty one.
            token = page.get("nextToken")
            if not token or token == request.get("nextToken"):
                return found
            request["nextToken"] = token

    async def _page(self, request: dict[str, Any]) -> dict[str, Any]:
        async def once() -> dict[str, Any]:
            return await self._io.call(self._ask, request)

        return await self._retry.repeat(self._io, once, name="FilterLogEvents", has_no_commit=True)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        client = self._client.logs(self._function)
        with read_within(PAGE_WITHIN_S):
            answer: dict[str, Any] = client.filter_log_events(**request)
        return answer
