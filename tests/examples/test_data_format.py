"""docs/data-format.md describes the items that are written, all of them, and nothing else."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from resilient_lambda import (
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    batch_handler,
    current_claim,
    resilient_handler,
    timeout_reinvoker,
)
from resilient_lambda.testing import destination_record, lambda_context, sqs_event, sqs_record

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data-format.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([SNB](?: or [SNB])*) \|", PAGE, re.MULTILINE))
KILOBYTE = 1_024  # of one write unit


class Observed:
    """A DynamoDB client that keeps every item that is written."""

    def __init__(self, client) -> None:
        self._client = client
        self.items: list[dict] = []
        self.requests: list[str] = []

    def __getattr__(self, name):
        call = getattr(self._client, name)
        if not callable(call):
            return call

        def observed(**request):
            self.requests.append(name)
            if "Item" in request:
                self.items.append(request["Item"])
            return call(**request)

        return observed


@pytest.fixture
def table():
    """A table, and all that is written to it."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield Observed(client)


@pytest.fixture
def function(table):
    """A Lambda function that does with an order as it says, over that table."""
    idempotency = Idempotency(
        DynamoDBStore("t", client=table), key="order_id", fingerprint=True, remember_failures_s=60, local_cache=0
    )

    @batch_handler(policies=[idempotency], dead_letter=DeadLetter(lambda record, error: "parked-1"))
    def handler(order: dict):
        if order.get("fails"):
            raise NonRetryableError("no")
        if order.get("comes_back"):
            raise ValueError("not now")
        if order.get("is_slow"):
            current_claim().ensure_owned(for_s=60)

    return handler


@pytest.fixture
def every_item(table, function):
    """Every item that a batch and a single event leave behind, whatever happens to them."""
    orders = [{"order_id": "a"}, {"order_id": "b", "fails": 1}, {"order_id": "c", "comes_back": 1}]
    function(sqs_event([*orders, {"order_id": "d", "is_slow": 1}]), lambda_context())
    for result in ({"total": 5}, "x" * 400_000):
        policy = Idempotency(DynamoDBStore("t", client=table), key="job_id")
        resilient_handler(policies=[policy])(lambda event, result=result: result)(
            {"job_id": f"j-{len(str(result))}"}, lambda_context()
        )
    # A crash: the claim is left in progress, and the next delivery takes it over.
    crashed = next(item for item in table.items if item["status"] == {"S": "IN_PROGRESS"})
    table.put_item(
        TableName="t",
        Item={**crashed, "lease_until_s": {"N": "1.5"}, "lapses": {"N": "1"}, "fingerprint": {"S": "x"}},
    )
    function(sqs_event([sqs_record({"order_id": "a"}, receives=2)]), lambda_context())
    reinvoke(table)
    return table.items


def reinvoke(table):
    """Leave behind what a worker that is invoked again does, and its re-invoker for a payload that is no object."""
    worker = resilient_handler(policies=[Idempotency(DynamoDBStore("t", client=table), key="job_id")])(
        lambda event: "done"
    )
    mark = {"v": 1, "attempt": 2, "root": "r-1", "first_failed_at": None}
    worker({"job_id": "again", "__resilient_lambda__": mark}, lambda_context())
    client = boto3.client("lambda", region_name="us-east-1")
    with Stubber(client) as stub:
        accepted = {"StatusCode": 202, "Payload": BytesIO(), "ResponseMetadata": {"RequestId": "r-2"}}
        stub.add_response("invoke", accepted)
        reinvoker = timeout_reinvoker(
            functions=["worker"],
            dead_letter=DeadLetter(lambda record, error: "parked"),
            store=DynamoDBStore("t", client=table),
            client=client,
        )
        assert reinvoker(sqs_event([destination_record(["no object"])]), lambda_context("reinvoker")) == {
            "batchItemFailures": []
        }


def test_every_attribute_is_documented(every_item):
    """What is written has a row in the table of the page."""
    assert {name for item in every_item for name in item} - set(ROWS) == set()


def test_every_row_is_written(every_item):
    """The table of the page has no attribute that nothing writes."""
    assert set(ROWS) - {name for item in every_item for name in item} == set()


def test_types_are_those_of_the_page(every_item):
    """Each attribute has the type, or one of the types, that the page gives."""
    found = {name: {kind for item in every_item if name in item for kind in item[name]} for name in ROWS}

    assert found == {name: set(types.split(" or ")) for name, types in ROWS.items()}


def test_every_status_is_documented(every_item):
    """All of them occur, and the page names them."""
    statuses = {item["status"]["S"] for item in every_item}

    assert statuses == {"IN_PROGRESS", "COMPLETED", "RELEASED", "FAILED", "ARRIVED", "COUNTED"}
    assert {status for status in statuses if f"`{status}`" not in PAGE} == set()


def test_the_format_is_the_one_of_the_page(every_item):
    """The page speaks of the format that is written."""
    assert {item["format"]["N"] for item in every_item} == set(re.findall(r"\*\*format (\d+)\*\*", PAGE))


def test_nothing_of_the_payload_is_written(table, function):
    """Bodies, keys and texts of errors stay out of the table."""
    function(sqs_event([{"order_id": "secret-1", "card": "secret-2", "comes_back": 1}]), lambda_context())

    assert table.items
    assert "secret" not in repr(table.items)


def test_a_record_takes_one_write_unit_a_write(table, function):
    """Items without a result stay below the kilobyte of one write unit, with the longest names that Lambda has."""
    function(sqs_event([{"order_id": "a"}, {"order_id": "b", "comes_back": 1}]), lambda_context("f" * 64))

    assert table.items
    assert {size(item) < KILOBYTE / 2 for item in table.items} == {True}


@pytest.mark.parametrize(
    ("receives", "requests"),
    [(1, ["put_item"]), (2, ["get_item"])],
    ids=["as a new message", "as a redelivery"],
)
def test_a_duplicate_costs_one_request(table, function, receives, requests):
    """A new message meets the item by its refused write, a redelivery reads first."""
    function(sqs_event([{"order_id": "a"}]), lambda_context())
    table.requests.clear()
    function(sqs_event([{"order_id": "a"}], receives=receives), lambda_context())

    assert table.requests == requests


def test_a_fresh_record_costs_two_requests(table, function):
    """Claim and completion, one write each."""
    function(sqs_event([{"order_id": "a"}]), lambda_context())

    assert table.requests == ["put_item", "put_item"]


def size(item: dict) -> int:
    """Return an upper bound of an item's size, as DynamoDB counts: names and values; numbers as their digits."""
    return sum(len(name) + len(str(value)) for name, typed in item.items() for value in typed.values())
