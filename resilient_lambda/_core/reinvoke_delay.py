"""How long a re-invocation waits, and what is sent for it to wait: a message of a queue, or a one-time schedule."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from .backoff import Backoff, exponential_s
from .keys import digest

if TYPE_CHECKING:
    from .reserved import Mark

LONGEST_QUEUED_S = 900  # SQS delays no message for longer
MOST_MESSAGE_BYTES = 1_048_576
MOST_INPUT_BYTES = 262_144  # what a schedule gives its target
# A schedule whose time is over when it is made would never run.
LEAST_SCHEDULED_S = 5


def wait_s(wait: float | Backoff, retry: int, rand: float) -> float:
    """
    Return how long re-invocation number *retry* waits, in seconds: up to a quarter longer than said, by chance.

    Args:
        retry: 1 for the first re-invocation.
        rand: A sample from ``[0, 1)``.
    """
    plain_s = exponential_s(retry, base_s=wait.base_s, cap_s=wait.cap_s) if isinstance(wait, Backoff) else wait
    return plain_s * (1 + rand / 4)


def queued_s(found_s: float) -> int:
    """Return a wait as ``DelaySeconds``."""
    return min(LONGEST_QUEUED_S, ceil(found_s))


def schedule_name(function: str, mark: Mark) -> str:
    """
    Return the name of a re-invocation's schedule: the same for each try to make it.

    A second one under this name is refused, so that two environments make one schedule between them.
    """
    return f"resilient-lambda-{digest([function, mark.root, mark.attempt])[:40]}"


def schedule_at_s(now_s: float, found_s: float) -> int:
    """Return the whole second, since the epoch, in which a schedule is due."""
    return ceil(now_s + max(LEAST_SCHEDULED_S, found_s))


def schedule_input(payload: bytes) -> bytes:
    """
    Return *payload* as the same JSON, in which EventBridge Scheduler finds nothing to replace.

    Source: EventBridge Scheduler User Guide, "Adding context attributes".
    """
    # JSON has this sign in texts only, where it may be escaped.
    return payload.replace(b"<aws.scheduler.", b"\\u003caws.scheduler.")


def schedule_request(
    *, name: str, group: str, at: str, target: str, role_arn: str, dead_letter_arn: str, payload: str
) -> dict[str, Any]:
    """
    Return the request of CreateSchedule for a one-time schedule that removes itself.

    Args:
        at: ``yyyy-mm-ddThh:mm:ss`` in UTC.
        dead_letter_arn: The queue for what cannot be delivered, of which nothing else tells.
    """
    return {
        "Name": name,
        "GroupName": group,
        "ScheduleExpression": f"at({at})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": target,
            "RoleArn": role_arn,
            "Input": payload,
            "DeadLetterConfig": {"Arn": dead_letter_arn},
        },
    }
