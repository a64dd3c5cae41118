"""Waits: how long before the next try, and how long the dependency asked for. Pure; randomness is an argument."""

from __future__ import annotations

from math import isfinite, ldexp

from ..errors import ConfigurationError
from .options import number


class Backoff:
    """
    How long the messages of a queue stay hidden after a failure.

    The first time *base_s*, then twice as long each time, up to *cap_s*, and up to a quarter longer by chance.

    Args:
        base_s: The first wait, in seconds.
        cap_s: The longest wait, in seconds; at most 43,200, for SQS hides nothing for longer than 12 h.

    Raises:
        ConfigurationError: An option is wrong.
    """

    __slots__ = ("base_s", "cap_s")

    def __init__(self, *, base_s: float = 30.0, cap_s: float = 900.0) -> None:
        number("base_s", base_s, above=0)
        number("cap_s", cap_s, at_least=base_s)
        if cap_s > 43_200:
            raise ConfigurationError(f"cap_s={cap_s!r} is too long: SQS hides no message for more than 43200 s (12 h)")
        self.base_s = base_s
        self.cap_s = cap_s

    def __repr__(self) -> str:
        return f"Backoff(base_s={self.base_s!r}, cap_s={self.cap_s!r})"


def exponential_s(attempt: int, *, base_s: float, cap_s: float) -> float:
    """
    Return ``min(cap_s, base_s * 2 ** (attempt - 1))``.

    Args:
        attempt: 1 for the first; any size.
    """
    try:
        return min(cap_s, ldexp(base_s, attempt - 1))
    except OverflowError:  # a float ends at 2 ** 1024: long past any cap
        return cap_s


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
    return rand * exponential_s(attempt, base_s=base_s, cap_s=cap_s)


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
