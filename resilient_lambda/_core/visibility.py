"""
How long a failed message of a queue stays hidden: the wait before it is delivered again.

    the message                          is hidden for
    its function ran and failed          max(asked wait, exponential wait) * U(1, 1.25)
    its twin is in progress elsewhere    exponential wait * U(1, 1.25), until the twin's deadline at the longest, and
                                         until its lease ends at the least
    it was not started for want of time  base * U(1, 1.25)

The exponential wait is ``min(cap, base * 2 ** (receives - 1))``: every delivery is a receive, and a queue gives a
message up after so many of them.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from ..errors import DeadlineExceededError, InProgressError
from .backoff import asked_wait_s, exponential_s
from .source_fields import part_text

if TYPE_CHECKING:
    from .backoff import Backoff
    from .model import Failure
    from .source_types import Raw

# SQS hides no message for longer than 12 h from its first receive, and refuses what would.
LONGEST_S = 43_200
# Its clock is not ours, and a request takes its time.
SLACK_S = 30

_SPREAD = 0.25
# No message is older.
_RETENTION_S = 14 * 86_400


def hidden_s(
    failure: Failure, *, receives: int | None, age_s: float, now_s: float, backoff: Backoff, rand: float
) -> int | None:
    """
    Return for how long the message is to stay hidden, in whole seconds; None to leave it to its queue.

    Args:
        receives: How often the message was received, this time included; None if unknown.
        age_s: Time since its first receive.
        now_s: The wall clock.
        rand: A sample from ``[0, 1)``.
    """
    wanted_s = _wanted_s(failure, max(1, receives or 1), now_s, backoff, 1 + _SPREAD * rand)
    left_s = int(LONGEST_S - SLACK_S - age_s)
    if left_s < min(wanted_s, backoff.base_s):
        return None  # the seconds that are left would have it back sooner than its queue does
    return min(left_s, ceil(wanted_s))


def _wanted_s(failure: Failure, receives: int, now_s: float, backoff: Backoff, spread: float) -> float:
    error = failure.error
    if not failure.ran and isinstance(error, DeadlineExceededError):
        return backoff.base_s * spread  # nothing is known to be wrong with it
    growing_s = exponential_s(receives, base_s=backoff.base_s, cap_s=backoff.cap_s)
    if not failure.ran and isinstance(error, InProgressError):
        # By the deadline and not by the lease: that of a twin with a heartbeat is always about to end, and each look
        # at it would spend a receive (protocols.md A5). But while the lease lasts nobody could take over.
        longest_s = growing_s * spread if error.deadline_s is None else error.deadline_s - now_s
        lease_left_s = 0.0 if error.lease_until_s is None else error.lease_until_s - now_s
        return max(0.0, lease_left_s, min(growing_s * spread, longest_s))
    return max(asked_wait_s(failure.classification.retry_after_s) or 0.0, growing_s) * spread


def age_s(raw: Raw, now_s: float) -> float:
    """Return the time since the first receive of a message, in seconds; 0 if the event does not tell."""
    first_ms = part_text(raw, "attributes", "ApproximateFirstReceiveTimestamp")
    if not first_ms.isdecimal() or len(first_ms) > 15:
        return 0.0
    since_s = now_s - int(first_ms) / 1000
    return since_s if 0 <= since_s <= _RETENTION_S else 0.0
