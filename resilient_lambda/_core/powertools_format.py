"""
The items of Powertools' idempotency utility, so that both libraries work on one table at once.

Powertools knows two statuses and four more attributes; every other name it ignores, and loses when it takes over
(PutItem). Its completion (UpdateItem) keeps them, its failure deletes the item:

    entry          status       in_progress_expiration (ms)   data            validation
    IN_PROGRESS    INPROGRESS   end of the lease              -               fingerprint, if compared
    RELEASED       INPROGRESS   0: Powertools takes it over   -               fingerprint, if compared
    COMPLETED      COMPLETED    -                             JSON, "null"    fingerprint, if compared

``expiration`` is there always, in whole seconds, and later than the lease: Powertools fails without it, and takes over
a live claim once it is past. A remembered failure has no form here: Powertools would fail on its status.

An item that Powertools wrote has no version. Its condition is all that can tell it from its successor: status and both
expirations, as read (protocols.md B11).

Loaded only if ``layout="powertools"`` is used. Of Powertools itself nothing is loaded.
"""

from __future__ import annotations

import json
from enum import Enum
from math import ceil, nan
from typing import TYPE_CHECKING, Any

from ..errors import ItemFormatError, NonRetryableError
from .idempotency import DAY_S, Entry, Status
from .item_format import ItemFormat
from .keys import check_namespace

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cas import Item, Value

FORMAT = 1
LAYOUT = "powertools"
IN_PROGRESS = "INPROGRESS"
COMPLETED = "COMPLETED"
EXPIRED = "EXPIRED"  # a claim that was past its `expiration` when Powertools wrote it
# Powertools' lease ends with its invocation, by its own clock. What runs on after that differs by the clocks only.
TAKEOVER_GRACE_S = 5.0
NO_RESULT = "null"

STATUS_NAMES = {Status.IN_PROGRESS.value: IN_PROGRESS, Status.RELEASED.value: IN_PROGRESS}
# Beside these: status, expires_at_s, in_progress_expiration, validation and data, which Powertools reads too.
_OWN: dict[str, tuple[type, ...]] = {
    "attempts": (int,),
    "lapses": (int,),
    "deadline_s": (int, float),
    "error": (str,),
    "delivery": (str,),
    "parked": (str,),
}
FIELDS = (
    "status", "expires_at_s", "in_progress_expiration", "validation", "data", "layout", "format", "version", *_OWN
)  # fmt: skip


def render(entry: Entry) -> Item:
    """
    Return *entry* as the item that is stored; fields that say nothing are left out.

    Raises:
        ValueError: *entry* is FAILED, or its result is compressed.
    """
    item: dict[str, Value] = {"layout": LAYOUT, "format": FORMAT, "version": entry.version}
    item["expires_at_s"] = entry.expires_at_s
    if entry.status is Status.COMPLETED:
        if isinstance(entry.result, bytes):
            raise ValueError("Powertools reads no compressed results")
        item["status"] = COMPLETED
        item["data"] = NO_RESULT if entry.result is None else entry.result
    elif entry.status is Status.FAILED:
        raise ValueError("Powertools reads no remembered failures")
    else:
        item["status"] = IN_PROGRESS
        until_ms = round(entry.lease_until_s * 1000, 3)  # 4.001 s are 4,001.0000000000005 ms by a float's reckoning
        item["in_progress_expiration"] = ceil(until_ms) if entry.status is Status.IN_PROGRESS else 0
    if entry.fingerprint:
        item["validation"] = entry.fingerprint
    for name in _OWN:
        value = getattr(entry, name)
        if value:
            item[name] = value
    return item


def parse(item: Item | None) -> Entry | None:
    """
    Return the entry that *item* holds, None for no item.

    Raises:
        ItemFormatError: A newer version of this library wrote it, or neither this layout's writers nor Powertools did.
    """
    if item is None:
        return None
    written = item.get("format")
    if isinstance(written, int) and written > FORMAT and item.get("layout") == LAYOUT:
        raise ItemFormatError(
            f"the stored item has format {written} of the layout for Powertools, this version of resilient_lambda "
            f"reads up to {FORMAT}; deploy the newer version here too"
        )
    try:
        if "version" not in item and "layout" not in item and "format" not in item:
            return _parse_foreign(item)
        if item["layout"] != LAYOUT or not isinstance(written, int):
            raise ValueError("another layout")
        return _parse_own(item)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise ItemFormatError(
            'the item under this idempotency key was written neither by Powertools nor with layout="powertools" '
            "(see docs/coming-from-powertools.md); check the prefix and the table, and the store's attributes="
        ) from error


def _parse_own(item: Item) -> Entry:
    # Powertools may have completed it since: then status, expiration, data and validation are its own, the rest stays.
    stored = _of_kind(item, "status", str)
    lease_ms = _of_kind(item, "in_progress_expiration", int) if stored == IN_PROGRESS else 0
    status = Status.COMPLETED if stored == COMPLETED else Status.IN_PROGRESS if lease_ms else Status.RELEASED
    if stored not in (IN_PROGRESS, COMPLETED):
        raise ValueError("an unknown status")
    own = {name: _of_kind(item, name, *kinds) for name, kinds in _OWN.items() if name in item}
    if status is not Status.IN_PROGRESS:
        own.pop("deadline_s", None)
    return Entry(
        status,
        _of_kind(item, "version", str),
        ceil(_of_kind(item, "expires_at_s", int, float)),
        lease_until_s=lease_ms / 1000,
        fingerprint=_fingerprint(item),
        result=_result(item) if status is Status.COMPLETED else None,
        **own,
    )


def _parse_foreign(item: Item) -> Entry:
    stored = _of_kind(item, "status", str)
    expiration = _of_kind(item, "expires_at_s", int, float)
    lease_ms = _of_kind(item, "in_progress_expiration", int, float) if "in_progress_expiration" in item else None
    entry = Entry(
        Status.COMPLETED,
        "",
        ceil(expiration),
        fingerprint=_fingerprint(item),
        foreign=(
            ("version", None),
            ("status", stored),
            ("in_progress_expiration", lease_ms),
            ("expires_at_s", expiration),
        ),
    )
    if stored == COMPLETED:
        return entry._replace(result=_result(item))
    if stored not in (IN_PROGRESS, EXPIRED):
        raise ValueError("an unknown status")
    # A worker that does not know when it ends is given until `expiration`, as Powertools does. One that does may be
    # running until then even if `expiration` is past: Powertools would take over, but two would run.
    lease_until_s = expiration if lease_ms is None else lease_ms / 1000 + TAKEOVER_GRACE_S
    return entry._replace(
        status=Status.IN_PROGRESS,
        expires_at_s=max(entry.expires_at_s, ceil(lease_until_s) + DAY_S),
        lease_until_s=float(lease_until_s),
    )


def _of_kind(item: Item, name: str, *kinds: type) -> Any:
    value = item[name]
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {type(value).__name__}")
    return value


def _fingerprint(item: Item) -> str:
    return str(_of_kind(item, "validation", str)) if "validation" in item else ""


def _result(item: Item) -> str | None:
    if "data" not in item:
        return None
    text: str = _of_kind(item, "data", str).strip()
    json.loads(text)  # here it is an error of this key's; whoever replays it expects JSON
    return None if text == NO_RESULT else text


def digest(value: object) -> str:
    """
    Return the MD5 that Powertools makes of *value*, as hex.

    Raises:
        NonRetryableError: The value is not JSON, for Powertools neither.
    """
    global _md5
    if _md5 is None:
        from hashlib import md5  # 2 ms, so when warmed; bound once

        _md5 = md5
    try:
        text = _encode(value)
    except (TypeError, ValueError) as error:
        raise NonRetryableError(
            f"an idempotency key must be made of what Powertools can write as JSON, not {type(value).__name__}"
        ) from error
    return str(_md5(text.encode(), usedforsecurity=False).hexdigest())


_md5: Callable[..., Any] | None = None


def _as_powertools(value: Any) -> Any:
    # Told apart by what they have: to import their classes would cost every cold start some milliseconds.
    if not isinstance(value, type):
        if hasattr(value, "as_tuple") and hasattr(value, "is_nan"):  # decimal.Decimal
            return nan if value.is_nan() else str(value)
        if hasattr(value, "model_dump"):  # pydantic.BaseModel
            return value.model_dump(mode="json")
        if hasattr(value, "__dataclass_fields__"):
            return {name: getattr(value, name) for name in value.__dataclass_fields__}
        if isinstance(value, Enum):
            return value.value
        if hasattr(value, "isoformat"):  # datetime, date, time
            return value.isoformat()
        if hasattr(value, "urn") or hasattr(value, "as_posix"):  # uuid.UUID, pathlib.PurePath
            return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_encode = json.JSONEncoder(sort_keys=True, default=_as_powertools).encode


def prefix(namespace: str) -> str:
    """
    Return what stored keys begin with.

    Args:
        namespace: Powertools' ``key_prefix``, or by its default ``<function name>.<module>.<qualified name>``.
    """
    return f"{check_namespace(namespace)}#"


def is_missing(value: object) -> bool:
    """Tell whether Powertools takes *value* for no key: None, "", {}, [], and containers of nothing but None."""
    if isinstance(value, dict):
        return all(part is None for part in value.values())
    if isinstance(value, list | tuple):
        return all(part is None for part in value)
    return not value and not isinstance(value, int | float)


POWERTOOLS = ItemFormat(
    render=render,
    parse=parse,
    digest=digest,
    prefix=prefix,
    is_missing=is_missing,
    fields=FIELDS,
    status_names=STATUS_NAMES,
    has_short_leases=False,
    remembers_failures=False,
    keeps_results=True,
    compresses=False,
)
