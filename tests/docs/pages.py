"""
The documentation's pages and the code in them.

A page is a Markdown file. Its ``python`` blocks run in order in one namespace, as a reader would type them one after
the other. What a reader takes for granted (a function ``charge``, a variable of the environment) is set up in hidden
code:

    <!-- test: setup
    charges = []
    -->

There is no way to skip a block: an example that cannot run is no ``python`` block.
"""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^(?P=indent)```"
    r"|^<!-- test: setup\n(?P<setup>.*?)^-->",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """
    One fenced block, or one piece of hidden setup.

    Attributes:
        line: Of the block's first line of code, from 1.
    """

    language: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page in order; hidden setup counts as ``python``."""
    found = []
    for match in _BLOCK.finditer(text):
        group = "code" if match["setup"] is None else "setup"
        indent = match["indent"] or ""
        code = "".join(line.removeprefix(indent) for line in match[group].splitlines(keepends=True))
        found.append(Block(match["language"] or "python", code, text.count("\n", 0, match.start(group)) + 1))
    return found


def run(page: Path) -> int:
    """Run the page's ``python`` blocks, parse its ``json`` blocks; return how many blocks that were."""
    # A real module: models and data classes look up their annotations in sys.modules.
    module = types.ModuleType(f"page_{page.stem.replace('-', '_')}")
    module.__file__ = str(page)
    sys.modules[module.__name__] = module
    done = 0
    try:
        for block in blocks(page.read_text("utf-8")):
            if block.language == "python":
                # Blank lines in front make a traceback point at the line of the page.
                source = "\n" * (block.line - 1) + block.code
                exec(compile(source, str(page), "exec", dont_inherit=True), module.__dict__)
            elif block.language == "json":
                json.loads(block.code)
            else:
                continue
            done += 1
    finally:
        del sys.modules[module.__name__]
    return done
