"""How a failure ends: set aside in the sink, or given back; one warning line and one event either way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .._core.model import Disposition, Failure
from .._named_tuple import NamedTuple
from .._policies.call import logger
from ..errors import ConfigurationError, SinkError, StoreError
from ..events import DeadLettered, RecordSettled, SinkRejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.record import Record
    from .._policies.call import Invocation
    from .._policies.held_claim import HeldClaim
    from ..sinks import DeadLetter
    from .plan import Plan

_NEXT_STEP = {
    Disposition.ACK: "is acknowledged, for the dead-letter sink has it already",
    Disposition.RETRY: "will be delivered again",
    Disposition.DEAD_LETTER: "is set aside in the dead-letter sink",
}


class Letter(NamedTuple):
    """
    A failure that the sink shall have.

    Attributes:
        name: What the record or event is called in logs and events.
        held: Its claim, to be settled once the sink has answered.
    """

    name: str
    record: Record[Any]
    failure: Failure
    held: HeldClaim | None


async def park(plan: Plan, invocation: Invocation, letters: Sequence[Letter]) -> list[Disposition]:
    """
    Send *letters*; return what becomes of each: DEAD_LETTER if the sink confirmed it, else RETRY.

    The order is fixed: still the owner, sent and confirmed, claim settled, and only then acknowledged (protocols.md I).
    """
    assert plan.dead_letter is not None  # without one nothing is disposed of as DEAD_LETTER
    try:
        return await _send(plan.dead_letter, invocation, letters)
    finally:
        give_back(letters)  # what was not set aside


async def _send(sink: DeadLetter, invocation: Invocation, letters: Sequence[Letter]) -> list[Disposition]:
    dispositions = [Disposition.RETRY] * len(letters)
    # Where another environment has taken over, it decides.
    owned = [n for n, letter in enumerate(letters) if letter.held is None or await letter.held.may_park()]
    if not owned:
        return dispositions
    sent = [
        (letter.record, letter.failure.error, None if letter.held is None else letter.held.key)
        for letter in (letters[n] for n in owned)
    ]
    answers = await sink.send(invocation.io, sent, until_s=invocation.end_at_s)
    for n, answer in zip(owned, answers, strict=True):
        letter = letters[n]
        error_type = type(letter.failure.error).__name__
        if isinstance(answer, SinkError):
            logger.warning("the dead letter of %s was not confirmed: %s", letter.name, answer)
            invocation.emit(SinkRejected(letter.name, error_type, answer.is_permanent))
        else:
            invocation.emit(DeadLettered(letter.name, error_type, answer))
            dispositions[n] = Disposition.DEAD_LETTER
        if letter.held is not None:
            letter.held.settle(parked=None if isinstance(answer, SinkError) else answer)
    return dispositions


def give_back(letters: Sequence[Letter]) -> None:
    """Have the claims of *letters* released, those that are not settled yet: they will not be sent."""
    for letter in letters:
        if letter.held is not None:
            letter.held.settle(parked=None)


def is_reporting() -> bool:
    """Tell whether warning lines go anywhere; ask once per batch."""
    return logger.isEnabledFor(logging.WARNING)


def report(kind: str, name: str, failure: Failure, disposition: Disposition) -> None:
    """Write the one warning line of a failed record or event: id, class, category, next step. Never a payload."""
    logger.warning(
        "%s %s %s %s%s (%s, %s); it %s",
        kind,
        name or "without id",
        "failed with" if failure.ran else "is not done because of",
        type(failure.error).__name__,
        # These texts are the library's own and hold no data: without them nobody could mend the configuration.
        f": {failure.error}" if isinstance(failure.error, ConfigurationError | StoreError) else "",
        failure.classification.category.value,
        failure.classification.verdict.value,
        _NEXT_STEP[disposition],
    )


def settled(name: str, failure: Failure, disposition: Disposition) -> RecordSettled:
    """Return the event for a failed record."""
    return RecordSettled(name, disposition, type(failure.error).__name__, failure.classification, failure.ran)
