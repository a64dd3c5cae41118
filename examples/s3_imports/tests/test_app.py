"""What becomes of uploads: told of twice, deleted since, unreadable, and when S3 is busy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import lambda_context, s3_event, s3_record

EVENTS = Path(__file__).resolve().parents[1] / "events"


def rows(aws) -> list[dict]:
    """Return what was written into the table of imports."""
    return [item["Put"]["Item"] for item in aws.committed]


def test_a_file_is_imported(handler, bucket, aws):
    """Its key is found although the event writes it otherwise."""
    bucket.objects["incoming/new year é.csv", "v1"] = b"5\n7\n"
    handler(s3_event([s3_record("incoming/new year é.csv", version_id="v1")]), lambda_context())

    assert rows(aws) == [{"file": "incoming/new year é.csv@v1", "lines": 2, "total": 12}]


def test_a_file_of_which_s3_tells_twice_is_imported_once(handler, bucket, aws):
    """The same notification, delivered again, does nothing."""
    bucket.objects["a.csv", "v1"] = b"5\n"
    event = s3_event([s3_record("a.csv", version_id="v1")])
    handler(event, lambda_context())
    handler(event, lambda_context())

    assert len(rows(aws)) == 1
    assert bucket.reads == ["a.csv"]


def test_a_new_version_is_imported_as_well(handler, bucket, aws):
    """An object that is written again is another thing to do."""
    bucket.objects["a.csv", "v1"] = b"5\n"
    bucket.objects["a.csv", "v2"] = b"6\n"
    handler(s3_event([s3_record("a.csv", version_id="v1")]), lambda_context())
    handler(s3_event([s3_record("a.csv", version_id="v2")]), lambda_context())

    assert [row["total"] for row in rows(aws)] == [5, 6]


def test_a_file_that_is_gone_is_no_failure(handler, bucket, aws):
    """It was deleted since: Lambda need not try again."""
    handler(s3_event([s3_record("gone.csv", version_id="v1")]), lambda_context())

    assert rows(aws) == []
    assert aws.dead_letters == []


def test_while_s3_is_busy_the_event_comes_again_and_skips_what_is_done(handler, bucket, aws):
    """The handler raises, for there is no partial answer; the next try runs what is not done."""
    bucket.objects["a.csv", "v1"] = b"5\n"
    first, second = s3_record("a.csv", version_id="v1"), s3_record("b.csv", version_id="v1")
    handler(s3_event([first]), lambda_context())
    bucket.is_slow = True
    with pytest.raises(BatchFailedError):
        handler(s3_event([first, second]), lambda_context())
    bucket.is_slow = False
    bucket.objects["b.csv", "v1"] = b"6\n"
    handler(s3_event([first, second]), lambda_context())

    assert [row["total"] for row in rows(aws)] == [5, 6]


def test_after_three_tries_the_file_is_parked(handler, bucket, aws):
    """Lambda would give the event up; the record is set aside before that."""
    bucket.is_slow = True
    event = s3_event([s3_record("a.csv", version_id="v1")])
    for _ in range(2):
        with pytest.raises(BatchFailedError):
            handler(event, lambda_context())
    handler(event, lambda_context())

    assert [letter.record.json()["s3"]["object"]["key"] for letter in aws.dead_letters] == ["a.csv"]


def test_a_file_that_cannot_be_read_is_parked_at_once(handler, bucket, aws):
    """Another try would not help."""
    bucket.objects["a.csv", "v1"] = b"five\n"
    handler(s3_event([s3_record("a.csv", version_id="v1")]), lambda_context())

    assert [str(letter.error) for letter in aws.dead_letters] == ["the file has a line that is no whole number"]


def test_the_event_of_the_example_works(handler, bucket, aws):
    """events/upload.json is what Lambda would deliver."""
    bucket.objects["incoming/new year.csv", "3HL4kqtJlcpXroDTDmJ"] = b"1\n2\n3\n"
    handler(json.loads((EVENTS / "upload.json").read_text("utf-8")), lambda_context())

    assert [row["lines"] for row in rows(aws)] == [3]
