"""How items look in the table: names, types, and what another program left there."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda.errors import ConfigurationError, StoreError
from resilient_lambda.stores import ABSENT, STORED, AsRead
from resilient_lambda.stores.dynamodb import DynamoDBStore

from .conftest import SORTED_OPTIONS, SORTED_TABLE, TABLE

if TYPE_CHECKING:
    from resilient_lambda._core.cas import Item

ITEM: Item = {"version": "a.1", "status": "open", "expires_at_s": 1_900_000_000, "ratio": 0.25, "data": b"\x00\x01"}


def test_item_has_the_names_of_powertools_tables_by_default(
    local_store: DynamoDBStore, local_client: Any, key: str
) -> None:
    """Key ``id``, TTL attribute ``expiration``, everything else under its own name."""
    local_store.put_if(key, ITEM, ABSENT)

    assert local_client.get_item(TableName=TABLE, Key={"id": {"S": key}})["Item"] == {
        "id": {"S": key},
        "version": {"S": "a.1"},
        "status": {"S": "open"},
        "expiration": {"N": "1900000000"},
        "ratio": {"N": "0.25"},
        "data": {"B": b"\x00\x01"},
    }


def test_item_fits_into_an_existing_table(tables: str, local_client: Any, key: str) -> None:
    """Own key names, a constant sort key, renamed attributes."""
    store = DynamoDBStore(SORTED_TABLE, endpoint_url=tables, sort_key_value="claims", **SORTED_OPTIONS)
    store.put_if(key, {"version": "a.1", "status": "open", "expires_at_s": 7}, ABSENT)

    found = local_client.get_item(TableName=SORTED_TABLE, Key={"pk": {"S": key}, "sk": {"S": "claims"}})
    assert found["Item"] == {
        "pk": {"S": key},
        "sk": {"S": "claims"},
        "version": {"S": "a.1"},
        "st": {"S": "open"},
        "ttl": {"N": "7"},
    }


def test_sort_key_values_keep_two_stores_apart(tables: str, key: str) -> None:
    """One partition key, two items."""
    one = DynamoDBStore(SORTED_TABLE, endpoint_url=tables, sort_key_value="one", **SORTED_OPTIONS)
    two = DynamoDBStore(SORTED_TABLE, endpoint_url=tables, sort_key_value="two", **SORTED_OPTIONS)
    one.put_if(key, ITEM, ABSENT)

    assert two.get([key]) == {}
    assert two.put_if(key, ITEM, ABSENT) is STORED


def test_item_of_another_library_is_read_as_far_as_it_is_flat(
    local_store: DynamoDBStore, local_client: Any, key: str
) -> None:
    """What an item of ours cannot hold is left out; the rest can be read, compared and replaced."""
    local_client.put_item(
        TableName=TABLE,
        Item={
            "id": {"S": key},
            "status": {"S": "COMPLETED"},
            "expiration": {"N": "1900000000"},
            "in_progress_expiration": {"N": str(Decimal("1899999999.5"))},
            "data": {"S": "{}"},
            "blob": {"B": b"x"},
            "flag": {"BOOL": True},
            "nothing": {"NULL": True},
            "nested": {"M": {"a": {"S": "b"}}},
            "many": {"L": [{"N": "1"}]},
            "names": {"SS": ["a", "b"]},
            "numbers": {"NS": ["1"]},
            "blobs": {"BS": [b"a"]},
        },
    )
    found = local_store.get([key])[key]

    assert found == {
        "status": "COMPLETED",
        "expires_at_s": 1_900_000_000,
        "in_progress_expiration": 1_899_999_999.5,
        "data": "{}",
        "blob": b"x",
    }
    assert local_store.get([key, f"{key}-2"]) == {key: found}
    assert local_store.put_if(key, ITEM, AsRead((("version", None), *found.items()))) is STORED


def test_attribute_that_bears_a_renamed_fields_name_is_not_that_field(tables: str, local_client: Any, key: str) -> None:
    """``status`` is kept as ``st``, so an attribute ``status`` is another program's and does not hide ours."""
    store = DynamoDBStore(TABLE, endpoint_url=tables, attributes={"status": "st"})
    item = {"id": {"S": key}, "status": {"S": "theirs"}, "st": {"S": "ours"}, "expires_at_s": {"N": "1"}}
    local_client.put_item(TableName=TABLE, Item=item)

    assert store.get([key]) == {key: {"status": "ours"}}


@pytest.mark.parametrize("field", ["id", "expiration", "st"])
def test_field_without_an_attribute_of_its_own_is_refused(field: str, key: str) -> None:
    """It would overwrite the key or a renamed field; the text says how to rename it."""
    store = DynamoDBStore(TABLE, endpoint_url="http://127.0.0.1:1", attributes={"status": "st"})

    with pytest.raises(StoreError, match=rf"attributes=\{{'{field}'"):
        store.put_if(key, {"version": "a.1", field: "x"}, ABSENT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key_attribute": ""}, "key_attribute is ''"),
        ({"sort_key_attribute": ""}, "sort_key_attribute is ''"),
        ({"sort_key_attribute": "id"}, "'id'"),
        ({"sort_key_attribute": "sk", "sort_key_value": ""}, "sort_key_value is empty"),
        ({"key_attribute": "version"}, "'version'"),
        ({"key_attribute": "expiration"}, "'expiration'"),
        ({"attributes": {"status": "id"}}, "'id'"),
        ({"attributes": {"status": "expiration"}}, "'expiration'"),
        ({"attributes": {"status": "version"}}, "'version'"),
        ({"attributes": {"status": "s", "error": "s"}}, "'s'"),
        ({"attributes": {"status": ""}}, "''"),
        ({"attributes": {"status": "sk"}, "sort_key_attribute": "sk"}, "'sk'"),
    ],
    ids=str,
)
def test_names_that_collide_are_refused_at_construction(options: dict[str, Any], message: str) -> None:
    """A wrong table layout fails when the user's module is imported."""
    with pytest.raises(ConfigurationError, match=message):
        DynamoDBStore(TABLE, **options)


def test_two_fields_may_swap_their_names() -> None:
    """Renaming is a mapping, not a sequence of steps."""
    assert (
        repr(DynamoDBStore(TABLE, attributes={"status": "error", "error": "status"})) == "DynamoDBStore('resilience')"
    )
