"""A sample of the proof over DynamoDB itself: what holds in memory holds where it counts."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from resilient_lambda import DynamoDBStore
from tests.engines.dynamodb_local import ENVIRONMENT

from .handlers import LEDGER, make, policy
from .playing import play
from .schedule import SOURCES, schedule
from .stage import Stage

SEEDS = range(10)
TABLE = "proof"


@pytest.fixture(scope="module", autouse=True)
def credentials():
    """Credentials and a region that the engine takes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def client(dynamodb_local, credentials):
    """A client of DynamoDB Local with the library's table and a ledger of rows."""
    client = boto3.client("dynamodb", endpoint_url=dynamodb_local, config=Config(read_timeout=60))
    there = client.list_tables()["TableNames"]  # if this process has left the module and come back to it
    for name, keys in ((TABLE, ("id",)), (LEDGER, ("id", "run"))):
        if name in there:
            continue
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )
    return client


@pytest.fixture(scope="module")
def store(dynamodb_local, client):
    """The library's store."""
    return DynamoDBStore(TABLE, endpoint_url=dynamodb_local)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_transaction_takes_effect_exactly_once_in_dynamodb(source, seed, store, client):
    """The schedules of the proof, with each claim, completion and transaction made by DynamoDB Local."""

    def rows_of(name):
        found = client.query(
            TableName=LEDGER,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": name}},
            ConsistentRead=True,
        )
        return [{"key": row["key"]["S"], "run": row["run"]["S"]} for row in found["Items"]]

    def prepare(drawn, delivery):
        handler = make(drawn.options, [policy(drawn.options, delivery.store(store), namespace=drawn.name)])
        return Stage(drawn, delivery, handler, ledger=lambda: rows_of(drawn.name), prefix=drawn.name)

    verdict = play(schedule(source, seed), prepare=prepare)

    assert not verdict.violations, verdict.report()
    assert verdict.counts["events"]
