"""Idempotency keys: found by a path, stored as a digest."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import ConfigurationError, JMESPath
from resilient_lambda._core.keys import (
    MAX_NAMESPACE_BYTES,
    check_namespace,
    compile_data_key,
    compile_path,
    digest,
    key_prefix,
    stored_key,
)
from resilient_lambda.errors import MissingKeyError, NonRetryableError

DATA = {"a": {"b": [{"c": 1}, [5, 6]], "": 3}, "n": None, "0": "zero", "list": [1, 2]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.0.c", 1),
        ("a.b.1.1", 6),
        ("0", "zero"),
        ("list.0", 1),
        ("list.2", None),
        ("list.-1", None),
        ("list.x", None),
        ("n", None),
        ("n.x", None),
        ("missing", None),
        ("missing.x.y", None),
        ("list.0.x", None),
        ("0.x", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_none(path, found):
    """Names of objects and numbers of items; where it leads nowhere there is no error."""
    assert compile_path(path)(DATA) == found


@pytest.mark.parametrize("data", [None, 5, "text", [], [1], True, 1.5])
@pytest.mark.parametrize("path", ["a", "a.b", "3"])
def test_a_path_into_anything_raises_nothing(path, data):
    """A body may be any JSON."""
    assert compile_path(path)(data) is None


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_with_an_empty_part_is_refused(path):
    """At import, with an example."""
    with pytest.raises(ConfigurationError, match="empty part"):
        compile_path(path)


def test_several_paths_are_one_key():
    """A list of their values."""
    assert compile_data_key(["a.b.0.c", "0"])(DATA) == [1, "zero"]


@pytest.mark.parametrize("data", [{"x": 1}, {"x": 1, "y": None}, {"x": 1, "y": ""}])
def test_several_paths_are_missing_if_one_is(data):
    """Half a key would make strangers equal."""
    with pytest.raises(MissingKeyError):
        stored_key("v1#n#", compile_data_key(["x", "y"])(data))


def test_a_jmespath_finds_what_powertools_would_find():
    """With its functions for JSON inside of text."""
    data = {"body": json.dumps({"id": 7}), "list": [{"k": 1}, {"k": 2}]}

    assert compile_data_key(JMESPath("powertools_json(body).id"))(data) == 7
    assert compile_data_key(JMESPath("list[*].k"))(data) == [1, 2]
    assert compile_data_key(JMESPath("nothing"))(data) is None


@pytest.mark.parametrize("expression", ["", "  "])
def test_an_empty_jmespath_is_refused(expression):
    """At once."""
    with pytest.raises(ConfigurationError, match="empty"):
        JMESPath(expression)


@pytest.mark.parametrize("expression", ["a[", "a..b", "nofunction(@", "["])
def test_a_broken_jmespath_is_refused_when_warmed(expression):
    """With the expression and what is wrong with it."""
    with pytest.raises(ConfigurationError, match="no JMESPath expression"):
        JMESPath(expression).warm()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_digests_are_equal_exactly_for_equal_json(first, second):
    """1, 1.0, "1" and True are four keys; the order of names in an object is none."""
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)

    assert (digest(first) == digest(second)) == same


def test_the_order_of_names_does_not_count():
    """Two senders may write their fields in another order."""
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})


@pytest.mark.parametrize("value", [Decimal("1.5"), {1, 2}, b"bytes", {"a": {"b": b"c"}}], ids=repr)
def test_what_dynamodb_keeps_can_be_a_key(value):
    """Numbers with a fraction, sets and bytes have digests too, equal ones equal digests."""
    assert digest(value) == digest(value)
    assert digest(value) != digest([value])


@pytest.mark.parametrize(
    "value", [object(), {"a": object()}, {("a",): 1}, {1, "a"}], ids=["object", "inside", "name", "mixed set"]
)
def test_a_key_that_is_no_json_is_permanent(value):
    """It will be none next time either; the message says the type, never the value."""
    with pytest.raises(NonRetryableError, match=type(value).__name__):
        stored_key("v1#n#", value)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_no_key(value):
    """Null and the empty text both mean that no key was set."""
    with pytest.raises(MissingKeyError):
        stored_key("v1#n#", value)


@pytest.mark.parametrize(
    "value", [0, False, " ", 0.0, "x" * 3_000, "\ud800", math.inf, {"a": {}}], ids=lambda v: ascii(v)[:9]
)
def test_a_stored_key_has_a_fixed_shape(value):
    """Format, namespace and 64 hex digits, however large the value is; the value itself is not in it."""
    key = stored_key(key_prefix("orders"), value)

    assert key.startswith("v1#orders#")
    assert len(key) == len("v1#orders#") + 64
    assert int(key[-64:], 16) >= 0


@pytest.mark.parametrize("namespace", ["", "x" * (MAX_NAMESPACE_BYTES + 1), "é" * MAX_NAMESPACE_BYTES])
def test_a_namespace_is_neither_empty_nor_too_long(namespace):
    """DynamoDB takes 2,048 bytes of key in all."""
    with pytest.raises(ConfigurationError, match="namespace"):
        check_namespace(namespace)


def test_the_longest_namespace_is_taken():
    """Exactly the limit."""
    assert len(key_prefix("x" * MAX_NAMESPACE_BYTES)) == MAX_NAMESPACE_BYTES + 4


@pytest.mark.parametrize("path", ["$.order_id", "items[0].id", "$.items[0]"])
def test_a_jsonpath_is_refused(path):
    """Taken for names it would be found in no record, and every record would fail."""
    with pytest.raises(ConfigurationError, match="JSONPath"):
        compile_path(path)
