"""An SVG as a list of elements, with colours for light and dark rooms."""

from __future__ import annotations

from html import escape

_COLOURS = {
    # class: (light, dark)
    "answered": ("#2f9e6e", "#3fbf88"),
    "named": ("#d6a21e", "#e2b93b"),
    "failed": ("#e2711d", "#f08c3a"),
    "timed-out": ("#8a5cd1", "#a98bea"),
    "crashed": ("#d33f49", "#f0616b"),
    "running": ("#9aa3b2", "#6b7484"),
    "in-flight": ("#4a8fd8", "#5aa2ee"),
    "held": ("#bcd4ef", "#2f4d6e"),
    "waiting": ("#d5dae2", "#39414f"),
    "done": ("#2f9e6e", "#3fbf88"),
    "dead": ("#2b2f38", "#c9d0dc"),
    "gone": ("#d33f49", "#f0616b"),
    "effect": ("#1b2a41", "#f4f6fb"),
    "again": ("#d6006e", "#ff5fae"),
    "frozen": ("#7fb9d6", "#4d8fb0"),
    "paper": ("#ffffff", "#11151c"),
    "band": ("#f5f7fa", "#171c25"),
    "cut": ("#eceff4", "#1f2632"),
}
_TEXT = ("#1c2330", "#e8ecf3")
_QUIET = ("#6b7485", "#96a0b1")
_GRID = ("#e4e8ee", "#262e3a")
_FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


def _style() -> str:
    def rules(room: int) -> str:
        fills = "".join(f".{name}{{fill:{colours[room]}}}" for name, colours in _COLOURS.items())
        lines = "".join(
            f".{name}-line{{stroke:{_COLOURS[name][room]}}}" for name in ("done", "frozen", "again", "gone")
        )
        return (
            f"{fills}{lines}text{{fill:{_TEXT[room]}}}.quiet{{fill:{_QUIET[room]}}}.on-bar{{fill:{_COLOURS['paper'][room]}}}"
            f".trouble{{fill:{_COLOURS['again'][room]}}}.grid{{stroke:{_GRID[room]}}}.rim{{stroke:{_COLOURS['paper'][room]}}}"
        )

    return (
        f"text{{font-family:{_FONT};font-size:11px}}.title{{font-size:19px;font-weight:600}}.section{{font-size:13px;"
        "font-weight:600}.small{font-size:9px}.end{text-anchor:end}.middle{text-anchor:middle}"
        ".numbers{font-variant-numeric:tabular-nums}.grid,.done-line,.frozen-line,.again-line,.gone-line"
        f"{{fill:none}}{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}"
    )


class Drawing:
    """Elements, from the lowest to the topmost."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def rect(
        self, kind: str, x: float, y: float, width: float, height: float, *, radius: float = 0.0, title: str = ""
    ) -> None:
        """Draw a box."""
        corner = f' rx="{radius:g}"' if radius and width > 2 * radius else ""
        self._add(
            "rect",
            f'class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"{corner}',
            title,
        )

    def path(self, kind: str, data: str, *, title: str = "", more: str = "") -> None:
        """Draw a line or a shape."""
        self._add("path", f'class="{kind}" d="{data}"{more and " " + more}', title)

    def line(self, kind: str, x1: float, y1: float, x2: float, y2: float, *, more: str = "", title: str = "") -> None:
        """Draw a straight line."""
        self.path(kind, f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", more=more, title=title)

    def circle(self, kind: str, x: float, y: float, radius: float, *, title: str = "") -> None:
        """Draw a dot."""
        self._add("circle", f'class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"', title)

    def diamond(self, kind: str, x: float, y: float, size: float, *, title: str = "") -> None:
        """Draw what stands for an effect."""
        self.path(
            f"{kind} rim",
            f"M{x:.1f} {y - size:.1f}l{size:g} {size:g}l{-size:g} {size:g}l{-size:g} {-size:g}z",
            title=title,
            more='stroke-width="0.8"',
        )

    def cross(self, kind: str, x: float, y: float, size: float, *, title: str = "") -> None:
        """Draw an x."""
        self.path(
            f"{kind}-line",
            f"M{x - size:.1f} {y - size:.1f}l{2 * size:g} {2 * size:g}m0 {-2 * size:g}l{-2 * size:g} {2 * size:g}",
            title=title,
            more='stroke-width="2.2" stroke-linecap="round"',
        )

    def text(self, x: float, y: float, said: str, kind: str = "", *, title: str = "") -> None:
        """Write."""
        self._add("text", f'{kind and f"class={chr(34)}{kind}{chr(34)} "}x="{x:.1f}" y="{y:.1f}"', title, escape(said))

    def include(self, drawing: Drawing) -> None:
        """Put all of *drawing* on top."""
        self._elements += drawing._elements

    def finish(self, width: float, height: float, title: str) -> str:
        """Return the file."""
        body = "\n".join(self._elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img">\n<title>{escape(title)}</title>\n<style>{_style()}</style>\n'
            f'<rect class="paper" width="{width:g}" height="{height:g}"/>\n{body}\n</svg>\n'
        )

    def _add(self, name: str, attributes: str, title: str, content: str = "") -> None:
        if title:
            content = f"<title>{escape(title)}</title>{content}"
        self._elements.append(f"<{name} {attributes}>{content}</{name}>" if content else f"<{name} {attributes}/>")
