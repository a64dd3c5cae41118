"""Results: what a duplicate gets, and that no result can undo the success."""

from __future__ import annotations

import dataclasses
import math
import os
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from resilient_lambda._policies.results import MAX_BYTES, UnstorableResultError, decode, encode
from resilient_lambda.errors import ItemTooLargeError
from resilient_lambda.events import ResultDropped

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(JSON.filter(lambda value: value is not None))
def test_any_json_comes_back(value):
    """As it was."""
    assert decode(encode(value)) == value


class Receipt(BaseModel):
    """A pydantic model."""

    total: Decimal = Decimal("1.50")


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    inner: Any = None


@pytest.mark.parametrize(
    ("value", "replayed"),
    [
        (Receipt(), {"total": "1.50"}),
        ([Receipt()], [{"total": "1.50"}]),
        (Point(1, Point(2)), {"x": 1, "inner": {"x": 2, "inner": None}}),
        (Decimal("1.5"), 1.5),
        (Decimal("10"), 10),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (Fraction(1, 2), 0.5),
        ((1, 2), [1, 2]),
        ({1: 2}, {"1": 2}),
        ("\ud800", "\ud800"),
        (False, False),
        (0, 0),
        ("", ""),
        ({}, {}),
    ],
    ids=repr,
)
def test_what_lambda_would_send_comes_back_as_json(make, value, replayed):
    """A duplicate in another environment gets objects and numbers, and false values as themselves."""
    assert make(lambda body: value, is_single=True).invoke("a") is value

    again = make(is_single=True).invoke("a")

    assert again == replayed
    assert type(again) is type(replayed)


def test_nothing_is_replayed_as_nothing(make, store):
    """None takes no room."""
    make(is_single=True).invoke("a")
    second = make(is_single=True)

    assert second.invoke("a") is None
    assert (second.runs, store.entry().result) == ([], None)


class Colour(Enum):
    """An enumeration."""

    RED = object()


class Raises:
    """Has a model_dump that raises what it is given."""

    def __init__(self, error):
        self.error = error

    def model_dump(self, *, mode):
        """Raise."""
        raise self.error


@dataclasses.dataclass
class Unset:
    """Has a field without a value."""

    x: int = dataclasses.field(init=False)


def nested():
    """Return a list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


def deep():
    """Return a very deep list."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make_value",
    [
        object,
        set,
        lambda: b"bytes",
        lambda: Colour.RED,
        lambda: Receipt,
        nested,
        deep,
        Unset,
        lambda: Raises(AttributeError()),
        lambda: Raises(KeyError()),
        lambda: Raises(ValueError()),
        lambda: Raises(RuntimeError()),
        lambda: Decimal("NaN"),
        lambda: Decimal("Infinity"),
        lambda: {("a", "tuple"): 1},
    ],
    ids=["object", "set", "bytes", "enum", "class", "nested", "deep", "unset", *"aKVR", "nan", "inf", "tuple"],
)
def test_a_result_that_is_no_json_is_done_without_it(make, store, make_value):
    """The effect has happened: the caller gets the result, the key is done, a duplicate gets None."""
    value = make_value()
    environment = make(lambda body: value, is_single=True)

    assert environment.invoke("a") is value
    assert (store.status(), store.entry().result) == ("COMPLETED", None)
    assert len(environment.heard(ResultDropped)) == 1
    assert environment.invoke("a") is None
    assert environment.runs == ["a"]


def test_a_dropped_result_is_logged_without_what_it_was(make, caplog):
    """One warning, with the class."""
    make(lambda body: {"secret": {1, 2}}, is_single=True).invoke("a")

    assert "a replay returns None" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_float_that_is_no_number_comes_back(value):
    """As Python's json spells it."""
    assert repr(decode(encode(value))) == repr(value)


def test_a_large_result_is_compressed(make, store):
    """A megabyte of text fits into an item."""
    value = ["text"] * 200_000
    make(lambda body: value, is_single=True).invoke("a")

    assert isinstance(store.entry().result, bytes)
    assert make(is_single=True).invoke("a") == value


def test_the_limit_is_where_it_is_said_to_be():
    """350 kB are text, a byte more is compressed."""
    assert isinstance(encode("x" * (MAX_BYTES - 2)), str)
    assert isinstance(encode("x" * (MAX_BYTES - 1)), bytes)


def test_a_result_too_large_even_compressed_is_done_without_it(make, store):
    """Nothing raises after the effect, and the key is not left locked."""
    value = os.urandom(400_000).hex()
    environment = make(lambda body: value, is_single=True)

    assert environment.invoke("a") == value
    assert (store.status(), store.entry().result) == ("COMPLETED", None)
    assert len(environment.heard(ResultDropped)) == 1


def test_a_result_too_large_for_this_store_is_done_without_it(make, store):
    """A store with a smaller limit refuses: the completion is written again without the result."""
    store.fail("complete", error=ItemTooLargeError("too large"))
    environment = make(lambda body: {"paid": 5}, is_single=True)

    assert environment.invoke("a") == {"paid": 5}
    assert (store.status(), store.entry().result) == ("COMPLETED", None)
    assert [event.reason for event in environment.heard(ResultDropped)] == ["too large for the store"]


def test_a_result_too_large_for_a_store_that_goes_away_is_journalled(make, store):
    """Both at once lose nothing either."""
    store.fail("complete", error=ItemTooLargeError("too large"))
    store.fail("complete", times=4)
    environment = make(lambda body: 1, is_single=True)

    assert environment.invoke("a") == 1
    assert store.status() == "COMPLETED"


def test_what_one_duplicate_changes_the_next_does_not_see(make):
    """Every replay is decoded afresh, the one from the cache too."""
    environment = make(lambda body: {"items": []}, is_single=True)
    for _ in range(3):
        environment.invoke("a")["items"].append("changed")

    assert environment.invoke("a") == {"items": []}


def test_batches_keep_no_results(make, store):
    """Nobody would get them."""
    make(lambda body: {"large": "x" * 1_000}).deliver("a")

    assert store.entry().result is None


def test_a_class_is_never_taken_for_its_instance():
    """A class of pydantic has the methods, but no values."""
    with pytest.raises(UnstorableResultError):
        encode([Receipt])
