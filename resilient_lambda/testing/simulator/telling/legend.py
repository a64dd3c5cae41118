"""What the colours and shapes of a plot mean: of those that are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .event_rows import PHASES
from .invocation_rows import BARS, DASHES, bar_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..world import World
    from .canvas import Canvas
    from .lives import Life
    from .story import Run

CHARACTER = 6.3
SAMPLE = 18.0


def draw_legend(
    canvas: Canvas, world: World, runs: Sequence[Run], lives: Mapping[str, Sequence[Life]], *, y: float
) -> None:
    """Draw the legend: a line for environments, with its baseline at *y*, and one for events."""
    used = {bar_of(run) for run in runs}
    for life in (life for each in lives.values() for life in each):
        used |= {PHASES[stretch.phase] for stretch in life.stretches}
        used.add(PHASES[life.phase])
    if any(run.goes_on for run in runs):
        used.add("frozen")
    if world.effects:
        used.add("effect")
    if any(source.handled_more_than_once() for source in world.sources):
        used.add("again")
    if any(source.lost for source in world.sources):
        used.add("gone")
    for labels in (
        {**BARS, "frozen": "given up, goes on", "effect": "effect", "again": "a second time"},
        {phase: phase.replace("-", " ") for phase in ("waiting", "in-flight")}
        | {"held": "held back", "done": "done", "dead": "dead letter", "gone": "lost"},
    ):
        x = 24.0
        for kind, label in labels.items():
            if kind in used:
                right = x + _draw_sample(canvas, kind, x, y - 4) + 6
                canvas.drawing.text(right, y, label, "quiet")
                x = right + 18 + CHARACTER * len(label)
        y += 20


def _draw_sample(canvas: Canvas, kind: str, x: float, y: float) -> float:
    """Draw what is explained, and return how wide it is."""
    drawing = canvas.drawing
    if kind in BARS:
        drawing.rect(kind, x, y - 5, SAMPLE, 10, radius=2)
    elif kind == "frozen":
        drawing.line("frozen-line", x, y, x + SAMPLE, y, more=DASHES)
    elif kind in {"waiting", "in-flight", "held"}:
        height = 7.0 if kind == "in-flight" else 3.0
        drawing.rect(kind, x, y - height / 2, SAMPLE, height, radius=1.5)
    else:
        if kind in {"effect", "again"}:
            drawing.diamond(kind, x + 4, y, 4.5)
        elif kind == "done":
            drawing.circle(kind, x + 4, y, 3.5)
        elif kind == "dead":
            drawing.rect(kind, x, y - 3.5, 7, 7)
        else:
            drawing.cross(kind, x + 4, y, 3.3)
        return 8.0
    return SAMPLE
