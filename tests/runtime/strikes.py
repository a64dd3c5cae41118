"""What happens to processes in the middle of their batches: they are killed, or stopped for a while."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random

REQUEST_S = 0.005  # about what a request to DynamoDB Local takes
WHEN = ("after", "before", "during")
# How many requests of each moment there are in an invocation with some thirty records, or nearly so.
LAST_NUMBERS = {"claims": 2, "ends": 3, "transaction": 20}
WORTH_A_KILL = 3  # records; in a smaller batch there is hardly a middle


class Pace:
    """
    How long an undisturbed invocation takes: so much per record, and so much more if it is its process' first.

    It follows the machine, which may be busy with other things, by moving averages.
    """

    def __init__(self) -> None:
        self.record_s = 0.02
        self.first_s = 0.05

    def expected_s(self, records: int, *, is_first: bool) -> float:
        """Return the duration to expect."""
        return self.record_s * records + (self.first_s if is_first else 0.0)

    def learn(self, records: int, took_s: float, *, is_first: bool) -> None:
        """Take note of an invocation that nobody disturbed; a small batch tells nothing about a large one's records."""
        if records < WORTH_A_KILL:
            return
        if is_first:
            self.first_s += (max(took_s - self.record_s * records, 0.0) - self.first_s) / 4
        else:
            self.record_s += (took_s / records - self.record_s) / 4


class Strike(NamedTuple):
    """
    What is done to one invocation.

    Attributes:
        kill_after_s: Kill it so long after its beginning.
        aim: Have it kill itself in a request to DynamoDB (functions/striking.py).
        stall_after_s: Stop it so long after its beginning, and let it go on *stall_s* later.
    """

    kill_after_s: float | None = None
    aim: dict[str, Any] | None = None
    stall_after_s: float | None = None
    stall_s: float = 0.0

    @property
    def name(self) -> str:
        """What it is called in a count of strikes."""
        if self.aim is not None:
            return f"{self.aim['when']} {self.aim['moment']}"
        return "stall" if self.stall_after_s is not None else "any time"


class Aims:
    """
    The requests in which processes kill themselves: every moment with every *when* in turn, so that none is left out.

    Args:
        rng: Decides on the number of the request within its invocation.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next = deque({"moment": moment, "when": when} for when in WHEN for moment in LAST_NUMBERS)

    def take(self) -> dict[str, Any]:
        """Return the next one as functions/striking.py reads it."""
        aim = self._next[0]
        self._next.rotate(-1)
        number = self._rng.randint(1, LAST_NUMBERS[aim["moment"]])
        return {**aim, "number": number, "after_s": self._rng.random() * REQUEST_S}

    def again(self, missed: dict[str, Any]) -> None:
        """Take note that there was no such request: it is tried again soon."""
        aim = {"moment": missed["moment"], "when": missed["when"]}
        self._next.remove(aim)
        self._next.appendleft(aim)


class Kills:
    """
    Which invocations are struck, and when: at a point of their duration that is drawn evenly from *rng*.

    Args:
        at_most: After so many kills everything is left in peace, so that the queue can run empty.
        share: The share of invocations that are to be struck until then.
        aims: In which requests processes kill themselves, if any do.
        aimed: The share of those.
        stalled: The share of those that are not killed but stopped for *stall_s* seconds.
    """

    def __init__(
        self,
        rng: random.Random,
        pace: Pace,
        *,
        at_most: int,
        share: float,
        aims: Aims | None = None,
        aimed: float = 0.0,
        stalled: float = 0.0,
        stall_s: float = 0.0,
    ) -> None:
        self._rng, self._pace, self._left, self._share = rng, pace, at_most, share
        self._aims, self._aimed = aims, aimed
        self._stalled, self._stall_s = stalled, stall_s
        self._lock = threading.Lock()

    def strike(self, records: int, *, is_first: bool) -> Strike | None:
        """Return what to do to the invocation of so many records; None to let it live."""
        with self._lock:
            if records < WORTH_A_KILL or self._left == 0 or self._rng.random() >= self._share:
                return None
            self._left -= 1
            kind = self._rng.random()
            if self._aims is not None and kind < self._aimed:
                return Strike(aim=self._aims.take())
            after_s = self._rng.random() * self._pace.expected_s(records, is_first=is_first)
            if kind < self._aimed + self._stalled:
                return Strike(stall_after_s=after_s, stall_s=self._stall_s)
            return Strike(kill_after_s=after_s)

    def missed(self, strike: Strike) -> None:
        """Take note that an invocation had answered before its kill was due."""
        with self._lock:
            self._left += 1
            if self._aims is not None and strike.aim is not None:
                self._aims.again(strike.aim)
