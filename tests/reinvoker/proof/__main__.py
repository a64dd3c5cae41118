"""Plays many schedules, or one: ``python -m tests.reinvoker.proof [COUNT | FIRST:LAST | :SEED]``."""

from __future__ import annotations

import logging
import sys
import time

from .playing import play, play_all
from .schedule import schedule


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    first, colon, last = (arguments or ["2000"])[0].partition(":")
    if colon and not first:
        logging.disable(logging.CRITICAL)
        verdict = play(schedule(int(last)), shows=True)
        print(verdict.report())
        return int(bool(verdict.violations))
    started_s = time.process_time()
    counts, reports = play_all(range(int(first), int(last)) if colon else range(int(first)))
    print(*reports, sep="\n\n")
    print(*(f"{name:16} {count:,}" for name, count in sorted(counts.items())), sep="\n")
    print(f"{counts['schedules'] / (time.process_time() - started_s):.0f} schedules a second")
    return int(bool(reports))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
