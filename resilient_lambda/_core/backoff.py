"""Waits: how long before the next try, and how long the dependency asked for. Pure; randomness is an argument."""

from __future__ import annotations

from math import isfinite, ldexp


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, rand: float) -> float:
    """
    Return the wait before retry number *attempt*, in seconds.

    Uniform in ``[0, min(cap_s, base_s * 2 ** (attempt - 1)))``.

    Args:
        attempt: 1 for the first retry; any size.
        rand: A sample from ``[0, 1)``.

    Raises:
        ValueError: *attempt* is less than 1.

    Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}; the first retry is number 1")
    try:
        bound_s = min(cap_s, ldexp(base_s, attempt - 1))
    except OverflowError:  # a float ends at 2 ** 1024: long past any cap
        bound_s = cap_s
    return rand * bound_s


def asked_wait_s(value: object) -> float | None:
    """
    Return the wait that a dependency asked for, in seconds, or None if *value* is no such thing.

    Takes what headers and attributes hold: a number or its text. Negative, infinite, NaN, booleans, dates and
    anything else are None, because a wait that is made up is worse than one's own backoff.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        wait_s = float(value)
    except (ValueError, OverflowError):
        return None
    return wait_s if isfinite(wait_s) and wait_s >= 0 else None
