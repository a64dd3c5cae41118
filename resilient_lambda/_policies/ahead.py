"""
Claims ahead of the work: the keys of the records that come next, in one bulk operation.

Just ahead: a window is what will have begun within about a second, so that a crash takes few neighbours along and
other environments find free what is not begun soon. The next window is claimed beside the runs of this one.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .._io.base import Job
    from ..errors import StoreError
    from .call import Call, Invocation
    from .claim import ActiveClaim
    from .claiming import Claimed, Wish

FIRST_WINDOW = 25  # one request
LARGEST_WINDOW = 100  # four requests in parallel
LEAST_WINDOW = 5
WINDOW_S = 1.0
POLL_S = 0.005
PLANNING_S = 0.1  # key functions and models are the user's: whatever they take, one record's is enough to go on


class Candidate:
    """
    A key that is claimed ahead, for whichever of its records begins first.

    Attributes:
        wish: What the first record of the event wants that has it.
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
        count: How many runs are to come.
        wish_of: Returns what a call wants, None if it is not to be claimed ahead.
        claim: Claims candidates.
    """

    def __init__(
        self,
        invocation: Invocation,
        count: int,
        *,
        wish_of: Callable[[Call], Wish | None],
        claim: Callable[[list[Candidate]], Awaitable[None]],
    ) -> None:
        self._invocation = invocation
        self._wish_of = wish_of
        self._claim = claim
        self._limit = LARGEST_WINDOW
        self._planned: dict[Call, Wish | None] = {}
        self._by_key: dict[str, Candidate] = {}
        self._job: Job | None = None
        self._window: list[Candidate] = []  # the job's
        self._is_closed = False
        self._is_claiming = False
        self.upcoming = count

    async def begin(self, call: Call) -> Wish | None:
        """Return what *call*, which begins now, wants; None if it was not planned, for want of a key perhaps."""
        self.upcoming -= 1
        self._limit = min(LARGEST_WINDOW, self._limit + 1)
        while call not in self._planned and not self._is_closed:
            if self._job is not None:
                await self._join()
            elif (window := self._plan((call,))) and (self._invocation.concurrency == 1 or not self._start(window)):
                await self._claim_here(window)
        if self._is_through:
            await self._join()
        wish = self._planned.pop(call, None)
        is_low = len(self._planned) <= self._size() // 2
        if is_low and self._job is None and not self._is_closed and (window := self._plan(())):
            self._start(window)  # or, where there is no thread to be had, they are claimed one by one
        return wish

    def find(self, key: str, fingerprint: str) -> Candidate | None:
        """Return what is claimed ahead for *key*, for whichever of its records begins first (protocols.md B10)."""
        candidate = self._by_key.get(key)
        return None if candidate is None or candidate.wish.fingerprint != fingerprint else candidate

    def is_undecided(self, candidate: Candidate) -> bool:
        """Tell whether somebody is about to decide on *candidate*."""
        return candidate.decision is None and (self._job is not None or self._is_claiming)

    async def decided(self, candidate: Candidate) -> None:
        """Wait until *candidate* is decided on."""
        while self.is_undecided(candidate):
            if self._job is not None:
                await self._join()
            else:  # another lane claims, as there is no thread to be had
                await self._invocation.io.sleep(POLL_S)

    def take(self, candidate: Candidate) -> None:
        """Leave *candidate* to the caller, who runs its key."""
        del self._by_key[candidate.wish.key]

    async def _claim_here(self, window: list[Candidate]) -> None:
        self._is_claiming = True
        try:
            await self._claim(window)
        finally:
            self._is_claiming = False

    def _start(self, window: list[Candidate]) -> bool:
        self._window = window
        with suppress(RuntimeError):
            self._job = self._invocation.io.start(lambda: self._claim(window))
            return True
        return False

    @property
    def _is_through(self) -> bool:
        """True if the job has decided on all of its candidates."""
        return self._job is not None and all(candidate.decision is not None for candidate in self._window)

    async def withdraw(self) -> list[Candidate]:
        """Return the candidates that have not begun; those that do begin are claimed anew."""
        await self._join()
        found = list(self._by_key.values())
        self._planned.clear()
        self._by_key.clear()
        return found

    async def close(self) -> list[Candidate]:
        """Claim nothing more, and return the candidates that have not begun."""
        self._is_closed = True
        return await self.withdraw()

    async def _join(self) -> None:
        job = self._job
        if job is not None:
            try:
                await job.join()
            finally:
                if self._job is job and self._is_through:  # or else the wait was cancelled
                    self._job = None

    def _plan(self, first: Sequence[Call]) -> list[Candidate]:
        """Return the next window, *first* and what comes behind it; empty if none of it is to be claimed."""
        window: list[Candidate] = []
        self._forget_left()
        room = min(self._size(), self._limit)
        io = self._invocation.io
        began_s = io.monotonic()
        for call in chain(first, self._invocation.upcoming()):
            if call in self._planned:
                continue
            if not room or (window and io.monotonic() - began_s > PLANNING_S):
                break
            room -= 1
            wish = self._wish_of(call)
            self._planned[call] = wish
            if wish is not None and wish.key not in self._by_key:
                candidate = self._by_key[wish.key] = Candidate(wish)
                window.append(candidate)
        return window

    def _forget_left(self) -> None:
        """
        Plan no more with the records of lanes that have stopped; where there are any, less is claimed ahead.

        What was claimed for them stays, for another record of the key may begin; `close` gives it back.
        """
        left = [call for call in self._planned if call.is_left]
        if left:
            self._limit = max(LEAST_WINDOW, self._limit // 2)
        for call in left:
            del self._planned[call]

    def _size(self) -> int:
        pace_s = self._invocation.pace.mean_s / self._invocation.concurrency
        if not pace_s:
            return FIRST_WINDOW
        invocation = self._invocation
        soon_s = min(WINDOW_S, min(invocation.stop_at_s, invocation.end_at_s) - invocation.io.now())
        return max(1, min(LARGEST_WINDOW, int(soon_s / pace_s)))
