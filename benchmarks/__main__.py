"""
Measure this library and its peers, print a table, write ``benchmarks/latest.json``.

    python -m benchmarks                    all rows, in about five minutes
    python -m benchmarks --only NAME        one row, or several; nothing is written unless --json says where
    python -m benchmarks --markdown         no measurement: the table of the last run, for the README
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .machine import machine
from .registry import BENCHMARKS
from .row import row_of
from .table import markdown, notes, text

LATEST = Path(__file__).parent / "latest.json"


def measure(names: list[str]) -> list[dict[str, Any]]:
    """Return the rows *names*, measured now."""
    rows: list[dict[str, Any]] = []
    where = machine()
    for benchmark in BENCHMARKS:
        if benchmark.name in names:
            print(f"measuring {benchmark.name}", file=sys.stderr, flush=True)
            rows.append(row_of(benchmark, benchmark.measure(), where))
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the rows")
    parser.add_argument("--markdown", action="store_true", help="print the table of the last run as Markdown")
    options = parser.parse_args(arguments)
    target: Path | None = options.json or (None if options.only else LATEST)
    if options.markdown:
        print(markdown(json.loads((target or LATEST).read_text("utf-8"))))
        return
    rows = measure(options.only or names)
    print(f"{machine()}\n\n{text(rows)}\n\n{notes(rows)}")
    if target is not None:
        target.write_text(f"{json.dumps(rows, indent=2)}\n", "utf-8")
        print(f"\nwritten to {target}")


if __name__ == "__main__":
    main()
