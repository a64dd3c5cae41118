"""Whatever goes wrong at DynamoDB: an error of the library that says what to do, and no payload in its text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from resilient_lambda.errors import (
    ConfigurationError,
    ItemTooLargeError,
    ResilienceError,
    StoreError,
    StoreUnavailableError,
)
from resilient_lambda.stores import ABSENT, STORED, AsRead, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.dynamodb_local import free_port
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import QUICK, SORTED_TABLE, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "4111-1111-1111-1111"
ITEM = {"version": "a.1", "data": SECRET}
AS_ITEM = AsRead((("version", "a.1"), ("data", SECRET)))
ROOT = Path(__file__).resolve().parents[2]

EVERY_VERB: dict[str, Callable[[Any, str], object]] = {
    "GetItem": lambda store, key: store.get([key]),
    "BatchGetItem": lambda store, key: store.get([key, f"{key}-2"]),
    "PutItem": lambda store, key: store.put_if(key, ITEM, AS_ITEM),
    "DeleteItem": lambda store, key: store.delete_if(key, AS_ITEM),
    "UpdateItem": lambda store, key: store.add(key, {"calls": 1}, expires_at_s=1),
}
verbs = pytest.mark.parametrize(("operation", "verb"), EVERY_VERB.items(), ids=EVERY_VERB)


def error_of(call: Callable[[], object]) -> ResilienceError:
    """Return what *call* raised, after checking what holds for every error of a store."""
    with pytest.raises(ResilienceError) as caught:
        call()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is not None
    return caught.value


@verbs
def test_missing_table_is_named_with_the_command_that_creates_it(
    tables: str, key: str, operation: str, verb: Callable[[Any, str], object]
) -> None:
    """The error is for good, and it is not the caller's to guess what to do."""
    error = error_of(lambda: verb(DynamoDBStore("no-such-table", endpoint_url=tables), key))

    assert type(error) is StoreError
    assert "'no-such-table'" in str(error)
    assert "python -m resilient_lambda table create --table no-such-table" in str(error)


@verbs
def test_other_key_schema_is_explained(
    tables: str, key: str, operation: str, verb: Callable[[Any, str], object]
) -> None:
    """The text says which key attributes the store uses and which options change them."""
    error = error_of(lambda: verb(DynamoDBStore(SORTED_TABLE, endpoint_url=tables), key))

    assert type(error) is StoreError
    assert "partition key 'id' (string) and no sort key" in str(error)
    assert "key_attribute=" in str(error)
    assert "sort_key_attribute=" in str(error)


def test_missing_sort_key_is_explained(tables: str, key: str) -> None:
    """A store with a sort key on a table without one says so."""
    store = DynamoDBStore(TABLE, endpoint_url=tables, sort_key_attribute="sk")

    assert "sort key 'sk'" in str(error_of(lambda: store.get([key])))


def test_key_of_another_type_is_explained(tables: str, local_client: Any, key: str) -> None:
    """A table whose key is a number is not the store's."""
    local_client.create_table(
        TableName="numbered",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    store = DynamoDBStore("numbered", endpoint_url=tables)

    assert "another key schema" in str(error_of(lambda: store.put_if(key, ITEM, ABSENT)))
    assert "another key schema" in str(error_of(lambda: store.get([key])))


@verbs
@pytest.mark.parametrize(
    "fault", [Fault.THROTTLING, Fault.THROUGHPUT, Fault.SERVER_ERROR, Fault.CLOSE], ids=lambda fault: fault.name
)
def test_what_can_pass_is_unavailable(
    tables: str, key: str, operation: str, verb: Callable[[Any, str], object], fault: Fault
) -> None:
    """Throttled, broken for a moment or cut off: try again, and the next call works."""
    with FlakyProxy(tables) as proxy:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        proxy.fail(fault)

        assert type(error_of(lambda: verb(store, key))) is StoreUnavailableError
        assert proxy.calls == [operation]
        verb(store, key)


@verbs
def test_denied_action_is_named(tables: str, key: str, operation: str, verb: Callable[[Any, str], object]) -> None:
    """The operator reads which permission is missing."""
    with FlakyProxy(tables) as proxy:
        proxy.fail(Fault.ACCESS_DENIED)
        error = error_of(lambda: verb(DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url), key))

    assert type(error) is StoreError
    assert f"dynamodb:{operation}" in str(error)


def test_expired_credentials_are_said_to_be_expired(tables: str, key: str) -> None:
    """No retry helps: the credentials must be renewed."""
    with FlakyProxy(tables) as proxy:
        proxy.fail(Fault.EXPIRED_TOKEN)
        error = error_of(lambda: DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url).get([key]))

    assert type(error) is StoreError
    assert "expired" in str(error)


def test_store_that_is_down_is_unavailable(key: str) -> None:
    """Nothing listens there."""
    store = DynamoDBStore(TABLE, endpoint_url=f"http://127.0.0.1:{free_port()}")

    assert type(error_of(lambda: store.put_if(key, ITEM, ABSENT))) is StoreUnavailableError


def test_store_that_hangs_is_given_up_after_the_read_timeout(tables: str, key: str) -> None:
    """One call waits 2 s, not botocore's 60, and is not repeated."""
    with FlakyProxy(tables) as proxy:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        store.warm()
        proxy.fail(Fault.HANG)
        started = time.monotonic()
        error = error_of(lambda: store.put_if(key, ITEM, ABSENT))
        waited_s = time.monotonic() - started

        assert type(error) is StoreUnavailableError
        assert waited_s < 5
        assert proxy.calls == ["PutItem"]


def test_bulk_write_reports_each_entry_that_was_throttled(tables: str, key: str) -> None:
    """The entries around it are written."""
    with FlakyProxy(tables) as proxy:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url, bulk="single")
        proxy.fail(Fault.THROTTLING, operation="PutItem")
        results = store.put_many_if([Write(f"{key}-{name}", ITEM, ABSENT) for name in "bc"])

    assert {type(result) for result in results} == {StoreUnavailableError, type(STORED)}


@pytest.mark.parametrize("size", [401 * 1024, 3 * 1024 * 1024], ids=["over an item", "over a request"])
def test_item_over_the_limit_is_told_apart(local_store: DynamoDBStore, key: str, size: int) -> None:
    """The caller can leave the result out and write again; nothing is there yet."""
    error = error_of(lambda: local_store.put_if(key, {"version": "a.1", "data": SECRET * (size // 19)}, ABSENT))

    assert type(error) is ItemTooLargeError
    assert "400 KB" in str(error)
    assert local_store.get([key]) == {}


@pytest.mark.parametrize("size", [401 * 1024, 3 * 1024 * 1024], ids=["over an item", "over a request"])
def test_item_too_large_in_a_bulk_write_fails_alone(local_store: DynamoDBStore, key: str, size: int) -> None:
    """One result per entry, also for this."""
    large = {"version": "a.1", "data": b"x" * size}
    writes = [Write(f"{key}-{number}", large if number == 7 else ITEM, ABSENT) for number in range(25)]
    results = local_store.put_many_if(writes)

    assert type(results.pop(7)) is ItemTooLargeError
    assert results == [STORED] * 24


@pytest.mark.parametrize("bad_key", ["", "k" * 2049], ids=["empty", "2049 bytes"])
def test_key_that_dynamodb_does_not_take_is_refused_for_good(local_store: DynamoDBStore, bad_key: str) -> None:
    """No retry helps."""
    assert type(error_of(lambda: local_store.put_if(bad_key, ITEM, ABSENT))) is StoreError
    assert type(error_of(lambda: local_store.get([bad_key]))) is StoreError


def test_adding_to_text_is_refused_for_good(local_store: DynamoDBStore, key: str) -> None:
    """A counter whose name holds text is a mistake, not an outage."""
    local_store.put_if(key, ITEM, ABSENT)

    assert type(error_of(lambda: local_store.add(key, {"data": 1}, expires_at_s=1))) is StoreError


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e126, 1e-131, 10**126, 10**38 + 1, "\ud800"], ids=ascii)
def test_value_that_dynamodb_cannot_keep_is_refused_before_it_is_sent(key: str, value: object) -> None:
    """It would be stored as something else, or refused with the value in the text."""
    store = DynamoDBStore(TABLE, endpoint_url="http://127.0.0.1:1")

    with pytest.raises(StoreError, match="'odd'") as caught:
        store.put_if(key, {"version": "a.1", "odd": value}, ABSENT)  # type: ignore[dict-item]
    assert not isinstance(caught.value, StoreUnavailableError)


def test_read_that_leaves_keys_unread_is_unavailable(key: str) -> None:
    """A read that DynamoDB answers in part is continued a few times, then given up."""
    asked: list[int] = []

    class HalfBlind:
        def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
            asked.append(len(RequestItems[TABLE]["Keys"]))
            return {"Responses": {}, "UnprocessedKeys": RequestItems}

    with pytest.raises(StoreUnavailableError, match="left keys unread"):
        DynamoDBStore(TABLE, client=HalfBlind()).get([key, "other"])
    assert asked == [2] * 5


def test_read_that_is_answered_in_part_is_continued(local_client: Any, tables: str, key: str) -> None:
    """Only the keys that were left are asked for again."""
    asked: list[int] = []

    class OneAtATime:
        def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
            keys = RequestItems[TABLE]["Keys"]
            asked.append(len(keys))
            answer = local_client.batch_get_item(RequestItems={TABLE: {**RequestItems[TABLE], "Keys": keys[:1]}})
            left = {TABLE: {**RequestItems[TABLE], "Keys": keys[1:]}} if keys[1:] else {}
            return {**answer, "UnprocessedKeys": left}

    DynamoDBStore(TABLE, endpoint_url=tables).put_many_if([Write(f"{key}-{n}", ITEM, ABSENT) for n in range(3)])

    assert len(DynamoDBStore(TABLE, client=OneAtATime()).get([f"{key}-{n}" for n in range(3)])) == 3
    assert asked == [3, 2, 1]


def run(code: str, *, remove: tuple[str, ...] = (), **environment: str) -> dict[str, str]:
    """Run *code* in a fresh interpreter, where ``report`` prints an error's type and text; return them."""
    preamble = (
        "import json\n"
        "from resilient_lambda.stores.dynamodb import DynamoDBStore\n"
        "from resilient_lambda.errors import *\n"
        "from resilient_lambda.stores import ABSENT\n"
        "def report(call):\n"
        "    try: call()\n"
        "    except Exception as e: print(json.dumps({'type': type(e).__name__, 'text': str(e)}))\n"
        "    else: print('{}')\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") or name not in remove}
    done = subprocess.run(
        [sys.executable, "-c", preamble + code],
        cwd=ROOT,
        env={**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, str] = json.loads(done.stdout)
    return result


def test_missing_credentials_are_reported_at_the_first_call(tables: str) -> None:
    """Warming does not fail, the first call does, and it says where credentials come from."""
    error = run(
        f"s = DynamoDBStore('t', endpoint_url={tables!r}); s.warm(); report(lambda: s.get(['k']))",
        remove=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    )

    assert error["type"] == "StoreError"
    assert "no AWS credentials" in error["text"]


@pytest.mark.parametrize("call", ["s.warm()", "s.get(['k'])", "s.put_if('k', {'version': 'v'}, ABSENT)"])
def test_missing_region_is_reported_by_name(call: str) -> None:
    """Constructing is fine; warming or using says which variable to set."""
    error = run(f"s = DynamoDBStore('t'); report(lambda: {call})", remove=("AWS_REGION", "AWS_DEFAULT_REGION"))

    assert error["type"] == "ConfigurationError"
    assert "AWS_REGION" in error["text"]


def test_missing_boto3_is_reported_with_what_to_install() -> None:
    """Lambda carries boto3; elsewhere the extra does."""
    error = run("import sys; sys.modules['botocore'] = None; report(DynamoDBStore('t').warm)")

    assert error["type"] == "ConfigurationError"
    assert "resilient_lambda[aws-sdk]" in error["text"]


def test_missing_table_name_is_reported_when_used(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A module that only constructs the store can be imported anywhere."""
    store = DynamoDBStore()

    with pytest.raises(ConfigurationError, match="RESILIENT_LAMBDA_TABLE"):
        store.warm()
    with pytest.raises(ConfigurationError, match="RESILIENT_LAMBDA_TABLE"):
        store.get([key])


def test_table_name_comes_from_the_environment(tables: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read when used, so that it may be set after the import."""
    store = DynamoDBStore(endpoint_url=tables)
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", TABLE)

    assert store.put_if(key, ITEM, ABSENT) is STORED
    assert DynamoDBStore(TABLE, endpoint_url=tables).get([key]) == {key: ITEM}


def test_wrong_endpoint_is_a_configuration_error() -> None:
    """What is no URL is named."""
    with pytest.raises(ConfigurationError, match="not a url"):
        DynamoDBStore(TABLE, endpoint_url="not a url").warm()


def test_error_that_is_not_dynamodbs_is_left_as_it_is(tables: str, key: str) -> None:
    """A bug in a client that was passed in is not dressed up as an outage."""
    client: Any = boto3.client("dynamodb", endpoint_url=tables, config=QUICK)

    class Broken:
        meta = client.meta
        batch_get_item = client.batch_get_item

        def get_item(self, **_: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        DynamoDBStore(TABLE, client=Broken()).get([key])
