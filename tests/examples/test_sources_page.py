"""docs/sources.md says of each source what its row of the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import SOURCE_NAMES, Answers, Twin, open_batch, row_of
from tests.core.golden_events import GOLDEN, S3_EVENT

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text("utf-8")
EVENTS = {golden.source: golden.event for golden in reversed(GOLDEN)} | {"s3": S3_EVENT}
LANES = {"batch": "the batch", "1": "the message group", "mytopic-0": "the topic-partition", None: "none"}
TWINS = {Twin.BOUNCE: "comes back", Twin.WAIT: "is waited for"}
ANSWERS = {
    Answers.RECORDS: "failed",
    Answers.CHECKPOINT: "the lowest sequence number",
    Answers.PARTITIONS: "the lowest offset of each topic-partition",
    Answers.WHOLE: "the batch is raised",
}


def cells(name):
    """Return the cells of the table's row for the source *name*, by the words of its head."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in re.findall(r"^\| .*\|$", PAGE, re.MULTILINE)
    ]
    (head,) = (row for row in rows if row[0] == "source")
    (found,) = (row for row in rows if row[0] == f"`{name}`")
    return dict(zip(head, found, strict=True))


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_every_source_has_its_row(name):
    """Body, receive count, lane, twin and answer are those of the code, for the event that AWS documents."""
    row, (first, *_) = cells(name), open_batch(EVENTS[name]).raws
    source = row_of(name)
    record = Record(first, open_batch(EVENTS[name]).source)

    assert row["body"].startswith(f"`{type(record.body).__name__}`")
    assert (row["receive count"] == "none") == (record.receives is None)
    assert row["lane"] == LANES[record.lane]
    assert row["a twin in progress"] == TWINS[source.twin]
    assert ANSWERS[source.answers] in row["answer"]


def test_the_page_has_no_other_source():
    """A source that is gone goes from the page."""
    assert set(re.findall(r"^\| `([\w-]+)` \|(?:[^|\n]*\|){8}$", PAGE, re.MULTILINE)) == set(SOURCE_NAMES)
