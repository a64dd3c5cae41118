"""How runs get their claims: ahead and in bulk, or alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.idempotency import Busy, Take
from .._core.sources import Twin
from ..errors import LeaseLostError, StoreError, StoreUnavailableError
from .claim import ActiveClaim, UnenforcedClaim
from .claiming import Suspect, claim, claiming
from .procedures import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.idempotency import Entry
    from ..stores.base import Store
    from .ahead import Candidate
    from .call import Invocation
    from .claiming import Claimed, Terms, Wish
    from .session import Session


class Claims:
    """
    Takes the claims of one policy.

    Args:
        on_in_progress: ``"wait"``, ``"retry"``, or ``"auto"`` to have the source say.
        observes: True if claims are taken, but never enforced.
    """

    def __init__(self, store: Store, terms: Terms, *, on_in_progress: str, observes: bool) -> None:
        self._store = store
        self._terms = terms
        self._on_in_progress = on_in_progress
        self._observes = observes

    async def take(
        self, wish: Wish, candidate: Candidate | None, session: Session
    ) -> tuple[ActiveClaim | None, Claimed]:
        """
        Return the claim, taken ahead or now, and what was decided; None if it was not taken.

        Raises:
            StoreError: The store failed.
        """
        call = wish.call
        invocation = call.invocation
        if candidate is not None and candidate.decision is not None:
            if isinstance(candidate.decision, StoreError):
                raise candidate.decision
            if candidate.claim is None:
                # What was spared while others could run is asked for again: now there are none. And so is what was
                # decided for another record of the key: a failure that is remembered is one delivery's (A1).
                is_spared = call.is_last_resort and isinstance(candidate.decision, Busy | Suspect)
                if not is_spared and candidate.wish.call is call:
                    return None, candidate.decision
                wish.tried.clear()
            elif await self._is_still_held(candidate.claim):
                return candidate.claim, candidate.decision
            else:
                session.keep_for_release(candidate)
                candidate.claim = candidate.decision = None
                wish.tried.clear()
        waits = call.is_last_resort and self.wants_to_wait(invocation)
        if waits:
            await session.settle()  # nobody waits for others while others may wait for him (protocols.md C3)
        decision = await claim(
            self._store, wish, waits=waits, spares_suspects=not (call.is_last_resort or self._observes)
        )
        if not isinstance(decision, Take):
            return None, decision
        taken = self.make(wish.key, decision.entry, invocation)
        self._watch(session, [taken], invocation)
        return taken, decision

    async def _is_still_held(self, claim: ActiveClaim) -> bool:
        try:
            await claim.ensure_held(0.0)  # it may have waited for longer than its lease
        except LeaseLostError:
            return False
        return True

    async def take_ahead(self, candidates: list[Candidate], session: Session, invocation: Invocation) -> None:
        """Claim *candidates* in bulk; perhaps in another thread. Each has a decision then, whatever happens."""
        procedures = [claiming(candidate.wish, spares_suspects=not self._observes) for candidate in candidates]
        decisions: list[Claimed | StoreError] = [StoreUnavailableError("the claim was cut short")] * len(candidates)
        taken: list[Candidate] = []
        try:
            decisions = await together(invocation, self._store, procedures)
            for candidate, decision in zip(candidates, decisions, strict=True):
                if isinstance(decision, Take):
                    candidate.claim = self.make(candidate.wish.key, decision.entry, invocation)
                    taken.append(candidate)
            self._watch(session, [candidate.claim for candidate in taken if candidate.claim is not None], invocation)
        except StoreUnavailableError as error:
            for candidate in taken:
                session.keep_for_release(candidate)
                candidate.claim = None
            decisions = [error] * len(candidates)
        finally:
            for candidate, decision in zip(candidates, decisions, strict=True):
                candidate.decision = decision

    def wants_to_wait(self, invocation: Invocation) -> bool:
        """Tell whether a run waits for its twin within the invocation."""
        if self._observes:
            return False
        if self._on_in_progress == "auto":
            return invocation.source.twin is Twin.WAIT
        return self._on_in_progress == "wait"

    def make(self, key: str, entry: Entry, invocation: Invocation, *, is_stand_in: bool = False) -> ActiveClaim:
        """Return a claim of which *entry* is what is stored."""
        # Observing must not change what runs, so its claims are taken and completed, but never enforced.
        return (UnenforcedClaim if is_stand_in or self._observes else ActiveClaim)(
            key,
            entry,
            store=self._store,
            terms=self._terms,
            invocation=invocation,
        )

    def _watch(self, session: Session, claims: Sequence[ActiveClaim], invocation: Invocation) -> None:
        lease_s = self._terms.renewed_lease_s(invocation)
        if claims and lease_s is not None:
            session.watch(claims, lease_s, lambda: self._terms.lease_for(invocation))
