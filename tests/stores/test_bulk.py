"""Bulk writes on DynamoDB Local: which requests they make, and that either engine does the same."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
import pytest
from moto import mock_aws

from resilient_lambda.errors import ConfigurationError
from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.flaky_proxy import FlakyProxy

from .conftest import QUICK, TABLE, create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ("version", "status", "data")
FIRST = AsRead((("version", "a.1"),))


def item(version: str = "a.1") -> dict[str, str | bytes]:
    """Return an item with a few fields."""
    return {"version": version, "status": "in_progress", "data": b"\x00\xff"}


def inserts(key: str, count: int) -> list[Write]:
    """Return writes of *count* absent keys."""
    return [Write(f"{key}-{number}", item(), ABSENT) for number in range(count)]


def updates(key: str, count: int) -> list[Write]:
    """Return writes over what `inserts` wrote."""
    return [Write(f"{key}-{number}", item("a.2"), FIRST, FIELDS) for number in range(count)]


@pytest.fixture
def proxy(tables: str) -> Iterator[FlakyProxy]:
    """A proxy in front of DynamoDB Local, to count requests."""
    with FlakyProxy(tables) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FlakyProxy) -> DynamoDBStore:
    """A store as it comes."""
    return DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)


@pytest.mark.parametrize(
    ("count", "calls"),
    [
        (1, ["PutItem"]),
        (2, ["BatchExecuteStatement"]),
        (25, ["BatchExecuteStatement"]),
        (26, ["BatchExecuteStatement", "PutItem"]),
        (100, ["BatchExecuteStatement"] * 4),
    ],
)
def test_twenty_five_writes_are_one_request(
    store: DynamoDBStore, proxy: FlakyProxy, key: str, count: int, calls: list[str]
) -> None:
    """Claims and completions alike; one write alone is a PutItem."""
    inserted = store.put_many_if(inserts(key, count))
    insert_calls = sorted(proxy.calls)
    proxy.calls.clear()

    assert inserted == [STORED] * count
    assert insert_calls == calls
    assert store.put_many_if(updates(key, count)) == [STORED] * count
    assert sorted(proxy.calls) == calls


def test_current_items_of_refused_entries_are_read_together(store: DynamoDBStore, proxy: FlakyProxy, key: str) -> None:
    """Forty refused of a hundred, in all four requests: one BatchGetItem more."""
    store.put_many_if(inserts(key, 40))
    proxy.calls.clear()
    writes = [write._replace(item=item("b.1")) for write in inserts(key, 100)][::-1]
    results = store.put_many_if(writes)

    assert results == [STORED] * 60 + [Conflict(item())] * 40
    assert sorted(proxy.calls) == ["BatchExecuteStatement"] * 4 + ["BatchGetItem"]


def test_inserts_and_updates_share_a_request(store: DynamoDBStore, proxy: FlakyProxy, key: str) -> None:
    """Sixty entries of both kinds, refused ones among them, answered in their order."""
    store.put_many_if(inserts(key, 20))
    proxy.calls.clear()
    writes = updates(key, 30) + [Write(f"{key}-new-{number}", item("b.1"), ABSENT) for number in range(30)]
    results = store.put_many_if(writes)

    assert results == [STORED] * 20 + [Conflict(None)] * 10 + [STORED] * 30
    assert sorted(proxy.calls) == ["BatchExecuteStatement"] * 2 + ["BatchExecuteStatement", "BatchGetItem"]
    assert {found["version"] for found in store.get([write.key for write in writes]).values()} == {"a.2", "b.1"}


def test_update_whose_old_fields_are_unknown_is_a_put_beside_the_statements(
    store: DynamoDBStore, proxy: FlakyProxy, key: str
) -> None:
    """A statement would leave what it does not name."""
    store.put_if(f"{key}-0", {**item(), "other": "stale"}, ABSENT)
    proxy.calls.clear()
    unknown = Write(f"{key}-0", item("a.2"), FIRST)
    results = store.put_many_if([unknown, *inserts(key, 25)[1:]])

    assert results == [STORED] * 25
    assert sorted(proxy.calls) == ["BatchExecuteStatement", "PutItem"]
    assert store.get([f"{key}-0"]) == {f"{key}-0": item("a.2")}


def test_single_engine_sends_one_request_for_each_item(proxy: FlakyProxy, key: str) -> None:
    """Several at a time, over several connections."""
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url, bulk="single")
    results = store.put_many_if(inserts(key, 60))

    assert results == [STORED] * 60
    assert proxy.calls == ["PutItem"] * 60
    assert len(set(proxy.peers)) > 1


def test_table_named_by_its_arn_is_written_singly(local_client: Any, key: str) -> None:
    """A statement takes no ARN."""
    calls: list[tuple[str, str]] = []

    class Client:
        def batch_get_item(self, **_: object) -> None: ...

        def put_item(self, **request: Any) -> dict[str, Any]:
            calls.append(("PutItem", request["TableName"]))
            return {}

    arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}"

    assert DynamoDBStore(arn, client=Client()).put_many_if(inserts(key, 3)) == [STORED] * 3
    assert calls == [("PutItem", arn)] * 3


@pytest.mark.parametrize("bulk", ["auto", "partiql", "single"])
def test_moto_does_bulk_writes_whatever_the_option(
    key: str, bulk: Literal["auto", "partiql", "single"], caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot do the statements: they are left alone, or given up with a warning if they were asked for."""
    with mock_aws():
        client: Any = boto3.client("dynamodb", config=QUICK)
        create_table(client, TABLE, "id")
        store = DynamoDBStore(TABLE, client=client, bulk=bulk)
        inserted = store.put_many_if(inserts(key, 30))
        updated = store.put_many_if(updates(key, 40))

    assert inserted == [STORED] * 30
    assert updated == [STORED] * 30 + [Conflict(None)] * 10
    assert len(caplog.records) == (1 if bulk == "partiql" else 0)


@pytest.mark.parametrize("bulk", ["batch", "", None, True])
def test_unknown_engine_fails_at_construction(bulk: Any) -> None:
    """With the ones that there are."""
    with pytest.raises(ConfigurationError, match="'auto', 'partiql', 'single'"):
        DynamoDBStore(TABLE, bulk=bulk)


def test_client_of_the_users_keeps_its_own_statements(tables: str, key: str) -> None:
    """What the store does to its own calls of a client is not done to its owner's, in this and other threads."""
    client: Any = boto3.client("dynamodb", endpoint_url=tables, config=QUICK)
    store = DynamoDBStore(TABLE, client=client)
    select = [{"Statement": f'SELECT * FROM "{TABLE}" WHERE "id"=?', "Parameters": [{"S": f"{key}-0"}]}]
    found: list[Any] = []
    writer = threading.Thread(target=lambda: [store.put_many_if(inserts(f"{key}-{n}", 30)) for n in range(10)])
    store.put_many_if(inserts(key, 3))
    writer.start()
    while writer.is_alive():
        found.append(client.batch_execute_statement(Statements=select)["Responses"][0]["Item"]["version"])
    writer.join()

    assert len(found) > 1
    assert found == [{"S": "a.1"}] * len(found)


def test_client_is_prepared_once_however_many_stores_use_it(tables: str, key: str) -> None:
    """Handlers do not pile up on a client that lives as long as the process."""
    client: Any = boto3.client("dynamodb", endpoint_url=tables, config=QUICK)

    def handlers() -> int:
        """Return how many handlers answer one event of the client's."""
        answer = {"status_code": 200, "body": b"{}"}
        event = "before-parse.dynamodb.BatchExecuteStatement"
        return len(client.meta.events.emit(event, response_dict=answer, customized_response_dict={}))

    before = handlers()
    for number in range(5):
        assert DynamoDBStore(TABLE, client=client).put_many_if(inserts(f"{key}-{number}", 75)) == [STORED] * 75

    assert handlers() == before + 1


def test_ten_thousand_writes_are_done(store: DynamoDBStore, proxy: FlakyProxy, key: str) -> None:
    """Four hundred requests, of which a few are in memory at a time."""
    results = store.put_many_if(inserts(key, 10_000))

    assert results == [STORED] * 10_000
    assert proxy.calls == ["BatchExecuteStatement"] * 400


def test_requests_are_made_when_somebody_is_free_to_make_them(key: str) -> None:
    """What has not been sent yet has not been rendered yet: the memory of a large write stays bounded."""
    rendered: list[int] = []
    sent: list[int] = []

    class Item(dict[str, Any]):
        def __iter__(self) -> Any:
            rendered.append(1)
            return super().__iter__()

    class Client:
        def batch_get_item(self, **_: object) -> None: ...

        def batch_execute_statement(self, Statements: list[Any]) -> dict[str, Any]:
            sent.append(len(rendered))
            return {"Responses": [{} for _ in Statements]}

    writes = [Write(f"{key}-{number}", Item(item()), ABSENT) for number in range(1_000)]

    assert DynamoDBStore(TABLE, client=Client()).put_many_if(writes) == [STORED] * 1_000
    assert len(sent) == 40
    assert sent[0] <= 25 * 10


def test_forked_process_has_threads_of_its_own(tables: str, key: str) -> None:
    """The pool of the parent does not exist in the child, which makes another one; both write on."""
    code = """
import os, sys
from resilient_lambda.stores import ABSENT, STORED, DynamoDBStore, Write
store = DynamoDBStore(sys.argv[1], endpoint_url=sys.argv[2])
def write(name):
    writes = [Write(f"{sys.argv[3]}-{name}-{n}", {"version": "a.1", "n": n}, ABSENT) for n in range(100)]
    return store.put_many_if(writes) == [STORED] * 100
assert write("before")
child = os.fork()
done = write("child" if child == 0 else "parent")
if child == 0:
    os._exit(0 if done else 1)
print(done, os.waitpid(child, 0)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, TABLE, tables, key],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout.strip(), done.returncode) == ("True 0", 0), done.stderr
