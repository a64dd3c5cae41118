"""One idempotent event: a duplicate that the environment knows, and the requests that a new one costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from resilient_lambda import DynamoDBStore, Idempotency, MemoryStore, resilient_handler

from .row import Measured
from .samples import CONTEXT
from .timing import fastest_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEER = "Powertools @idempotent"
CALLS = 100


def cache_hit() -> Measured:
    """Answer a duplicate from the environment's own memory; no store is asked by either."""
    event = {"order_id": "order-1", "total": 5}
    handler = resilient_handler(policies=[Idempotency(MemoryStore(), key="order_id")])(_charge)
    client, requests = _answering_client()
    peer = _peer(client, use_local_cache=True)
    if handler(event, CONTEXT) != peer(event, CONTEXT):
        raise AssertionError("the two sides answered differently: the comparison would be void")
    asked = len(requests)

    ours_us, peer_us = fastest_us(_repeated(handler, event), _repeated(peer, event), items=CALLS)
    if len(requests) != asked:
        raise AssertionError("the peer asked DynamoDB: this was no hit in its cache")
    return Measured(ours_us, peer_us, PEER, "per call, a result of three fields")


def miss_requests() -> Measured:
    """Count the DynamoDB requests of one new event: claim and completion."""
    event = {"order_id": "order-2", "total": 5}
    our_client, our_requests = _answering_client()
    store = DynamoDBStore("orders", client=our_client)
    resilient_handler(policies=[Idempotency(store, key="order_id")])(_charge)(event, CONTEXT)
    peer_client, peer_requests = _answering_client()
    _peer(peer_client)(event, CONTEXT)
    return Measured(
        len(our_requests), len(peer_requests), PEER, f"{', '.join(our_requests)} against {', '.join(peer_requests)}"
    )


def _charge(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {"order_id": event["order_id"], "charged": event["total"], "currency": "EUR"}


def _peer(client: Any, **options: Any) -> Callable[[Any, Any], Any]:
    layer = DynamoDBPersistenceLayer("orders", boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath="order_id", **options)
    return idempotent(_charge, persistence_store=layer, config=config)


def _repeated(handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> Callable[[], None]:
    def work() -> None:
        for _ in range(CALLS):
            handler(event, CONTEXT)

    return work


class _EmptyBody:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def _answering_client() -> tuple[Any, list[str]]:
    """Return a real client whose requests are answered before they are sent, and the list of their operations."""
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
    )
    operations: list[str] = []

    def answer(request: Any, event_name: str, **_: object) -> AWSResponse:
        operations.append(event_name.rpartition(".")[2])
        return AWSResponse(request.url, 200, {}, _EmptyBody())

    client.meta.events.register("before-send.dynamodb", answer)
    return client, operations
