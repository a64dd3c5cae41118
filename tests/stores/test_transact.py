"""What every store promises of `transact`: in memory, on moto, and on DynamoDB Local with two table layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from resilient_lambda.errors import CommitConditionError, StoreError
from resilient_lambda.stores import ABSENT, STORED, Conflict, MemoryStore, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.items import put_if_absent

from .conftest import QUICK, SORTED_OPTIONS, SORTED_TABLE, TABLE, create_table
from .transacting import (
    AS_CLAIMED,
    CLAIMED,
    DONE,
    LEDGER,
    THEIRS,
    Shop,
    completion,
    ensure_ledger,
    local_shop,
    token,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["memory", "moto", "local", "local-sort-key"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Each store with a ledger beside it."""
    if request.param == "memory":
        yield Shop(MemoryStore(), None)
    elif request.param == "moto":
        with mock_aws():
            client = boto3.client("dynamodb", config=QUICK)
            create_table(client, TABLE, "id")
            ensure_ledger(client)
            yield Shop(DynamoDBStore(TABLE, client=client), client)
    elif request.param == "local":
        yield local_shop(request.getfixturevalue("tables"), TABLE)
    else:
        yield local_shop(request.getfixturevalue("tables"), SORTED_TABLE, **SORTED_OPTIONS)


def test_own_write_and_items_take_effect_together(shop: Shop, key: str) -> None:
    """The claim is completed, and the row is there."""
    shop.claim(key)

    assert shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": key})], token=token()) is STORED
    assert shop.store.get([key]) == {key: DONE}
    assert shop.row(key) == {"id": {"S": key}}


def test_own_write_alone_is_a_transaction_too(shop: Shop, key: str) -> None:
    """Without items the store does what `put_if` does."""
    assert shop.store.transact(Write(key, CLAIMED, ABSENT), [], token=token()) is STORED
    assert shop.store.get([key]) == {key: CLAIMED}


def test_items_alone_are_a_transaction_too(shop: Shop, key: str) -> None:
    """Nothing of the library's is written."""
    assert shop.store.transact(None, [{"Put": {"TableName": LEDGER, "Item": {"id": key}}}], token=token()) is STORED
    assert shop.row(key) == {"id": {"S": key}}
    assert shop.store.get([key]) == {}


def test_lost_claim_is_a_conflict_and_nothing_is_written(shop: Shop, key: str) -> None:
    """The conflict carries the item of the new owner, and the user's row is not there."""
    shop.claim(key)
    shop.store.put_if(key, THEIRS, AS_CLAIMED)

    assert shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": key})], token=token()) == Conflict(THEIRS)
    assert shop.row(key) is None


def test_claim_that_is_gone_is_a_conflict(shop: Shop, key: str) -> None:
    """Nobody holds the key: it was released, or has expired."""
    assert shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": key})], token=token()) == Conflict(None)
    assert shop.row(key) is None


def test_own_insert_is_refused_where_an_item_is(shop: Shop, key: str) -> None:
    """An absent key can be expected as well."""
    shop.store.put_if(key, THEIRS, ABSENT)

    assert shop.store.transact(Write(key, DONE, ABSENT), [], token=token()) == Conflict(THEIRS)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_false_condition_is_told_by_number_and_nothing_is_written(shop: Shop, key: str, index: int) -> None:
    """The item that is there comes along, and neither the claim nor the other rows change."""
    names = [f"{key}-{n}" for n in range(3)]
    shop.claim(key)
    shop.store.transact(None, [put_if_absent(LEDGER, {"id": names[index], "by": "other"})], token=token())
    with pytest.raises(CommitConditionError, match=rf"items\[{index}\]") as caught:
        shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": name}) for name in names], token=token())

    assert caught.value.index == index
    assert caught.value.item == written({"id": names[index], "by": "other"})
    assert shop.store.get([key]) == {key: CLAIMED}
    assert [shop.row(name) is not None for name in names] == [n == index for n in range(3)]


def test_first_of_several_false_conditions_is_told(shop: Shop, key: str) -> None:
    """One number names the item that a person looks at first."""
    rows = [put_if_absent(LEDGER, {"id": f"{key}-{n}"}) for n in range(3)]
    shop.store.transact(None, rows[1:], token=token())
    with pytest.raises(CommitConditionError) as caught:
        shop.store.transact(None, rows, token=token())

    assert caught.value.index == 1


def test_lost_claim_comes_before_a_false_condition(shop: Shop, key: str) -> None:
    """A twin that took the claim over wrote the row as well: that is no failure of the user's."""
    rows = [put_if_absent(LEDGER, {"id": key})]
    shop.store.transact(Write(key, THEIRS, ABSENT), rows, token=token())

    assert shop.store.transact(completion(key), rows, token=token()) == Conflict(THEIRS)


def test_repetition_with_its_token_is_stored(shop: Shop, key: str) -> None:
    """The caller that did not get the answer asks again, and the row is not written twice."""
    shop.claim(key)
    arguments, name = (completion(key), [put_if_absent(LEDGER, {"id": key})]), token()
    shop.store.transact(*arguments, token=name)

    assert shop.store.transact(*arguments, token=name) is STORED


def test_repetition_after_the_tokens_time_is_recognised_by_its_version(shop: Shop, key: str) -> None:
    """After ten minutes DynamoDB takes it for a new transaction; the version in the item says that it is done."""
    shop.claim(key)
    arguments = (completion(key), [put_if_absent(LEDGER, {"id": key})])
    shop.store.transact(*arguments, token=token())

    assert shop.store.transact(*arguments, token=token()) is STORED


def test_refused_transaction_can_succeed_with_the_same_token(shop: Shop, key: str) -> None:
    """Only a success is remembered."""
    arguments, name = (completion(key), [put_if_absent(LEDGER, {"id": key})]), token()
    refused = shop.store.transact(*arguments, token=name)
    shop.claim(key)

    assert refused == Conflict(None)
    assert shop.store.transact(*arguments, token=name) is STORED


def test_own_item_with_a_value_that_no_store_keeps_is_refused(shop: Shop, key: str) -> None:
    """As with `put_if`."""
    with pytest.raises(TypeError, match="'odd'"):
        shop.store.transact(Write(key, {"version": "a.1", "odd": True}, ABSENT), [], token=token())


@pytest.mark.parametrize("bad", ["", "t" * 37])
def test_token_that_dynamodb_does_not_take_is_refused(shop: Shop, key: str, bad: str) -> None:
    """1 to 36 characters."""
    with pytest.raises(ValueError, match="36"):
        shop.store.transact(Write(key, CLAIMED, ABSENT), [], token=bad)


@pytest.mark.parametrize("engine", ["memory", "local"])
def test_token_that_is_used_for_other_items_is_refused(tables: str, key: str, engine: str) -> None:
    """The items were changed between two tries: not written, and said so."""
    shop = local_shop(tables, TABLE) if engine == "local" else Shop(MemoryStore(), None)
    name = token()
    shop.store.transact(None, [put_if_absent(LEDGER, {"id": key})], token=name)
    shop.claim(key)
    with pytest.raises(StoreError, match="token was used before"):
        shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": f"{key}-2"})], token=name)

    assert shop.store.get([key]) == {key: CLAIMED}


@pytest.mark.parametrize("engine", ["memory", "local"])
def test_reused_token_is_decided_by_the_claim(tables: str, key: str, engine: str) -> None:
    """If the claim says done, or another's, the token does not matter."""
    shop = local_shop(tables, TABLE) if engine == "local" else Shop(MemoryStore(), None)
    shop.claim(key)
    name = token()
    shop.store.transact(completion(key), [put_if_absent(LEDGER, {"id": key})], token=name)
    other = [put_if_absent(LEDGER, {"id": f"{key}-2"})]

    assert shop.store.transact(completion(key), other, token=name) is STORED
    assert shop.store.transact(Write(key, THEIRS, AS_CLAIMED), other, token=name) == Conflict(DONE)
    assert shop.row(f"{key}-2") is None
