"""What one transaction cannot do is said before anything is sent: which item, what, and no value of the user's."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda.errors import CommitLimitError
from resilient_lambda.stores import ABSENT, MemoryStore, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.items import put_if_absent

from .conftest import SORTED_OPTIONS, TABLE

SECRET = "4111-1111-1111-1111"
KEY = "v1#shop#1"
OWN = Write(KEY, {"version": "a.1"}, ABSENT)
NOWHERE = "http://127.0.0.1:1"  # a request would be unavailable, not refused

STORES = {"memory": MemoryStore, "dynamodb": lambda: DynamoDBStore(TABLE, endpoint_url=NOWHERE)}
both = pytest.mark.parametrize("make", STORES.values(), ids=STORES)


def refusal(store: Any, items: Any, own: Write | None = OWN) -> str:
    """Return the text with which *items* are refused."""
    with pytest.raises(CommitLimitError) as caught:
        store.transact(own, items, token="t")
    text = str(caught.value)

    assert SECRET not in text
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return text


def put(name: Any = "x", table: str = "ledger", **fields: Any) -> Any:
    """Return a Put of a small item."""
    return {"Put": {"TableName": table, "Item": {"id": name, **fields}}}


def update(name: Any = "x", table: str = "ledger", **more: Any) -> Any:
    """Return an Update of an item."""
    return {"Update": {"TableName": table, "Key": {"id": name}, "UpdateExpression": "REMOVE a", **more}}


@both
@pytest.mark.parametrize(("own", "most"), [(OWN, 99), (None, 100)], ids=["with a claim", "alone"])
def test_too_many_items_are_counted(make, own, most):
    """99 beside the library's own, 100 without."""
    text = refusal(make(), [put(f"x{n}") for n in range(most + 1)], own)

    assert f"{most + 1} items" in text
    assert f"takes {most}" in text


@both
def test_nothing_at_all_is_refused(make):
    """DynamoDB takes no empty transaction."""
    assert "nothing to commit" in refusal(make(), [], None)


@both
def test_item_over_400_kb_is_named(make):
    """Names and values together, as DynamoDB counts."""
    assert "items[1] (Put in table 'ledger'): the item has 409,601 bytes" in refusal(
        make(), [put("a"), put("b", data="x" * (400 * 1024 - len("idbdata") + 1))]
    )


@both
def test_more_than_4_mb_together_is_refused(make):
    """Eleven items that are allowed each."""
    assert "4,194,304" in refusal(make(), [put(f"x{n}", data=b"x" * 400_000) for n in range(11)])


def test_own_item_counts_for_the_4_mb():
    """It is part of the transaction."""
    store = DynamoDBStore(TABLE, endpoint_url=NOWHERE)
    items = [put(f"x{n}", data=b"x" * 409_000) for n in range(10)]

    assert "4,194,304" in refusal(store, items, Write(KEY, {"version": "a.1", "data": b"x" * 200_000}, ABSENT))


@both
@pytest.mark.parametrize(
    "entry",
    [
        SECRET, None, 5, {}, {"Get": {}}, {"put": {}}, {"Put": {}, "Delete": {}}, {5: {}}, [put()],
        {"Put": SECRET}, {"Put": None}, {"TableName": "ledger", "Item": {"id": SECRET}},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_transact_item_is_refused_with_its_number(make, entry):
    """The text says what an item looks like."""
    assert "items[1]" in refusal(make(), [put("a"), entry])


@both
@pytest.mark.parametrize(
    ("verb", "parameters", "names"),
    [
        ("Put", {"Item": {"id": SECRET}}, "lacks TableName"),
        ("Put", {"TableName": "t"}, "lacks Item"),
        ("Put", {"TableName": "t", "Key": {"id": SECRET}, "Item": {"id": SECRET}}, "has Key"),
        ("Put", {"TableName": "t", "Item": {"id": SECRET}, "ReturnValues": "NONE"}, "has ReturnValues"),
        ("Update", {"TableName": "t", "Key": {"id": SECRET}}, "lacks UpdateExpression"),
        ("Delete", {"TableName": "t"}, "lacks Key"),
        ("ConditionCheck", {"TableName": "t", "Key": {"id": SECRET}}, "lacks ConditionExpression"),
        ("Put", {"TableName": "", "Item": {"id": SECRET}}, "TableName"),
        ("Put", {"TableName": 5, "Item": {"id": SECRET}}, "TableName"),
        ("Put", {"TableName": "t", "Item": SECRET}, "Item"),
        ("Put", {"TableName": "t", "Item": {}}, "Item"),
        ("Delete", {"TableName": "t", "Key": {}}, "Key"),
        ("Put", {"TableName": "t", "Item": {"id": 1}, "ExpressionAttributeNames": {"#a": 5}}, "AttributeNames"),
        ("Put", {"TableName": "t", "Item": {"id": 1}, "ExpressionAttributeValues": {}}, "AttributeValues"),
        ("Put", {"TableName": "t", "Item": {"id": 1}, "ConditionExpression": 5}, "ConditionExpression"),
        ("Put", {"TableName": "t", "Item": {"id": 1}, "ConditionExpression": Attr("id")}, "ConditionExpression"),
        ("Put", {"TableName": "t", "Item": {"id": 1}, "ReturnValuesOnConditionCheckFailure": "ALL"}, "ALL_OLD"),
        ("Delete", {"TableName": "t", "Key": {"id": [SECRET]}}, "'id' is no str"),
        ("Delete", {"TableName": "t", "Key": {"id": {"S": 5}}}, "'id' is no str"),
    ],
)
def test_wrong_parameter_is_named(make, verb, parameters, names):
    """Before sending: boto3 itself would put the values into its error, or send them."""
    text = refusal(make(), [{verb: parameters}])

    assert text.startswith(f"items[0] ({verb})")
    assert names in text


@both
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "float that DynamoDB cannot keep"), (float("inf"), "float"), (1e126, "float"),
        (10**38 + 1, "38 digits"), (Decimal("NaN"), "no finite number"), (Decimal("Infinity"), "no finite number"),
        (Decimal(1).scaleb(126), "beyond"), (Decimal(1).scaleb(-131), "beyond"), (Decimal("1" * 39), "38 digits"),
        (SECRET + "\ud800", "lone surrogate"), ({SECRET[:0] + "\udc00": 1}, "lone surrogate"), ({5: SECRET}, "name"),
        (uuid.uuid4(), "UUID"), (object(), "object"), ([{"deep": {1, "mixed"}}], "empty or mixed"),
        (set(), "empty or mixed"), ({None}, "empty or mixed"), ({(1,)}, "empty or mixed"), ({True}, "empty or mixed"),
        ({"N": SECRET}, "no finite number"), ({"N": "1e126"}, "beyond"), ({"N": "1_000"}, "no finite number"),
        ({"N": "٣"}, "no finite number"), ({"NS": []}, "empty or mixed"), ({"S": "\ud800"}, "lone surrogate"),
        ({"M": {"\ud800": {"S": SECRET}}}, "lone surrogate"), ({"L": [{"N": ""}]}, "no finite number"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)  # fmt: skip
def test_value_that_dynamodb_cannot_keep_is_named_by_item_and_field(make, value, text):
    """In Item and in ExpressionAttributeValues."""
    key = {"S": "x"} if isinstance(value, dict) and set(value) <= {"S", "N", "NS", "L", "M"} else "x"
    in_item = refusal(make(), [put("a"), put(key, odd=value)])
    in_values = refusal(make(), [update(key, ExpressionAttributeValues={":odd": value})])

    assert in_item.startswith("items[1] (Put), Item: the field 'odd'")
    assert in_values.startswith("items[0] (Update), ExpressionAttributeValues: the field ':odd'")
    assert text in in_item
    assert text in in_values


@both
def test_what_contains_itself_is_refused(make):
    """No endless recursion, plain or as DynamoDB writes it."""
    endless: list[Any] = []
    endless.append(endless)
    written: dict[str, Any] = {"L": []}
    written["L"].append(written)

    assert "nested deeper" in refusal(make(), [put(odd=endless)])
    assert "nested deeper" in refusal(make(), [put(odd=written)])


@both
def test_styles_within_one_entry_are_not_mixed(make):
    """Taken as plain, the written ones would be stored as maps; a number without quotes is the usual slip."""
    text = refusal(make(), [put({"S": SECRET}, total=5)])

    assert "'id' is as DynamoDB writes it and 'total' is not" in text
    assert '{"N": "5"}' in refusal(make(), [put({"S": SECRET}, total={"N": 5})])


def test_styles_are_decided_per_entry():
    """One entry may be plain and the next one not."""
    store = MemoryStore()
    store.transact(OWN, [put("a", n=1), put({"S": "b"}, n={"N": "1"})], token="t")

    assert store.committed == [put("a", n=1), put("b", n=1)]


def test_map_that_looks_like_no_dynamodb_value_is_plain():
    """A map is one only if it has exactly one type's name and a value that fits it."""
    row = put(
        "a", both={"S": "x", "N": "1"}, size={"S": 5}, bits={"B": "text"}, deep={"L": ["x"]}, null={"NULL": False}
    )
    store = MemoryStore()
    store.transact(OWN, [row], token="t")

    assert store.committed == [row]


def test_placeholder_that_boto3s_condition_uses_too_is_refused():
    """One would silently replace the other."""
    entry = update(ConditionExpression=Attr("a").eq(SECRET), ExpressionAttributeNames={"#n0": "b"})

    assert "#n0" in refusal(MemoryStore(), [entry])


ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/"


@pytest.mark.parametrize("table", [TABLE, ARN + TABLE])
@pytest.mark.parametrize("own_table", [TABLE, ARN + TABLE])
@pytest.mark.parametrize(
    "entry",
    [
        {"Put": {"Item": {"id": KEY, "more": 1}}},
        {"Put": {"Item": {"id": {"S": KEY}}}},
        {"Update": {"Key": {"id": KEY}, "UpdateExpression": "REMOVE a"}},
        {"Delete": {"Key": {"id": {"S": KEY}}}},
        {"ConditionCheck": {"Key": {"id": KEY}, "ConditionExpression": "attribute_exists(id)"}},
    ],
    ids=lambda entry: next(iter(entry)),
)
def test_own_key_among_the_items_is_refused(table, own_table, entry):
    """The claim's item is the library's; DynamoDB would refuse both."""
    ((verb, parameters),) = entry.items()
    store = DynamoDBStore(own_table, endpoint_url=NOWHERE)

    assert "claim's own item" in refusal(store, [{verb: {"TableName": table, **parameters}}])


def test_own_key_with_a_sort_key_is_refused_too():
    """Both attributes make the key."""
    store = DynamoDBStore(TABLE, endpoint_url=NOWHERE, **SORTED_OPTIONS)
    own = {"pk": KEY, "sk": "resilient_lambda"}

    assert "claim's own item" in refusal(store, [{"Put": {"TableName": TABLE, "Item": {**own, "more": 1}}}])


def repeated(first: Any, second: Any, store: Any = None) -> str:
    """Return how two entries that name one item are refused, with another between them."""
    return refusal(store or MemoryStore(), [first, put("between", "elsewhere"), second])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (update("x"), update({"S": "x"})),
        (update("x"), put("x", more=1)),
        (put("x", more=1), update("x")),
        (put("x", more=1), put({"S": "x"}, more={"N": "1"})),
        (update("x"), update("x", ARN + "ledger")),
        (put("x"), {"Delete": {"TableName": "ledger", "Key": {"id": "x"}}}),
    ],
)
def test_item_that_is_named_twice_is_refused_with_both_numbers(first, second):
    """DynamoDB would say only that there is one."""
    text = repeated(first, second)

    assert text.startswith("items[2]")
    assert "items[0]" in text


def test_two_puts_under_one_key_are_found_where_the_key_is_known():
    """In the library's table, and where another entry of the table names its key."""
    puts = [put("x", TABLE, n=1), put("x", TABLE, n=2)]

    assert "items[1]" in refusal(DynamoDBStore(TABLE, endpoint_url=NOWHERE), puts)
    assert "items[2]" in refusal(MemoryStore(), [update("other", TABLE), *puts])


def test_items_with_different_keys_or_tables_are_no_repetition():
    """What can be two items is left to DynamoDB."""
    items = [put("x", n=1), put("x", n=2), put("y"), put("y", "elsewhere"), update("y", "third"), update("z", "third")]
    store = MemoryStore()
    store.transact(OWN, items, token="t")

    assert store.committed == items


@pytest.mark.parametrize(("key", "item"), [("id", {"name": SECRET}), (("pk", "sk"), {"pk": SECRET}), ((), {"id": 1})])
def test_put_if_absent_needs_the_key_in_the_item(key, item):
    """Said where the item is made."""
    with pytest.raises(CommitLimitError, match="key=") as caught:
        put_if_absent("ledger", item, key=key)

    assert SECRET not in str(caught.value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38) + 1, 10**38 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e125, max_value=1e125).filter(
        lambda value: value == 0 or abs(value) > 1e-129
    )
    | st.decimals("-1e20", "1e20", places=5)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.sets(st.integers(0, 10**30), min_size=1)
    | st.sets(st.text(st.characters(exclude_categories=["Cs"])), min_size=1)
    | st.sets(st.binary(), min_size=1),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_whatever_dynamodb_can_keep_is_committed_as_it_was(value):
    """Any nesting of what the text of a refusal names as possible."""
    store = MemoryStore()
    row = put("x", value=value, text="not written as DynamoDB does")
    try:
        store.transact(OWN, [row], token="t")
    except CommitLimitError as error:
        ambiguous = "as DynamoDB writes it" in str(error)
        assert ambiguous
    else:
        assert store.committed == [row]
