"""
Plays schedules by the ten thousand, on all cores, and tells what came of them; ``make prove`` runs it.

    python -m tests.proof                          50,000 of each source, and the bounds
    python -m tests.proof --schedules 500 sqs      fewer, of one source
    python -m tests.proof sqs:1234                 one, with its timeline
    python -m tests.proof --bounds                 how often an effect outside of the store is repeated
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from .bounds import RECORDS, deaths_of_large_batches
from .chunks import CHUNK, REPORTS, bounds, play_chunk, proof
from .playing import play
from .schedule import SOURCES, schedule
from .tables import bounds_table, deaths_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

from .chunks import Chunk


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)
    unknown = [name for name in options.names if name.partition(":")[0] not in SOURCES]
    if unknown:
        print(f"no such source: {unknown[0]}; there are {', '.join(SOURCES)}", file=sys.stderr)
        return 2
    replays = [name for name in options.names if ":" in name]
    if replays:
        return max(_replay(name) for name in replays)
    sources = options.names or SOURCES
    is_wrong = False
    if not options.bounds:
        rows, is_wrong = _play(proof(sources, options.schedules, options.first), options.workers)
        print(table(rows))
    if options.bounds or not options.names:
        rows, is_beyond = _play(bounds(sources, max(1, options.schedules // 10), options.first), options.workers)
        print(f"\nEffects outside of the store, by what goes wrong:\n\n{bounds_table(rows)}")
        deaths = deaths_of_large_batches(max(1, options.schedules // 500))
        print(f"\nIn batches of {RECORDS} quick records, by how their ends are recorded:\n\n{deaths_table(deaths)}")
        is_wrong |= is_beyond
    return int(is_wrong)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof", description="Random schedules, and what holds in them."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a source, or a schedule such as sqs:1234; default: all"
    )
    parser.add_argument("--schedules", type=int, default=50_000, help="how many of each source; default: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="the first seed; default: %(default)s")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many processes; default: %(default)s")
    parser.add_argument("--bounds", action="store_true", help="only effects outside of the store")
    return parser


def _replay(name: str) -> int:
    source, seed, *outside = name.split(":")
    verdict = play(schedule(source, int(seed), commits=not outside), shows=True)
    print(verdict.report())
    return int(bool(verdict.violations))


def _play(chunks: list[Chunk], workers: int) -> tuple[dict[str, Counter[str]], bool]:
    """Play all chunks; return the counts by title, and whether anything is wrong."""
    rows: dict[str, Counter[str]] = {chunk.title: Counter() for chunk in chunks}
    started_s, reports, done = time.monotonic(), 0, 0
    total = sum(len(chunk.seeds) for chunk in chunks)
    with multiprocessing.get_context("spawn").Pool(
        workers, initializer=logging.disable, initargs=(logging.CRITICAL,)
    ) as pool:
        for played in pool.imap_unordered(play_chunk, chunks):
            rows[played.title].update(played.counts)
            for report in played.reports:
                if reports < REPORTS:
                    print(f"\n{report}\n", flush=True)
                reports += 1
            done += played.counts["schedules"]
            rate = done / (time.monotonic() - started_s)
            text = f"{done:,} of {total:,} schedules, {rate:,.0f} a second, {reports} wrong"
            is_last = done == total
            if sys.stderr.isatty():
                print(f"\r{text}", end="\n" if is_last else "", file=sys.stderr, flush=True)
            elif is_last or (done // CHUNK) % 20 == 0:
                print(text, file=sys.stderr, flush=True)
    return rows, bool(reports)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
