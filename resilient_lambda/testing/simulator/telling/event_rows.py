"""The rows of a plot that show what became of each event."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .canvas import LEFT, RIGHT
from .lives import OVER, Phase, counts_of
from .story import as_duration, count, in_trouble, tally_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..source import Source
    from .canvas import Canvas
    from .lives import Life

MOST_EVENTS = 200
MOST_IN_TROUBLE = 40
# The height of a row by how many there are: the first that fits.
HEIGHTS = ((30, 15.0), (80, 9.0), (MOST_EVENTS, 5.0))
LEAST_LABEL = 11.0
AREA_HEIGHT = 130.0
SAMPLES = 480
# From the bottom of the area to its top.
PHASES = {
    Phase.DONE: "done",
    Phase.DEAD: "dead",
    Phase.DISCARDED: "gone",
    Phase.IN_FLIGHT: "in-flight",
    Phase.HELD: "held",
    Phase.WAITING: "waiting",
}


def draw_events(canvas: Canvas, source: Source, lives: Sequence[Life]) -> None:
    """Draw a row for each event of *source*; of many an area, and rows for those in trouble."""
    trouble = set(in_trouble(source))
    canvas.section(source.name, str(tally_of(source)))
    if len(lives) > MOST_EVENTS:
        _draw_area(canvas, lives)
        lives = [life for life in lives if life.item.id in trouble]
        if lives:
            canvas.y += 12
            shown = f"{min(len(lives), MOST_IN_TROUBLE)} of the {count(len(lives), 'event')}"
            canvas.drawing.text(LEFT, canvas.y, f"{shown} that are lost, done twice or out of order", "quiet")
            canvas.y += 6
        lives = lives[:MOST_IN_TROUBLE]
    # Events of one lane stand together.
    lanes = {lane: place for place, lane in enumerate(dict.fromkeys(life.item.lane for life in lives))}
    lives = sorted(lives, key=lambda life: (lanes[life.item.lane], life.item.number))
    _draw_lives(canvas, source, lives, trouble)
    canvas.y += 8


def _draw_lives(canvas: Canvas, source: Source, lives: Sequence[Life], trouble: Collection[str]) -> None:
    drawing = canvas.drawing
    twice, lost = set(source.handled_more_than_once()), set(source.lost)
    height = next(height for most, height in HEIGHTS if len(lives) <= most)
    lane, labelled_at = None, -inf
    for life in lives:
        item = life.item
        if item.lane != lane:
            lane = item.lane
            drawing.line("grid", 24, canvas.y, RIGHT, canvas.y)
            drawing.text(24, canvas.y + min(height, LEAST_LABEL) - 1, _short(lane), "small quiet")
        is_in_trouble = item.id in trouble
        if canvas.y - labelled_at >= LEAST_LABEL - 2 * is_in_trouble:
            kind = "trouble" if is_in_trouble else "quiet"
            name = canvas.names.one(source.name, item.id)
            drawing.text(LEFT - 12, canvas.y + height / 2 + 3, name, f"{kind} end small")
            labelled_at = canvas.y
        _draw_life(canvas, life, height, is_lost=item.id in lost, is_twice=item.key in twice)
        canvas.y += height


def _draw_life(canvas: Canvas, life: Life, height: float, *, is_lost: bool, is_twice: bool) -> None:
    drawing, x, y = canvas.drawing, canvas.axis.x, canvas.y + height / 2
    thick, size = min(7.0, height - 2), min(3.5, height / 2)
    for stretch in life.stretches:
        if stretch.phase not in OVER:
            left, bar = x(stretch.start_s), thick if stretch.phase is Phase.IN_FLIGHT else max(2.0, thick / 2.4)
            lasted = as_duration(stretch.end_s - stretch.start_s)
            told = f"{life.item.id}: {stretch.phase.value} for {lasted} from {canvas.time(stretch.start_s)} on"
            width = max(x(stretch.end_s) - left, 1)
            drawing.rect(PHASES[stretch.phase], left, y - bar / 2, width, bar, radius=1.5, title=told)
    over_s = life.over_s
    if over_s is not None:
        at = x(over_s) + size
        if life.effects_s and at - x(life.effects_s[-1]) < 2 * size + 1:
            at = x(life.effects_s[-1]) + 2 * size + 1
        told = f"{life.item.id}: {life.phase.value}, {count(life.item.receives, 'receive')}{', lost' * is_lost}"
        if is_lost or life.phase is Phase.DISCARDED:
            drawing.cross("gone", at + 1, y, size, title=told)
        elif life.phase is Phase.DEAD:
            drawing.rect("dead", at - size, y - size, 2 * size, 2 * size, title=told)
        else:
            drawing.circle("done", at, y, size, title=told)
    for number, effect_s in enumerate(life.effects_s):
        is_second = is_twice and (number > 0 or life.is_second)
        told = f"{canvas.time(effect_s)}  effect {life.item.key}"
        drawing.diamond("again" if is_second else "effect", x(effect_s), y, size + is_second, title=told)


def _draw_area(canvas: Canvas, lives: Sequence[Life]) -> None:
    """Draw how many events were in which phase."""
    drawing, bottom = canvas.drawing, canvas.y + AREA_HEIGHT
    xs = [LEFT + (RIGHT - LEFT) * sample / SAMPLES for sample in range(SAMPLES + 1)]
    counts = counts_of(lives, [canvas.axis.time_s(x) for x in xs])
    below = [bottom] * len(xs)
    for phase, kind in PHASES.items():
        above = [y - counted[phase] / len(lives) * AREA_HEIGHT for y, counted in zip(below, counts, strict=True)]
        if above != below:
            around = [*zip(xs, above, strict=True), *zip(reversed(xs), reversed(below), strict=True)]
            points = "L".join(f"{x:.1f} {y:.1f}" for x, y in around)
            drawing.path(kind, f"M{points}z", title=phase.value)
        below = above
    drawing.text(LEFT - 12, canvas.y + 9, count(len(lives), "event"), "quiet end small")
    drawing.text(LEFT - 12, bottom, "0", "quiet end small")
    canvas.y = bottom + 4


def _short(lane: object) -> str:
    text = "" if lane is None else str(lane)
    return text if len(text) <= 14 else f"{text[:13]}…"
