"""
What is stored about re-invocations beside idempotency keys (docs/data-format.md).

*arrived*: written by the function that is invoked again: under (root, attempt), which invocation has it.
*counted*: written by the re-invoker: under an invocation's request id, which attempt it is, if its payload cannot say.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from .keys import digest
from .reserved import Mark

if TYPE_CHECKING:
    from .cas import Item

FORMAT = 1
ARRIVED = "ARRIVED"
COUNTED = "COUNTED"


def arrived_key(namespace: str, mark: Mark) -> str:
    """Return the key of the invocation that *mark* tells of."""
    return f"v1#{namespace}#reinvoked#{digest([mark.root, mark.attempt])}"


def arrived_item(request_id: str, *, token: str, now_s: float, keep_s: float) -> dict[str, str | int | float]:
    """Return the item of a function that was invoked with *request_id*."""
    return {
        "format": FORMAT,
        "status": ARRIVED,
        "version": f"{token}.1",
        "request_id": request_id,
        "expires_at_s": ceil(now_s + keep_s),
    }


def counted_key(namespace: str, request_id: str) -> str:
    """Return the key of what is known of the invocation *request_id*."""
    return f"v1#{namespace}#counted#{digest(request_id)}"


def counted_item(mark: Mark, *, token: str, now_s: float, keep_s: float) -> dict[str, str | int | float]:
    """Return the item of an invocation that is the attempt which *mark* says."""
    item: dict[str, str | int | float] = {
        "format": FORMAT,
        "status": COUNTED,
        "version": f"{token}.1",
        "root": mark.root,
        "attempt": mark.attempt,
        "expires_at_s": ceil(now_s + keep_s),
    }
    if mark.first_failed_at_s is not None:
        item["first_failed_at_s"] = mark.first_failed_at_s
    return item


def counted_mark(item: Item | None, now_s: float) -> Mark | None:
    """Return what *item* says, None if there is none that counts."""
    if item is None or is_expired(item, now_s):
        return None
    root, attempt, at_s = item.get("root"), item.get("attempt"), item.get("first_failed_at_s")
    if not isinstance(root, str) or not isinstance(attempt, int):
        return None
    return Mark(attempt, root, at_s if isinstance(at_s, int | float) else None)


def is_expired(item: Item, now_s: float) -> bool:
    """Tell whether *item* has ceased to count; DynamoDB removes it days later."""
    expires_at_s = item.get("expires_at_s")
    return isinstance(expires_at_s, int | float) and expires_at_s <= now_s
