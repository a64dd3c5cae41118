"""A real engine for tests whose code runs in another interpreter."""

from __future__ import annotations

from typing import Any, NamedTuple

import boto3
import pytest

from tests.engines.dynamodb_local import ENVIRONMENT


class Table(NamedTuple):
    """A table that is there, and where."""

    endpoint_url: str
    name: str


@pytest.fixture(scope="session")
def table(dynamodb_local: str) -> Table:
    """A table with the library's default key on DynamoDB Local."""
    created = Table(dynamodb_local, "package-tests")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        client: Any = boto3.client("dynamodb", endpoint_url=created.endpoint_url)
        client.create_table(
            TableName=created.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        client.close()
    return created
