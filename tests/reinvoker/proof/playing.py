"""Plays schedules and judges them."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda.testing import Delivery, Kind

from .judge import extra_starts, judge
from .schedule import schedule
from .stage import Stage, left_alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .schedule import Schedule


class Verdict(NamedTuple):
    """
    What came of a schedule.

    Attributes:
        violations: What is wrong.
        counts: Of what happened, faults by name among it.
    """

    schedule: Schedule
    violations: list[str]
    timeline: str
    counts: Counter[str]

    def report(self) -> str:
        """Return all that one needs to understand it."""
        again = f"again: python -m tests.reinvoker.proof :{self.schedule.seed}"
        lines = [*(self.violations or ["nothing is wrong"]), "", self.schedule.describe(), "", self.timeline, "", again]
        return "\n".join(lines)


def play(drawn: Schedule, *, shows: bool = False, **handlers: Any) -> Verdict:
    """
    Play a schedule and judge it.

    Args:
        shows: With its timeline, whatever comes of it.
        handlers: ``worker`` or ``reinvoker`` in the place of the library's own.
    """
    with Delivery(drawn.seed, without=left_alone()) as delivery:
        stage = Stage(drawn, delivery, **handlers)
        stage.play()
        violations = judge(stage)
        return Verdict(drawn, violations, delivery.timeline() if violations or shows else "", _counts(stage))


def play_all(seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Play the schedules of *seeds*; return counts, and reports of the first that went wrong."""
    logging.disable(logging.CRITICAL)
    counts: Counter[str] = Counter()
    reports: list[str] = []
    try:
        for seed in seeds:
            verdict = play(schedule(seed))
            counts.update(verdict.counts)
            if verdict.violations:
                counts["wrong"] += 1
                if len(reports) < 3:
                    reports.append(verdict.report())
    finally:
        logging.disable(logging.NOTSET)
    return counts, reports


def _counts(stage: Stage) -> Counter[str]:
    counts = Counter(strike.partition(":")[0] for strike in stage.delivery.strikes)
    for each in stage.delivery.happenings:
        for side in ("before", "after"):
            counts[f"crashed {side} Invoke"] += each.kind is Kind.CRASHED and f"{side} Invoke" in each.text
    counts["schedules"] = 1
    counts["jobs"] = len(stage.schedule.jobs)
    counts["starts"] = len(stage.starts)
    counts["parked"] = len(stage.parked)
    counts["reinvoked"] = len({(start.job, start.attempt) for start in stage.starts if start.attempt > 1})
    counts["extra starts"] = extra_starts(stage)
    counts["invocations"] = stage.delivery.invocations
    return counts
