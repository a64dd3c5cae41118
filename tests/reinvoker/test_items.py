"""What is stored about re-invocations, and odd envelopes: pure functions, every branch."""

from __future__ import annotations

import pytest

from resilient_lambda._core.destination_envelopes import NothingFound, ObjectFound, look_into
from resilient_lambda._core.reinvoke import dumped
from resilient_lambda._core.reinvoke_items import (
    arrived_item,
    arrived_key,
    counted_item,
    counted_key,
    counted_mark,
    is_expired,
)
from resilient_lambda._core.reserved import Mark
from resilient_lambda.errors import InvalidRecordError

MARK = Mark(2, "root", 5.0)


@pytest.mark.parametrize("mark", [MARK, MARK._replace(first_failed_at_s=None)], ids=["time", "no-time"])
def test_a_count_is_read_as_it_was_written(mark):
    """Until it expires."""
    item = counted_item(mark, token="t", now_s=100.0, keep_s=10)

    assert counted_mark(item, 109.9) == mark
    assert counted_mark(item, 110.0) is None
    assert counted_mark(None, 0.0) is None


@pytest.mark.parametrize("change", [{"root": 1}, {"attempt": "2"}, {"root": b"r"}])
def test_an_item_that_is_no_count_counts_nothing(change):
    """Somebody has changed it by hand."""
    assert counted_mark({**counted_item(MARK, token="t", now_s=0.0, keep_s=10), **change}, 1.0) is None


def test_each_attempt_has_a_key_of_its_own():
    """Of the namespace, the root and the attempt; an invocation's count is under its request id."""
    keys = {
        arrived_key("worker", MARK),
        arrived_key("worker", MARK._replace(attempt=3)),
        arrived_key("worker", MARK._replace(root="other")),
        arrived_key("other", MARK),
        counted_key("worker", "root"),
        counted_key("worker", "other"),
    }

    assert len(keys) == 6
    assert arrived_key("worker", MARK) == arrived_key("worker", MARK._replace(first_failed_at_s=None))


def test_an_arrival_expires():
    """By its own field; an item without one stays."""
    item = arrived_item("a", token="t", now_s=0.5, keep_s=10)

    assert [is_expired(item, at_s) for at_s in (10.9, 11.0)] == [False, True]
    assert not is_expired({"version": "x"}, 1e12)


@pytest.mark.parametrize(
    "value",
    [
        {"detail": {"detail": {"detail": {"detail": {"detail": {"detail": {}}}}}}},
        {"s3": {"object": {"key": "k"}}},
        {"s3": {"object": {"key": "k"}, "bucket": {"name": ""}}},
        {"s3": {"object": {"key": ""}, "bucket": {"name": "b"}}},
        {"s3": {"object": {"key": 7}, "bucket": {"name": "b"}}},
        {"Records": ["x"]},
        "[" * 100_000,
    ],
    ids=["deep", "no bucket", "empty bucket", "empty key", "odd key", "text", "brackets"],
)
def test_odd_envelopes_hold_nothing(value):
    """Whatever is in them, nobody looks further than AWS nests."""
    assert isinstance(look_into(value), NothingFound)


def test_an_object_is_named_as_the_bucket_has_it():
    """Keys are encoded in notifications; a version that is no text is none."""
    said = {"s3": {"object": {"key": "a+b%2Fc", "versionId": 7}, "bucket": {"name": "b"}}}

    assert look_into(said) == ObjectFound("b", "a b/c", "")


def test_what_is_nested_too_deeply_is_said_so():
    """Python's JSON ends there; the record is set aside."""
    value: list[object] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(InvalidRecordError, match="nested"):
        dumped(value)
