"""A handler sets records aside, a replay brings them back, and the mended handler runs them (protocols.md A1)."""

from __future__ import annotations

import boto3
import pytest

from resilient_lambda import DeadLetter, DynamoDBStore, Idempotency, NonRetryableError, batch_handler
from resilient_lambda._commands import table
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record

from .replaying import kinesis_record, note

FUNCTION = "orders-worker"
ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
NUMBER = "49590338271490256608559692538361571095921575989136588898"


class Shop:
    """A handler that charges orders once it is mended, and the queues around it."""

    def __init__(self, world, store, *, remember_failures_s):
        self.is_mended = False
        self.charged = []
        self.orders, self.parked = world.queue("orders"), world.queue("parked")
        self.store = store
        self._world = world

        @batch_handler(
            policies=[Idempotency(store, key="order_id", namespace="shop", remember_failures_s=remember_failures_s)],
            dead_letter=DeadLetter.sqs(self.parked, client=boto3.client("sqs")),
        )
        def handler(order: dict) -> None:
            if not self.is_mended:
                raise NonRetryableError("no such product")
            self.charged.append(order["order_id"])

        self.handler = handler

    def poll(self):
        """Do what Lambda does with the source queue: run the handler, delete what it did not name."""
        messages = self._world.messages(self.orders)
        event = sqs_event(
            sqs_record(message["Body"], message_id=message["MessageId"], queue_arn=ARN) for message in messages
        )
        named = {each["itemIdentifier"] for each in self.handler(event, lambda_context())["batchItemFailures"]}
        for message in self._world.messages(self.orders):
            if message["MessageId"] not in named:
                (held,) = self._world.sqs.receive_message(QueueUrl=self.orders)["Messages"]
                self._world.sqs.delete_message(QueueUrl=self.orders, ReceiptHandle=held["ReceiptHandle"])


@pytest.fixture(params=[None, 3_600], ids=["forgets", "remembers"])
def shop(world, request):
    """A shop whose handler remembers failures, or does not, on a table of its own."""
    assert table.main(["table", "create", "--table", "claims"]) == 0
    return Shop(world, DynamoDBStore("claims"), remember_failures_s=request.param)


def test_a_message_that_was_set_aside_is_run_once_it_is_mended(world, replay, shop):
    """Through its own queue: the failure does not swallow it, and the order is charged once."""
    world.sqs.send_message(QueueUrl=shop.orders, MessageBody='{"order_id": "a"}')
    shop.poll()
    after_failure = (world.bodies(shop.orders), world.bodies(shop.parked))
    shop.is_mended = True
    done = replay("--from-queue", shop.parked, "--table", "claims", "--error-type", "NonRetryableError")
    shop.poll()

    assert after_failure == ([], ['{"order_id": "a"}'])
    assert done.code == 0, done
    assert shop.charged == ["a"]
    assert (world.messages(shop.orders), world.messages(shop.parked)) == ([], [])


def test_a_message_that_was_set_aside_is_run_by_its_function(world, replay, shop):
    """Straight to the handler, with and without the table: to it the message is a new delivery."""
    world.functions[FUNCTION] = lambda event: shop.handler(event, lambda_context())
    for order in "ab":
        world.sqs.send_message(QueueUrl=shop.orders, MessageBody=f'{{"order_id": "{order}"}}')
        shop.poll()
    shop.is_mended = True
    first = replay("--from-queue", shop.parked, "--to-function", FUNCTION, "--limit", "1")
    second = replay("--from-queue", shop.parked, "--to-function", FUNCTION, "--table", "claims")

    assert (first.code, second.code) == (0, 0)
    assert sorted(shop.charged) == ["a", "b"]
    assert world.messages(shop.parked) == []


def test_a_message_that_is_not_mended_is_set_aside_again(world, replay, shop):
    """The new letter stays: it is another one, and this run leaves it."""
    world.functions[FUNCTION] = lambda event: shop.handler(event, lambda_context())
    world.sqs.send_message(QueueUrl=shop.orders, MessageBody='{"order_id": "a"}')
    shop.poll()
    done = replay("--from-queue", shop.parked, "--to-function", FUNCTION, "--table", "claims")

    assert done.output.startswith("looked at 2, sent 1, failed 0, cannot be sent 0, not meant 1\n")
    assert world.bodies(shop.parked) == ['{"order_id": "a"}']


def test_a_remembered_failure_of_a_stream_is_cleared_first(world, replay, parked):
    """A stream's record keeps its id: without the clearing its handler would not run it again."""
    assert table.main(["table", "create", "--table", "claims"]) == 0
    store = DynamoDBStore("claims")
    runs = []

    @batch_handler(
        policies=[Idempotency(store, key="click", namespace="shop", remember_failures_s=3_600)],
        dead_letter=DeadLetter.sqs(parked, client=boto3.client("sqs")),
    )
    def handler(click: dict) -> None:
        runs.append(click["click"])
        if len(runs) == 1:
            raise NonRetryableError("not yet")

    record = kinesis_record("eyJjbGljayI6IDd9", number=NUMBER)
    handler({"Records": [record]}, lambda_context())
    (message,) = world.messages(parked)
    world.functions[FUNCTION] = lambda event: handler(event, lambda_context())
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--table", "claims")

    assert '"key"' in message["Body"]
    assert done.code == 0, done
    assert "remembered failures cleared: 1" in done.output
    assert runs == [7, 7]


def test_a_run_that_is_repeated_clears_the_failure_of_its_own_first_try(world, replay, parked):
    """Under its run id the message has the same id again: to the handler it is the delivery that failed."""
    assert table.main(["table", "create", "--table", "claims"]) == 0
    runs = []

    @batch_handler(
        policies=[Idempotency(DynamoDBStore("claims"), key="order_id", namespace="shop", remember_failures_s=3_600)]
    )
    def handler(order: dict) -> None:
        runs.append(order)
        if len(runs) < 3:
            raise NonRetryableError("not yet")

    handler(sqs_event(['{"order_id": "a"}']), lambda_context())
    (item,) = boto3.client("dynamodb").scan(TableName="claims")["Items"]
    world.park(parked, '{"order_id": "a"}', note(id=item["delivery"]["S"], key=item["id"]["S"]))
    world.functions[FUNCTION] = lambda event: handler(event, lambda_context())
    options = ("--from-queue", parked, "--to-function", FUNCTION, "--run-id", "X", "--table", "claims")
    codes = [replay(*options).code, replay(*options).code]

    assert codes == [1, 0]
    assert len(runs) == 3
    assert world.messages(parked) == []
