"""How a worker gets a claim: insert or read first, decide, write, and wait for a twin where that is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.cas import Stored
from .._core.idempotency import Ask, Busy, Entry, Take, decide, new_claim, parse, render
from .._named_tuple import NamedTuple
from .store_calls import attempt

if TYPE_CHECKING:
    from .._core.idempotency import Decision
    from ..stores.base import Store
    from .call import Call, Invocation

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
    """

    lease_s: float | None
    skew_s: float
    keep_s: float

    def lease_for(self, invocation: Invocation) -> float:
        """Return the lease of a claim made now, in seconds (protocols.md A2, B13)."""
        if self.lease_s is not None:
            return self.lease_s
        if invocation.source.has_short_lease:
            return max(SHORT_LEASE_S, 3 * self.skew_s)
        if invocation.deadline_s is None:
            return LONGEST_INVOCATION_S + self.skew_s
        return invocation.deadline_s - invocation.io.now() + self.skew_s

    def needs_heartbeat(self, invocation: Invocation) -> bool:
        """Tell whether a claim could outlive its lease."""
        return self.lease_s is not None or invocation.source.has_short_lease


async def claim(
    store: Store, key: str, call: Call, terms: Terms, *, fingerprint: str, waits: bool, tried: list[Entry]
) -> Decision:
    """
    Claim *key* for *call*; `Take` means that it is claimed.

    Args:
        waits: True to wait for a twin in progress as long as the invocation allows.
        tried: Receives every entry that was written, or may have been where the store did not answer.

    Raises:
        StoreError: The store failed.
    """
    invocation = call.invocation
    io = invocation.io
    owner = _new_owner(invocation)
    # A redelivery is probably known: read first, for a refused write costs as much as one that succeeds (D2).
    receives = call.record.receives
    current = await _read(store, key, invocation) if receives is not None and receives > 1 else None
    poll_s = POLL_S
    while len(tried) < CLAIM_ROUNDS:
        decision = decide(current, _ask(owner, call, terms, fingerprint), n=len(tried))
        if isinstance(decision, Take):
            tried.append(decision.entry)
            answer = await attempt(invocation, store.put_if, key, render(decision.entry), decision.expected)
            if isinstance(answer, Stored):
                return decision
            current = parse(answer.current)
            continue
        if not isinstance(decision, Busy) or not waits:
            return decision
        # Nothing is held while waiting, so two environments cannot wait for each other (protocols.md C3).
        wait_s = min(poll_s, max(decision.until_s - io.now(), 0.01))
        if io.now() + wait_s >= invocation.stop_at_s:
            return decision
        await io.sleep(wait_s)
        poll_s = min(poll_s * 2, POLL_CAP_S)
        current = await _read(store, key, invocation)
    return Busy(io.now() + POLL_CAP_S)  # it changes hands faster than it can be claimed


def unread(call: Call, terms: Terms, fingerprint: str) -> Entry:
    """Return the entry of a claim on a key of which nothing is known."""
    ask = _ask(_new_owner(call.invocation), call, terms, fingerprint)
    return new_claim(ask, 0)


def _new_owner(invocation: Invocation) -> str:
    # The request id makes an owner readable for people, and unique even where randomness were not (protocols.md B7).
    return f"{invocation.io.token()}-{invocation.request_id}"


def _ask(owner: str, call: Call, terms: Terms, fingerprint: str) -> Ask:
    invocation = call.invocation
    return Ask(
        owner,
        invocation.io.now(),
        terms.lease_for(invocation),
        terms.skew_s,
        terms.keep_s,
        invocation.deadline_s or 0.0,
        fingerprint,
        call.record.id,
    )


async def _read(store: Store, key: str, invocation: Invocation) -> Entry | None:
    return parse((await attempt(invocation, store.get, [key])).get(key))
