"""
The reserved key: how a re-invocation says which attempt it is, in the payload itself.

``ClientContext`` does not travel on asynchronous invocations, so there is no other place. Every handler of ours takes
the key off before anybody looks at the event: no key function, fingerprint, model or function of the user's meets it.
"""

from __future__ import annotations

from typing import Any

from .._named_tuple import NamedTuple

KEY = "__resilient_lambda__"
VERSION = 1

# Later than any time: JSON may say infinity, no number at all, and whole ones that no float can hold.
_MOST_TIME_S = 1e12


class Mark(NamedTuple):
    """
    What a re-invocation carries.

    Attributes:
        attempt: Which one it is: 1 for the first invocation, which carries nothing, 2 for the first re-invocation.
        root: Lambda's request id of the first.
        first_failed_at_s: When that one failed, in seconds since the epoch; None if unknown.
        failed_id: Lambda's request id of the invocation that has failed last; "" if unknown.
    """

    attempt: int
    root: str
    first_failed_at_s: float | None
    failed_id: str = ""


def put_on(event: dict[str, Any], mark: Mark) -> dict[str, Any]:
    """Return *event* with *mark*."""
    return {**event, KEY: said(mark)}


def said(mark: Mark) -> dict[str, Any]:
    """Return *mark* as the reserved key says it."""
    return {
        "v": VERSION,
        "attempt": mark.attempt,
        "root": mark.root,
        "first_failed_at": mark.first_failed_at_s,
        "failed": mark.failed_id,
    }


def take_off(event: Any) -> tuple[Any, Mark | None]:
    """
    Return *event* without the reserved key, and what it said; None if it said nothing, or nothing that can be read.

    *event* itself stays as it is; one without the key is returned as it is.
    """
    if not isinstance(event, dict) or KEY not in event:
        return event, None
    rest = {name: value for name, value in event.items() if name != KEY}
    return rest, read(event[KEY])


def read(found: Any) -> Mark | None:
    """Return the mark that *found* says, None if there is none that can be read."""
    if not isinstance(found, dict):
        return None
    attempt, root, at = found.get("attempt"), found.get("root"), found.get("first_failed_at")
    if (
        not isinstance(attempt, int)
        or isinstance(attempt, bool)
        or attempt < 1
        or not isinstance(root, str)
        or not root
    ):
        return None
    if not isinstance(at, int | float) or isinstance(at, bool) or not abs(at) < _MOST_TIME_S:
        at = None
    failed_id = found.get("failed")
    return Mark(attempt, root, at, failed_id if isinstance(failed_id, str) else "")
