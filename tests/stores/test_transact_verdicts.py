"""What a cancelled or refused transaction means: one truth table, and the errors that a person reads."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from resilient_lambda.errors import (
    CommitConditionError,
    CommitLimitError,
    ItemTooLargeError,
    ResilienceError,
    StoreError,
    StoreUnavailableError,
)
from resilient_lambda.stores import ABSENT, STORED, Conflict, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.items import put_if_absent
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import TABLE
from .transacting import CLAIMED, DONE, LEDGER, THEIRS, completion, local_shop, token, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECRET = "4111-1111-1111-1111"
KEY = "key#1"
ITEMS = [put_if_absent(LEDGER, {"id": "x", "card": SECRET}), put_if_absent(LEDGER, {"id": "y", "card": SECRET})]
FAILED = "ConditionalCheckFailed"
BUSY = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded",
        "TransactionInProgress", "TransactionInProgressException"]  # fmt: skip


class Cancelling:
    """A DynamoDB that cancels every transaction for these reasons, and holds this item of the library's."""

    def __init__(self, reasons: list[dict[str, Any]], current: Mapping[str, str] | None, code: str = "") -> None:
        self._code = code or "TransactionCanceledException"
        self._reasons = reasons
        self._current = current
        self.calls: list[str] = []

    def transact_write_items(self, **_: object) -> None:
        self.calls.append("TransactWriteItems")
        answer: Any = {"Error": {"Code": self._code, "Message": SECRET}, "CancellationReasons": self._reasons}
        raise ClientError(answer, "TransactWriteItems")

    def get_item(self, *, ConsistentRead: bool, **_: object) -> dict[str, Any]:
        assert ConsistentRead
        self.calls.append("GetItem")
        return {} if self._current is None else {"Item": {"id": {"S": KEY}, **written(dict(self._current))}}

    def batch_get_item(self, **_: object) -> None:
        raise NotImplementedError


def verdict(
    *codes: str | None, current: Mapping[str, str] | None = CLAIMED, items: tuple[Mapping[str, str] | None, ...] = ()
) -> tuple[object, list[str]]:
    """Return what `transact` says of these reasons, the own write's first, and the calls that it took."""
    reasons: list[dict[str, Any]] = [{"Code": code or "None"} for code in codes]
    for reason, item in zip(reasons, items, strict=False):
        if item is not None:
            reason["Item"] = {"id": {"S": KEY}, **written(dict(item))}
    client = Cancelling(reasons, current)
    try:
        found: object = DynamoDBStore(TABLE, client=client).transact(completion(KEY), ITEMS, token="t")
    except ResilienceError as raised:
        error, found = raised, type(raised)
    else:
        return found, client.calls

    assert SECRET not in str(error)
    assert isinstance(error.__cause__, ClientError)
    return found, client.calls


@pytest.mark.parametrize(
    ("current", "expected"), [(DONE, STORED), (THEIRS, Conflict(THEIRS)), (CLAIMED, Conflict(CLAIMED))]
)
@pytest.mark.parametrize("others", [(None, None), (FAILED, None), ("ValidationError", "TransactionConflict")])
def test_own_condition_decides_whatever_else_failed(current, expected, others):
    """The item that came along says whether it was an earlier try of one's own; nothing is read."""
    assert verdict(FAILED, *others, items=(current,)) == (expected, ["TransactWriteItems"])


@pytest.mark.parametrize(("current", "expected"), [(DONE, STORED), (THEIRS, Conflict(THEIRS)), (None, Conflict(None))])
def test_own_condition_without_an_item_is_decided_by_one_read(current, expected):
    """Some emulators send no item along; and there is none if the claim is gone."""
    assert verdict(FAILED, None, None, current=current) == (expected, ["TransactWriteItems", "GetItem"])


@pytest.mark.parametrize(
    ("current", "expected"),
    [(CLAIMED, CommitConditionError), (DONE, STORED), (THEIRS, Conflict(THEIRS)), (None, Conflict(None))],
)
@pytest.mark.parametrize("others", [(FAILED, None), (FAILED, FAILED), ("TransactionConflict", FAILED)])
def test_users_condition_is_blamed_only_while_the_claim_is_ours(current, expected, others):
    """A twin's commit fails the user's condition too, and not every failing condition need be named: one read tells."""
    assert verdict(None, *others, current=current) == (expected, ["TransactWriteItems", "GetItem"])


@pytest.mark.parametrize("busy", BUSY)
@pytest.mark.parametrize("others", [(None, None), (FAILED, None), ("ValidationError", FAILED)])
def test_busy_claim_is_tried_again(busy, others):
    """While somebody writes the claim nobody knows whose it is, so no failure of the user's is reported."""
    assert verdict(busy, *others) == (StoreUnavailableError, ["TransactWriteItems"])


@pytest.mark.parametrize("busy", BUSY)
def test_busy_item_of_the_users_is_tried_again(busy):
    """Nothing was written; the same call can succeed."""
    assert verdict(None, None, busy) == (StoreUnavailableError, ["TransactWriteItems"])


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
@pytest.mark.parametrize("other", [None, "TransactionConflict"])
def test_item_that_dynamodb_never_takes_is_for_good(code, other):
    """No retry helps, busy neighbours or not."""
    assert verdict(None, code, other) == (CommitLimitError, ["TransactWriteItems"])


@pytest.mark.parametrize("code", ["ValidationError", "SomethingNew"])
def test_own_item_that_dynamodb_never_takes_is_the_stores_error(code):
    """The user's items are not to blame, so the event is not set aside for them."""
    assert verdict(code, FAILED, None) == (StoreError, ["TransactWriteItems"])


def test_unknown_reason_of_an_item_is_the_stores_error():
    """What is not understood does not set the event aside."""
    assert verdict(None, None, "SomethingNew") == (StoreError, ["TransactWriteItems"])


@pytest.mark.parametrize("reasons", [[], [{}, {"Code": None}, {"Code": "None"}]])
def test_cancelled_for_no_reason_is_tried_again(reasons):
    """Nothing says that it cannot succeed."""
    store = DynamoDBStore(TABLE, client=Cancelling(reasons, CLAIMED))

    with pytest.raises(StoreUnavailableError):
        store.transact(completion(KEY), ITEMS, token="t")


def test_every_pair_of_reasons_has_one_verdict_in_either_order_of_the_users_items():
    """Which of the user's items came first does not change what kind of verdict it is."""
    codes = [None, FAILED, "ValidationError", "ThrottlingError"]
    for own in codes:
        for first, second in combinations(codes, 2):
            if own or first or second:
                assert verdict(own, first, second) == verdict(own, second, first)


@pytest.mark.parametrize(
    ("current", "expected"), [(DONE, STORED), (THEIRS, Conflict(THEIRS)), (None, Conflict(None)), (CLAIMED, StoreError)]
)
def test_reused_token_is_decided_by_the_claim(current, expected):
    """It may be an older success of one's own."""
    store = DynamoDBStore(TABLE, client=Cancelling([], current, "IdempotentParameterMismatchException"))
    try:
        found: object = store.transact(completion(KEY), ITEMS, token="t")
    except ResilienceError as error:
        found = type(error)

    assert found == expected


def test_transaction_under_way_is_tried_again():
    """The earlier try of the same token has not ended."""
    store = DynamoDBStore(TABLE, client=Cancelling([], CLAIMED, "TransactionInProgressException"))

    with pytest.raises(StoreUnavailableError):
        store.transact(completion(KEY), ITEMS, token="t")


def test_error_that_is_not_dynamodbs_is_left_as_it_is():
    """A bug in a client that was passed in is not dressed up as an outage."""

    class Broken(Cancelling):
        def transact_write_items(self, **_: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        DynamoDBStore(TABLE, client=Broken([], None)).transact(completion(KEY), ITEMS, token="t")


def error_of(call: Callable[[], object]) -> ResilienceError:
    """Return what *call* raised, after checking that it is free of payload and chained."""
    with pytest.raises(ResilienceError) as caught:
        call()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is not None
    return caught.value


def every_verb(key: str) -> list[Any]:
    """Return an item of each verb."""
    return [
        {"Put": {"TableName": LEDGER, "Item": {"id": f"{key}-p", "card": SECRET}}},
        {"Update": {"TableName": LEDGER, "Key": {"id": f"{key}-u"}, "UpdateExpression": "SET n = n"}},
        {"Delete": {"TableName": "other", "Key": {"id": f"{key}-d"}}},
        {"ConditionCheck": {"TableName": LEDGER, "Key": {"id": f"{key}-c"}, "ConditionExpression": "id = id"}},
    ]  # fmt: skip


def test_denied_actions_are_named_with_their_tables(tables, key):
    """The operator reads what to add to the role."""
    with FlakyProxy(tables) as proxy:
        proxy.fail(Fault.ACCESS_DENIED)
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        error = error_of(lambda: store.transact(completion(key), every_verb(key), token=token()))

    assert type(error) is StoreError
    for needed in (
        f"dynamodb:PutItem on table '{TABLE}'",
        "dynamodb:PutItem on table 'ledger'",
        "dynamodb:UpdateItem on table 'ledger'",
        "dynamodb:DeleteItem on table 'other'",
        "dynamodb:ConditionCheckItem on table 'ledger'",
    ):
        assert needed in str(error)


def test_missing_table_is_one_of_those_named(tables, key):
    """DynamoDB does not say which."""
    store = local_shop(tables, TABLE).store
    items = [{"Put": {"TableName": "no-such-table", "Item": {"id": key, "card": SECRET}}}]
    error = error_of(lambda: store.transact(Write(key, CLAIMED, ABSENT), items, token=token()))

    assert type(error) is StoreError
    assert "'resilience', 'no-such-table'" in str(error)


@pytest.mark.parametrize(
    "fault", [Fault.THROTTLING, Fault.THROUGHPUT, Fault.SERVER_ERROR, Fault.CLOSE], ids=lambda fault: fault.name
)
def test_what_can_pass_is_unavailable(tables, key, fault):
    """One try of the network; the next call of the same arguments works."""
    with FlakyProxy(tables) as proxy:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        proxy.fail(fault)
        arguments, name = (Write(key, CLAIMED, ABSENT), []), token()

        assert type(error_of(lambda: store.transact(*arguments, token=name))) is StoreUnavailableError
        assert proxy.calls == ["TransactWriteItems"]
        assert store.transact(*arguments, token=name) is STORED


UPDATE: dict[str, Any] = {"TableName": LEDGER, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": 1}}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"Put": {"TableName": LEDGER, "Item": {"id": 5, "card": SECRET}}}, "items[0]"),
        ({"Put": {"TableName": LEDGER, "Item": {"other": SECRET}}}, "does not take"),
        ({"Put": {"TableName": LEDGER, "Item": {"id": ""}}}, "does not take"),
        ({"Put": {"TableName": LEDGER, "Item": {"id": "x"}, "ConditionExpression": SECRET}}, "does not take"),
        ({"Update": {**UPDATE, "Key": {"id": "text"}}}, "does not take"),
        ({"Update": {**UPDATE, "Key": {"id": "x"}, "UpdateExpression": "nonsense"}}, "does not take"),
        (
            {"Update": {**UPDATE, "Key": {"id": "large"}, "UpdateExpression": "SET more = :n",
                        "ExpressionAttributeValues": {":n": "x" * 300_000}}},
            "larger than DynamoDB's 400 KB",
        ),
    ],
    ids=["key type", "no key", "empty key", "condition", "operand", "expression", "grows"],
)  # fmt: skip
def test_item_that_only_dynamodb_can_refuse_is_a_limit_error(tables, key, item, text):
    """It was sent, nothing was written, and no retry helps."""
    shop = local_shop(tables, TABLE)
    shop.client.put_item(TableName=LEDGER, Item={"id": {"S": "text"}, "n": {"S": "no number"}})
    shop.client.put_item(TableName=LEDGER, Item={"id": {"S": "large"}, "data": {"S": "x" * 300_000}})
    error = error_of(lambda: shop.store.transact(Write(key, CLAIMED, ABSENT), [item], token=token()))

    assert type(error) is CommitLimitError
    assert text in str(error)
    assert shop.store.get([key]) == {}


def test_own_item_over_the_limit_is_told_apart(tables, key):
    """The caller can commit without the result, or a smaller one."""
    store = local_shop(tables, TABLE).store
    large = Write(key, {**CLAIMED, "data": SECRET * 21_560}, ABSENT)
    with pytest.raises(ItemTooLargeError, match="400 KB") as caught:
        store.transact(large, [put_if_absent(LEDGER, {"id": key})], token=token())

    assert SECRET not in str(caught.value)
