"""Compare-and-set: when a condition holds, and how a writer knows its own write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.cas import ABSENT, STORED, AsRead, Conflict, holds, judge

ITEM = {"version": "a.1", "status": "IN_PROGRESS", "n": 0}


@pytest.mark.parametrize(
    ("expected", "current", "result"),
    [
        (ABSENT, None, True),
        (ABSENT, ITEM, False),
        (ABSENT, {}, False),
        (AsRead((("version", "a.1"),)), ITEM, True),
        (AsRead((("version", "a.1"), ("status", "IN_PROGRESS"))), ITEM, True),
        (AsRead((("version", "a.1"), ("status", "COMPLETED"))), ITEM, False),
        (AsRead((("version", "a.2"),)), ITEM, False),
        (AsRead((("version", "a.1"),)), None, False),
        (AsRead((("other", None),)), ITEM, True),
        (AsRead((("version", None),)), ITEM, False),
        (AsRead((("n", 0),)), ITEM, True),
        (AsRead((("n", None),)), ITEM, False),
        (AsRead(()), ITEM, True),
        (AsRead(()), None, False),
    ],
)
def test_a_condition_holds_exactly_if_the_item_is_as_expected(expected, current, result):
    """Absent means absent; as read means each field, None for one that was missing."""
    assert holds(expected, current) is result


@pytest.mark.parametrize(
    ("current", "result"),
    [
        ({"version": "a.1", "status": "x"}, STORED),
        ({"version": "a.2"}, Conflict({"version": "a.2"})),
        ({}, Conflict({})),
        (None, Conflict(None)),
    ],
)
def test_a_refused_write_is_ones_own_if_its_version_is_there(current, result):
    """The answer was lost, the write was not: the version was drawn for this write and no other."""
    assert judge(ITEM, current) == result


FIELDS = st.dictionaries(
    st.sampled_from(["version", "status", "x"]), st.text(max_size=2) | st.integers(0, 2), min_size=1
)


@given(FIELDS)
def test_an_item_is_as_it_was_read(item):
    """Whatever its fields are."""
    assert holds(AsRead(tuple(item.items())), item)


@given(FIELDS, FIELDS)
def test_another_item_is_not_as_it_was_read(first, second):
    """One differing field among those that were read is enough."""
    expected = AsRead(tuple((name, first.get(name)) for name in ("version", "status", "x")))

    assert holds(expected, second) == (first == second)
