"""The client: shared, bounded, ready after warming, safe to fork, and nobody's but the user's if one is passed in."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from resilient_lambda.errors import ConfigurationError
from resilient_lambda.stores import ABSENT, STORED, Conflict, MemoryStore, dynamodb
from resilient_lambda.stores._aws_client import shared_client
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.flaky_proxy import FlakyProxy

from .conftest import QUICK, RETRYING, TABLE

if TYPE_CHECKING:
    from resilient_lambda.stores import Store

ROOT = Path(__file__).resolve().parents[2]
ITEM = {"version": "a.1"}


def run(code: str, *arguments: str) -> str:
    """Run *code* in a fresh interpreter in the project's root and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_constructing_a_store_imports_no_sdk() -> None:
    """A module with a store at its top is imported without boto3's cost."""
    code = (
        "import sys; from resilient_lambda.stores import DynamoDBStore; DynamoDBStore('t', region='eu-west-1');"
        "print([m for m in ('boto3', 'botocore', 'urllib3', 'json') if m in sys.modules])"
    )

    assert run(code) == "[]"


def test_first_write_after_warming_imports_nothing(tables: str, key: str) -> None:
    """All imports happen in INIT, where Lambda gives full CPU."""
    code = """
import sys
from resilient_lambda.stores import ABSENT, AsRead, DynamoDBStore, Write
store = DynamoDBStore(sys.argv[1], endpoint_url=sys.argv[2])
store.warm()
before = set(sys.modules)
many = [Write(f"{sys.argv[3]}-{n}", {"version": "a.1", "data": b"x"}, ABSENT) for n in range(60)]
store.put_many_if(many)
store.put_many_if([write._replace(item={"version": "b.1", "data": b"x"}) for write in many])
store.put_many_if([write._replace(expected=AsRead((("version", "a.1"),)), may_hold=("version",)) for write in many])
result = store.put_if(sys.argv[3], {"version": "a.1", "data": b"x", "n": 1.5}, ABSENT)
conflict = store.put_if(sys.argv[3], {"version": "a.2"}, ABSENT)
found = store.get([sys.argv[3], "other"])
print(type(result).__name__, type(conflict).__name__, len(found), sorted(set(sys.modules) - before))
"""

    assert run(code, TABLE, tables, key) == "Stored Conflict 1 []"


def test_warming_sends_nothing(tables: str) -> None:
    """The rehearsal of a call ends before the network."""
    with FlakyProxy(tables) as proxy:
        DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url).warm()

        assert proxy.peers == []


def test_calls_of_other_threads_are_sent_while_a_store_is_warmed(tables: str, key: str) -> None:
    """The rehearsal answers its own call only."""
    store = DynamoDBStore(TABLE, endpoint_url=tables)
    store.put_if(key, ITEM, ABSENT)
    stop = threading.Event()

    def warm_again_and_again() -> None:
        while not stop.is_set():
            store.warm()

    warmer = threading.Thread(target=warm_again_and_again)
    warmer.start()
    refused = [store.put_if(key, {"version": "b.1"}, ABSENT) for _ in range(50)]
    stop.set()
    warmer.join()

    assert refused == [Conflict(ITEM)] * 50


def test_client_is_one_per_region_and_endpoint_however_many_ask() -> None:
    """Sixteen threads that ask at once get the same one; another region has another."""
    found: list[object] = []
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        found.append(shared_client("dynamodb", region="us-west-2"))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 16
    assert len(set(map(id, found))) == 1
    assert shared_client("dynamodb", region="us-west-1") is not found[0]
    assert shared_client("dynamodb") is shared_client("dynamodb", region="eu-west-1")
    assert shared_client("dynamodb", endpoint_url="http://127.0.0.1:1") is not shared_client("dynamodb")


def test_clients_of_other_services_come_from_the_same_place() -> None:
    """The second service is found although only the first was known when the session was made."""
    shared_client("dynamodb")

    assert shared_client("sqs").meta.service_model.service_name == "sqs"


def test_own_client_has_the_bounds_of_the_design() -> None:
    """Connect 1 s, read 2 s, one try (protocols.md C1)."""
    config = shared_client("dynamodb").meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries["total_max_attempts"] == 1
    assert config.max_pool_connections >= 32


def test_forked_process_opens_a_connection_of_its_own(tables: str, key: str) -> None:
    """Two processes that write into one connection would read each other's answers."""
    code = """
import os, sys
from resilient_lambda.stores import DynamoDBStore
store = DynamoDBStore(sys.argv[1], endpoint_url=sys.argv[2])
store.get(["parent"])
child = os.fork()
store.get(["either"])
if child:
    os.waitpid(child, 0)
    store.get(["parent"])
"""
    with FlakyProxy(tables) as proxy:
        run(code, TABLE, proxy.endpoint_url)

        assert len(proxy.calls) == 4
        assert sorted(proxy.peers.count(peer) for peer in set(proxy.peers)) == [1, 3]


@pytest.mark.parametrize(
    "config",
    [Config(), RETRYING, Config(connect_timeout=1, read_timeout=60, retries={"total_max_attempts": 1})],
    ids=["defaults", "retries", "slow"],
)
def test_client_with_longer_bounds_is_warned_of_once(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    """It may outlive the invocation; the warning says what to give it."""
    client: Any = boto3.client("dynamodb", config=config)
    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        DynamoDBStore(TABLE, client=client).warm()

    assert len(caplog.records) == 1
    assert "read_timeout=2" in caplog.text


def test_client_with_short_bounds_is_taken_silently(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing to say."""
    client: Any = boto3.client("dynamodb", config=QUICK)
    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        DynamoDBStore(TABLE, client=client)

    assert caplog.records == []


def test_what_is_no_client_is_refused_at_construction() -> None:
    """The resource's Table has methods of the same names that take other values."""
    table: Any = boto3.resource("dynamodb").Table(TABLE)

    with pytest.raises(ConfigurationError, match=r"boto3\.client"):
        DynamoDBStore(TABLE, client=table)


@pytest.mark.parametrize("option", [{"region": "eu-west-1"}, {"endpoint_url": "http://127.0.0.1:1"}])
def test_client_and_what_would_build_one_are_not_both_taken(option: dict[str, str]) -> None:
    """One of them would be ignored silently."""
    client: Any = boto3.client("dynamodb", config=QUICK)

    with pytest.raises(ConfigurationError, match="client="):
        DynamoDBStore(TABLE, client=client, **option)


def test_every_call_can_be_redirected_to_another_store(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook of ``testing.in_memory``: asked with the table's name at each call, and no client is needed."""
    memory: dict[str, Store] = {}
    store = DynamoDBStore("orders", endpoint_url="http://127.0.0.1:1")
    monkeypatch.setattr(dynamodb, "redirect", lambda table: memory.setdefault(table, MemoryStore()))
    store.warm()

    assert store.put_if(key, ITEM, ABSENT) is STORED
    assert store.put_many_if([]) == []
    assert memory["orders"].get([key]) == store.get([key]) == {key: ITEM}
    assert store.delete_if(key, ABSENT).__class__.__name__ == "Conflict"
    assert store.add(f"{key}-2", {"calls": 1}, expires_at_s=1) == {"calls": 1}
    assert DynamoDBStore().get([key]) == {}
    assert set(memory) == {"orders", ""}


def test_table_name_and_nothing_else_is_shown() -> None:
    """repr is for logs."""
    assert repr(DynamoDBStore("orders")) == "DynamoDBStore('orders')"
