"""What is drawn on: time from left to right, rows from the top down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .story import as_time

if TYPE_CHECKING:
    from .axis import Axis
    from .story import Names
    from .svg import Drawing

WIDTH = 1200.0
LEFT = 176.0
RIGHT = 1172.0


class Canvas:
    """
    What is drawn on.

    Attributes:
        y: Where the next row begins.
    """

    def __init__(self, drawing: Drawing, axis: Axis, names: Names, *, start_s: float, end_s: float) -> None:
        self.drawing = drawing
        self.axis = axis
        self.names = names
        self.start_s = start_s
        self.end_s = end_s
        self.y = 0.0

    def time(self, at_s: float) -> str:
        """Return a time as it is written."""
        return as_time(at_s - self.start_s)

    def section(self, name: str, said: str) -> None:
        """Begin a group of rows."""
        self.y += 18
        self.drawing.text(24, self.y, name, "section")
        self.drawing.text(LEFT, self.y, said, "quiet")
        self.y += 9
