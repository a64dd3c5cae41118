"""What ``key show`` says of an item, at an exact time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resilient_lambda._commands._key_text import absent, clock, raw, recognise, report, size, span, unknown
from resilient_lambda._core.item_format import NATIVE
from resilient_lambda.errors import ItemFormatError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "idempotency.md"
NOW_S = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
OWNER = "c0d42a1793696cdcac76827014b87418-4522311a-ed43-4bcd-881b-1651618ba2cc"
COMMON = {"format": 1, "version": f"{OWNER}.3", "expires_at_s": 1_800_086_400}
CLAIM = {**COMMON, "status": "IN_PROGRESS", "lease_until_s": NOW_S + 12.3}
POWERTOOLS = {"status": "INPROGRESS", "expires_at_s": 1_800_003_600, "in_progress_expiration": 1_800_000_012_300}
SHARED = {**POWERTOOLS, "layout": "powertools", "format": 1, "version": f"{OWNER}.0"}


def shown(item, *, now_s=NOW_S):
    """Return the report of *item* as a dict of its rows."""
    return {line[:9].strip(): line[10:] for line in report("v1#orders#ab", item, recognise(item), now_s=now_s)}


@pytest.mark.parametrize(
    ("item", "now_s", "status"),
    [
        (CLAIM, NOW_S, "IN_PROGRESS: in progress until 08:00:12 UTC, 12.3 s left"),
        (
            CLAIM,
            NOW_S + 14.0,
            "IN_PROGRESS: lapsed at 08:00:12 UTC, free to be taken over at 08:00:14 UTC, as clocks may differ",
        ),
        (CLAIM, NOW_S + 14.4, "IN_PROGRESS: lapsed at 08:00:12 UTC, free to be taken over since 08:00:14 UTC"),
        (
            {**COMMON, "status": "COMPLETED"},
            NOW_S,
            "COMPLETED: completed, answers duplicates until 2027-01-16 08:00:00 UTC, 1 d 0 h from now",
        ),
        (
            {**COMMON, "status": "RELEASED"},
            NOW_S,
            "RELEASED: released, runs at the next delivery; remembered until 2027-01-16 08:00:00 UTC",
        ),
        (
            {**COMMON, "status": "FAILED", "parked": "m-1"},
            NOW_S,
            "FAILED: failed for good, parked as m-1; not run again for this delivery until 2027-01-16 08:00:00 UTC",
        ),
        (
            {**COMMON, "status": "FAILED"},
            NOW_S,
            "FAILED: failed for good, not parked; not run again for this delivery until 2027-01-16 08:00:00 UTC",
        ),
        (
            {**COMMON, "status": "COMPLETED"},
            NOW_S + 86_400,
            "COMPLETED: expired at 08:00:00 UTC, not yet removed by TTL; counts as absent, the next delivery runs",
        ),
        (POWERTOOLS, NOW_S, "INPROGRESS: in progress until 08:00:12 UTC, 12.3 s left"),
        (
            POWERTOOLS,
            NOW_S + 13,
            "INPROGRESS: lapsed at 08:00:12 UTC, free to be taken over at 08:00:19 UTC, as clocks may differ",
        ),
        (POWERTOOLS, NOW_S + 20, "INPROGRESS: lapsed at 08:00:12 UTC, free to be taken over since 08:00:19 UTC"),
        (
            {"status": "COMPLETED", "expires_at_s": 1_800_003_600, "data": "{}"},
            NOW_S,
            "COMPLETED: completed, answers duplicates until 09:00:00 UTC, 1 h 0 min from now",
        ),
        (SHARED, NOW_S, "INPROGRESS: in progress until 08:00:12 UTC, 12.3 s left"),
        (
            {**SHARED, "in_progress_expiration": 0},
            NOW_S,
            "INPROGRESS: released, runs at the next delivery; remembered until 09:00:00 UTC",
        ),
    ],
)
def test_a_status_says_what_it_means_now(item, now_s, status):
    """Each status, in each layout, tells what the next delivery will meet, and since or until when."""
    assert shown(item, now_s=now_s)["status"] == status


@pytest.mark.parametrize(
    ("item", "layout"),
    [
        (CLAIM, "resilient_lambda, format 1"),
        (POWERTOOLS, "Powertools, written by Powertools"),
        (SHARED, "Powertools, written by resilient_lambda"),
    ],
)
def test_a_layout_is_named(item, layout):
    """An operator of a shared table sees which library wrote the item."""
    assert shown(item)["layout"] == layout


def test_all_that_is_known_is_shown():
    """Attempts, lapses, the owner's request, the last error, the delivery; of a result only the size."""
    item = {
        **COMMON,
        "status": "COMPLETED",
        "attempts": 2,
        "lapses": 1,
        "error": "CardDeclined",
        "delivery": "m-7",
        "fingerprint": "cd" * 32,
        "result": '{"card":"4242"}',
    }
    rows = shown(item)

    assert {name: rows[name] for name in rows if name != "status"} == {
        "key": "v1#orders#ab",
        "layout": "resilient_lambda, format 1",
        "attempts": "2 (runs that failed)",
        "lapses": "1 (claims that ended without a word: crashes, mostly)",
        "owner": "request 4522311a-ed43-4bcd-881b-1651618ba2cc",
        "error": "CardDeclined (the last failure's class)",
        "delivery": "m-7",
        "payload": f"fingerprint {'cd' * 32}",
        "result": "15 bytes, shown by --result",
    }


def test_the_example_of_the_documentation_is_true():
    """What docs/idempotency.md shows is what an item with these values gives."""
    section = PAGE.read_text("utf-8").partition("## Look at one key")[2].partition("\n## ")[0]
    block = section.split("```text\n")[1].partition("```")[0]
    item = {
        **CLAIM,
        "attempts": 2,
        "lapses": 1,
        "error": "CardDeclined",
        "delivery": "20afd5d3-dee7-4f32-81a1-afdf50251a01",
    }
    key = NATIVE.stored_key(NATIVE.prefix("orders-function"), "order-1001")

    assert block.splitlines() == report(key, item, recognise(item), now_s=NOW_S + 60)


def test_what_is_not_known_has_no_line():
    """A claim of Powertools has neither owner nor error nor delivery nor result."""
    assert list(shown(POWERTOOLS)) == ["key", "layout", "status", "attempts", "lapses"]


def test_an_owner_without_a_request_is_shown_whole():
    """What another program wrote as a version is not cut."""
    assert shown({**CLAIM, "version": "worker.1"})["owner"] == "worker"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "none recorded: a duplicate gets None"),
        ("é", "2 bytes, shown by --result"),
        (b"x" * 1234, "1,234 bytes compressed, shown by --result"),
    ],
)
def test_the_size_of_a_result(result, text):
    """Bytes as they are stored, so that the cost of a duplicate can be told."""
    assert size(result) == text


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({**CLAIM, "format": 2}, "format 2"),
        ({**SHARED, "format": 2}, "format 2 of the layout for Powertools"),
        ({"state": "closed", "seq": 4}, "not written by resilient_lambda"),
        ({"status": "COMPLETED"}, "neither by Powertools nor"),
        ({**CLAIM, "status": "PAUSED"}, "not written by resilient_lambda"),
    ],
)
def test_an_item_that_is_not_understood_is_said_so(item, words):
    """A newer format or another program's item names its reason and its attributes, sorted, without their values."""
    with pytest.raises(ItemFormatError) as caught:
        recognise(item)
    text = unknown(caught.value, {"id": {}, **item})

    assert words in text
    assert text.endswith(f"its attributes: {', '.join(sorted({'id', *item}))}")


@pytest.mark.parametrize(
    ("key", "is_computed", "words"),
    [
        ("v1#orders#ab", True, ["namespace is another", "the value is another", "removed by TTL", "'resilience'"]),
        ("v1#orders#ab", False, ["removed by TTL", "another table"]),
        ("order-1", False, ["no stored key", "--namespace and --value"]),
    ],
)
def test_a_missing_item_is_explained(key, is_computed, words):
    """The text says what to look at next, for how the key was given."""
    text = absent(key, "resilience", is_computed=is_computed)

    assert [word for word in words if word not in text] == []
    assert ("namespace is another" in text) == is_computed


def test_raw_is_dynamodb_s_json():
    """All attributes with their types, binary ones as the AWS CLI shows them, but for what is left out."""
    text = raw({"n": {"N": "1"}, "b": {"B": b"\x00\xff"}, "data": {"S": "secret"}}, without={"data"})

    assert json.loads(text) == {"n": {"N": "1"}, "b": {"B": "AP8="}}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (3_660, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_greatest_units(seconds, text):
    """Short ones to the tenth of a second."""
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("at_s", "text"),
    [
        (NOW_S + 1, "08:00:01 UTC"),
        (NOW_S + 86_400, "2027-01-16 08:00:00 UTC"),
        (1e30, "1000000000000000019884624838656 s after 1970"),
    ],
)
def test_a_time_has_its_date_unless_it_is_today(at_s, text):
    """Nonsense in an item is no crash."""
    assert clock(at_s, now_s=NOW_S) == text
