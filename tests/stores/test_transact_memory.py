"""Transactions in memory: what a user's test sees of them."""

from __future__ import annotations

import sys
import threading
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from resilient_lambda.errors import CommitConditionError, CommitLimitError
from resilient_lambda.stores import ABSENT, STORED, MemoryStore, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.items import put_if_absent
from resilient_lambda.testing import in_memory
from tests.naming import id_of

OWN = Write("key#1", {"version": "a.1"}, ABSENT)


def put(item: dict[str, Any], condition: Any, **more: Any) -> Any:
    """Return a Put into the ledger under a condition."""
    return {"Put": {"TableName": "ledger", "Item": item, "ConditionExpression": condition, **more}}


def commit(store: Any, *items: Any) -> None:
    """Commit *items* alone."""
    store.transact(None, items, token=f"{len(store.committed)}-{id(items)}")


def test_committed_items_are_kept_in_order_as_they_were_given():
    """A test compares them with what the same helper makes."""
    store = MemoryStore()
    check = {"ConditionCheck": {"TableName": "stock", "Key": {"id": "a"}, "ConditionExpression": "n > m"}}
    row = put_if_absent("ledger", {"id": "x", "price": 0.1, "exact": Decimal("1.10")})
    store.transact(OWN, [row, check], token="t")

    assert store.committed == [row, check]


def test_committed_items_have_plain_values():
    """Numbers that DynamoDB writes as texts are int, or Decimal with a fraction; conditions are texts."""
    store = MemoryStore()
    commit(store, {"Put": {"TableName": "ledger", "Item": {
        "id": {"S": "x"}, "n": {"N": "5"}, "f": {"N": "0.5"},
        "l": {"L": [{"NULL": True}, {"M": {"b": {"BOOL": True}}}]}, "s": {"NS": ["1", "2"]},
        "b": {"B": b"raw"}, "w": {"SS": ["a"]},
    }}})  # fmt: skip
    commit(store, put({"id": "y"}, Attr("n").eq(7)))

    assert store.committed[0]["Put"]["Item"] == {
        "id": "x", "n": 5, "f": Decimal("0.5"), "l": [None, {"b": True}], "s": {1, 2}, "b": b"raw", "w": {"a"}
    }  # fmt: skip
    assert store.committed[1]["Put"]["ConditionExpression"] == "#n0 = :v0"
    assert store.committed[1]["Put"]["ExpressionAttributeValues"] == {":v0": 7}


def test_what_was_committed_does_not_change_with_the_users_objects():
    """A list that the function goes on filling is another one."""
    store, lines = MemoryStore(), [1]
    commit(store, put_if_absent("ledger", {"id": "x", "lines": lines}))
    lines.append(2)

    assert store.committed[0]["Put"]["Item"]["lines"] == [1]


@pytest.mark.parametrize(
    "condition",
    [
        "attribute_not_exists(id)",
        "attribute_not_exists ( #k )",
        "attribute_not_exists(id) AND attribute_not_exists(line)",
        "(attribute_not_exists(id)) and (attribute_not_exists(line))",
        Attr("id").not_exists(),
        Attr("id").not_exists() & Attr("line").not_exists(),
    ],
    ids=id_of,
)
def test_key_that_must_be_absent_is_looked_up_in_what_was_put(condition):
    """The second Put of an order's line is refused, and shows the first."""
    store = MemoryStore()
    names = {"ExpressionAttributeNames": {"#k": "id"}} if "#k" in str(condition) else {}
    row = put({"id": "x", "line": 1}, condition, ReturnValuesOnConditionCheckFailure="ALL_OLD", **names)
    commit(store, row)
    with pytest.raises(CommitConditionError) as caught:
        commit(store, put_if_absent("ledger", {"id": "other"}), row)

    assert caught.value.index == 1
    assert caught.value.item == {"id": {"S": "x"}, "line": {"N": "1"}}
    assert len(store.committed) == 1


def test_key_of_two_attributes_is_another_one_if_either_differs():
    """A partition key and a sort key make one key."""
    store = MemoryStore()
    for line in (1, 2):
        commit(store, put_if_absent("ledger", {"id": "x", "line": line}, key=("id", "line")))

    assert len(store.committed) == 2


@pytest.mark.parametrize("condition", ["attribute_exists(id)", "n < :n", "NOT attribute_not_exists(id)", None])
def test_other_conditions_are_not_evaluated(condition):
    """The store does not know the user's tables: such a Put is kept."""
    store = MemoryStore()
    commit(store, put_if_absent("ledger", {"id": "x"}))
    row = {"TableName": "ledger", "Item": {"id": "x"}, **({"ConditionExpression": condition} if condition else {})}
    commit(store, {"Put": row})

    assert len(store.committed) == 2


@pytest.mark.parametrize(
    ("between", "is_absent"),
    [
        ({"Delete": {"TableName": "ledger", "Key": {"id": "x"}}}, True),
        ({"Delete": {"TableName": "ledger", "Key": {"id": "y"}}}, False),
        ({"Delete": {"TableName": "other", "Key": {"id": "x"}}}, False),
        ({"Update": {"TableName": "ledger", "Key": {"id": "x"}, "UpdateExpression": "REMOVE a"}}, False),
    ],
)
def test_deleted_key_is_absent_again(between, is_absent):
    """Deletes and updates of committed items count."""
    store = MemoryStore()
    commit(store, put_if_absent("ledger", {"id": "x"}))
    commit(store, between)
    try:
        commit(store, put_if_absent("ledger", {"id": "x"}))
    except CommitConditionError:
        assert not is_absent
    else:
        assert is_absent


def test_update_of_an_absent_key_creates_it():
    """As DynamoDB does."""
    store = MemoryStore()
    commit(store, {"Update": {"TableName": "ledger", "Key": {"id": "x"}, "UpdateExpression": "REMOVE a"}})

    with pytest.raises(CommitConditionError):
        commit(store, put_if_absent("ledger", {"id": "x"}))


@pytest.mark.parametrize("tables", [["one"] * 8, [f"table{number}" for number in range(8)]], ids=["one store", "eight"])
def test_one_of_many_threads_puts_the_absent_row(tables):
    """Comparing and keeping are one step, also where several tables keep the claims."""
    barrier, stored = threading.Barrier(8), []
    switched_every_s = sys.getswitchinterval()

    def work(number: int) -> None:
        store = DynamoDBStore(tables[number])
        for turn in range(50):
            own = Write(f"key#{number}-{turn}", {"version": "a.1"}, ABSENT)
            row = put_if_absent("ledger", {"id": turn})
            barrier.wait(30)
            try:
                stored.append(store.transact(own, [row], token=f"{number}-{turn}"))
            except CommitConditionError:
                assert store.get([own.key]) == {}

    with in_memory() as fakes:
        sys.setswitchinterval(1e-6)
        try:
            workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        finally:
            sys.setswitchinterval(switched_every_s)

    assert stored == [STORED] * 50
    assert len(fakes.committed) == 50


def test_fakes_show_what_all_tables_committed():
    """The user's tables are the same, whichever table keeps the claims."""
    rows = [put_if_absent("ledger", {"id": name}) for name in "ab"]
    with in_memory() as fakes:
        for name, row in zip(["first", "second"], rows, strict=True):
            assert DynamoDBStore(name).transact(OWN, [row], token="t") is STORED
        with pytest.raises(CommitConditionError):
            DynamoDBStore("third").transact(OWN, rows, token="t")

        assert fakes.committed == rows


def test_fakes_refuse_what_dynamodb_would_refuse():
    """The claim's own item is known by the name of the table, in memory too."""
    with in_memory() as fakes:
        with pytest.raises(CommitLimitError, match="claim's own item"):
            DynamoDBStore("orders").transact(OWN, [put_if_absent("orders", {"id": OWN.key})], token="t")

        assert fakes.committed == []
