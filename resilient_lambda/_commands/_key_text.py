"""What an idempotency item says, in words for people. Pure: the item and the time are arguments."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from .._core import powertools_format
from .._core.idempotency import Entry, Status, is_lapsed, owner_of, parse
from .._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .._core.cas import Item
    from ..errors import ItemFormatError

RESULT_FIELDS = ("result", "data")
DAY_S = 86_400.0
SKEW_S = 2.0  # `Idempotency(skew_s=)` unless set; the item does not say


class Found(NamedTuple):
    """
    An item that was recognised.

    Attributes:
        layout: Whose item it is, in words.
        entry: What it says, in the library's terms.
        wait_s: For how long after the lease's end others wait, by default.
    """

    layout: str
    entry: Entry
    wait_s: float


def recognise(item: Item) -> Found:
    """
    Return what *item* says, in the library's layout or in that of Powertools' idempotency utility.

    Raises:
        ItemFormatError: It is of a newer format, or something else.
    """
    # What Powertools wrote has no mark of its own; what this library wrote has a version at least.
    is_foreign = item.get("status") in ("INPROGRESS", "COMPLETED") and not {"version", "format"} & set(item)
    if not is_foreign and item.get("layout") != powertools_format.LAYOUT:
        entry = parse(item)
        layout, wait_s = f"resilient_lambda, format {item.get('format', 1)!r}", SKEW_S
    else:
        entry = powertools_format.parse(item)
        layout, wait_s = "Powertools, written by resilient_lambda", SKEW_S
    lease_ms = item.get("in_progress_expiration")
    assert entry is not None
    if is_foreign:
        layout = "Powertools, written by Powertools"
        if isinstance(lease_ms, (int, float)):  # the lease that was parsed has the grace in it
            entry = entry._replace(lease_until_s=lease_ms / 1000)
            wait_s += powertools_format.TAKEOVER_GRACE_S
    return Found(layout, entry, wait_s)


def report(key: str, item: Item, found: Found, *, now_s: float) -> list[str]:
    """Return the lines that show the item under *key*; of a result the size only."""
    entry = found.entry
    owner, request = owner_of(entry.version), owner_of(entry.version).partition("-")[2]
    rows = [
        ("key", key),
        ("layout", found.layout),
        ("status", f"{item['status']!s}: {meaning(entry, now_s=now_s, wait_s=found.wait_s)}"),
        ("attempts", f"{entry.attempts} (runs that failed)"),
        ("lapses", f"{entry.lapses} (claims that ended without a word: crashes, mostly)"),
        ("owner", f"request {request}" if request else owner),
        ("error", entry.error and f"{entry.error} (the last failure's class)"),
        ("delivery", entry.delivery),
        ("payload", entry.fingerprint and f"fingerprint {entry.fingerprint}"),
        ("result", size(entry.result) if entry.status is Status.COMPLETED else ""),
    ]
    return [f"{name:<9} {text}" for name, text in rows if text]


def meaning(entry: Entry, *, now_s: float, wait_s: float) -> str:
    """Say what *entry* means to the next delivery, now."""
    until = clock(entry.expires_at_s, now_s=now_s)
    if entry.expires_at_s <= now_s:
        return f"expired at {until}, not yet removed by TTL; counts as absent, the next delivery runs"
    if entry.status is Status.COMPLETED:
        return f"completed, answers duplicates until {until}, {span(entry.expires_at_s - now_s)} from now"
    if entry.status is Status.RELEASED:
        return f"released, runs at the next delivery; remembered until {until}"
    if entry.status is Status.FAILED:
        parked = f"parked as {entry.parked}" if entry.parked else "not parked"
        return f"failed for good, {parked}; not run again for this delivery until {until}"
    ends, free_s = clock(entry.lease_until_s, now_s=now_s), entry.lease_until_s + wait_s
    if is_lapsed(entry, now_s=now_s, skew_s=wait_s):
        return f"lapsed at {ends}, free to be taken over since {clock(free_s, now_s=now_s)}"
    if now_s > entry.lease_until_s:
        return f"lapsed at {ends}, free to be taken over at {clock(free_s, now_s=now_s)}, as clocks may differ"
    return f"in progress until {ends}, {span(entry.lease_until_s - now_s)} left"


def unknown(error: ItemFormatError, attributes: Mapping[str, Any]) -> str:
    """Say why an item cannot be shown, and which attributes it has."""
    return f"{error}\n  its attributes: {', '.join(sorted(attributes))}"


def absent(key: str, table: str, *, is_computed: bool) -> str:
    """Say what it may mean that there is no item under *key*."""
    lines = [
        f"no item under {key!r} in table {table!r}. Perhaps",
        "  - it was never claimed, or expired and was removed by TTL",
        "  - it is in another table or region: see DynamoDBStore(...) and RESILIENT_LAMBDA_TABLE of the function",
    ]
    if is_computed:
        lines.append("  - the namespace is another: the function's name, unless Idempotency(namespace=...) says so")
        lines.append('  - the value is another: 1 and "1" are two keys; several paths make a list, \'["a", 1]\'')
    elif not key.startswith("v1#"):
        lines.append("  - this is no stored key (v1#<namespace>#<digest>): pass --namespace and --value to compute it")
    return "\n".join(lines)


def raw(attributes: Mapping[str, Any], *, without: Collection[str]) -> str:
    """Return the item as DynamoDB writes it, in JSON, but for the attributes *without*."""
    shown = {name: value for name, value in sorted(attributes.items()) if name not in without}
    return json.dumps(shown, indent=2, default=lambda content: base64.b64encode(bytes(content)).decode())


def size(result: str | bytes | None) -> str:
    """Say how large a result is."""
    if result is None:
        return "none recorded: a duplicate gets None"
    count = len(result.encode() if isinstance(result, str) else result)
    return f"{count:,} bytes{' compressed' if isinstance(result, bytes) else ''}, shown by --result"


def clock(at_s: float, *, now_s: float) -> str:
    """Return a point of time in UTC, with the date unless it is today."""
    try:
        at, now = time.gmtime(at_s), time.gmtime(now_s)
    except (OverflowError, OSError, ValueError):  # beyond the calendar
        return f"{at_s:.0f} s after 1970"
    return time.strftime("%H:%M:%S UTC" if at[:3] == now[:3] else "%Y-%m-%d %H:%M:%S UTC", at)


def span(seconds: float) -> str:
    """Return a duration in its two greatest units."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    for unit_s, unit, small_s, small in ((DAY_S, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {unit} {int(seconds % unit_s // small_s)} {small}"
    raise AssertionError(seconds)
