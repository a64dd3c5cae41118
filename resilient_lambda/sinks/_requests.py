"""
Sending letters in groups: up to three tries, a few requests at a time, one answer for each letter whatever happens.

Which services there are, and how they want their letters, is said elsewhere; here is what all of them share.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.backoff import full_jitter_s
from .._core.classify import Classifier, describe
from .._core.model import Category
from .._named_tuple import NamedTuple
from ..errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from .._io.base import Io

    Answer: TypeAlias = str | SinkError

TRIES = 3
OUT_OF_TIME = "there was no time left to send the dead letter"
# Of these nothing in the letters is to blame, although they read like bad input.
_GONE = (
    "NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException", "NoSuchBucket",
    "ResourceNotFoundException",
)  # fmt: skip
_CLASSIFIER = Classifier()


class Limits(NamedTuple):
    """
    What one request may hold.

    Attributes:
        entries: How many letters.
        size_bytes: Their sizes together; also the size of one letter.
        at_once: How many requests may be under way.
    """

    entries: int
    size_bytes: float
    at_once: int


class Entry(NamedTuple):
    """
    A letter, ready to be sent.

    Attributes:
        number: Its place among the letters.
        content: What the service takes.
        size_bytes: What the service counts.
    """

    number: int
    content: dict[str, Any]
    size_bytes: int


class LetterTooLargeError(SinkError):
    """The service takes no letter of this size."""


class Refusal(NamedTuple):
    """A request that was refused as a whole. ``is_of_one_letter``: one of its letters may be to blame."""

    error: SinkError
    is_of_one_letter: bool


async def send_all(
    io: Io,
    request: Callable[[Sequence[Entry]], dict[int, Answer] | Refusal],
    entries: Sequence[Entry],
    limits: Limits,
    *,
    until_s: float,
) -> dict[int, Answer]:
    """
    Send *entries*, those that were not confirmed again while there is time; return the answers that there are.

    Args:
        request: Sends one group; raises nothing.
        until_s: Wall clock after which nothing is begun.
    """
    answers: dict[int, Answer] = {}
    for attempt in range(1, TRIES + 1):
        waiting = [entry for entry in entries if _may_try(answers.get(entry.number))]
        wait_s = 0.0 if attempt == 1 else full_jitter_s(attempt - 1, base_s=0.1, cap_s=1.0, rand=io.random())
        if not waiting or io.now() + wait_s >= until_s:
            break
        if wait_s:
            await io.sleep(wait_s)
        answers |= await _send_round(io, request, waiting, limits, until_s)
    return answers


async def _send_round(
    io: Io,
    request: Callable[[Sequence[Entry]], dict[int, Answer] | Refusal],
    waiting: Sequence[Entry],
    limits: Limits,
    until_s: float,
) -> dict[int, Answer]:
    """Send what waits, as long as requests that take as long as those before still end in time."""
    answers: dict[int, Answer] = {}
    groups = list(groups_of(waiting, limits))
    took_s = 0.0
    while groups and io.now() + took_s < until_s:
        wave, groups = groups[: limits.at_once], groups[limits.at_once :]
        began_s = io.monotonic()
        results = await io.call(_send_wave, request, wave)
        took_s = io.monotonic() - began_s
        alone: list[list[Entry]] = []
        verdict: SinkError | None = None
        for group, result in zip(wave, results, strict=True):
            if not isinstance(result, Refusal):
                answers.update(result)
            elif result.is_of_one_letter and len(group) > 1:
                # One bad letter has the whole request refused: the others must not share its fate.
                alone += [[entry] for entry in group]
            else:
                answers.update({entry.number: result.error for entry in group})
                if result.error.is_permanent and not result.is_of_one_letter:
                    verdict = result.error
        groups = alone + groups
        if verdict is not None:  # no permission, no queue: asking again would only hammer
            answers.update({entry.number: verdict for group in groups for entry in group})
            break
    return answers


def _send_wave(
    request: Callable[[Sequence[Entry]], dict[int, Answer] | Refusal], wave: Sequence[Sequence[Entry]]
) -> list[dict[int, Answer] | Refusal]:
    if len(wave) == 1:
        return [request(wave[0])]
    from ..stores._parallel import do_all

    results: list[dict[int, Answer] | Refusal] = [{} for _ in wave]

    def send(number: int) -> None:
        results[number] = request(wave[number])

    do_all((partial(send, number) for number in range(len(wave))), at_most=len(wave))
    return results


def checked(title: str, entry: Entry, limits: Limits) -> Entry:
    """
    Return *entry*.

    Raises:
        LetterTooLargeError: It is larger than a request may be.
    """
    if entry.size_bytes > limits.size_bytes:
        sizes = f"{entry.size_bytes} bytes, {title} takes {limits.size_bytes:.0f}"
        raise LetterTooLargeError(f"the dead letter has {sizes}; too_large= is for those", is_permanent=True)
    return entry


def groups_of(entries: Sequence[Entry], limits: Limits) -> Iterator[list[Entry]]:
    """Split *entries* into groups that one request can hold, in order."""
    group: list[Entry] = []
    filled_bytes = 0
    for entry in entries:
        if group and (len(group) == limits.entries or filled_bytes + entry.size_bytes > limits.size_bytes):
            yield group
            group, filled_bytes = [], 0
        group.append(entry)
        filled_bytes += entry.size_bytes
    if group:
        yield group


def refusal_of(title: str, error: Exception) -> Refusal:
    """Return what an exception of a client means; *title* is the service's name for people."""
    verdict = _CLASSIFIER.classify(error)
    failure = SinkError(f"{title} refused the dead letters: {describe(error)}", is_permanent=not verdict.is_retryable)
    failure.__cause__ = error
    is_gone = verdict.reason.rpartition(".")[2] in _GONE
    is_invalid = verdict.category is Category.INVALID_INPUT and not verdict.is_retryable
    return Refusal(failure, is_of_one_letter=is_invalid and not is_gone)


def batch_answers(title: str, answer: Any, group: Sequence[Entry]) -> dict[int, Answer]:
    """
    Return what SQS or SNS answered to each entry of *group*; what is in neither list counts as failed.

    An entry that is in both lists counts as failed too, and what is no entry of this request counts for nothing.
    """
    from .._core.aws_errors import BY_CODE

    silence = SinkError(f"{title} neither confirmed nor refused the dead letter")
    answers: dict[int, Answer] = {entry.number: silence for entry in group}
    numbers = {entry.content["Id"]: entry.number for entry in group}
    for entry in answer.get("Successful") or ():
        message_id = entry.get("MessageId")
        if entry.get("Id") in numbers and isinstance(message_id, str) and message_id:
            answers[numbers[entry["Id"]]] = message_id
    for entry in answer.get("Failed") or ():
        if entry.get("Id") in numbers:
            code = entry.get("Code")
            known = BY_CODE.get(code)
            # A key service that throttles is the sender's fault too, to SQS; to wait helps all the same.
            is_permanent = bool(entry.get("SenderFault")) and not (known is not None and known.is_retryable)
            answers[numbers[entry["Id"]]] = SinkError(
                f"{title} refused the dead letter: {code}", is_permanent=is_permanent
            )
    return answers


def _may_try(answer: Answer | None) -> bool:
    return answer is None or (isinstance(answer, SinkError) and not answer.is_permanent)
