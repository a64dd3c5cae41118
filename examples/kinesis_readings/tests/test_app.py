"""What becomes of readings that come twice, are stuck, or are none."""

from __future__ import annotations

import json
from pathlib import Path

from app import handler

from resilient_lambda import put_if_absent
from resilient_lambda.testing import kinesis_event, kinesis_record, lambda_context

EVENTS = Path(__file__).resolve().parents[1] / "events"


def reading(number: int, meter: str, minute: int, watts: int = 100) -> dict:
    """Return a record of the stream; *number* is its sequence number."""
    body = {"meter": meter, "at": f"2026-01-01T00:{minute:02}:00Z", "watts": watts}
    return kinesis_record(body, key=meter, sequence_number=number)


def deliver(*records: dict) -> list[str]:
    """Deliver a batch; return the sequence number from which Lambda would go on, if there is one."""
    answer = handler(kinesis_event(records), lambda_context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def rows(aws) -> list[tuple]:
    """Return what was written into the table of readings: meter and minute, in order of the writes."""
    items = [item["Put"]["Item"] for item in aws.committed]
    return [(item["meter"], int(item["at"][14:16])) for item in items]


def test_readings_of_a_meter_are_written_in_order(aws):
    """Meters may overtake each other; the readings of one do not."""
    checkpoint = deliver(reading(1, "a", 0), reading(2, "b", 0), reading(3, "a", 1), reading(4, "b", 1))

    assert checkpoint == []
    assert [minute for meter, minute in rows(aws) if meter == "a"] == [0, 1]
    assert [minute for meter, minute in rows(aws) if meter == "b"] == [0, 1]


def test_a_reading_that_comes_again_is_written_once(aws):
    """A batch that is delivered twice, and a meter that repeats itself, write one row."""
    deliver(reading(1, "a", 0), reading(2, "a", 1))
    checkpoint = deliver(reading(1, "a", 0), reading(2, "a", 1), reading(3, "a", 1))

    assert checkpoint == []
    assert rows(aws) == [("a", 0), ("a", 1)]


def test_what_is_no_reading_is_parked_and_the_shard_goes_on(aws):
    """Negative watts cannot succeed: the record is set aside, the checkpoint passes it."""
    checkpoint = deliver(reading(1, "a", 0), reading(2, "a", 1, watts=-5), reading(3, "a", 2))

    assert checkpoint == []
    assert [letter.record.id for letter in aws.dead_letters] == ["2"]
    assert rows(aws) == [("a", 0), ("a", 2)]


def test_a_row_that_is_there_from_before_is_not_overwritten(aws):
    """The table knows the reading, the library does not: it is parked, for somebody to look at."""
    there = {"meter": "a", "at": "2026-01-01T00:00:00Z", "watts": 1}
    aws.store("resilience").transact(None, [put_if_absent("readings", there, key=("meter", "at"))], token="before")
    checkpoint = deliver(reading(1, "a", 0), reading(2, "b", 0))

    assert checkpoint == []
    assert [type(letter.error).__name__ for letter in aws.dead_letters] == ["CommitConditionError"]
    assert rows(aws) == [("a", 0), ("b", 0)]


def test_an_outage_sets_nothing_aside(aws, monkeypatch):
    """However often a reading fails for want of its table, it waits in the stream, and is written in the end."""
    monkeypatch.delenv("READINGS_TABLE")
    checkpoints = [deliver(reading(1, "a", 0)) for _ in range(20)]
    monkeypatch.setenv("READINGS_TABLE", "readings")

    assert checkpoints == [["1"]] * 20
    assert deliver(reading(1, "a", 0)) == []
    assert aws.dead_letters == []
    assert rows(aws) == [("a", 0)]


def test_without_time_the_shard_comes_again_from_the_first(aws):
    """Nothing is started that would not end: the checkpoint is the lowest number, as a number."""
    answer = handler(kinesis_event([reading(99, "a", 0), reading(100, "b", 0)]), lambda_context(timeout_s=0))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "99"}]}
    assert rows(aws) == []


def test_the_event_of_the_example_works(aws):
    """events/readings.json is what Lambda would deliver."""
    answer = handler(json.loads((EVENTS / "readings.json").read_text("utf-8")), lambda_context())

    assert answer == {"batchItemFailures": []}
    assert sorted(rows(aws)) == [("m-1", 0), ("m-1", 1), ("m-2", 0)]
