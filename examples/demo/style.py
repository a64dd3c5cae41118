"""Plain text of at most 88 columns, with colours and line drawing only where they can be shown."""

from __future__ import annotations

import os
from typing import NamedTuple, TextIO

WIDTH = 88
LONGEST_BAR = 20


class Style(NamedTuple):
    """
    How the terminal can be written to.

    Attributes:
        has_colours: It takes escape sequences, and NO_COLOR is not set (https://no-color.org).
        has_symbols: It takes more than ASCII.
    """

    has_colours: bool
    has_symbols: bool

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Return what *stream* can show."""
        is_terminal = stream.isatty()
        encoding = (stream.encoding or "").lower().replace("-", "")
        has_colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(has_colours, is_terminal and encoding == "utf8")

    def bold(self, text: str) -> str:
        """Return *text* in bold."""
        return self._in("1", text)

    def good(self, text: str) -> str:
        """Return *text* in green."""
        return self._in("32", text)

    def bad(self, text: str) -> str:
        """Return *text* in red."""
        return self._in("31", text)

    def dim(self, text: str) -> str:
        """Return *text* in grey."""
        return self._in("2", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colours and text else text

    def bar(self, count: int, most: int) -> str:
        """Return a bar for *count*, as long as it gets for *most*."""
        length = 0 if not count else max(1, round(count * min(1.0, LONGEST_BAR / most)))
        return self.dim(("█" if self.has_symbols else "#") * length)

    def title(self, text: str, remark: str = "") -> str:
        """Return a heading with a rule up to the right margin."""
        rule = ("─" if self.has_symbols else "-") * (WIDTH - len(text) - 1)
        return f"\n{self.bold(text)} {self.dim(rule)}" + (f"\n{self.dim(remark)}" if remark else "")

    def bad_unless_zero(self, count: int, width: int) -> str:
        """Return a number that ought to be 0."""
        text = f"{count:>{width}}"
        return self.bad(text) if count else self.dim(text)
