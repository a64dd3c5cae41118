"""
Whether a call that failed is tried again within the invocation, and after what wait. Pure.

    asked first                                          no other try if
    the claim, if there is one                           it is committed or lost
    the verdict                                          another try cannot help
    the tries                                            all of them are used
    the wait: what the dependency asked for, and one's   it would not end before the deadline, or more was asked
      own backoff with jitter on top of that             for than an invocation can last

The claim is asked first and the budget last, by the caller: what is not tried again for another reason takes no token.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from .._named_tuple import NamedTuple
from .backoff import asked_wait_s, decorrelated_jitter_s, equal_jitter_s, full_jitter_s
from .model import Category

if TYPE_CHECKING:
    from .backoff import Backoff
    from .model import Classification

THROTTLED_TIMES = 2
# Lambda's longest invocation. Who asks for more does not mean this call; cut short the wait would be of no use.
LONGEST_ASKED_S = 900.0


class GiveUp(Enum):
    """Why there is no other try."""

    NOT_RETRYABLE = "not_retryable"  # another try cannot help
    ATTEMPTS = "attempts"  # all tries are used
    DEADLINE = "deadline"  # the wait, or the try behind it, would not end in time
    TOO_LONG = "too_long"  # the wait that was asked for is longer than an invocation can be
    BUDGET = "budget"  # the retry budget is used up
    COMMITTED = "committed"  # the claim was committed, or nobody knows whether it was
    LEASE = "lease"  # the claim is another environment's

    @property
    def text(self) -> str:
        """The reason for people."""
        return _TEXTS[self]


_TEXTS = {
    GiveUp.NOT_RETRYABLE: "another try cannot help",
    GiveUp.ATTEMPTS: "all tries are used",
    GiveUp.DEADLINE: "another try would not end before the deadline",
    GiveUp.TOO_LONG: "it asks for a wait of more than 15 minutes",
    GiveUp.BUDGET: "the retry budget is used up",
    GiveUp.COMMITTED: "commit_with() has recorded the event as done, or may have",
    GiveUp.LEASE: "another environment holds the key",
}


class Again(NamedTuple):
    """
    There is another try.

    Attributes:
        wait_s: The wait before it, in seconds.
        own_s: What of it is one's own backoff: the next one may depend on it.
    """

    wait_s: float
    own_s: float


def decide(
    verdict: Classification,
    *,
    tries: int,
    attempts: int,
    backoff: Backoff,
    previous_s: float,
    left_s: float,
    rand: float,
) -> Again | GiveUp:
    """
    Return the wait before the next try, or why there is none.

    Args:
        tries: How many have failed, this one included.
        attempts: How many there may be in all.
        previous_s: What was one's own of the last wait, 0 before the first.
        left_s: Time until the deadline; infinite if there is none.
        rand: A sample from ``[0, 1)``.
    """
    if not verdict.is_retryable:
        return GiveUp.NOT_RETRYABLE
    if tries >= attempts:
        return GiveUp.ATTEMPTS
    own_s = own_wait_s(backoff, tries, previous_s, is_throttled=verdict.category is Category.THROTTLING, rand=rand)
    # On top, and not the greater of both: a fleet that was told the same second must not come back in it.
    asked_s = asked_wait_s(verdict.retry_after_s) or 0.0
    wait_s = asked_s + own_s
    if wait_s >= left_s:
        return GiveUp.DEADLINE
    if asked_s > LONGEST_ASKED_S:
        return GiveUp.TOO_LONG
    return Again(wait_s, own_s)


def own_wait_s(backoff: Backoff, tries: int, previous_s: float, *, is_throttled: bool, rand: float) -> float:
    """Return the wait of *backoff* after so many failed *tries*, in seconds; twice as long if throttled."""
    times = THROTTLED_TIMES if is_throttled else 1
    base_s, cap_s = times * backoff.base_s, times * backoff.cap_s
    if backoff.jitter == "decorrelated":
        return decorrelated_jitter_s(previous_s, base_s=base_s, cap_s=cap_s, rand=rand)
    if backoff.jitter == "equal":
        return equal_jitter_s(tries, base_s=base_s, cap_s=cap_s, rand=rand)
    return full_jitter_s(tries, base_s=base_s, cap_s=cap_s, rand=rand)
