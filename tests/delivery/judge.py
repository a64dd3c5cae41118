"""
Whether a handler did right in one delivery, judged by what ran, what the sink took, and what was answered.

Time is a counter: all that is asked is what came before what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.delivery import model
from tests.delivery.model import Partial, Source, UndocumentedAnswerError

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

OK, RETRY, POISON = "ok", "retry", "poison"


class Run(NamedTuple):
    """
    One run of the user's function.

    Attributes:
        position: Of its record, in the order of the event.
        outcome: `OK`, `RETRY` or `POISON`.
    """

    position: int
    began: int
    ended: int
    outcome: str


class Letter(NamedTuple):
    """A dead letter that the sink was offered, *at* a time, and confirmed or refused."""

    position: int
    at: int
    is_confirmed: bool


class Rules(NamedTuple):
    """
    What was asked of the handler.

    Attributes:
        source: Whose rule holds.
        by_key: Whether ``order="key"`` was asked for.
        stops_on_letter: Whether a lane ends at a dead letter.
        concurrency: How many runs may happen at once.
        raises_if_all_failed: Whether an exception is the right answer if nothing was finished.
    """

    source: Source
    by_key: bool = False
    stops_on_letter: bool = False
    concurrency: int = 1
    raises_if_all_failed: bool = False


class Delivery(NamedTuple):
    """
    What happened in one delivery.

    Attributes:
        runs: Every run, in any order.
        letters: Every dead letter that the sink was offered.
        answer: What was returned, or the exception that was raised.
        keys: The idempotency key of each record; None without `Idempotency`.
        done_before: Keys that succeeded in earlier deliveries.
        parked_before: Positions of records that the sink took in earlier deliveries, where that is remembered.
        perhaps_parked: Positions of those of which that may be remembered, or not.
        hopeless: Positions of records that fail for good without a run: they cannot be read, or that is remembered.
        ran_out_of_time: Whether the deadline came before the end.
    """

    event: Mapping[str, Any]
    runs: Sequence[Run]
    letters: Sequence[Letter]
    answer: object
    keys: Sequence[Hashable] | None = None
    done_before: Collection[Hashable] = ()
    parked_before: Collection[int] = ()
    perhaps_parked: Collection[int] = ()
    hopeless: Collection[int] = ()
    ran_out_of_time: bool = False


def lanes(rules: Rules, event: Mapping[str, Any]) -> list[Hashable]:
    """Return the lane of each record; None where its order is nobody's concern."""
    lane_of = rules.source.key if rules.by_key else rules.source.lane
    return [None if lane_of is None else lane_of(item.raw) for item in model.items(rules.source, event)]


def finished(delivery: Delivery) -> set[int]:
    """Return the positions that took effect, now or before, or that the sink has."""
    succeeded = {run.position for run in delivery.runs if run.outcome == OK}
    parked = {letter.position for letter in delivery.letters if letter.is_confirmed} | set(delivery.parked_before)
    parked |= set(delivery.perhaps_parked) - _reached(delivery)
    if delivery.keys is None:
        return succeeded | parked
    done = {*delivery.done_before, *(delivery.keys[position] for position in succeeded)}
    return parked | {position for position, key in enumerate(delivery.keys) if key in done}


def again(rules: Rules, delivery: Delivery) -> set[int]:
    """Return the positions that are delivered again."""
    return model.delivered_again(rules.source, delivery.event, delivery.answer)


def problems(rules: Rules, delivery: Delivery) -> list[str]:
    """Return what is wrong with *delivery*, in words; nothing if all is well."""
    return [
        *_problems_of_answer(rules, delivery),
        *_problems_of_runs(rules, delivery),
        *_problems_of_letters(delivery),
        *_problems_of_order(rules, delivery),
        *_problems_of_what_did_not_run(rules, delivery),
    ]


def _problems_of_answer(rules: Rules, delivery: Delivery) -> Iterator[str]:
    source, event, answer = rules.source, delivery.event, delivery.answer
    everything = set(range(len(model.items(source, event))))
    unfinished = everything - finished(delivery)
    try:
        returning = again(rules, delivery)
    except UndocumentedAnswerError as error:
        yield str(error)
        return
    # A duplicate that nobody came to, for the time or the lane had ended, is given back: it will not run then either.
    put_off = {position for position in returning - _reached(delivery) if _was_stopped(rules, delivery, position)}
    put_off |= returning & (set(delivery.perhaps_parked) | _refused(delivery))
    forced = model.forced_again(source, event, unfinished | put_off)
    if source.partial is not Partial.NONE:
        yield from _problems_of_form(rules, answer, is_all_forced=bool(everything) and forced == everything)
    if lost := unfinished - returning:
        yield f"lost: {sorted(lost)}"
    if needless := returning - forced:
        yield f"needlessly delivered again: {sorted(needless)}"
    if short := forced - returning - unfinished:
        yield f"deleted while an earlier one of its lane comes again: {sorted(short)}"


def _problems_of_form(rules: Rules, answer: object, *, is_all_forced: bool) -> Iterator[str]:
    if isinstance(answer, BaseException):
        if not (rules.raises_if_all_failed and is_all_forced):
            yield f"it raised {answer!r}"
    elif not isinstance(answer, dict) or not isinstance(answer.get("batchItemFailures"), list):
        yield f"it answered {answer!r}"
    else:
        names = [repr(entry) for entry in answer["batchItemFailures"]]
        if len(set(names)) < len(names):
            yield f"a name stands twice in {answer}"


def _problems_of_runs(rules: Rules, delivery: Delivery) -> Iterator[str]:
    runs, keys = sorted(delivery.runs, key=lambda run: run.began), delivery.keys
    seen: set[Hashable] = set()
    for run in runs:
        what = run.position if keys is None else keys[run.position]
        if what in seen:
            yield f"{what!r} ran twice in one delivery"
        if what in delivery.done_before or run.position in delivery.parked_before:
            yield f"{what!r} ran again although it is done"
        seen.add(what)
        at_once = sum(other.began <= run.began < other.ended for other in runs)
        if at_once > rules.concurrency:
            yield f"{at_once} runs at once"


def _problems_of_letters(delivery: Delivery) -> Iterator[str]:
    keys = delivery.keys
    for letter in delivery.letters:
        runs = [run for run in delivery.runs if _is_of(delivery, run, letter.position) and run.outcome == POISON]
        same = {letter.position} if keys is None else {p for p, key in enumerate(keys) if key == keys[letter.position]}
        if same.isdisjoint(delivery.hopeless) and not any(run.ended < letter.at for run in runs):
            yield f"{letter.position} was set aside without a permanent failure"
    confirmed = [letter.position for letter in delivery.letters if letter.is_confirmed]
    if len({*confirmed, *delivery.parked_before}) < len(confirmed) + len(delivery.parked_before):
        yield "a dead letter was confirmed twice"


def _problems_of_order(rules: Rules, delivery: Delivery) -> Iterator[str]:
    done, lane_of = finished(delivery), lanes(rules, delivery.event)
    taken = {letter.position: letter.at for letter in delivery.letters if letter.is_confirmed}
    for run in delivery.runs:
        for earlier in _before(run.position, lane_of):
            if earlier not in done:
                yield f"{run.position} ran although {earlier} before it comes again"
            elif any(_is_before(delivery, other, run, earlier) for other in delivery.runs):
                yield f"{run.position} began before {earlier} had ended"
            elif taken.get(earlier, -1) > run.began:
                yield f"{run.position} began before the letter of {earlier} was confirmed"
            elif earlier in taken and rules.stops_on_letter:
                yield f"{run.position} ran although {earlier} before it was set aside"


def _reached(delivery: Delivery) -> set[int]:
    return {run.position for run in delivery.runs} | {letter.position for letter in delivery.letters}


def _was_stopped(rules: Rules, delivery: Delivery, position: int) -> bool:
    """Tell whether the handler had a reason not to come to *position*."""
    done = finished(delivery) - _refused(delivery) - set(delivery.perhaps_parked)
    taken = {letter.position for letter in delivery.letters if letter.is_confirmed}
    before = _before(position, lanes(rules, delivery.event))
    return delivery.ran_out_of_time or any(
        earlier not in done or (rules.stops_on_letter and earlier in taken) for earlier in before
    )


def _refused(delivery: Delivery) -> set[int]:
    """Return the positions that no sink has taken: they come again, even if a later record of their key succeeded."""
    confirmed = {letter.position for letter in delivery.letters if letter.is_confirmed}
    return {letter.position for letter in delivery.letters} - confirmed


def _problems_of_what_did_not_run(rules: Rules, delivery: Delivery) -> Iterator[str]:
    """Giving everything back is safe, and useless: what did not run must have had a reason."""
    done, keys = finished(delivery), delivery.keys
    failed = {run.position for run in delivery.runs if run.outcome != OK} | set(delivery.hopeless)
    failed_keys = set() if keys is None else {keys[position] for position in failed}
    for position in range(len(model.items(rules.source, delivery.event))):
        is_decided = position in done | failed or (keys is not None and keys[position] in failed_keys)
        if not is_decided and not _was_stopped(rules, delivery, position):
            yield f"{position} was given back for no reason"


def _before(position: int, lane_of: Sequence[Hashable]) -> list[int]:
    lane = lane_of[position]
    return [earlier for earlier in range(position) if lane is not None and lane_of[earlier] == lane]


def _is_of(delivery: Delivery, run: Run, position: int) -> bool:
    """Tell whether *run* decides for the record at *position*: by itself, or because it has the same key."""
    return run.position == position or (
        delivery.keys is not None and delivery.keys[run.position] == delivery.keys[position]
    )


def _is_before(delivery: Delivery, other: Run, run: Run, earlier: int) -> bool:
    """Tell whether *run* began although *other*, which decides for the record *earlier* in its lane, had not ended."""
    if other.position == earlier:
        return other.ended > run.began
    is_taken = any(letter.position == earlier and letter.is_confirmed for letter in delivery.letters)
    return not is_taken and _is_of(delivery, other, earlier) and other.began < run.began < other.ended
