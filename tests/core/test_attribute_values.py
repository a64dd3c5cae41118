"""Values of DynamoDB as plain Python."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.attribute_values import read, read_event_attributes
from resilient_lambda._core.json_text import json_text
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import dynamodb_record


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"S": "x"}, "x"),
        ({"S": ""}, ""),
        ({"N": "5"}, 5),
        ({"N": "-5"}, -5),
        ({"N": "5.0"}, 5),
        ({"N": "1E+3"}, 1000),
        ({"N": "0.1"}, Decimal("0.1")),
        ({"N": "-1.50"}, Decimal("-1.50")),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"N": "9" * 38}, int("9" * 38)),
        ({"N": "9" * 38 + "0" * 88}, int("9" * 38 + "0" * 88)),
        ({"BOOL": True}, True),
        ({"NULL": True}, None),
        ({"B": "AP8="}, b"\x00\xff"),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "1.5"]}, {1, Decimal("1.5")}),
        ({"BS": ["AA==", "/w=="]}, {b"\x00", b"\xff"}),
        ({"L": []}, []),
        ({"L": [{"N": "1"}, {"NULL": True}, {"L": [{"S": "x"}]}]}, [1, None, ["x"]]),
        ({"M": {"a": {"M": {"b": {"B": "YQ=="}}}}}, {"a": {"b": b"a"}}),
    ],
    ids=lambda value: repr(value) if isinstance(value, dict) else "",
)
def test_a_value_is_read_as_plain_python(attribute, expected):
    """Whole numbers as int, others as Decimal, to the last digit; binary is base64 in events."""
    found = read_event_attributes("image", {"a": attribute})["a"]

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("content", [b"x", bytearray(b"x")])
def test_what_the_client_has_decoded_is_left_alone(content):
    """Outside of events binary is bytes already."""
    assert read({"L": [{"B": content}, {"BS": [b"y"]}]}) == [content, {b"y"}]


@pytest.mark.parametrize(
    "attribute",
    [
        {},
        {"S": "x", "N": "1"},
        {"X": "x"},
        {"S": 5},
        {"S": None},
        {"BOOL": "true"},
        {"N": "x"},
        {"N": ""},
        {"N": "NaN"},
        {"N": "Infinity"},
        {"N": "1_000"},
        {"N": "٣"},
        {"N": " 1"},
        {"N": "1E999999999"},
        {"N": "9" * 5_000},
        {"N": 5},
        {"N": None},
        {"B": "x"},
        {"B": "YQ"},
        {"B": None},
        {"BS": ["x"]},
        {"BS": "YQ=="},
        {"SS": "ab"},
        {"SS": [5]},
        {"SS": [["x"]]},
        {"NS": "12"},
        {"NS": [[]]},
        {"L": {}},
        {"L": "x"},
        {"L": ["x"]},
        {"M": []},
        {"M": {"a": 5}},
        {5: "x"},
        None,
        5,
        "S",
        [],
    ],
    ids=lambda attribute: repr(attribute)[:40],
)
def test_what_dynamodb_does_not_write_is_an_invalid_record(attribute):
    """The message says where, and does not show it."""
    with pytest.raises(InvalidRecordError, match=r"^the record's NewImage is not as DynamoDB writes it$") as raised:
        read_event_attributes("NewImage", {"a": attribute})

    assert raised.value.__suppress_context__


def test_a_value_that_is_nested_without_end_is_an_invalid_record():
    """DynamoDB nests 32 levels."""
    attribute = {"S": "x"}
    for _ in range(100_000):
        attribute = {"L": [attribute]}

    with pytest.raises(InvalidRecordError):
        read_event_attributes("NewImage", {"a": attribute})


numbers = st.integers(-(10**30), 10**30) | st.decimals(-(10**9), 10**9, allow_nan=False, places=4)
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"])) | st.binary()
sets = st.sets(st.text("abc"), min_size=1) | st.sets(st.integers(), min_size=1) | st.sets(st.binary(), min_size=1)
small_sets = sets.filter(lambda found: all(len(str(one)) < 30 for one in found))
values = st.recursive(
    scalars | small_sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text("xyz", min_size=1), values))
def test_an_item_is_read_as_it_was_written(item):
    """What the test builder writes, in JSON, comes back the same, but for Decimals that are whole."""
    event = json.loads(json.dumps(dynamodb_record({"id": 1, **item})))

    assert read_event_attributes("NewImage", event["dynamodb"]["NewImage"]) == {"id": 1, **item}


@given(st.dictionaries(st.text("xyz", min_size=1), values))
def test_the_json_of_an_item_loses_no_digit(item):
    """Numbers as numbers, sets as sorted lists, binary as base64."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items()}
        if isinstance(value, (set, frozenset)):
            return [plain(part) for part in sorted(value)]
        if isinstance(value, list):
            return [plain(part) for part in value]
        return b64encode(value).decode() if isinstance(value, bytes) else value

    assert json.loads(json_text(item), parse_float=Decimal) == plain(item)


def test_equal_values_have_equal_json_if_names_are_sorted():
    """Keys and fingerprints are made of it."""
    first, second = {"b": {2, 1}, "a": [{"d": 1, "c": 2}]}, {"a": [{"c": 2, "d": 1}], "b": {1, 2}}

    assert json_text(first, sorts_names=True) == json_text(second, sorts_names=True)
    assert json_text(first) != json_text(second)


@pytest.mark.parametrize(
    "value",
    [object(), {1: "a"}, {"a": Decimal("NaN")}, [Decimal("Infinity")], {1, "a"}, 1j],
    ids=["object", "name", "NaN", "infinity", "mixed set", "complex"],
)
def test_what_has_no_json_is_an_invalid_record(value):
    """It is not shown."""
    with pytest.raises(InvalidRecordError, match=r"^the record's value is no JSON$"):
        json_text(value)


def test_what_is_nested_without_end_has_no_json():
    """Nothing that a source sends."""
    value: list = []
    value.append(value)

    with pytest.raises(InvalidRecordError):
        json_text(value)
