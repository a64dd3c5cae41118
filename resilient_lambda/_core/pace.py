"""How long a run takes, as far as has been seen: whoever starts one should know whether it will end in time."""

from __future__ import annotations

FORGETTING = 0.01


class Pace:
    """
    The longest run seen, slowly forgotten.

    Each shorter run takes away a hundredth: one that took long keeps others from being started too late, and does not
    do so for ever.

    Attributes:
        longest_s: What the next run may take, in seconds; 0 if nothing has been seen.
        mean_s: What a record takes, the last five weighing most; 0 if nothing has been seen.
    """

    __slots__ = ("__weakref__", "longest_s", "mean_s")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget everything, as a new environment would."""
        self.longest_s = 0.0
        self.mean_s = 0.0

    def swap_memory(self, memory: tuple[float, float] | None) -> tuple[float, float]:
        """Put *memory*, None for a new environment's, in the place of what is known here, and return that."""
        known = self.longest_s, self.mean_s
        self.longest_s, self.mean_s = memory or (0.0, 0.0)
        return known

    def note(self, took_s: float, records: int = 1) -> None:
        """
        Take notice of a run that took *took_s* seconds.

        Args:
            records: How many records were handled by it.
        """
        each_s = took_s / records
        self.mean_s = self.mean_s * 0.8 + each_s * 0.2 if self.mean_s else each_s
        if took_s >= self.longest_s:
            self.longest_s = took_s
        else:
            self.longest_s -= (self.longest_s - took_s) * FORGETTING
