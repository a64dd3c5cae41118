"""How a worker gets a claim: insert or read first, decide, write, and wait for a twin where that is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.cas import Stored
from .._core.idempotency import Ask, Busy, Entry, Take, decide, new_claim
from .._named_tuple import NamedTuple
from .procedures import Read, alone

if TYPE_CHECKING:
    from typing import TypeAlias

    from .._core.idempotency import Decision
    from .._core.item_format import ItemFormat
    from ..stores.base import Store
    from .call import Call, Invocation
    from .procedures import Procedure

SHORT_LEASE_S = 20.0
LONGEST_INVOCATION_S = 900.0  # Lambda's limit: the lease where the context tells no deadline
CLAIM_ROUNDS = 6
POLL_S = 0.1
POLL_CAP_S = 1.0


class Terms(NamedTuple):
    """
    Under what terms keys are claimed.

    Attributes:
        lease_s: For how long a claim is exclusive; None to take it from the source.
        skew_s: By how much the clocks of two machines may differ.
        keep_s: For how long a completed key is kept.
        form: How entries look in the table.
    """

    lease_s: float | None
    skew_s: float
    keep_s: float
    form: ItemFormat

    def lease_for(self, invocation: Invocation) -> float:
        """
        Return the lease of a claim made or renewed now, in seconds (protocols.md A2, B13).

        It never goes on for longer than the invocation: whoever is stopped at its time limit needs no key any more, and
        what comes next, a retry or a re-invocation, would wait in vain.
        """
        if invocation.deadline_s is None:
            return self.renewed_lease_s(invocation) or LONGEST_INVOCATION_S + self.skew_s
        remaining_s = invocation.deadline_s - invocation.io.now() + self.skew_s
        return min(self.renewed_lease_s(invocation) or remaining_s, remaining_s)

    def renewed_lease_s(self, invocation: Invocation) -> float | None:
        """Return the lease that a heartbeat renews, in seconds; None if claims are held to the invocation's end."""
        if self.lease_s is not None:
            return self.lease_s
        if invocation.source.has_short_lease and self.form.has_short_leases:
            return max(SHORT_LEASE_S, 3 * self.skew_s)
        return None


class Suspect(NamedTuple):
    """Runs of this key ended without a word, *lapses* times: it is claimed last, and alone (protocols.md A6)."""

    lapses: int


class Wish(NamedTuple):
    """
    One record that wants to run.

    Attributes:
        key: The stored key.
        fingerprint: Digest of the payload, "" if none is compared.
        tried: Every entry that was written for it, or may have been where the store did not answer.
    """

    key: str
    fingerprint: str
    call: Call
    terms: Terms
    tried: list[Entry]

    def ask(self, owner: str) -> Ask:
        """Return the wish as the pure decisions take it."""
        invocation = self.call.invocation
        return Ask(
            owner,
            invocation.io.now(),
            self.terms.lease_for(invocation),
            self.terms.skew_s,
            self.terms.keep_s,
            invocation.deadline_s or 0.0,
            self.fingerprint,
            self.call.record.delivery,
            invocation.failed_id,
        )


if TYPE_CHECKING:
    Claimed: TypeAlias = Decision | Suspect


def claiming(wish: Wish, *, spares_suspects: bool, reads_first: bool | None = None) -> Procedure[Claimed]:
    """
    Claim the key of *wish*; `Take` means that it is claimed.

    Args:
        spares_suspects: True to return `Suspect` rather than claim a key whose last run ended without a word.
        reads_first: By default a redelivery reads first: it is probably known, and a refused write costs as much as one
            that succeeds (protocols.md D2).
    """
    invocation = wish.call.invocation
    form = wish.terms.form
    owner = _new_owner(invocation)
    if reads_first is None:
        receives = wish.call.record.receives
        reads_first = receives is not None and receives > 1
    current = form.parse((yield Read(wish.key))) if reads_first else None
    for n in range(CLAIM_ROUNDS):
        decision = decide(current, wish.ask(owner), n=n)
        if not isinstance(decision, Take):
            return decision
        if spares_suspects and decision.entry.lapses:
            return Suspect(decision.entry.lapses)
        wish.tried.append(decision.entry)
        answer = yield form.write(wish.key, decision.entry, decision.expected)
        if isinstance(answer, Stored):
            return decision
        current = form.parse(answer.current)
    return Busy(invocation.io.now() + POLL_CAP_S)  # it changes hands faster than it can be claimed


async def claim(store: Store, wish: Wish, *, waits: bool, spares_suspects: bool) -> Claimed:
    """
    Claim the key of *wish* alone, and wait for a twin in progress as long as the invocation allows if *waits*.

    Raises:
        StoreError: The store failed.
    """
    invocation = wish.call.invocation
    io = invocation.io
    poll_s = POLL_S
    reads_first = None
    while True:
        decision = await alone(
            invocation, store, claiming(wish, spares_suspects=spares_suspects, reads_first=reads_first)
        )
        if not isinstance(decision, Busy) or not waits:
            return decision
        # Nothing is held while waiting, so two environments cannot wait for each other (protocols.md C3).
        wait_s = min(poll_s, max(decision.until_s - io.now(), 0.01))
        if io.now() + wait_s >= min(invocation.stop_at_s, invocation.end_at_s):
            return decision
        await io.sleep(wait_s)
        poll_s = min(poll_s * 2, POLL_CAP_S)
        reads_first = True


def unread(wish: Wish) -> Entry:
    """Return the entry of a claim on a key of which nothing is known."""
    return new_claim(wish.ask(_new_owner(wish.call.invocation)), 0)


def _new_owner(invocation: Invocation) -> str:
    # The request id makes an owner readable for people, and unique even where randomness were not (protocols.md B7).
    return f"{invocation.io.token()}-{invocation.request_id}"
