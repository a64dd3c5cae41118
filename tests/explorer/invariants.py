"""What must hold in every state, and at the end of every delivery; see `problem_of_claim` and `problem_at_end`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilient_lambda._core.idempotency import Entry, Status, is_lapsed, owner_of

if TYPE_CHECKING:
    from collections.abc import Container

    from .environment import Delivered, Trusted
    from .table import Contents

LEASE_S = 10.0
SKEW_S = 1.0


def problem_of_claim(claim: Trusted, entry: Entry | None, now_s: float, worker: str) -> str | None:
    """Return what is wrong with *claim*, the key being as *entry*; None if nothing."""
    is_own = entry is not None and owner_of(entry.version) == claim.owner
    if claim.until_s - SKEW_S >= now_s and not is_own:
        return f"{worker} trusts its lease on {claim.key}, but the key belongs to {entry}"
    if claim.is_lost and is_own and entry is not None and entry.status is Status.IN_PROGRESS:
        return f"{worker} was refused by its own item {entry}"
    return None


def problem_at_end(contents: Contents, delivered: Delivered, done: Container[str], now_s: float) -> str | None:
    """
    Return what is wrong at the end of a delivery; None if nothing.

    Args:
        done: Keys whose effect has happened.
    """
    for key in sorted(delivered.acknowledged):
        if key not in done:
            return f"{key} was acknowledged, and never had an effect"
    for key in sorted(delivered.acknowledged | delivered.journalled):
        if not _is_safe(key, contents.entries.get(key), delivered, now_s):
            return f"the success of {key} was dropped: {contents.entries.get(key)}"
    for key, entry in contents.entries.items():
        is_own = entry.status is Status.IN_PROGRESS and entry.version.startswith(delivered.owner_prefixes[-1])
        if is_own and not delivered.had_outage:
            return f"the claim of {key} was left behind although no store call failed: {entry}"
    return None


def _is_safe(key: str, entry: Entry | None, delivered: Delivered, now_s: float) -> bool:
    if entry is not None and entry.status is Status.COMPLETED:
        return True
    if key not in delivered.journalled:
        return False
    if delivered.had_outage:
        return True
    # Without an outage only another worker's claim keeps a success in the journal: one that is live now, or was when
    # the store refused the completion for its sake.
    if (
        entry is not None
        and entry.status is Status.IN_PROGRESS
        and not entry.version.startswith(delivered.owner_prefixes)
    ):
        return not is_lapsed(entry, now_s=now_s, skew_s=SKEW_S)
    return any(met == key and not owner.startswith(delivered.owner_prefixes) for met, owner in delivered.met)
