"""What one invocation keeps for idempotency: outcomes, claims ahead, ends to be written, the heartbeat."""

from __future__ import annotations

import threading
from math import inf
from typing import TYPE_CHECKING

from ..errors import StoreUnavailableError
from .commits import Commits
from .procedures import together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.idempotency import Entry
    from .._core.model import Outcome
    from .._io.base import Beat, Flag
    from ..stores.base import Store
    from .ahead import Ahead, Candidate
    from .call import Invocation
    from .claim import ActiveClaim
    from .holding import Holding

RELEASES_AT_ONCE = 100
SHORTEST_GAIN_S = 0.1  # of a renewal that is worth a write


class Session:
    """
    What one invocation keeps.

    Attributes:
        has_begun: True once the first record has come.
        outcomes: By stored key, the payload's fingerprint and what came of the run.
        running: By stored key, what the later records of a key that is being run wait for.
        unstarted: Claims that were taken, or may have been, and under which nothing ran; given back before the answer.
        commits: The ends of runs, on their way into the store.
        ahead: Claims ahead of the work; None for a single event.
        unrecorded: Successes of this invocation that could not be written.
    """

    def __init__(
        self, store: Store, invocation: Invocation, make_claim: Callable[[str, Entry, Invocation], ActiveClaim]
    ) -> None:
        self.has_begun = False
        self.outcomes: dict[str, tuple[str, Outcome]] = {}
        self.running: dict[str, Flag] = {}
        self.unstarted: list[ActiveClaim] = []
        self.commits = Commits(store, invocation)
        self.ahead: Ahead | None = None
        self.unrecorded = 0
        self._make_claim = make_claim
        self._store = store
        self._invocation = invocation
        self._beat: Beat | None = None
        self._lock = threading.Lock()
        self._watched: dict[Holding, None] = {}  # in the order they were claimed: so are they renewed
        self._is_ended = False

    @property
    def is_last(self) -> bool:
        """True if no run is to follow that the store could be written beside."""
        return self.ahead is None or self.ahead.upcoming <= 0

    def watch(self, claims: Sequence[Holding], lease_s: float, lease_for: Callable[[], float]) -> None:
        """
        Renew the leases of *claims* at intervals, until they are settled.

        Args:
            lease_s: How long they usually are, in seconds.
            lease_for: Returns how long one is that is renewed now.

        Raises:
            StoreUnavailableError: There is no thread for the heartbeat.
        """
        with self._lock:  # claims are taken by the handler, and by the job that claims ahead
            self._watched.update(dict.fromkeys(claims))
            if self._beat is None and not self._is_ended:
                try:
                    self._beat = self._invocation.io.every(lease_s / 3, lambda: self._renew(lease_s, lease_for()))
                except RuntimeError as error:
                    raise StoreUnavailableError("the process has no thread for the heartbeat") from error

    async def settle(self, *, is_last: bool = False) -> None:
        """
        Write what has ended, and give back what was not started: only what runs is in progress then.

        Args:
            is_last: True to claim nothing ahead any more.
        """
        try:
            if self.ahead is not None:
                for candidate in await (self.ahead.close() if is_last else self.ahead.withdraw()):
                    self.keep_for_release(candidate)
        finally:
            await self.commits.flush()
        await self._give_back()

    def keep_for_release(self, candidate: Candidate | None) -> None:
        """Have given back what was claimed for *candidate*, or may have been; nothing will run under it."""
        if candidate is None:
            return
        if candidate.claim is not None:
            self.unstarted.append(candidate.claim)
        elif candidate.wish.tried and (
            candidate.decision is None or isinstance(candidate.decision, StoreUnavailableError)
        ):
            self.unstarted.append(self._make_claim(candidate.wish.key, candidate.wish.tried[-1], self._invocation))

    async def _give_back(self) -> None:
        """Release what was claimed, or may have been, without being run (protocols.md C2); no attempt is counted."""
        while self.unstarted and self._invocation.has_time_for_store():  # or else the leases end on their own
            claims = self.unstarted[:RELEASES_AT_ONCE]
            await together(self._invocation, self._store, [claim.releasing(error=None) for claim in claims])
            del self.unstarted[: len(claims)]  # now: until then it may be cancelled, and `close` comes here again
            if self._invocation.is_store_away:
                return

    async def end_heartbeat(self) -> None:
        """Join the heartbeat: one that went on would thaw with the environment and renew dead claims (C4)."""
        self._is_ended = True
        if self._beat is not None:
            await self._beat.stop()

    async def _renew(self, usual_s: float, lease_s: float) -> None:
        """Renew in one bulk operation, tried once: the next beat is the next try."""
        now_s = self._invocation.io.now()
        if now_s >= (self._invocation.deadline_s or inf):  # thawed: something kept it from being joined (C4)
            return
        entered: list[Holding] = []
        try:
            with self._lock:
                watched = list(self._watched)
            for holding in watched:
                left_s = holding.entry.lease_until_s - now_s
                if holding.is_settled or holding.is_lost or left_s <= 0:  # never one that has lapsed (B2)
                    self._watched.pop(holding, None)
                    continue
                if left_s > lease_s - SHORTEST_GAIN_S:  # it reaches to the end of the invocation
                    continue
                # What only waits for its turn is renewed when half of its lease is gone (D3). Whatever is inside the
                # gate is being written just now.
                if (holding.is_running or left_s < usual_s / 2) and holding.gate.try_enter():
                    entered.append(holding)
            if entered and not self._is_ended:  # asked before the write: the join does not wait for ever
                await together(
                    self._invocation, self._store, [holding.renewing(lease_s) for holding in entered], repeats=False
                )
        finally:
            for holding in entered:
                holding.gate.leave()
