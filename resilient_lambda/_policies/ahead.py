"""
Claims ahead of the work: the keys of the records that come next, in one bulk operation.

Just ahead: a window is what will have begun within about a second, so that a crash takes few neighbours along and
other environments find free what is not begun soon. The next window is claimed beside the runs of this one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .._io.base import Io, Job
    from ..errors import StoreError
    from .call import Call
    from .claim import ActiveClaim
    from .claiming import Claimed, Wish

FIRST_WINDOW = 25  # one request
LARGEST_WINDOW = 100  # four requests in parallel
WINDOW_S = 1.0


class Candidate:
    """
    A record whose key is claimed ahead.

    Attributes:
        wish: What it wants.
        decision: What came of it; None until it is known.
        claim: The claim, if it was taken.
    """

    __slots__ = ("claim", "decision", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.decision: Claimed | StoreError | None = None
        self.claim: ActiveClaim | None = None


class Ahead:
    """
    The claims ahead of one batch.

    Args:
        calls: The runs to come, in order; None where one is over.
        wish_of: Returns what a call wants, None if it is not to be claimed ahead.
        claim: Claims candidates.
        pace_s: Returns how long a run takes, in seconds, as far as is known; 0 if nothing is.
    """

    def __init__(
        self,
        io: Io,
        calls: Sequence[Call | None],
        *,
        wish_of: Callable[[Call], Wish | None],
        claim: Callable[[list[Candidate]], Awaitable[None]],
        pace_s: Callable[[], float],
        stop_at_s: float,
    ) -> None:
        self._io = io
        self._calls = calls
        self._wish_of = wish_of
        self._claim = claim
        self._pace_s = pace_s
        self._stop_at_s = stop_at_s
        self._next = 0
        self._planned: dict[Call, Candidate | None] = {}
        self._keys: set[str] = set()
        self._job: Job | None = None
        self._window: list[Candidate] = []  # the job's
        self._is_stopped = False
        self.upcoming = len(calls)

    async def take(self, call: Call) -> Candidate | None:
        """Return the candidate of *call*, which begins now; None if it must be claimed on its own."""
        self.upcoming -= 1
        if self._is_stopped:
            return None
        while call not in self._planned and self._next < len(self._calls):
            await self._join()
            if window := self._plan():
                await self._claim(window)
        candidate = self._planned.get(call)
        if (candidate is not None and candidate.decision is None) or self._is_through:
            await self._join()
        self._planned.pop(call, None)  # after all that may be cancelled: until then `stop` has it
        is_low = len(self._planned) <= self._size() // 2
        if is_low and self._job is None and self._next < len(self._calls) and (window := self._plan()):
            self._window = window
            with suppress(RuntimeError):  # no thread to be had: they will be claimed one by one
                self._job = self._io.start(lambda: self._claim(window))
        return candidate

    @property
    def _is_through(self) -> bool:
        """True if the job has decided on all of its candidates."""
        return self._job is not None and all(candidate.decision is not None for candidate in self._window)

    async def stop(self) -> list[Candidate]:
        """Claim nothing more, and return the candidates that have not begun."""
        self._is_stopped = True
        await self._join()
        left = [candidate for candidate in self._planned.values() if candidate is not None]
        self._planned.clear()
        return left

    async def _join(self) -> None:
        if self._job is not None:
            try:
                await self._job.join()
            finally:
                if self._is_through:  # or else the wait was cancelled
                    self._job = None

    def _plan(self) -> list[Candidate]:
        """Return the next window; empty if none of the records that it would hold is to be claimed."""
        window: list[Candidate] = []
        end = min(self._next + self._size(), len(self._calls))
        for call in self._calls[self._next : end]:
            if call is None:
                continue
            wish = self._wish_of(call)
            if wish is None or wish.key in self._keys:
                # The first record of a key runs, later ones attach to its outcome (protocols.md B10).
                self._planned[call] = None
                continue
            self._keys.add(wish.key)
            candidate = self._planned[call] = Candidate(wish)
            window.append(candidate)
        self._next = end
        return window

    def _size(self) -> int:
        pace_s = self._pace_s()
        if not pace_s:
            return FIRST_WINDOW
        soon_s = min(WINDOW_S, self._stop_at_s - self._io.now())
        return max(1, min(LARGEST_WINDOW, int(soon_s / pace_s)))
