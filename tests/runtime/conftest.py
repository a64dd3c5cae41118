"""Fixtures: tables on DynamoDB Local, and environments that are stopped at the end."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, ExecutionEnvironment
from .ledger import Ledger, create_tables


@pytest.fixture
def environment_of(tmp_path):
    """Return a function that makes an execution environment for a handler, without any AWS service."""
    made: list[ExecutionEnvironment] = []

    def make(handler: str, **variables: str) -> ExecutionEnvironment:
        made.append(ExecutionEnvironment(handler, log=tmp_path / f"{len(made)}.log", variables=variables))
        return made[-1]

    yield make
    for environment in made:
        environment.stop()


@pytest.fixture
def environments_of(environment_of, dynamodb_local):
    """Return a function that makes two execution environments for a handler, with DynamoDB."""
    return lambda handler: [environment_of(handler, AWS_ENDPOINT_URL_DYNAMODB=dynamodb_local) for _ in range(2)]


@pytest.fixture(scope="package")
def ledger(dynamodb_local):
    """Create the tables and return what reads them."""
    arguments: dict[str, Any] = {
        "endpoint_url": dynamodb_local,
        "region_name": REGION,
        "aws_access_key_id": ACCESS_KEY_ID,
        "aws_secret_access_key": SECRET_ACCESS_KEY,
    }
    create_tables(boto3.client("dynamodb", **arguments))
    return Ledger(boto3.resource("dynamodb", **arguments))
