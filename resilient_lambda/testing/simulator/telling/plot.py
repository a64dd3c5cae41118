"""
What happened, as a picture: environments and events over time.

A row for each execution environment shows what it ran and how that ended; a row for each event shows when it waited,
was in flight and was done. Many events are drawn as an area, with rows for those in trouble only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .axis import Axis
from .canvas import LEFT, RIGHT, WIDTH, Canvas
from .event_rows import draw_events
from .invocation_rows import draw_environments
from .legend import draw_legend
from .lives import lives_of
from .story import Names, as_duration, count, runs_of
from .svg import Drawing

if TYPE_CHECKING:
    from ..world import World

TOP = 150.0
MOST_STRIKES = 6


def plot(world: World, *, seed: int, start_s: float) -> str:
    """Return what happened as the text of an SVG file."""
    runs, lives = runs_of(world.happenings), lives_of(world)
    end_s = world.happenings[-1].at_s if world.happenings else start_s
    busy = [(run.started_s, end_s if run.ended_s is None else run.ended_s) for run in runs.values()]
    times_s = {start_s, *(happening.at_s for happening in world.happenings)}
    axis = Axis(times_s, busy, left=LEFT, width=RIGHT - LEFT)
    rows = Canvas(Drawing(), axis, Names(world.sources), start_s=start_s, end_s=end_s)
    rows.y = TOP
    draw_environments(rows, list(runs.values()))
    for source in world.sources:
        draw_events(rows, source, lives[source.name])
    # The lines that help to read the rows lie beneath them, and reach as far down as they do.
    canvas = Canvas(Drawing(), axis, rows.names, start_s=start_s, end_s=end_s)
    title = f"Delivery, seed {seed}"
    _draw_head(canvas, world, title)
    draw_legend(canvas, world, list(runs.values()), lives, y=84)
    _draw_grid(canvas, rows.y)
    canvas.drawing.include(rows.drawing)
    return canvas.drawing.finish(WIDTH, rows.y + 40, title)


def _draw_head(canvas: Canvas, world: World, title: str) -> None:
    strikes = world.chance.strikes
    struck = f"{count(len(strikes), 'fault')} struck" if strikes else "no fault struck"
    if 0 < len(strikes) <= MOST_STRIKES:
        struck += f": {', '.join(strikes)}"
    facts = [
        f"{as_duration(canvas.end_s - canvas.start_s)} of virtual time",
        f"{count(world.invocations, 'invocation')} in {count(world.environments, 'environment')}",
        struck,
    ]
    canvas.drawing.text(24, 38, title, "title")
    canvas.drawing.text(24, 58, "  ·  ".join(facts), "quiet")


def _draw_grid(canvas: Canvas, bottom: float) -> None:
    drawing = canvas.drawing
    for cut in canvas.axis.cuts:
        lasted = as_duration(cut.lasted_s)
        width = cut.right - cut.left
        drawing.rect(
            "cut", cut.left + 0.5, TOP - 6, width - 1, bottom - TOP + 6, title=f"{lasted} in which nothing happened"
        )
        if width > 5.4 * len(lasted):
            for y in (TOP - 10, bottom + 12):
                drawing.text((cut.left + cut.right) / 2, y, lasted, "small quiet middle")
    for tick in canvas.axis.ticks:
        drawing.line("grid", tick.x, TOP - 6, tick.x, bottom)
        for y in (TOP - 22, bottom + 24):
            drawing.text(tick.x, y, _at_the_axis(tick.time_s - canvas.start_s), "quiet middle numbers")


def _at_the_axis(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:02.0f}" if rest == int(rest) else f"{rest:04.1f}"
    return f"{hours}:{minutes:02d}:{text}" if hours else f"{minutes}:{text}"
