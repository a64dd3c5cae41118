"""What the tests of transactions share: a store, and a table of a user's beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config

from resilient_lambda.stores import ABSENT, AsRead, MemoryStore, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore

from .conftest import create_table

if TYPE_CHECKING:
    from resilient_lambda.stores.base import TransactionalStore

LEDGER = "ledger"
PATIENT = Config(read_timeout=60, retries={"total_max_attempts": 1})

CLAIMED = {"version": "a.1", "status": "in_progress"}
DONE = {"version": "a.2", "status": "completed", "result": "9"}
THEIRS = {"version": "b.1", "status": "in_progress"}
AS_CLAIMED = AsRead((("version", "a.1"), ("status", "in_progress")))


def completion(key: str) -> Write:
    """Return the write that completes the claim under *key*."""
    return Write(key, DONE, AS_CLAIMED)


def token() -> str:
    """Return a token that no other transaction has."""
    return os.urandom(16).hex()


class Shop(NamedTuple):
    """
    A store, and how to look into the ledger that the user keeps beside it.

    Attributes:
        client: A client of the same engine; None in memory.
    """

    store: TransactionalStore
    client: Any

    def claim(self, key: str) -> None:
        """Put the claim that `completion` completes."""
        self.store.put_if(key, CLAIMED, ABSENT)

    def row(self, name: str) -> dict[str, Any] | None:
        """Return the ledger's row under *name*, as DynamoDB writes it."""
        if self.client is None:
            return next((written(row) for row in self.rows() if row["id"] == name), None)
        found: dict[str, Any] | None = self.client.get_item(
            TableName=LEDGER, Key={"id": {"S": name}}, ConsistentRead=True
        ).get("Item")
        return found

    def rows(self) -> list[Any]:
        """Return what was put into the ledger, in memory."""
        assert isinstance(self.store, MemoryStore)
        return [item["Put"]["Item"] for item in self.store.committed if "Put" in item]


def written(row: dict[str, str]) -> dict[str, Any]:
    """Return a row of texts as DynamoDB writes it."""
    return {name: {"S": value} for name, value in row.items()}


def ensure_ledger(client: Any) -> None:
    """Create the ledger if it is not there."""
    if LEDGER not in client.list_tables()["TableNames"]:
        create_table(client, LEDGER, "id")


def local_shop(endpoint_url: str, table: str, **options: Any) -> Shop:
    """Return a store on DynamoDB Local with a ledger beside it."""
    client = boto3.client("dynamodb", endpoint_url=endpoint_url, config=PATIENT)
    ensure_ledger(client)
    return Shop(DynamoDBStore(table, endpoint_url=endpoint_url, **options), client)
