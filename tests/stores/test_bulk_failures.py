"""Bulk writes of which some fail: each failure is that entry's, nothing is lost, and the text says what to do."""

from __future__ import annotations

import contextlib
import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import boto3
import pytest

from resilient_lambda.errors import ItemTooLargeError, StoreError, StoreUnavailableError
from resilient_lambda.stores import ABSENT, STORED, Conflict, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import QUICK, RETRYING, TABLE
from .statements import Client, failing
from .test_bulk import inserts, item, updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("tables")

THROTTLED = [
    "TransactionConflict",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "InternalServerError",
]


@pytest.fixture
def proxy(tables: str) -> Iterator[FlakyProxy]:
    """A proxy in front of DynamoDB Local."""
    with FlakyProxy(tables) as proxy:
        yield proxy


@pytest.mark.parametrize("code", THROTTLED)
def test_statement_that_is_throttled_is_unavailable_alone(local_client: Any, key: str, code: str) -> None:
    """The others of its request are stored; the entry may be written again, whatever became of it."""
    store = DynamoDBStore(TABLE, client=Client(local_client, failing(code, 3, 17)))
    results = store.put_many_if(inserts(key, 50))

    assert [type(results[number]) for number in (3, 17, 28, 42)] == [StoreUnavailableError] * 4
    assert [result for result in results if result is STORED] == [STORED] * 46
    assert TABLE in str(results[3])
    assert DynamoDBStore(TABLE, client=local_client).put_many_if(inserts(key, 50)) == [STORED] * 50


@pytest.mark.parametrize(
    ("code", "message", "kind", "text"),
    [
        ("ValidationError", "Item size has exceeded the maximum allowed size", ItemTooLargeError, "400 KB"),
        ("ItemCollectionSizeLimitExceeded", "...", StoreError, "ItemCollectionSizeLimitExceeded"),
        ("ResourceNotFound", "...", StoreError, "table create"),
    ],
)
def test_statement_that_is_refused_for_good_says_why(
    local_client: Any, key: str, code: str, message: str, kind: type[StoreError], text: str
) -> None:
    """No retry helps; DynamoDB's own words are in the cause."""
    store = DynamoDBStore(TABLE, client=Client(local_client, failing(code, 1, message=message)))
    stored, refused, _ = store.put_many_if(inserts(key, 3))

    assert stored is STORED
    assert type(refused) is kind
    assert text in str(refused)
    assert message in str(refused.__cause__)


def test_statement_that_dynamodb_does_not_understand_is_done_as_a_put(local_client: Any, key: str) -> None:
    """PutItem takes it, or says best what is wrong with it."""
    client = Client(local_client, failing("ValidationError", 0, message="unexpected path component"))
    results = DynamoDBStore(TABLE, client=client).put_many_if(inserts(key, 3))

    assert results == [STORED] * 3
    assert client.calls == ["batch_execute_statement", "put_item"]


def test_key_that_dynamodb_does_not_take_fails_alone(local_store: DynamoDBStore, key: str) -> None:
    """Empty, too long, or no text at all."""
    bad = [Write(name, item(), ABSENT) for name in ("", "k" * 2049, "\ud800")]
    results = local_store.put_many_if([*bad, *inserts(key, 10)])

    assert [type(result) for result in results[:3]] == [StoreError] * 3
    assert results[3:] == [STORED] * 10


def test_value_that_cannot_be_kept_fails_alone(local_store: DynamoDBStore, key: str) -> None:
    """It is refused before it is sent, the others are sent."""
    first, *others = inserts(key, 30)
    refused, *results = local_store.put_many_if([first._replace(item={**item(), "odd": float("nan")}), *others])

    assert type(refused) is StoreError
    assert "'odd'" in str(refused)
    assert results == [STORED] * 29


def test_statement_without_an_answer_is_unavailable(local_client: Any, key: str) -> None:
    """An answer that is too short is no success."""
    store = DynamoDBStore(TABLE, client=Client(local_client, lambda number, entry: entry if number < 20 else None))
    results = store.put_many_if(inserts(key, 25))

    assert results[:20] == [STORED] * 20
    assert [type(result) for result in results[20:]] == [StoreUnavailableError] * 5


def test_item_that_comes_with_the_refusal_is_not_read_again(local_client: Any, key: str) -> None:
    """DynamoDB itself sends it, though DynamoDB Local does not."""
    theirs = {"id": {"S": "any"}, "version": {"S": "b.1"}, "data": {"B": b"\x01"}}
    refusal = {"Error": {"Code": "ConditionalCheckFailed", "Message": "...", "Item": theirs}}
    client = Client(local_client, lambda number, entry: refusal)
    results = DynamoDBStore(TABLE, client=client).put_many_if(updates(key, 3))

    assert results == [Conflict({"version": "b.1", "data": b"\x01"})] * 3
    assert client.calls == ["batch_execute_statement"]


def test_refused_entries_whose_items_cannot_be_read_are_unavailable(proxy: FlakyProxy, key: str) -> None:
    """Nobody knows whose item it is; the entries that were stored are not touched by that."""
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
    store.put_many_if(inserts(key, 5))
    proxy.fail(Fault.THROTTLING, operation="BatchGetItem")
    results = store.put_many_if(inserts(key, 8))

    assert [type(result) for result in results[:5]] == [StoreUnavailableError] * 5
    assert results[5:] == [STORED] * 3


@pytest.mark.parametrize("fault", [Fault.THROTTLING, Fault.THROUGHPUT, Fault.SERVER_ERROR, Fault.CLOSE])
def test_request_that_fails_is_the_failure_of_its_own_entries(proxy: FlakyProxy, key: str, fault: Fault) -> None:
    """Twenty-five of a hundred are unavailable; the other three requests are done."""
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
    proxy.fail(fault, operation="BatchExecuteStatement")
    results = store.put_many_if(inserts(key, 100))
    failed = [number for number, result in enumerate(results) if type(result) is StoreUnavailableError]

    assert failed in ([*range(start, start + 25)] for start in (0, 25, 50, 75))
    assert [result for result in results if result is STORED] == [STORED] * 75
    assert store.put_many_if(inserts(key, 100)) == [STORED] * 100


def test_request_that_is_too_large_together_is_split(local_store: DynamoDBStore, key: str) -> None:
    """Twenty-five items of 390 KB are more than one request may hold comfortably."""
    large = {"version": "a.1", "status": "x", "data": b"x" * 390_000}
    results = local_store.put_many_if([Write(f"{key}-{number}", large, ABSENT) for number in range(25)])

    assert results == [STORED] * 25


def deny_request(proxy: FlakyProxy, client: Any) -> Any:
    """Deny a whole request, as IAM does."""
    proxy.fail(Fault.ACCESS_DENIED, operation="BatchExecuteStatement", times=100)
    return boto3.client("dynamodb", endpoint_url=proxy.endpoint_url, config=QUICK)


def deny_statements(proxy: FlakyProxy, client: Any) -> Any:
    """Deny statement by statement, which leaves the request a success."""

    class Denied(Client):
        def batch_execute_statement(self, Statements: list[Any]) -> dict[str, Any]:
            return {"Responses": [{"Error": {"Code": "AccessDenied", "Message": "..."}} for _ in Statements]}

    return Denied(client, failing("AccessDenied"))


@pytest.mark.parametrize("deny", [deny_request, deny_statements])
@pytest.mark.parametrize("bulk", ["auto", "partiql"])
def test_denied_statements_are_given_up_with_one_warning(
    proxy: FlakyProxy,
    local_client: Any,
    key: str,
    deny: Callable[[FlakyProxy, Any], Any],
    bulk: Literal["auto", "partiql"],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All is written at once by single requests, and so is the next bulk write; the warning names what is missing."""
    store = DynamoDBStore(TABLE, client=deny(proxy, local_client), bulk=bulk)
    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        first = store.put_many_if(inserts(key, 60))
        proxy.calls.clear()
        second = store.put_many_if(updates(key, 60))

    assert first == second == [STORED] * 60
    assert "BatchExecuteStatement" not in proxy.calls
    assert len(caplog.records) == 1
    for words in (f"'{TABLE}'", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "table iam"):
        assert words in caplog.text


def test_statements_and_puts_both_denied_fail_entry_by_entry(proxy: FlakyProxy, key: str) -> None:
    """The entries say which action the single write lacks."""
    store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
    proxy.fail(Fault.ACCESS_DENIED, times=100)
    results = store.put_many_if(inserts(key, 5))

    assert [type(result) for result in results] == [StoreError] * 5
    assert "dynamodb:PutItem" in str(results[0])


def test_client_with_retries_hides_a_lost_request(proxy: FlakyProxy, key: str) -> None:
    """A client that was passed in repeats the real request, not what stood for it."""
    client: Any = boto3.client("dynamodb", endpoint_url=proxy.endpoint_url, config=RETRYING)
    proxy.fail(Fault.SERVER_ERROR, operation="BatchExecuteStatement", times=2)

    assert DynamoDBStore(TABLE, client=client).put_many_if(inserts(key, 50)) == [STORED] * 50
    assert proxy.calls == ["BatchExecuteStatement"] * 4


@contextlib.contextmanager
def answering(status: int, page: bytes, operations: list[str]) -> Iterator[str]:
    """Serve a DynamoDB that takes every PutItem and answers *page* to all else; yield its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            operations.append(self.headers["X-Amz-Target"].rpartition(".")[2])
            knows = operations[-1] == "PutItem"
            self.send_response(200 if knows else status)
            self.send_header("Content-Type", "application/x-amz-json-1.0" if knows else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(b"{}" if knows else page)))
            self.end_headers()
            self.wfile.write(b"{}" if knows else page)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_server_that_knows_no_statements_is_written_to_singly(key: str, caplog: pytest.LogCaptureFixture) -> None:
    """moto's server answers a page of HTML: no outage, and nothing that the user must do."""
    operations: list[str] = []
    with answering(500, b"<!doctype html><title>500 Internal Server Error</title>", operations) as endpoint_url:
        store = DynamoDBStore(TABLE, endpoint_url=endpoint_url)
        results = store.put_many_if(inserts(key, 5)) + store.put_many_if(inserts(key, 5))

    assert results == [STORED] * 10
    assert operations == ["BatchExecuteStatement"] + ["PutItem"] * 10
    assert caplog.records == []


@pytest.mark.parametrize(("status", "page"), [(200, b"<p>Sign in"), (200, b'{"Resp'), (502, b"<p>Bad"), (503, b"")])
def test_answer_that_is_not_dynamodbs_is_unavailable(key: str, status: int, page: bytes) -> None:
    """A proxy in between says something: an outage, for writes and reads; the next write tries statements again."""
    operations: list[str] = []
    with answering(status, page, operations) as endpoint_url:
        store = DynamoDBStore(TABLE, endpoint_url=endpoint_url)
        results = store.put_many_if(inserts(key, 5)) + store.put_many_if(inserts(key, 5))
        with pytest.raises(StoreUnavailableError):
            store.get([key, f"{key}-2"])

    assert [type(result) for result in results] == [StoreUnavailableError] * 10
    assert operations == ["BatchExecuteStatement", "BatchExecuteStatement", "BatchGetItem"]
