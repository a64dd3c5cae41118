"""Plays schedules, and keeps count of what happened in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from resilient_lambda.testing import Delivery

from .handlers import handler_of
from .judge import Effects, judge
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .schedule import Schedule


class Verdict(NamedTuple):
    """
    What came of a schedule.

    Attributes:
        violations: What is wrong; the promise holds if there is nothing.
        timeline: What happened, if something is wrong or it was asked for.
        counts: Of invocations, deliveries, effects, and faults by name.
    """

    schedule: Schedule
    violations: list[str]
    timeline: str
    counts: Counter[str]

    def report(self) -> str:
        """Return all that one needs to understand it."""
        return "\n".join(
            [
                *(self.violations or ["nothing is wrong"]),
                "",
                self.schedule.describe(),
                "",
                self.timeline,
                "",
                f"again: python -m tests.proof {self.schedule.name}",
            ]
        )


def play(
    drawn: Schedule,
    *,
    prepare: Callable[[Schedule, Delivery], Stage] | None = None,
    shows: bool = False,
) -> Verdict:
    """
    Play a schedule and judge it.

    Args:
        prepare: Makes the stage; by default one with the library's own handler over a table of the simulator.
        shows: With its timeline, whatever comes of it.
    """
    with Delivery(drawn.seed) as delivery:
        stage = (prepare or _prepare)(drawn, delivery)
        stage.play()
        effects = Effects(stage)
        violations = judge(stage, effects)
        timeline = delivery.timeline() if violations or shows else ""
        return Verdict(drawn, violations, timeline, _counts(stage, effects))


def play_all(schedules: Iterable[Schedule]) -> tuple[Counter[str], list[Verdict]]:
    """Play *schedules*; return the counts of all, and those that went wrong."""
    counts: Counter[str] = Counter()
    wrong = []
    for drawn in schedules:
        verdict = play(drawn)
        counts.update(verdict.counts)
        if verdict.violations:
            wrong.append(verdict)
            counts["violations"] += 1
    return counts, wrong


def _prepare(drawn: Schedule, delivery: Delivery) -> Stage:
    return Stage(drawn, delivery, handler_of(drawn.options))


def _counts(stage: Stage, effects: Effects) -> Counter[str]:
    delivery = stage.delivery
    counts = Counter(strike.partition(":")[0] for strike in delivery.strikes)
    counts["schedules"] = 1
    counts["invocations"] = delivery.invocations
    counts["deliveries"] = sum(stage.source.receives.values())
    counts["runs"] = len(stage.runs)
    counts["events"] = len(stage.orders)
    counts["struck"] = len(effects.struck)
    counts.update(f"{count} effects" for count in effects.counts.values())
    return counts
