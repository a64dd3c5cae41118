"""Tumbling windows: the state that Lambda carries from one batch of a shard to the next, until the window ends."""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..errors import BatchFailedError

if TYPE_CHECKING:
    from .._core.sources import Raw

STATE_BYTES = 1_048_576


class Window:
    """
    The tumbling window of the current batch.

    Attributes:
        state: What earlier batches of the window have left, ``{}`` in the first; change it or set another. It must be
            JSON, of 1 MB at most. What a record that failed has changed is undone.
        start: When the window begins, as the event has it (ISO 8601).
        end: When it ends.
        shard_id: The shard: each has windows of its own.
        is_final: True if this is the last invocation of the window: ``window_end=`` is called after its records.
        is_terminated_early: True if Lambda ended it before its time, because the state has become too large.

    Source: "Implementing stateful Kinesis Data Streams processing in Lambda", AWS Lambda Developer Guide.
    """

    __slots__ = ("_kept", "end", "is_final", "is_terminated_early", "shard_id", "start", "state")

    def __init__(self, event: Raw) -> None:
        bounds = event.get("window")
        bounds = bounds if isinstance(bounds, dict) else {}
        self.start = str(bounds.get("start", ""))
        self.end = str(bounds.get("end", ""))
        self.state: Any = event.get("state") or {}
        self.shard_id = str(event.get("shardId", ""))
        self.is_final = event.get("isFinalInvokeForWindow") is True
        self.is_terminated_early = event.get("isWindowTerminatedEarly") is True
        self._kept = "{}"

    def __repr__(self) -> str:
        return f"<window {self.start} to {self.end}>"  # never the state

    def keep(self) -> None:
        """Keep the state as it is now."""
        self._kept = self._encoded()

    def restore(self) -> None:
        """Go back to the state that was kept last."""
        self.state = json.loads(self._kept)

    def checked(self) -> Any:
        """
        Return the state for the answer.

        Raises:
            BatchFailedError: It is not what Lambda takes.
        """
        return json.loads(self._encoded())

    def _encoded(self) -> str:
        try:
            encoded = json.dumps(self.state, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BatchFailedError(f"the state of the window is not JSON ({type(error).__name__})") from None
        if not isinstance(self.state, dict):
            raise BatchFailedError(f"the state of the window is {type(self.state).__name__}; Lambda takes an object")
        if len(encoded.encode()) > STATE_BYTES:
            raise BatchFailedError(f"the state of the window has {len(encoded)} bytes; Lambda takes {STATE_BYTES}")
        return encoded


current: ContextVar[Window | None] = ContextVar("resilient_lambda_window", default=None)


def current_window() -> Window:
    """
    Return the tumbling window of the current batch.

    Raises:
        RuntimeError: There is none: the event source mapping has no ``TumblingWindowInSeconds``.
    """
    window = current.get()
    if window is None:
        raise RuntimeError(
            "there is no window here: current_window() works inside the function of a batch_handler whose event source "
            "mapping has TumblingWindowInSeconds"
        )
    return window
