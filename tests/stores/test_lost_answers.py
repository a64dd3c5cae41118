"""
The write took effect, the answer did not arrive: the writer recognises its own success (protocols.md B1).

Once with the library's own client, whose caller repeats the call, and once with a client that was passed in and
repeats it inside botocore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest

from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import RETRYING, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.stores import Store

FIRST = {"version": "a.1", "status": "in_progress"}
SECOND = {"version": "a.2", "status": "completed"}
THEIRS = {"version": "b.1", "status": "in_progress"}
AS_FIRST = AsRead((("version", "a.1"), ("status", "in_progress")))


@pytest.fixture
def proxy(tables: str) -> Iterator[FlakyProxy]:
    """A proxy in front of DynamoDB Local."""
    with FlakyProxy(tables) as proxy:
        yield proxy


@pytest.fixture
def own_store(proxy: FlakyProxy) -> DynamoDBStore:
    """A store with the library's own client."""
    return DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)


@pytest.fixture
def retrying_store(proxy: FlakyProxy) -> DynamoDBStore:
    """A store with a client of the user's that repeats calls."""
    client: Any = boto3.client("dynamodb", endpoint_url=proxy.endpoint_url, config=RETRYING)
    return DynamoDBStore(TABLE, client=client)


@pytest.fixture(params=["own_store", "retrying_store"])
def either_store(request: pytest.FixtureRequest) -> DynamoDBStore:
    """Each of the two."""
    store: DynamoDBStore = request.getfixturevalue(request.param)
    return store


def insert(store: Store, key: str) -> object:
    """Claim an absent key."""
    return store.put_if(key, FIRST, ABSENT)


def replace(store: Store, key: str) -> object:
    """Complete the claim that was read."""
    return store.put_if(key, SECOND, AS_FIRST)


def insert_many(store: Store, key: str) -> object:
    """Claim 25 absent keys, which is one request."""
    return only(store.put_many_if([Write(name, FIRST, ABSENT) for name in names(key)]))


def replace_many(store: Store, key: str) -> object:
    """Complete one claim that was read, and claim 24 absent keys."""
    complete = Write(key, SECOND, AS_FIRST, ("version", "status"))
    return only(store.put_many_if([complete, *(Write(name, FIRST, ABSENT) for name in names(key)[1:])]))


def names(key: str) -> list[str]:
    """Return *key* and 24 others."""
    return [key, *(f"{key}-{number}" for number in range(24))]


def only(results: list[Any]) -> object:
    """Return what all of *results* are."""
    assert len({str(result) for result in results}) == 1
    return results[0]


def delete(store: Store, key: str) -> object:
    """Delete the claim that was read."""
    return store.delete_if(key, AS_FIRST)


class Case(NamedTuple):
    """One write, DynamoDB's name of it, and the item before and after."""

    write: Callable[[Any, str], object]
    operation: str
    before: dict[str, str] | None
    after: dict[str, str] | None


CASES = [
    Case(insert, "PutItem", None, FIRST),
    Case(replace, "PutItem", FIRST, SECOND),
    Case(insert_many, "BatchExecuteStatement", None, FIRST),
    Case(replace_many, "BatchExecuteStatement", FIRST, SECOND),
    Case(delete, "DeleteItem", FIRST, None),
]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.write.__name__)


@cases
def test_call_that_is_repeated_after_a_lost_answer_finds_its_own_success(
    own_store: DynamoDBStore,
    proxy: FlakyProxy,
    key: str,
    case: Case,
) -> None:
    """The first call cannot know and says so; the second one is told that the write is there."""
    if case.before is not None:
        own_store.put_if(key, case.before, ABSENT)
    proxy.fail(Fault.DROP_ANSWER, operation=case.operation)
    try:
        unknown = case.write(own_store, key)
    except StoreUnavailableError as error:
        unknown = error

    assert isinstance(unknown, StoreUnavailableError)
    assert own_store.get([key]) == ({key: case.after} if case.after else {})
    assert case.write(own_store, key) is STORED


@cases
def test_call_that_botocore_repeats_after_a_lost_answer_finds_its_own_success(
    retrying_store: DynamoDBStore,
    proxy: FlakyProxy,
    key: str,
    case: Case,
) -> None:
    """The caller never learns that an answer was lost."""
    if case.before is not None:
        retrying_store.put_if(key, case.before, ABSENT)
    calls_before = len(proxy.calls)
    proxy.fail(Fault.DROP_ANSWER, operation=case.operation)

    assert case.write(retrying_store, key) is STORED
    assert proxy.calls[calls_before : calls_before + 2] == [case.operation] * 2
    assert retrying_store.get([key]) == ({key: case.after} if case.after else {})


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem"])
def test_read_whose_answer_is_lost_can_be_repeated(
    own_store: DynamoDBStore, retrying_store: DynamoDBStore, proxy: FlakyProxy, key: str, operation: str
) -> None:
    """A read has no effect: the library's client reports the loss, a retrying one hides it."""
    keys = [key] if operation == "GetItem" else [key, f"{key}-2"]
    own_store.put_if(key, FIRST, ABSENT)
    proxy.fail(Fault.DROP_ANSWER, operation=operation)
    with pytest.raises(StoreUnavailableError):
        own_store.get(keys)
    proxy.fail(Fault.DROP_ANSWER, operation=operation)

    assert retrying_store.get(keys) == {key: FIRST}


@pytest.mark.parametrize("fault", [Fault.DROP_ANSWER, Fault.SERVER_ERROR, Fault.THROUGHPUT])
def test_addition_is_sent_once_whatever_the_client(
    either_store: DynamoDBStore, proxy: FlakyProxy, key: str, fault: Fault
) -> None:
    """Adding is not idempotent, so even a client with retries must not repeat it."""
    proxy.fail(fault, operation="UpdateItem")
    with pytest.raises(StoreUnavailableError):
        either_store.add(key, {"calls": 1}, expires_at_s=1)

    assert proxy.calls == ["UpdateItem"]
    assert either_store.add(key, {"calls": 0}, expires_at_s=1) == {"calls": 1 if fault is Fault.DROP_ANSWER else 0}


def test_clients_own_updates_are_still_retried(proxy: FlakyProxy, key: str) -> None:
    """A client that was passed in keeps its retries for its owner's calls."""
    client: Any = boto3.client("dynamodb", endpoint_url=proxy.endpoint_url, config=RETRYING)
    DynamoDBStore(TABLE, client=client).add(key, {"calls": 1}, expires_at_s=1)
    proxy.calls.clear()
    proxy.fail(Fault.SERVER_ERROR)
    client.update_item(TableName=TABLE, Key={"id": {"S": key}})

    assert proxy.calls == ["UpdateItem", "UpdateItem"]


def test_lost_answer_of_a_refused_write_stays_a_conflict(own_store: DynamoDBStore, proxy: FlakyProxy, key: str) -> None:
    """Somebody else's item is never taken for one's own."""
    own_store.put_if(key, THEIRS, ABSENT)
    proxy.fail(Fault.DROP_ANSWER, operation="PutItem")
    with pytest.raises(StoreUnavailableError):
        insert(own_store, key)

    assert insert(own_store, key) == Conflict(THEIRS)


def test_own_success_that_another_has_replaced_is_a_conflict(
    own_store: DynamoDBStore, proxy: FlakyProxy, key: str
) -> None:
    """Between the lost answer and the repetition somebody else took the key over: the write is no longer there."""
    proxy.fail(Fault.DROP_ANSWER, operation="PutItem")
    with pytest.raises(StoreUnavailableError):
        insert(own_store, key)
    own_store.put_if(key, THEIRS, AS_FIRST)

    assert insert(own_store, key) == Conflict(THEIRS)
