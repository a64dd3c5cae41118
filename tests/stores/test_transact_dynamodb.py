"""Transactions on DynamoDB Local: every operation in both styles, lost answers, and many at one item."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr
from boto3.dynamodb.types import Binary

from resilient_lambda.errors import CommitConditionError, StoreUnavailableError
from resilient_lambda.stores import ABSENT, STORED, Conflict, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.items import put_if_absent
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import RETRYING, TABLE
from .transacting import AS_CLAIMED, CLAIMED, DONE, LEDGER, THEIRS, Shop, completion, local_shop, token

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop(tables: str) -> Shop:
    """A store on DynamoDB Local with a ledger beside it."""
    return local_shop(tables, TABLE)


def plain(name: str) -> list[Any]:
    """Return an item of each operation, with plain values."""
    table = {"TableName": LEDGER}
    return [
        {"Put": {**table, "Item": {"id": f"{name}-put", "n": 5}, "ConditionExpression": "attribute_not_exists(id)"}},
        {"Update": {**table, "Key": {"id": f"{name}-update"}, "UpdateExpression": "ADD n :n",
                    "ConditionExpression": "#n >= :n",
                    "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":n": 1}}},
        {"Delete": {**table, "Key": {"id": f"{name}-delete"}, "ConditionExpression": "attribute_exists(id)"}},
        {"ConditionCheck": {**table, "Key": {"id": f"{name}-check"}, "ConditionExpression": "attribute_exists(id)"}},
    ]  # fmt: skip


def as_written(name: str) -> list[Any]:
    """Return the same items, with values as DynamoDB writes them."""
    table = {"TableName": LEDGER}
    return [
        {"Put": {**table, "Item": {"id": {"S": f"{name}-put"}, "n": {"N": "5"}},
                 "ConditionExpression": "attribute_not_exists(id)"}},
        {"Update": {**table, "Key": {"id": {"S": f"{name}-update"}}, "UpdateExpression": "ADD n :n",
                    "ConditionExpression": "#n >= :n",
                    "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":n": {"N": "1"}}}},
        {"Delete": {**table, "Key": {"id": {"S": f"{name}-delete"}}, "ConditionExpression": "attribute_exists(id)"}},
        {"ConditionCheck": {**table, "Key": {"id": {"S": f"{name}-check"}},
                            "ConditionExpression": "attribute_exists(id)"}},
    ]  # fmt: skip


def with_objects(name: str) -> list[Any]:
    """Return the same items, with conditions as objects of boto3's."""
    items = plain(name)
    items[0]["Put"]["ConditionExpression"] = Attr("id").not_exists()
    items[1]["Update"]["ConditionExpression"] = Attr("n").gte(1) & Attr("n").lt(Decimal("1e3"))
    del items[1]["Update"]["ExpressionAttributeNames"]
    items[2]["Delete"]["ConditionExpression"] = Attr("id").exists()
    items[3]["ConditionCheck"]["ConditionExpression"] = Attr("id").is_in([f"{name}-check", "other"])
    return items


styles = pytest.mark.parametrize("items", [plain, as_written, with_objects])


def prepare(shop: Shop, key: str) -> None:
    """Put the claim, and the rows that the items above expect."""
    shop.claim(key)
    for name in ("update", "delete", "check"):
        shop.client.put_item(TableName=LEDGER, Item={"id": {"S": f"{key}-{name}"}, "n": {"N": "1"}})


@styles
def test_each_operation_takes_effect_in_each_style(shop: Shop, key: str, items: Any) -> None:
    """Put, Update, Delete and ConditionCheck, with the completion."""
    prepare(shop, key)

    assert shop.store.transact(completion(key), items(key), token=token()) is STORED
    assert shop.row(f"{key}-put") == {"id": {"S": f"{key}-put"}, "n": {"N": "5"}}
    assert (shop.row(f"{key}-update") or {})["n"] == {"N": "2"}
    assert shop.row(f"{key}-delete") is None
    assert shop.store.get([key]) == {key: DONE}


@styles
@pytest.mark.parametrize(("index", "verb"), list(enumerate(["put", "update", "delete", "check"])))
def test_condition_of_each_operation_is_told_by_its_number(
    shop: Shop, key: str, items: Any, index: int, verb: str
) -> None:
    """Whichever fails; nothing is written."""
    prepare(shop, key)
    if verb == "put":
        shop.client.put_item(TableName=LEDGER, Item={"id": {"S": f"{key}-put"}})
    else:
        shop.client.delete_item(TableName=LEDGER, Key={"id": {"S": f"{key}-{verb}"}})
    with pytest.raises(CommitConditionError) as caught:
        shop.store.transact(completion(key), items(key), token=token())

    assert caught.value.index == index
    assert caught.value.item is None  # not asked for
    assert shop.store.get([key]) == {key: CLAIMED}


def test_plain_values_of_every_type_are_written_as_boto3_writes_them(shop: Shop, key: str) -> None:
    """Read back through boto3's resource they are what was written; a float is its shortest decimal."""
    row: dict[str, Any] = {
        "id": key, "text": "naïve ☃", "empty": "", "whole": 10**37, "exact": Decimal("1.10"), "yes": True, "no": None,
        "raw": b"\x00\xff", "array": bytearray(b"a"), "list": [1, ["x", {"y": False}]], "tuple": (1, 2),
        "map": {"deep": {"er": [None]}}, "words": {"a", "b"}, "numbers": frozenset({1, Decimal("2.5")}),
        "blobs": {b"a", b"b"}, "read before": Binary(b"again"),
    }  # fmt: skip
    shop.store.transact(None, [put_if_absent(LEDGER, {**row, "float": 0.1, "large": 1e20})], token=token())
    resource: Any = boto3.resource("dynamodb", endpoint_url=shop.client.meta.endpoint_url)
    found = resource.Table(LEDGER).get_item(Key={"id": key}, ConsistentRead=True)["Item"]

    assert found.pop("float") == Decimal("0.1")
    assert found.pop("large") == Decimal("1e20")
    assert found == {**row, "array": b"a", "tuple": [1, 2], "list": [1, ["x", {"y": False}]]}


def test_99_items_fit_beside_the_own_one(shop: Shop, key: str) -> None:
    """The most that a transaction takes."""
    items = [put_if_absent(LEDGER, {"id": f"{key}-{n}"}) for n in range(99)]

    assert shop.store.transact(Write(key, DONE, ABSENT), items, token=token()) is STORED


def test_item_of_exactly_400_kb_is_sent(shop: Shop, key: str) -> None:
    """The check before sending refuses nothing that DynamoDB takes."""
    row = {"id": key, "data": ""}
    row["data"] = "x" * (400 * 1024 - len("iddata") - len(key))

    assert shop.store.transact(None, [put_if_absent(LEDGER, row)], token=token()) is STORED


@pytest.fixture
def proxy(tables: str) -> Iterator[FlakyProxy]:
    """A proxy in front of DynamoDB Local."""
    with FlakyProxy(tables) as proxy:
        yield proxy


def counting(name: str) -> list[Any]:
    """Return an item that adds one to a counter: a second effect would show."""
    return [
        {"Update": {"TableName": LEDGER, "Key": {"id": name}, "UpdateExpression": "ADD n :n",
                    "ExpressionAttributeValues": {":n": 1}}}
    ]  # fmt: skip


@pytest.mark.parametrize("own", [True, False], ids=["with a claim", "items alone"])
def test_repetition_after_a_lost_answer_finds_its_own_success(
    shop: Shop, proxy: FlakyProxy, key: str, own: bool
) -> None:
    """The first call cannot know and says so; the second is stored, and the counter counts one."""
    shop.claim(key)
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
    write, name = completion(key) if own else None, token()
    proxy.fail(Fault.DROP_ANSWER)
    with pytest.raises(StoreUnavailableError):
        store.transact(write, counting(key), token=name)

    assert store.transact(write, counting(key), token=name) is STORED
    assert proxy.calls == ["TransactWriteItems"] * 2
    assert (shop.row(key) or {})["n"] == {"N": "1"}


def test_lost_answer_is_recognised_by_the_version_when_the_token_has_expired(
    shop: Shop, proxy: FlakyProxy, key: str
) -> None:
    """Ten minutes later DynamoDB evaluates the conditions again; the claim tells."""
    shop.claim(key)
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
    items = [*counting(key), put_if_absent(LEDGER, {"id": f"{key}-row"})]
    proxy.fail(Fault.DROP_ANSWER)
    with pytest.raises(StoreUnavailableError):
        store.transact(completion(key), items, token=token())

    assert store.transact(completion(key), items, token=token()) is STORED
    assert (shop.row(key) or {})["n"] == {"N": "1"}


def test_client_with_retries_repeats_with_the_same_token(shop: Shop, proxy: FlakyProxy, key: str) -> None:
    """A client that was passed in may retry inside botocore: the effect stays one."""
    shop.claim(key)
    client: Any = boto3.client("dynamodb", endpoint_url=proxy.endpoint_url, config=RETRYING)
    proxy.fail(Fault.DROP_ANSWER)

    assert DynamoDBStore(TABLE, client=client).transact(completion(key), counting(key), token=token()) is STORED
    assert proxy.calls == ["TransactWriteItems"] * 2
    assert (shop.row(key) or {})["n"] == {"N": "1"}


def test_lost_answer_of_a_refused_transaction_stays_a_conflict(shop: Shop, proxy: FlakyProxy, key: str) -> None:
    """Somebody else's claim is never taken for one's own."""
    shop.claim(key)
    shop.store.put_if(key, THEIRS, AS_CLAIMED)
    store, name = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url), token()
    proxy.fail(Fault.DROP_ANSWER)
    with pytest.raises(StoreUnavailableError):
        store.transact(completion(key), counting(key), token=name)

    assert store.transact(completion(key), counting(key), token=name) == Conflict(THEIRS)
    assert shop.row(key) is None


@pytest.mark.parametrize("make_set", [set, frozenset])
def test_arguments_that_are_equal_make_the_same_request(key: str, make_set: Any) -> None:
    """Sets that are equal are written in one order, whatever theirs is, or the token would not match."""
    sent: list[str] = []

    class Listening:
        def batch_get_item(self, **_: object) -> None:
            raise NotImplementedError

        def transact_write_items(self, **request: object) -> None:
            sent.append(json.dumps(request, default=repr))

    store, name = DynamoDBStore(TABLE, client=Listening()), token()
    for order in (range(50), range(49, -1, -1)):
        words, numbers = make_set(f"word{n}" for n in order), make_set(n * 1_000 for n in order)
        row = {"id": key, "words": words, "map": {"numbers": numbers}, "blobs": {word.encode() for word in words}}
        store.transact(completion(key), [put_if_absent(LEDGER, row)], token=name)

    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_each_increment_takes_effect_once_when_many_commit_at_one_counter(shop: Shop, tables: str, key: str) -> None:
    """Eight threads, conflicts, lost answers and retries: 80 claims, 80 counted."""
    threads, rounds = 8, 10
    failures: list[BaseException] = []

    def work(number: int) -> None:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        try:
            for turn in range(rounds):
                claim, name = f"{key}-{number}-{turn}", token()
                while True:
                    try:
                        assert store.transact(Write(claim, DONE, ABSENT), counting(key), token=name) is STORED
                        break
                    except StoreUnavailableError:
                        continue
        except BaseException as error:
            failures.append(error)

    with FlakyProxy(tables) as proxy:
        proxy.fail(Fault.DROP_ANSWER, times=15)
        proxy.fail(Fault.THROTTLING, times=5)
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

    assert failures == []
    assert len(proxy.calls) > threads * rounds
    assert (shop.row(key) or {})["n"] == {"N": str(threads * rounds)}
