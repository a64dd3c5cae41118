"""
The functions under test: they charge orders. Every order says in its body what shall go wrong with it.

Tables: ``orders-ledger`` (one item per charge), ``orders-runs`` (when every run of an order began and ended) and
``orders-parked`` (dead letters). `charge_once` has an idempotency key, and its effect is a conditional write under that
key. `charge_plainly` has neither, so that a delivery too many shows in the ledger.
"""

from __future__ import annotations

import contextlib
import os
import time

import boto3
from botocore.config import Config

from resilient_lambda import (
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    Record,
    RetryableError,
    batch_handler,
    current_claim,
)

dynamodb = boto3.client("dynamodb", config=Config(parameter_validation=False))
store = DynamoDBStore("orders-claims")


def park(record, error):
    """Set the order aside with the reason."""
    dynamodb.put_item(
        TableName="orders-parked",
        Item={"order_id": {"S": record.json()["order_id"]}, "reason": {"S": str(error)}},
    )


def began(order_id, context):
    """Note in the ledger of runs that a run begins; return its number, counted from 1."""
    stamp = {"at_s": {"N": repr(time.time())}, "request_id": {"S": context.aws_request_id}}
    answer = dynamodb.update_item(
        TableName="orders-runs",
        Key={"order_id": {"S": order_id}},
        UpdateExpression="SET began = list_append(if_not_exists(began, :none), :stamp)",
        ExpressionAttributeValues={":none": {"L": []}, ":stamp": {"L": [{"M": stamp}]}},
        ReturnValues="UPDATED_NEW",
    )
    return len(answer["Attributes"]["began"]["L"])


def ended(order_id, run, *, is_success):
    """Note that the run with this number ended by itself, and how."""
    stamp = {"at_s": {"N": repr(time.time())}, "run": {"N": str(run)}, "is_success": {"BOOL": is_success}}
    dynamodb.update_item(
        TableName="orders-runs",
        Key={"order_id": {"S": order_id}},
        UpdateExpression="SET ended = list_append(if_not_exists(ended, :none), :stamp)",
        ExpressionAttributeValues={":none": {"L": []}, ":stamp": {"L": [{"M": stamp}]}},
    )


def process(order, context, charge):
    """Do one run of *order*: fail as it says, or charge it."""
    run = began(order["order_id"], context)
    is_success = False
    try:
        if run <= order.get("hangs", 0):
            time.sleep(60)
        if run <= order.get("exits", 0):
            os._exit(3)
        if run <= order.get("throttles", 0):
            raise RetryableError("the payment provider asks to slow down")
        if order["total"] <= 0:
            raise NonRetryableError("total must be positive")
        time.sleep(0.003)
        charge(order)
        is_success = True
    finally:
        ended(order["order_id"], run, is_success=is_success)


def charge_under_the_claim(order):
    """Charge *order* unless its idempotency key is in the ledger already."""
    # An earlier run may have charged it and died before it could say so.
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName="orders-ledger",
            Item={
                "entry": {"S": current_claim().key},
                "order_id": {"S": order["order_id"]},
                "charges": {"N": "1"},
            },
            ConditionExpression="attribute_not_exists(entry)",
        )


def charge_blindly(order):
    """Charge *order* once more."""
    dynamodb.update_item(
        TableName="orders-ledger",
        Key={"entry": {"S": order["order_id"]}},
        UpdateExpression="SET order_id = :order_id ADD charges :one",
        ExpressionAttributeValues={":order_id": {"S": order["order_id"]}, ":one": {"N": "1"}},
    )


@batch_handler(
    # The rule of the lease is the library's default; only its seconds are small, so that a lapse is a moment.
    policies=[Idempotency(store, key="order_id", lease_s=0.6, skew_s=0.05)],
    dead_letter=DeadLetter(park),
)
def charge_once(record: Record, context) -> None:
    """Charge an order exactly once, whatever happens."""
    process(record.json(), context, charge_under_the_claim)


@batch_handler(dead_letter=DeadLetter(park))
def charge_plainly(record: Record, context) -> None:
    """Charge an order as often as it is delivered."""
    process(record.json(), context, charge_blindly)
