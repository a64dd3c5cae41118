"""
The reserved key: how a re-invocation says which attempt it is, in the payload itself.

``ClientContext`` does not travel on asynchronous invocations, so there is no other place. Every handler of ours takes
the key off before anybody looks at the event: no key function, fingerprint, model or function of the user's meets it.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from .._named_tuple import NamedTuple

KEY = "__resilient_lambda__"
VERSION = 1


class Mark(NamedTuple):
    """
    What a re-invocation carries.

    Attributes:
        attempt: Which one it is: 1 for the first invocation, which carries nothing, 2 for the first re-invocation.
        root: Lambda's request id of the first.
        first_failed_at_s: When that one failed, in seconds since the epoch; None if unknown.
    """

    attempt: int
    root: str
    first_failed_at_s: float | None


def put_on(event: dict[str, Any], mark: Mark) -> dict[str, Any]:
    """Return *event* with *mark*."""
    said = {"v": VERSION, "attempt": mark.attempt, "root": mark.root, "first_failed_at": mark.first_failed_at_s}
    return {**event, KEY: said}


def take_off(event: Any) -> tuple[Any, Mark | None]:
    """
    Return *event* without the reserved key, and what it said; None if it said nothing, or nothing that can be read.

    *event* itself stays as it is; one without the key is returned as it is.
    """
    if not isinstance(event, dict) or KEY not in event:
        return event, None
    rest = {name: value for name, value in event.items() if name != KEY}
    return rest, _read(event[KEY])


def _read(said: Any) -> Mark | None:
    if not isinstance(said, dict):
        return None
    attempt, root, at = said.get("attempt"), said.get("root"), said.get("first_failed_at")
    if (
        not isinstance(attempt, int)
        or isinstance(attempt, bool)
        or attempt < 1
        or not isinstance(root, str)
        or not root
    ):
        return None
    if not isinstance(at, int | float) or isinstance(at, bool) or not isfinite(at):
        at = None
    return Mark(attempt, root, at)
