"""What happened, in order: the timeline and the plot are drawn from it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(enum.Enum):
    """What happened."""

    SENT = "sent"
    STARTED = "started"  # an invocation
    ANSWERED = "answered"
    FAILED = "failed"  # the handler raised, or its answer is no JSON
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    FROZE = "froze"
    THAWED = "thawed"
    THROTTLED = "throttled"
    FAULT = "fault"  # of a store or a sink
    EFFECT = "effect"
    ACKNOWLEDGED = "acknowledged"  # the source will not bring it again
    COMES_AGAIN = "comes again"
    HIDDEN = "hidden"  # by the handler, for as long as it asked for
    DEAD_LETTER = "dead letter"
    DISCARDED = "discarded"


class Happening(NamedTuple):
    """
    One thing that happened.

    Attributes:
        at_s: Seconds since the epoch, by the true clock.
        source: The name of the source, "" if none has to do with it.
        ids: The events that it is about.
        environment: The number of the execution environment, 0 if none has to do with it.
        invocation: The number of the invocation, 0 if none has to do with it.
        text: What else there is to say.
    """

    at_s: float
    kind: Kind
    source: str
    ids: Sequence[str]
    environment: int
    invocation: int
    text: str
