"""
The same work in several hands: each function here returns a handler of SQS events that runs `handle` once for each new
order and records it in DynamoDB.

Imported by `benchmarks.store_child` alone, in a process of its own for each.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[dict[str, Any], Any], Any]

THREADS = 10
STATEMENTS = 25  # BatchExecuteStatement's limit
REQUESTS_AT_ONCE = 4


class Setting(NamedTuple):
    """
    What the handlers work with.

    Attributes:
        url: Of the engine or of the proxy before it.
        work_ms: How long the function takes for a record, waiting.
        effects: The table that the function writes a row of its own to; "" for none.
    """

    url: str
    table: str
    work_ms: float = 0.0
    effects: str = ""


def effect(order_id: str) -> dict[str, Any]:
    """Return the row that the function writes, where it writes one."""
    return {"id": {"S": f"effect#{order_id}"}, "total": {"N": "1"}}


def ours(setting: Setting) -> Handler:
    """Batch and idempotency with this library, its own client."""
    return _ours(setting, concurrency=1)


def ours_concurrent(setting: Setting) -> Handler:
    """The same with ten records at a time."""
    return _ours(setting, concurrency=THREADS)


def _ours(setting: Setting, concurrency: int) -> Handler:
    from resilient_lambda import DynamoDBStore, Idempotency, Record, batch_handler

    work_s = setting.work_ms / 1000
    store = DynamoDBStore(setting.table, endpoint_url=setting.url)
    store.warm()

    @batch_handler(policies=[Idempotency(store, key="order_id")], concurrency=concurrency)
    def handler(record: Record) -> None:
        if work_s:
            time.sleep(work_s)

    return handler


def ours_committing(setting: Setting) -> Handler:
    """Write a row together with the completion of each record."""
    from resilient_lambda import DynamoDBStore, Idempotency, Record, batch_handler, current_claim

    store = DynamoDBStore(setting.table, endpoint_url=setting.url)
    store.warm()

    @batch_handler(policies=[Idempotency(store, key="order_id")])
    def handler(record: Record) -> None:
        order_id = record.json()["order_id"]
        current_claim().commit_with([{"Put": {"TableName": setting.effects, "Item": effect(order_id)}}])

    return handler


def powertools(setting: Setting) -> Handler:
    """`idempotent_function` for each record in Powertools' batch processor; the client as it makes one by default."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(event_type=EventType.SQS)
    run, config = _powertools_function(setting)

    def handle(record: Any) -> None:
        run(record=record)

    def handler(event: dict[str, Any], context: Any) -> Any:
        config.register_lambda_context(context)
        return process_partial_response(event, handle, processor, context)

    return handler


def powertools_pool(setting: Setting) -> Handler:
    """The same function in a pool of ten threads, as one would write it around Powertools."""
    from aws_lambda_powertools.utilities.data_classes import SQSEvent

    run, config = _powertools_function(setting)

    def handle(record: Any) -> str | None:
        try:
            run(record=record)
        except Exception:  # as the batch processor does
            return str(record.message_id)
        return None

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        config.register_lambda_context(context)
        with ThreadPoolExecutor(THREADS) as pool:
            failed = list(pool.map(handle, SQSEvent(event).records))
        return {"batchItemFailures": [{"itemIdentifier": found} for found in failed if found]}

    return handler


def floor(setting: Setting) -> Handler:
    """
    Bare botocore with the requests of a batch and nothing else: no claims, no checks, no answers read.

    PartiQL, 25 statements a request, four requests at a time: one INSERT and one UPDATE a record.
    """
    from resilient_lambda.stores._aws_client import shared_client

    client = shared_client("dynamodb", endpoint_url=setting.url)
    pool = ThreadPoolExecutor(REQUESTS_AT_ONCE)
    insert = (
        f"INSERT INTO \"{setting.table}\" VALUE {{'id': ?, 'version': ?, 'status': ?, 'lease_until_ms': ?,"
        " 'deadline_ms': ?, 'attempt': ?, 'expiration': ?}"
    )
    update = (
        f'UPDATE "{setting.table}" SET "version" = ? SET "status" = ? SET "expiration" = ? REMOVE "lease_until_ms"'
        ' REMOVE "deadline_ms" WHERE "id" = ? AND "version" = ?'
    )
    until = {"N": "1800000000"}

    def send(statements: list[dict[str, Any]]) -> None:
        answer = client.batch_execute_statement(Statements=statements)
        if any("Error" in entry for entry in answer["Responses"]):
            raise AssertionError(f"the floor's own statements failed: {answer['Responses'][0]}")

    def send_all(statements: list[dict[str, Any]]) -> None:
        groups = [statements[start : start + STATEMENTS] for start in range(0, len(statements), STATEMENTS)]
        list(pool.map(send, groups))

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        owner = os.urandom(16).hex()
        names = [f"orders#{json.loads(record['body'])['order_id']}" for record in event["Records"]]
        keys = [{"S": name} for name in names]
        claimed, completed = {"S": f"{owner}.1"}, {"S": f"{owner}.2"}
        fields = [claimed, {"S": "INPROGRESS"}, until, until, {"N": "1"}, until]
        send_all([{"Statement": insert, "Parameters": [key, *fields]} for key in keys])
        done = [completed, {"S": "COMPLETED"}, until]
        send_all([{"Statement": update, "Parameters": [*done, key, claimed]} for key in keys])
        return {"batchItemFailures": []}

    return handler


def _powertools_function(setting: Setting) -> tuple[Callable[..., None], Any]:
    import boto3
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    client = boto3.client("dynamodb", endpoint_url=setting.url)
    layer = DynamoDBPersistenceLayer(setting.table, boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath="powertools_json(body).order_id")
    work_s = setting.work_ms / 1000

    @idempotent_function(data_keyword_argument="record", config=config, persistence_store=layer)
    def run(record: Any) -> None:
        if work_s:
            time.sleep(work_s)
        if setting.effects:
            client.put_item(TableName=setting.effects, Item=effect(record.json_body["order_id"]))

    return run, config


WORKS = {work.__name__: work for work in (ours, ours_concurrent, ours_committing, powertools, powertools_pool, floor)}
