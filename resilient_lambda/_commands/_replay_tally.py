"""What became of the letters of a replay, told while it runs and at its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._replay_letter import Letter

PROGRESS_S = 2.0


class Tally:
    """
    What became of the letters, and why.

    Args:
        tell: Takes what people should see while it runs.
        clock: Seconds that only grow.
    """

    def __init__(self, tell: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.looked_at = self.sent = self.failed = self.unwanted = self.refused = self.kept = 0
        self.cleared = self.unreached = 0
        self.failures_in_a_row = 0
        self._reasons: dict[str, tuple[int, Letter]] = {}
        self._tell = tell
        self._clock = clock
        self._told_s = clock()

    def count(self, reason: str, letter: Letter) -> None:
        """Remember a reason and the first letter that it was given for."""
        number, first = self._reasons.get(reason, (0, letter))
        self._reasons[reason] = (number + 1, first)

    def refuse(self, reason: str, letter: Letter) -> None:
        """Count a letter that was meant and cannot be sent; it says nothing of others."""
        self.refused += 1
        self.count(reason, letter)

    def fail(self, reason: str, letter: Letter) -> None:
        """Count a letter that was meant to be sent and was not."""
        self.failed += 1
        self.failures_in_a_row += 1
        self.count(reason, letter)

    def progress(self, total: int | None) -> None:
        """Tell how far it is, every few seconds."""
        if self._clock() - self._told_s >= PROGRESS_S:
            self._told_s = self._clock()
            of = f" of about {total}" if total else ""
            self._tell(f"looked at {self.looked_at}{of}, sent {self.sent}, failed {self.failed}")

    def summary(self, *, is_dry: bool) -> list[str]:
        """Return the lines of the summary."""
        sent = "would send" if is_dry else "sent"
        counts = f"looked at {self.looked_at}, {sent} {self.sent}, failed {self.failed}, cannot be sent {self.refused}"
        lines = [f"{counts}, not meant {self.unwanted}"]
        if self.cleared:
            lines.append(f"remembered failures {'that would be ' if is_dry else ''}cleared: {self.cleared}")
        for reason, (number, first) in self._reasons.items():
            lines.append(f"  {number} x {reason}; the first is {first}")
        if self.unreached:
            lines.append(
                f"about {self.unreached} letters were not looked at: in a FIFO queue the first letters of a group, "
                "where they stay, hide those behind them"
            )
        return lines
