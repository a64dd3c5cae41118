"""
How many batches of a queue Lambda has under way at a time.

Sources: "Scaling and concurrency for SQS event source mappings" and "Error handling for an SQS event source", AWS
Lambda Developer Guide: five at first, 300 more in a minute, 1,250 at most or as many as MaximumConcurrency says; fewer
when invocations fail or are throttled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock

FIRST = 5
MORE_IN_A_SECOND = 300 / 60
MOST = 1250


class Polling:
    """
    Decides whether another batch may begin.

    AWS does not say how much slower it gets. Here every invocation that fails halves what may be under way, down to
    one batch, and it grows again from the first one that does not (?). An answer that names failed messages is none
    that fails.

    Args:
        most: MaximumConcurrency; None for Lambda's own limit.

    Attributes:
        under_way: How many batches are.
    """

    def __init__(self, clock: Clock, most: int | None) -> None:
        self.under_way = 0
        self._clock = clock
        self._most = most or MOST
        self._allowed = float(min(FIRST, self._most))
        self._since_s = clock.now_s
        self._is_slowed = False

    def may_begin(self) -> bool:
        """Tell whether another batch may begin."""
        if not self.under_way and not self._is_slowed:  # it has rested
            self._allowed, self._since_s = min(FIRST, self._most), self._clock.now_s
        return self.under_way < self.allowed

    @property
    def allowed(self) -> int:
        """How many batches may be under way now."""
        grown = 0.0 if self._is_slowed else (self._clock.now_s - self._since_s) * MORE_IN_A_SECOND
        return int(min(self._most, self._allowed + grown))

    def failed(self) -> None:
        """Take notice of an invocation that failed or was throttled."""
        self._allowed = max(1, self.allowed / 2)
        self._is_slowed = True

    def answered(self) -> None:
        """Take notice of an invocation that has an answer."""
        if self._is_slowed:
            self._is_slowed = False
            self._since_s = self._clock.now_s
