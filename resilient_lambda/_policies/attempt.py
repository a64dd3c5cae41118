"""Which attempt this is: of `Retry` within the invocation, and of the re-invoker among invocations."""

from __future__ import annotations

from contextvars import ContextVar

from .._named_tuple import NamedTuple


class Attempt(NamedTuple):
    """
    Which attempt this is.

    Attributes:
        number: 1 for the first try within this invocation, one more for each of `Retry`.
        invocation: 1 for the first invocation, one more for each of `timeout_reinvoker`. Lambda's own retries do not
            count: it does not say which one it is.
        root_request_id: Lambda's request id of the first invocation; "" if unknown.
        first_failed_at_s: When that one failed, in seconds since the epoch; None if this is the first, or unknown.
    """

    number: int = 1
    invocation: int = 1
    root_request_id: str = ""
    first_failed_at_s: float | None = None


current: ContextVar[Attempt | None] = ContextVar("resilient_lambda_attempt", default=None)


def current_attempt() -> Attempt:
    """
    Return which attempt this is, inside the function of a handler or what `Retry` runs; elsewhere it is the first.

    Of several `Retry`, one inside the other, it is that of the innermost.
    """
    return current.get() or Attempt()
