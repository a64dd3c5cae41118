"""What must hold after a schedule, whatever went wrong in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from resilient_lambda.testing import Kind
from resilient_lambda.testing.simulator.source import State

from .schedule import SINGLE_EVENTS, SKEW_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .stage import Stage

# An invocation that one of these happened to may have lost what it knew.
STRIKES = {Kind.CRASHED, Kind.TIMED_OUT, Kind.FROZE, Kind.FAULT}


def judge(stage: Stage, effects: Effects) -> list[str]:
    """Return what is wrong, one sentence each."""
    if stage.broken is not None:
        return [f"the proof itself is broken: {stage.broken}"]
    found = [*_of_keys(effects), *_of_runs(stage, effects), *_of_answers(stage)]
    if stage.is_endless:
        return [*found, f"it has not come to an end after {stage.delivery.invocations} invocations"]
    return [*found, *_of_items(stage, effects)]


class Effects:
    """
    How often what took effect.

    Attributes:
        counts: By key.
        struck: The numbers of invocations that may have lost what they knew.
        excused: By key: in how many such invocations it took effect.
    """

    def __init__(self, stage: Stage) -> None:
        happenings = stage.delivery.happenings
        self.struck = {each.invocation for each in happenings if each.kind in STRIKES}
        self.struck |= {run.invocation for run in stage.runs if run.was_cut}
        if stage.schedule.options.commits:
            self.counts = Counter(row["key"] for row in stage.rows())
            self.excused: Counter[Any] = Counter()
        else:
            found = [(each.text, each.invocation) for each in happenings if each.kind is Kind.EFFECT]
            self.counts = Counter(key for key, _ in found)
            self.excused = Counter(key for key, invocation in set(found) if invocation in self.struck)


def _of_keys(effects: Effects) -> Iterator[str]:
    """Once; outside of the store, once more for each invocation in which it took effect and that was struck."""
    for key, count in effects.counts.items():
        if count > 1 + effects.excused[key]:
            yield f"{key} took effect {count} times, {effects.excused[key]} invocations of them were struck"


def _of_items(stage: Stage, effects: Effects) -> Iterator[str]:
    options = stage.schedule.options
    by_handler = _set_aside_by_handler(stage)
    for item in stage.source.items.values():
        order = stage.orders[item.id]
        is_done = bool(effects.counts[order.key])
        if item.state in {State.WAITING, State.IN_FLIGHT}:
            yield f"{item.id} ({order.key}) is still {item.state.value}"
        elif not is_done and item.parked is None:
            yield f"{item.id} ({order.key}) is lost: {item.state.value}, without effect and not set aside"
        if item.id in by_handler and not order.is_permanent and options.max_attempts is None:
            yield f"{item.id} ({order.key}) was set aside although it can succeed"
    if len(stage.source.items) < len(stage.orders):
        yield f"only {len(stage.source.items)} of {len(stage.orders)} events arrived"


def _set_aside_by_handler(stage: Stage) -> set[str]:
    letters = stage.source.dead_letters
    return {id for letter in letters if letter.reason.startswith("set aside by the handler") for id in letter.ids}


def _of_runs(stage: Stage, effects: Effects) -> Iterator[str]:
    clocks_agree = stage.schedule.faults.get("skew_s", 0.0) <= SKEW_S
    for run in stage.runs:
        for earlier in run.waits_for:
            yield f"order {run.order.number} was run before order {earlier.number} of its lane was settled"
        for other in run.beside:
            if clocks_agree and other.has_ended and other.invocation not in effects.struck:
                yield (
                    f"{run.order.key} was run by invocations {other.invocation} and {run.invocation} at the same time"
                )


def _of_answers(stage: Stage) -> Iterator[str]:
    schedule = stage.schedule
    if schedule.source not in SINGLE_EVENTS:
        for each in stage.delivery.happenings:
            if each.kind is Kind.FAILED:
                yield f"invocation {each.invocation} raised instead of naming what failed: {each.text}"
    if schedule.source == "synchronous" and schedule.options.commits:
        committed = {row["key"]: row["run"] for row in stage.rows()}
        aside = _set_aside_by_handler(stage)
        for reply in stage.source.replies:
            if reply.kind is Kind.ANSWERED and reply.id not in aside:
                key = stage.orders[reply.id].key
                expected = {"key": key, "run": committed.get(key)}
                if reply.payload != expected:
                    yield f"the caller of {reply.id} was told {reply.payload!r} instead of {expected!r}"
