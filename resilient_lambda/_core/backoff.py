"""Waits: how long before the next try, and how long the dependency asked for. Pure; randomness is an argument."""

from __future__ import annotations

from math import isfinite, ldexp
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from .options import number, one_of

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Jitter: TypeAlias = Literal["full", "equal", "decorrelated"]

JITTERS = ("full", "equal", "decorrelated")


class Backoff:
    """
    How waits grow: the first is *base_s*, each further one twice as long, up to *cap_s*.

    For ``visibility=`` of a handler the failures are receives, and each wait is up to a quarter longer by chance. For
    `Retry` they are failed tries, *jitter* says what chance does, and throttling doubles both base and cap.

    Args:
        base_s: The first wait, in seconds.
        cap_s: The longest wait, in seconds; at most 43,200, for SQS hides nothing for longer than 12 h.
        jitter: For `Retry` only. ``"full"``, its default: anything between nothing and the wait. ``"equal"``: between
            half of it and all of it. ``"decorrelated"``: between the base and three times the last wait.

    Raises:
        ConfigurationError: An option is wrong.
    """

    __slots__ = ("base_s", "cap_s", "jitter")

    def __init__(self, *, base_s: float = 30.0, cap_s: float = 900.0, jitter: Jitter | None = None) -> None:
        number("base_s", base_s, above=0)
        number("cap_s", cap_s, at_least=base_s)
        if cap_s > 43_200:
            raise ConfigurationError(f"cap_s={cap_s!r} is too long: SQS hides no message for more than 43200 s (12 h)")
        if jitter is not None:
            one_of("jitter", jitter, JITTERS)
        self.base_s = base_s
        self.cap_s = cap_s
        self.jitter: Jitter | None = jitter

    def __repr__(self) -> str:
        jitter = "" if self.jitter is None else f", jitter={self.jitter!r}"
        return f"Backoff(base_s={self.base_s!r}, cap_s={self.cap_s!r}{jitter})"


# That of `Retry`. After n failed tries: min(30, 2 ** n); for throttling twice that, min(60, 2 * 2 ** n).
RETRY_BACKOFF = Backoff(base_s=2.0, cap_s=30.0, jitter="full")


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


def equal_jitter_s(attempt: int, *, base_s: float, cap_s: float, rand: float) -> float:
    """
    Return the wait before retry number *attempt*, in seconds: uniform in the upper half of its exponential wait.

    Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015, as for the others here.
    """
    return exponential_s(attempt, base_s=base_s, cap_s=cap_s) * (1 + rand) / 2


def decorrelated_jitter_s(previous_s: float, *, base_s: float, cap_s: float, rand: float) -> float:
    """
    Return the next wait, in seconds: uniform between *base_s* and three times the last one, *cap_s* at most.

    Args:
        previous_s: The last wait; what is less than the base, as 0 before the first, counts as the base.
    """
    longest_s = 3 * max(base_s, previous_s)
    return min(cap_s, base_s + rand * (longest_s - base_s))


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
