"""One table of DynamoDB Local for both libraries."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from resilient_lambda.stores import DynamoDBStore
from resilient_lambda.testing import fake_io
from tests.engines.dynamodb_local import ENVIRONMENT
from tests.powertools.fleet import Fleet
from tests.stores.conftest import create_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resilient_lambda.testing import FakeIo

TABLE = "idempotency"
SORTED_TABLE = "idempotency-sorted"


@pytest.fixture(autouse=True, scope="package")
def credentials() -> Iterator[None]:
    """Credentials and a region that DynamoDB Local takes; nothing of the developer's own is used."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_NAME"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="package")
def client(dynamodb_local: str, credentials: None) -> Any:
    """A boto3 client of DynamoDB Local, which Powertools uses too; the tables are there."""
    patient = Config(read_timeout=60, retries={"total_max_attempts": 1})
    found = boto3.client("dynamodb", endpoint_url=dynamodb_local, config=patient)
    if TABLE not in found.list_tables()["TableNames"]:  # it is if this process has left the package and come back
        create_table(found, TABLE, "id")
        create_table(found, SORTED_TABLE, "id", "sort")
    return found


@pytest.fixture
def io(request: pytest.FixtureRequest) -> Iterator[FakeIo]:
    """
    The clock of our environments, which a test moves against the real one that Powertools reads.

    A parameter is by how much it begins off, in seconds: with -100, what Powertools sees of ours is 100 s old.
    """
    with fake_io(start_s=time.time() + getattr(request, "param", 0.0)) as found:
        yield found


@pytest.fixture
def key() -> str:
    """An order id that no other test uses."""
    return f"order-{os.urandom(8).hex()}"


@pytest.fixture
def fleet(client: Any, io: FakeIo, dynamodb_local: str, key: str) -> Fleet:
    """Environments of both libraries on one table."""
    return Fleet(client, DynamoDBStore(TABLE, endpoint_url=dynamodb_local), io, table=TABLE, key=key)
