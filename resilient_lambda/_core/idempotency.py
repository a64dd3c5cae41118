"""
The idempotency machine: every decision about who may run a key, as pure functions over immutable entries.

                 take (insert)                complete
      absent ───────────────────► IN_PROGRESS ────────► COMPLETED     replayed until it expires
                                  ▲  │  │  ▲
             take (lapses + 1)    │  │  │  └── renew (heartbeat)
      lease_until + skew passed ──┘  │  └─── fail ────► FAILED        only with remember_failures_s
                                     ▼ release
                                  RELEASED ── take ──► IN_PROGRESS    attempts, last error kept

Rules of this file, each a schedule that breaks the promise without it (docs/architecture.md has them in full):

* Every write changes the version ``{owner}.{n}``, heartbeats too, and every write but the insert is conditional on the
  version and status as read. So of two writers that read the same entry, one wins.
* The owner believes in its lease until ``lease_until - skew``, others take over after ``lease_until + skew``: clocks
  of different machines differ.
* A takeover after a lapse raises ``lapses``, never ``attempts``: attempts are runs that failed.
* A success is never turned into a failure. A completion that was refused is decided by the entry that is there now:
  over a released, failed, absent or lapsed one it is written again; a live one of another owner stays.
"""

from __future__ import annotations

from enum import Enum
from math import ceil
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import ItemFormatError
from .cas import ABSENT, AsRead

if TYPE_CHECKING:
    from typing import TypeAlias

    from .cas import Expected, Item, Value

FORMAT = 1
DAY_S = 86_400


class Status(Enum):
    """Where a key stands."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    RELEASED = "RELEASED"
    FAILED = "FAILED"


class Entry(NamedTuple):
    """
    What is stored under an idempotency key (docs/data-format.md).

    Attributes:
        status: Where the key stands.
        version: ``{owner}.{n}``, new with every write.
        expires_at_s: When the entry ceases to count, in seconds since the epoch.
        attempts: Runs that failed.
        lapses: Claims whose lease ended without a word: crashes, mostly.
        lease_until_s: Until when the claim is exclusive; 0 unless in progress.
        deadline_s: When the owner's invocation ends at the latest; 0 if unknown.
        error: Class name of the last failure.
        fingerprint: Digest of the payload, "" if none is kept.
        delivery: Which delivery the claim or the failure belongs to.
        parked: What the dead-letter sink answered; "" if nothing was confirmed.
        result: The encoded result: JSON text, compressed bytes, or None for "done, without a result". Of a request that
            failed for good, what it was answered.
        foreign: The fields by which an item without a version is recognised, as read; empty for one of ours. Never
            stored.
    """

    status: Status
    version: str
    expires_at_s: int
    attempts: int = 0
    lapses: int = 0
    lease_until_s: float = 0.0
    deadline_s: float = 0.0
    error: str = ""
    fingerprint: str = ""
    delivery: str = ""
    parked: str = ""
    result: str | bytes | None = None
    foreign: tuple[tuple[str, Value | None], ...] = ()


class Ask(NamedTuple):
    """
    One worker's wish to run a key.

    Attributes:
        owner: Who asks: unique per claim.
        now_s: The asker's wall clock.
        lease_s: For how long the claim shall be exclusive.
        skew_s: By how much clocks may differ.
        keep_s: For how long a completed key is kept.
        deadline_s: When the asker's invocation ends; 0 if unknown.
        fingerprint: Digest of the payload, "" if none is compared.
        delivery: Which delivery this is.
        failed_id: Lambda's request id of an invocation of which it has said that it failed for good; "" for none.
    """

    owner: str
    now_s: float
    lease_s: float
    skew_s: float
    keep_s: float
    deadline_s: float = 0.0
    fingerprint: str = ""
    delivery: str = ""
    failed_id: str = ""


class Take(NamedTuple):
    """Run it, once *entry* is written over what is *expected*. ``is_takeover``: a lapsed claim is replaced."""

    entry: Entry
    expected: Expected
    is_takeover: bool


class Replay(NamedTuple):
    """It is done: answer with the entry's result."""

    entry: Entry


class ReplayFailure(NamedTuple):
    """This very delivery failed for good before: do not run it again."""

    entry: Entry


class Busy(NamedTuple):
    """
    Another worker has it, until *until_s* at the longest if nothing more is heard of it.

    Attributes:
        deadline_s: When that worker's invocation ends at the latest, whatever its heartbeat does; 0 if unknown.
    """

    until_s: float
    deadline_s: float = 0.0


class Mismatch(NamedTuple):
    """The key was used with another payload."""


class CompleteOver(NamedTuple):
    """Write the completion over what is *expected* now."""

    expected: Expected


class AlreadyCompleted(NamedTuple):
    """A completion is there, another worker's or an earlier try of one's own; it stays."""

    entry: Entry


class Superseded(NamedTuple):
    """Another worker holds a live claim; it decides."""


if TYPE_CHECKING:
    Decision: TypeAlias = Take | Replay | ReplayFailure | Busy | Mismatch
    Refusal: TypeAlias = CompleteOver | AlreadyCompleted | Superseded


def decide(current: Entry | None, ask: Ask, *, n: int = 0) -> Decision:
    """
    Decide what *ask* may do, the key being as *current*.

    Args:
        n: The number of this write within the owner's versions; new for every try on another entry.
    """
    if current is None:
        return Take(new_claim(ask, n), ABSENT, False)  # by position: every new event comes here
    if owner_of(current.version) == ask.owner and current.status is Status.IN_PROGRESS:
        # An earlier try of this very claim, whose answer was late (protocols.md B1).
        return Take(new_claim(ask, n, current), as_read(current), is_takeover=False)
    if current.expires_at_s <= ask.now_s:  # TTL deletion lags by days: the reader checks
        return Take(new_claim(ask, n), as_read(current), is_takeover=False)
    if current.status is Status.RELEASED:
        return Take(new_claim(ask, n, current), as_read(current), is_takeover=False)
    if current.status is Status.IN_PROGRESS and (
        is_lapsed(current, now_s=ask.now_s, skew_s=ask.skew_s) or is_ended(current, ask)
    ):
        return Take(new_claim(ask, n, current, lapses=current.lapses + 1), as_read(current), is_takeover=True)
    if current.status is Status.FAILED and current.delivery != ask.delivery:
        # A redrive brings a new delivery: replaying the failure would swallow it (protocols.md A1).
        return Take(new_claim(ask, n), as_read(current), is_takeover=False)
    if current.fingerprint and ask.fingerprint and current.fingerprint != ask.fingerprint:
        return Mismatch()
    if current.status is Status.COMPLETED:
        return Replay(current)
    if current.status is Status.FAILED:
        return ReplayFailure(current)
    return Busy(current.lease_until_s + ask.skew_s, current.deadline_s)


def decide_refused_completion(current: Entry | None, mine: Entry, *, now_s: float, skew_s: float) -> Refusal:
    """
    Decide what becomes of a success whose completion was refused, the key being as *current*.

    Source: protocols.md B4: a success beats everybody but a live owner and another success.
    """
    if current is None:
        return CompleteOver(ABSENT)
    if current.status is Status.COMPLETED and current.expires_at_s > now_s:
        return AlreadyCompleted(current)
    if owner_of(current.version) == owner_of(mine.version):  # a renewal of mine whose answer was lost (B3)
        return CompleteOver(as_read(current))
    if current.status is Status.IN_PROGRESS and not is_lapsed(current, now_s=now_s, skew_s=skew_s):
        return Superseded()
    return CompleteOver(as_read(current))


def completed(mine: Entry, *, n: int, now_s: float, keep_s: float, result: str | bytes | None) -> Entry:
    """Return *mine* as completed."""
    return _next(mine, n, Status.COMPLETED, ceil(now_s + keep_s))._replace(result=result, error="")


def released(mine: Entry, *, n: int, now_s: float, keep_s: float, error: str | None, resets: bool = False) -> Entry:
    """
    Return *mine* as released.

    The entry stays, for it carries the attempts: an absent one means that TTL removed it.

    Args:
        error: Class name of the failure that counts as an attempt; None if the function did not run.
        resets: True if the event was set aside: a redrive is a new beginning, so attempts and lapses start at 0.
    """
    entry = _next(mine, n, Status.RELEASED, ceil(now_s + keep_s) + DAY_S)
    if resets:
        return entry._replace(attempts=0, lapses=0, error=error or mine.error)
    return entry if error is None else entry._replace(attempts=mine.attempts + 1, error=error)


def failed(
    mine: Entry,
    *,
    n: int,
    now_s: float,
    remember_s: float,
    error: str,
    parked: str,
    result: str | bytes | None = None,
) -> Entry:
    """Return *mine* as failed for good."""
    entry = _next(mine, n, Status.FAILED, ceil(now_s + remember_s))
    return entry._replace(attempts=mine.attempts + 1, error=error, parked=parked, result=result)


def renewed(mine: Entry, *, n: int, now_s: float, lease_s: float, keep_s: float) -> Entry:
    """Return *mine* with a lease of *lease_s* from now, and an expiry that outlives it (protocols.md B12)."""
    lease_until_s = now_s + lease_s
    return mine._replace(
        version=version(owner_of(mine.version), n),
        lease_until_s=lease_until_s,
        expires_at_s=_claim_expiry(now_s, lease_until_s, keep_s),
    )


def is_lapsed(entry: Entry, *, now_s: float, skew_s: float) -> bool:
    """Tell whether others may take over a claim in progress (protocols.md B13)."""
    return now_s > entry.lease_until_s + skew_s


def is_ended(entry: Entry, ask: Ask) -> bool:
    """
    Tell whether the invocation that holds *entry* is over, because Lambda has said so to *ask*.

    The deadline is looked at as well: Lambda may run an event twice under one request id, and tell of one of the two.
    """
    _, _, request_id = owner_of(entry.version).partition("-")
    return bool(ask.failed_id) and request_id == ask.failed_id and ask.now_s > entry.deadline_s


def believes(entry: Entry, *, now_s: float, skew_s: float, for_s: float = 0.0) -> bool:
    """Tell whether the owner may still trust its lease for another *for_s* seconds (protocols.md B13)."""
    return now_s + for_s <= entry.lease_until_s - skew_s


def as_read(entry: Entry) -> AsRead:
    """
    Return the condition that *entry* is still there: its version and status (protocols.md B11).

    An item that another library wrote has no version; there the fields as read must stand in.
    """
    if entry.foreign:
        return AsRead(entry.foreign)
    return AsRead((("version", entry.version), ("status", entry.status.value)))


def version(owner: str, n: int) -> str:
    """Return the version of the *n*-th write of *owner*."""
    return f"{owner}.{n}"


def owner_of(entry_version: str) -> str:
    """Return whose write a version is."""
    return entry_version.rpartition(".")[0]


def render(entry: Entry) -> Item:
    """Return *entry* as the item that is stored; fields that say nothing are left out."""
    item: dict[str, Value] = {"format": FORMAT, "status": entry.status.value, "version": entry.version}
    item["expires_at_s"] = entry.expires_at_s
    for name, value in zip(_OPTIONAL, _optional(entry), strict=True):
        if value or (name == "result" and value is not None):
            item[name] = value
    return item


def parse(item: Item | None) -> Entry | None:
    """
    Return the entry that *item* holds, None for no item.

    Raises:
        ItemFormatError: A newer version of this library wrote it, or something else did.
    """
    if item is None:
        return None
    written = item.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise ItemFormatError(
            f"the stored item has format {written}, this version of resilient_lambda reads up to {FORMAT}; "
            "deploy the newer version here too"
        )
    try:
        optional = {name: _of_kind(name, item[name]) for name in _OPTIONAL if name in item}
        return Entry(
            Status(item["status"]),
            _of_kind("version", item["version"]),
            int(item["expires_at_s"]),
            **optional,
        )
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise ItemFormatError(
            "the item under this idempotency key was not written by resilient_lambda (see docs/data-format.md); "
            "give the handler another namespace or another table"
        ) from error


_FIRST_OPTIONAL = 3
_OPTIONAL = Entry._fields[_FIRST_OPTIONAL:-1]
# All that an item of this library may hold (`Write.may_hold`).
FIELDS = ("format", *Entry._fields[:-1])
_KINDS: dict[str, tuple[type, ...]] = {
    "attempts": (int,),
    "lapses": (int,),
    "lease_until_s": (int, float),
    "deadline_s": (int, float),
    "result": (str, bytes),
}


def _optional(entry: Entry) -> tuple[Value | None, ...]:
    return entry[_FIRST_OPTIONAL:-1]  # type: ignore[return-value]  # a slice forgets which fields it has


def _of_kind(name: str, value: Value) -> Any:
    if not isinstance(value, _KINDS.get(name, str)):
        raise TypeError(f"{name} is {type(value).__name__}")
    return value


def new_claim(ask: Ask, n: int, current: Entry | None = None, *, lapses: int | None = None) -> Entry:
    """Return the entry of a claim; attempts, lapses and last error are those of *current*."""
    lease_until_s = ask.now_s + ask.lease_s
    return Entry(  # all by position: a named tuple takes names, and defaults, at five times the price
        Status.IN_PROGRESS,
        version(ask.owner, n),
        _claim_expiry(ask.now_s, lease_until_s, ask.keep_s),
        current.attempts if current else 0,
        lapses if lapses is not None else (current.lapses if current else 0),
        lease_until_s,
        ask.deadline_s,
        current.error if current else "",
        ask.fingerprint,
        ask.delivery,
        "",
        None,
        (),
    )


def _claim_expiry(now_s: float, lease_until_s: float, keep_s: float) -> int:
    # TTL must not remove a claim that is still running (protocols.md B12).
    return ceil(max(now_s + keep_s, lease_until_s)) + DAY_S


def _next(mine: Entry, n: int, status: Status, expires_at_s: int) -> Entry:
    return mine._replace(
        status=status,
        version=version(owner_of(mine.version), n),
        expires_at_s=expires_at_s,
        lease_until_s=0.0,
        deadline_s=0.0,
    )
