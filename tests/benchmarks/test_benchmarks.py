"""What the benchmark script puts out: the shape of its rows and tables. Nothing here is timed."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import LATEST, main
from benchmarks.registry import BENCHMARKS
from benchmarks.row import Aim, Benchmark, Measured, row_of
from benchmarks.table import TITLES, markdown, notes, text

FIELDS = {
    "name",
    "unit",
    "ours",
    "peer",
    "peer_name",
    "ratio",
    "aim",
    "aim_absolute",
    "met",
    "floor",
    "others",
    "spread",
    "note",
    "machine",
}


def row(ours=1.0, peer=2.0, unit="us", **aim):
    """Return the row of a benchmark that measured *ours* and *peer*."""
    measured = Measured(ours, peer, "somebody", "a note")
    return row_of(Benchmark("work", unit, Aim(**aim), lambda: measured), measured, "a machine")


def test_the_rows_promised_are_there():
    """Every row that the documentation speaks of has a name of its own."""
    names = [benchmark.name for benchmark in BENCHMARKS]

    assert len(names) == len(set(names))
    assert {
        "import_core_cpu",
        "import_ready_cpu",
        "batch_ok_1000",
        "batch_ok_kinesis_1000",
        "batch_ok_dynamodb_1000",
        "batch_ok_kafka_1000",
        "batch_fail_1000",
        "batch_fail_10000",
        "batch_fail_kinesis_10000",
        "batch_fail_dynamodb_10000",
        "batch_fail_kafka_10000",
        "batch_model_1000",
        "batch_ok_10000_memory",
        "batch_fail_10000_memory",
        "ordered_parallel_1000",
        "ordered_parallel_async_1000",
        "idempotency_cache_hit",
        "idempotency_miss_requests",
        "idempotent_batch_100",
        "idempotent_batch_100_cpu",
        "idempotent_batch_100_requests",
        "idempotent_batch_100_working",
        "idempotent_batch_1000",
        "idempotent_batch_10000",
        "idempotent_batch_10000_memory",
        "idempotent_single",
        "idempotent_single_requests",
        "commit_with_100",
        "retry_ok",
        "retry_one_failure",
        "classify_client_error",
        "simulated_delivery",
        "wheel_bytes",
    } <= set(names)


def test_every_row_has_a_title_for_the_readme():
    """What is measured is said in words there; no title is left of a row that is gone."""
    assert sorted(TITLES) == sorted(benchmark.name for benchmark in BENCHMARKS)


def test_a_row_holds_both_sides_and_their_ratio():
    """The ratio is ours divided by the peer's, so less is better."""
    made = row(3.0, 4.0)

    assert set(made) == FIELDS
    assert (made["ours"], made["peer"], made["ratio"]) == (3.0, 4.0, 0.75)


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        ({}, None),
        ({"ratio": 0.5}, True),
        ({"ratio": 0.49}, False),
        ({"absolute": 1.0}, True),
        ({"absolute": 0.9}, False),
        ({"ratio": 0.5, "absolute": 0.9}, False),
        ({"ratio": 0.4, "absolute": 1.0}, False),
        ({"ratio": 0.5, "absolute": 1.0}, True),
    ],
)
def test_an_aim_is_met_if_every_part_of_it_is(aim, met):
    """Exactly the aim is enough; where there is none, there is nothing to meet."""
    assert row(1.0, 2.0, **aim)["met"] is met


def test_an_aim_is_judged_by_what_was_measured():
    """Rounding for the reader does not turn a miss into a hit."""
    assert row(1.00001, 2.0, absolute=1.0)["met"] is False


@pytest.mark.parametrize(("ours", "met"), [(59.0, True), (61.0, False)])
def test_a_row_without_a_peer_is_judged_by_its_figure_alone(ours, met):
    """Where there is nobody to compare with there is no ratio, and both cells stay empty."""
    alone = row_of(Benchmark("work", "MB", Aim(absolute=60.0), lambda: None), Measured(ours, None, ""), "a machine")

    assert (alone["peer"], alone["ratio"], alone["met"]) == (None, None, met)
    assert markdown([alone]).splitlines()[2].split("|")[3:5] == ["  ", "  "]
    assert "against" not in notes([alone])


def test_further_peers_the_floor_and_the_spread_are_shown():
    """What else was measured stands in the row and, in its unit, in the note."""
    measured = Measured(
        1.0, 2.0, "somebody", floor=0.5, others={"somebody in threads": 1500.0}, spread={"ours": (0.75, 1.25)}
    )
    made = row_of(Benchmark("work", "ms", Aim(), lambda: measured), measured, "a machine")

    assert (made["floor"], made["others"], made["spread"]) == (
        0.5,
        {"somebody in threads": 1500},
        {"ours": [0.75, 1.25]},
    )
    assert notes([made]) == (
        "work: against somebody; somebody in threads: 1,500 ms; bare requests: 0.5 ms; ours from 0.75 ms to 1.25 ms"
    )


def test_counts_stay_whole_numbers():
    """Bytes and requests are not rounded to four digits."""
    assert row(123_456, 1_234_567, unit="bytes")["ours"] == 123_456


def test_the_markdown_table_has_a_line_for_each_row():
    """Heading, rule, rows, and below them what it was measured on, once."""
    lines = markdown([row(), row(ratio=0.1)]).splitlines()

    assert [line.count("|") for line in lines[:4]] == [7, 7, 7, 7]
    assert lines[2].split(" | ")[1:] == ["1 us", "2 us", "0.5", "", " |"]
    assert lines[3].endswith("| <= 0.1 x | **no** |")
    assert lines[-1].count("a machine") == 1


def test_the_terminal_shows_every_note():
    """What makes a comparison uneven is printed beside it."""
    assert "work" in text([row()])
    assert notes([row()]) == "work: against somebody; a note"


def test_one_row_can_be_measured_alone(tmp_path, capsys):
    """``--only`` does the work of that row, and writes it where it is told to."""
    target = tmp_path / "rows.json"
    main(["--only", "idempotency_miss_requests", "--json", str(target)])
    (measured,) = json.loads(target.read_text())

    assert set(measured) == FIELDS
    assert (measured["name"], measured["ours"], measured["met"]) == ("idempotency_miss_requests", 2, True)
    assert "idempotency_miss_requests" in capsys.readouterr().out


def test_markdown_comes_from_the_rows_written(tmp_path, capsys):
    """``--markdown`` measures nothing: it shows a file that is there."""
    target = tmp_path / "rows.json"
    target.write_text(json.dumps([row()]))
    main(["--markdown", "--json", str(target)])

    assert capsys.readouterr().out == f"{markdown([row()])}\n"


def test_the_rows_in_the_repository_are_of_these_benchmarks():
    """``benchmarks/latest.json`` holds every row, with the units and aims that the code has now."""
    rows = json.loads(LATEST.read_text("utf-8"))

    assert [(found["name"], found["unit"], found["aim"], found["aim_absolute"]) for found in rows] == [
        (benchmark.name, benchmark.unit, benchmark.aim.ratio, benchmark.aim.absolute) for benchmark in BENCHMARKS
    ]
    compared = [found for found in rows if found["peer"] is not None]
    assert all(found["ratio"] == pytest.approx(found["ours"] / found["peer"], rel=1e-2) for found in compared)
