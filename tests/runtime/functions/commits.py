"""
The functions under test: they charge orders in the transaction that completes their keys.

Each effect is a row of ``orders-rows`` under an id of its own, so that a second one shows, and one more in its
customer's total in ``orders-totals``. Orders whose body says ``"by": "claim"`` are charged as in ``orders.py``, by a
conditional write under their key; for ``"by": "receipt"`` the effect is a line in the process' output, so quick that
their completions go in groups. `charge` and `charge_async` are the library as it
should be used; the others each lack one thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import time
import uuid

import striking
from orders import began, charge_under_the_claim, dynamodb, ended, park

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
from resilient_lambda.stores import Stored


def under_fire(handler):
    """Return an entry point that hands the strike in the event, if there is one, to `striking`."""

    @functools.wraps(handler)
    def entry(event, context):
        striking.aim(event.pop("strike", None))
        return handler(event, context)

    return entry


def idempotency(store):
    """Return the policy of all functions here."""
    # The rule of the lease is the library's default; only its seconds are small, so that a lapse is a moment.
    return Idempotency(store, key="order_id", lease_s=0.6, skew_s=0.05)


@contextlib.contextmanager
def noted(order, context):
    """Note a run of *order* in the ledger of runs, and give its number."""
    run = began(order["order_id"], context)
    is_success = False
    try:
        yield run
        is_success = True
    finally:
        ended(order["order_id"], run, is_success=is_success)


def misbehave(order, run, context):
    """Do what the order's body says shall go wrong before it is charged."""
    if run <= order.get("hangs", 0):
        time.sleep(60)
    if run <= order.get("freezes", 0):
        os.kill(os.getpid(), signal.SIGSTOP)  # the test lets it go on
    if run <= order.get("throttles", 0):
        raise RetryableError("the payment provider asks to slow down")
    if order["total"] <= 0:
        raise NonRetryableError("total must be positive")
    if run <= order.get("late", 0):
        time.sleep(max(context.get_remaining_time_in_millis() - order["late_ms"], 0) / 1000)
    time.sleep(0.002)


def row_of(order, run, context):
    """Return the row of this charge: no two have the same id."""
    return {
        "row": {"S": str(uuid.uuid4())},
        "order_id": {"S": order["order_id"]},
        "run": {"N": str(run)},
        "request_id": {"S": context.aws_request_id},
        "at_s": {"N": repr(time.time())},
    }


def writes_of(order, run, context):
    """Return what is written with the completion."""
    writes = [
        {"Put": {"TableName": "orders-rows", "Item": row_of(order, run, context)}},
        {
            "Update": {
                "TableName": "orders-totals",
                "Key": {"order_id": order["customer"]},
                "UpdateExpression": "ADD charges :one",
                "ExpressionAttributeValues": {":one": 1},
            }
        },
    ]
    if order.get("is_refused"):
        writes.append(
            {
                "ConditionCheck": {
                    "TableName": "orders-totals",
                    "Key": {"order_id": "closed"},
                    "ConditionExpression": "is_open = :yes",
                    "ExpressionAttributeValues": {":yes": True},
                }
            }
        )
    return writes


def print_receipt(order, context):
    """Write one line that `charging.receipts` reads; it is out when this returns, whatever happens to the process."""
    os.write(1, f"RECEIPT {order['order_id']} {context.aws_request_id} {time.time()!r}\n".encode())


def fail_after_all(order):
    """Raise, if the body says so, although the order is charged."""
    if order.get("raises"):
        raise LookupError("no such template for the receipt")


def charging(store):
    """Return the function that charges an order in the transaction that completes its key in *store*."""

    @under_fire
    @batch_handler(policies=[idempotency(store)], dead_letter=DeadLetter(park))
    def charge_in_the_transaction(record: Record, context) -> None:
        order = record.json()
        if order["by"] == "receipt":
            return print_receipt(order, context)
        with noted(order, context) as run:
            misbehave(order, run, context)
            if order["by"] == "claim":
                charge_under_the_claim(order)
            else:
                current_claim().commit_with(writes_of(order, run, context))
                fail_after_all(order)
        return None

    return charge_in_the_transaction


store = DynamoDBStore("orders-claims")
charge = charging(store)


@under_fire
@batch_handler(policies=[idempotency(store)], dead_letter=DeadLetter(park))
async def charge_async(record: Record, context) -> None:
    """Charge an order in the transaction that completes its key, in an async handler."""
    order = record.json()
    if order["by"] == "receipt":
        return print_receipt(order, context)
    with noted(order, context) as run:
        misbehave(order, run, context)
        await asyncio.sleep(0)
        if order["by"] == "claim":
            charge_under_the_claim(order)
        else:
            await current_claim().acommit_with(writes_of(order, run, context))
            fail_after_all(order)
    return None


@under_fire
@batch_handler(dead_letter=DeadLetter(park))
def charge_without_the_library(record: Record, context) -> None:
    """Write the row in a transaction without a key, as often as the order is delivered."""
    order = record.json()
    with noted(order, context) as run:
        misbehave(order, run, context)
        dynamodb.put_item(TableName="orders-rows", Item=row_of(order, run, context))


@under_fire
@batch_handler(policies=[idempotency(store)], dead_letter=DeadLetter(park))
def charge_beside_the_claim(record: Record, context) -> None:
    """Write the row under a claim, but not in its transaction: the completion follows."""
    order = record.json()
    with noted(order, context) as run:
        misbehave(order, run, context)
        dynamodb.put_item(TableName="orders-rows", Item=row_of(order, run, context))


class StoreWithoutCompletion(DynamoDBStore):
    """A mutant: the transaction leaves out the library's own write."""

    def transact(self, own, items, *, token):
        """Write *items* only."""
        return super().transact(None, items, token=token)


class StoreInTwoSteps(DynamoDBStore):
    """A mutant: first the user's items, then the completion."""

    def transact(self, own, items, *, token):
        """Write *items*, then *own*."""
        super().transact(None, items, token=token)
        return self.put_if(own.key, own.item, own.expected)


class StoreInWrongOrder(DynamoDBStore):
    """A mutant: first the completion, then the user's items."""

    def transact(self, own, items, *, token):
        """Write *own*, then *items*."""
        answer = self.put_if(own.key, own.item, own.expected)
        super().transact(None, items, token=token)
        return answer


class StoreWithoutFence(DynamoDBStore):
    """A mutant: the completion is written over whatever is there."""

    def transact(self, own, items, *, token):
        """Write *own* as if the claim were still held."""
        current = self.get([own.key])[own.key]
        fields = tuple((name, current.get(name)) for name, _ in own.expected.fields)
        return super().transact(own._replace(expected=type(own.expected)(fields)), items, token=token)


class StoreWithoutGroups(DynamoDBStore):
    """A mutant: of several completions at once, none is written."""

    def put_many_if(self, writes):
        """Write what is no completion."""
        rest = [write for write in writes if write.item["status"] != "COMPLETED"]
        answers = dict(zip([write.key for write in rest], super().put_many_if(rest), strict=True))
        return [answers.get(write.key, Stored()) for write in writes]


charge_without_completion = charging(StoreWithoutCompletion("orders-claims"))
charge_in_two_steps = charging(StoreInTwoSteps("orders-claims"))
charge_in_the_wrong_order = charging(StoreInWrongOrder("orders-claims"))
charge_without_a_fence = charging(StoreWithoutFence("orders-claims"))
charge_without_groups = charging(StoreWithoutGroups("orders-claims"))


@batch_handler(
    policies=[Idempotency(store, key="order_id", lease_s=0.4, skew_s=0.05)],
    dead_letter=DeadLetter(park),
    max_attempts=3,
)
def charge_beside_a_killer(record: Record, context) -> None:
    """Charge an order, but for one that ends the environment whenever it is run."""
    order = record.json()
    with noted(order, context) as run:
        if order.get("kills"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.002)
        current_claim().commit_with(writes_of(order, run, context))
