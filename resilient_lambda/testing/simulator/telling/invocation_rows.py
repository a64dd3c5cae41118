"""The rows of a plot that show what each environment ran."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..history import Kind
from .canvas import LEFT, RIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .canvas import Canvas
    from .story import Run

MOST_ENVIRONMENTS = 40
MOST_TOLD = 12
EFFECT = 4.5
BARS = {
    "answered": "answered",
    "named": "answered, failures named",
    "failed": "function error",
    "timed-out": "timed out",
    "crashed": "crashed",
    "running": "never ended",
}
DASHES = 'stroke-width="2" stroke-dasharray="2 3"'
_OUTCOMES = {
    Kind.ANSWERED: "answered",
    Kind.FAILED: "failed",
    Kind.TIMED_OUT: "timed-out",
    Kind.CRASHED: "crashed",
    None: "running",
}


def bar_of(run: Run) -> str:
    """Return the kind of bar that stands for *run*, a name of `BARS`."""
    return "named" if run.names_failures else _OUTCOMES[run.outcome]


def draw_environments(canvas: Canvas, runs: Sequence[Run]) -> None:
    """Draw a row for each environment; of very many those in which something went wrong first."""
    by_environment: dict[int, list[Run]] = {}
    for run in runs:
        by_environment.setdefault(run.environment, []).append(run)
    well = {number: all(bar_of(run) == "answered" for run in its_runs) for number, its_runs in by_environment.items()}
    shown = sorted(sorted(by_environment, key=lambda number: (well[number], number))[:MOST_ENVIRONMENTS])
    said = "each runs one invocation at a time"
    if len(shown) < len(by_environment):
        said += f"; {len(shown)} of {len(by_environment):,} are shown, first those in which something went wrong"
    canvas.section("Environments", said)
    height = 20.0 if len(shown) <= 16 else 15.0
    for number in shown:
        middle = canvas.y + height / 2
        canvas.drawing.text(LEFT - 12, middle + 4, f"environment {number}", "quiet end")
        canvas.drawing.line("grid", LEFT, middle, RIGHT, middle)
        _draw_environment(canvas, by_environment[number], height)
        canvas.y += height + 3
    canvas.y += 4


def _draw_environment(canvas: Canvas, runs: Sequence[Run], height: float) -> None:
    drawing, y, x = canvas.drawing, canvas.y, canvas.axis.x
    drawn_to, drawn_kind = -inf, ""
    marked_to = -inf
    for run in runs:
        kind = bar_of(run)
        left = x(run.started_s)
        right = max(x(canvas.end_s if run.ended_s is None else run.ended_s), left + 2)
        if right < drawn_to + 0.6 and kind == drawn_kind:
            continue  # nobody could tell it from the one before
        drawn_to, drawn_kind = right, kind
        if run.goes_on and run.ended_s is not None:
            middle = y + height / 2
            drawing.line(
                "frozen-line",
                x(run.ended_s),
                middle,
                x(run.marks[-1].at_s),
                middle,
                more=DASHES,
                title="Lambda has given it up, and it goes on",
            )
        drawing.rect(kind, left, y + 1, right - left, height - 2, radius=3, title=_told(canvas, run))
        labelled_to = left + 10 + 7 * len(str(run.number))
        effects_x = [x(mark.at_s) for mark in run.marks if mark.kind is Kind.EFFECT]
        if labelled_to < min([right, *(at - EFFECT for at in effects_x)]):
            drawing.text(left + 6, y + height / 2 + 4, str(run.number), "on-bar numbers")
        marked_to = _draw_marks(canvas, run, height, marked_to)
        if run.outcome is Kind.CRASHED:
            drawing.cross("gone", right + 4, y + height / 2, 3.5, title=_told(canvas, run))


def _draw_marks(canvas: Canvas, run: Run, height: float, marked_to: float) -> float:
    """Draw what happened in *run*; return where the last effect in the row is drawn."""
    drawing, x = canvas.drawing, canvas.axis.x
    frozen_x = 0.0
    for mark in run.marks:
        at = x(mark.at_s)
        if mark.kind is Kind.FROZE:
            frozen_x = at
        elif mark.kind is Kind.THAWED:
            drawing.rect("frozen", frozen_x, canvas.y + 1, at - frozen_x, 3, title="frozen")
        elif mark.kind is Kind.EFFECT and at > marked_to + EFFECT:
            told = f"{canvas.time(mark.at_s)}  effect {mark.text}"
            drawing.diamond("effect", at, canvas.y + height / 2, EFFECT, title=told)
            marked_to = at
        elif mark.kind is Kind.FAULT:
            told = f"{canvas.time(mark.at_s)}  {mark.text}"
            drawing.rect("crashed rim", at - 1.5, canvas.y + height - 6, 3, 6, title=told)
    return marked_to


def _told(canvas: Canvas, run: Run) -> str:
    lines = [f"invocation {run.number}, {run.source}: {canvas.names.several(run.source, run.ids)}"]
    for mark in run.marks[:MOST_TOLD]:
        lines.append(f"{canvas.time(mark.at_s)}  {mark.kind.value} {mark.text}".rstrip())
    if len(run.marks) > MOST_TOLD:
        lines.append(f"… and {len(run.marks) - MOST_TOLD} more")
    return "\n".join(lines)
