"""Stores of every kind, on tables of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from resilient_lambda.stores.dynamodb import DynamoDBStore
from resilient_lambda.stores.memory import MemoryStore
from tests.engines.dynamodb_local import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resilient_lambda.stores.base import Store

TABLE = "resilience"
SORTED_TABLE = "resilience-sorted"
SORTED_OPTIONS: dict[str, Any] = {
    "key_attribute": "pk",
    "sort_key_attribute": "sk",
    "attributes": {"status": "st", "expires_at_s": "ttl"},
}
QUICK = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
RETRYING = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})


@pytest.fixture(autouse=True, scope="package")
def credentials() -> Iterator[None]:
    """Credentials and a region that every local engine takes; nothing of the developer's own is used."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "RESILIENT_LAMBDA_TABLE"):
            patch.delenv(name, raising=False)
        yield


def create_table(client: Any, name: str, *keys: str) -> None:
    """Create a table with the string *keys*: a partition key and perhaps a sort key."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
    )


@pytest.fixture(scope="package")
def local_client(dynamodb_local: str, credentials: None) -> Any:
    """A boto3 client of DynamoDB Local, for what the store itself does not do."""
    patient = Config(read_timeout=60, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", endpoint_url=dynamodb_local, config=patient)


@pytest.fixture(scope="package")
def tables(dynamodb_local: str, local_client: Any) -> str:
    """The endpoint of DynamoDB Local with both tables."""
    there = local_client.list_tables()["TableNames"]  # if this process has left the package and come back to it
    if TABLE not in there:
        create_table(local_client, TABLE, "id")
    if SORTED_TABLE not in there:
        create_table(local_client, SORTED_TABLE, "pk", "sk")
    return dynamodb_local


@pytest.fixture(params=["memory", "moto", "local", "local-single", "local-sort-key"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store that must keep the contract."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "moto":
        with mock_aws():
            client = boto3.client("dynamodb", config=QUICK)
            create_table(client, TABLE, "id")
            yield DynamoDBStore(TABLE, client=client)
    elif request.param == "local":
        yield DynamoDBStore(TABLE, endpoint_url=request.getfixturevalue("tables"))
    elif request.param == "local-single":
        yield DynamoDBStore(TABLE, endpoint_url=request.getfixturevalue("tables"), bulk="single")
    else:
        yield DynamoDBStore(SORTED_TABLE, endpoint_url=request.getfixturevalue("tables"), **SORTED_OPTIONS)


@pytest.fixture
def local_store(tables: str) -> DynamoDBStore:
    """A store on DynamoDB Local."""
    return DynamoDBStore(TABLE, endpoint_url=tables)


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"key#{os.urandom(8).hex()}"
