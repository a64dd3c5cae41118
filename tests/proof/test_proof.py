"""
Nothing is lost, nothing is done twice, the order is kept: random schedules of every source.

`make prove` plays 50,000 of each; these are the first 2,000, and some with an effect outside of the store.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from .chunks import CHUNK, Chunk, play_chunk
from .playing import play
from .schedule import SOURCES, schedule
from .tables import bounds_table, table

CHUNKS = 8
OUTSIDE = 100


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("source", SOURCES)
def test_a_transaction_takes_effect_exactly_once_whatever_goes_wrong(source, chunk, elsewhere):
    """With `Idempotency` and ``commit_with`` nothing is lost, done twice, out of order or left behind."""
    seeds = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    played = elsewhere.submit(play_chunk, Chunk(source, source, seeds, commits=True)).result()

    assert not played.reports, played.reports[0]
    assert played.counts["schedules"] == CHUNK


@pytest.mark.parametrize("source", SOURCES)
def test_an_effect_outside_is_repeated_only_by_what_was_struck(source, elsewhere):
    """An effect is repeated at most once for each invocation that died, froze or lost its store after it."""
    played = elsewhere.submit(play_chunk, Chunk(source, source, range(OUTSIDE), commits=False)).result()

    assert not played.reports, played.reports[0]
    assert played.counts["schedules"] == OUTSIDE


@pytest.mark.parametrize("fault", ["throttle", "duplicate", "late", "sink_error"])
def test_what_strikes_nobody_repeats_nothing(fault, elsewhere):
    """Refused, doubled and late events, and sinks that fail, leave effects outside alone."""
    counts = Counter()
    for source in SOURCES:
        counts += (
            elsewhere.submit(play_chunk, Chunk(source, source, range(15), commits=False, alone=fault)).result().counts
        )

    assert counts[fault]
    assert {name for name in counts if name.endswith(" effects")} == {"1 effects"}


@pytest.mark.parametrize("source", SOURCES)
def test_every_fault_happens(source, elsewhere):
    """The schedules of a source meet everything that can go wrong."""
    counts = elsewhere.submit(play_chunk, Chunk(source, source, range(120), commits=True)).result().counts

    kinds = {"crash", "timeout", "freeze", "throttle", "store_error", "slow_store", "store_outage", "sink_error"}
    assert {kind for kind in kinds if not counts[kind]} == set()
    assert counts["runs"] > counts["events"] / 2


def test_a_seed_is_the_same_schedule_in_every_process():
    """What a schedule is, and all that happens in it, follows from its name."""
    name = "kafka:7"
    command = [sys.executable, "-X", "utf8", "-m", "tests.proof", name]
    shown = [
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    ]

    assert shown[0] == shown[1]
    assert shown[0].strip() == play(schedule("kafka", 7), shows=True).report().strip()


def test_tables_have_a_row_for_each_source_and_a_sum():
    """What is printed at the end can be read without the code."""
    rows = {"sqs": Counter(schedules=2, crash=3), "fifo": Counter(schedules=1)}

    assert table(rows).splitlines()[-1].split()[:2] == ["all", "3"]
    assert bounds_table(
        {"crash": Counter({"2 effects": 3, "1 effects": 7, "invocations": 1000, "struck": 30})}
    ).splitlines()[-1].split() == ["crash", "10", "1,000", "30", "3", "3.0", "10.0", "2"]
