"""
DynamoDB Local behind a delaying proxy, started once for all rows that need it and ended with the program.

    python -m benchmarks.local_table    what a request takes: directly, through the proxy, through the proxy with delay
"""

from __future__ import annotations

import atexit
import http.client
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config

from tests.engines.dynamodb_local import ENVIRONMENT, DynamoDBLocal

from .delaying_proxy import HOST
from .proxy_statistics import statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DELAY_MS = 5.0


class Network(NamedTuple):
    """
    Two ways to one engine.

    Attributes:
        direct_url: The engine itself, for what is not measured.
        delayed_url: Through the proxy.
    """

    direct_url: str
    delayed_url: str


_started = ExitStack()
atexit.register(_started.close)


@cache
def network() -> Network:
    """Start engine and proxy, or return those that are there; they end with the program."""
    engine = _started.enter_context(DynamoDBLocal())
    return Network(engine.endpoint_url, _started.enter_context(proxy(engine.endpoint_url, DELAY_MS)))


@contextmanager
def proxy(engine_url: str, delay_ms: float) -> Iterator[str]:
    """Start a proxy before *engine_url*, give its address, end it."""
    command = [sys.executable, "-m", "benchmarks.delaying_proxy", engine_url.rpartition(":")[2], str(delay_ms)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://{HOST}:{int(process.stdout.readline())}"
        # On the way out its standard input is closed, at which the proxy ends by itself.


@contextmanager
def new_table(url: str) -> Iterator[str]:
    """Create a table of which nobody has heard at the engine *url*, and delete it afterwards."""
    client = _client(url)
    name = f"orders-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    try:
        yield name
    finally:
        client.delete_table(TableName=name)
        client.close()


def items_by_status(url: str, table: str) -> dict[str, int]:
    """Return how many items *table* has of each status; "" stands for those that have none."""
    client = _client(url)
    pages = client.get_paginator("scan").paginate(
        TableName=table, ProjectionExpression="#s", ExpressionAttributeNames={"#s": "status"}
    )
    counts = Counter(item.get("status", {"S": ""})["S"] for page in pages for item in page["Items"])
    client.close()
    return dict(counts)


def _client(url: str) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name=ENVIRONMENT["AWS_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(read_timeout=60),
    )


def environment() -> dict[str, str]:
    """Return what a measured process finds in its environment: nothing that would change what is measured."""
    foreign = ("AWS_", "RESILIENT_LAMBDA_", "POWERTOOLS_", "PYTHON", "COV_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**inherited, **ENVIRONMENT}


def _request_ms(url: str, tries: int = 300) -> float:
    connection = http.client.HTTPConnection(url.partition("://")[2], timeout=10)
    taken = []
    for _ in range(tries):
        start = time.perf_counter()
        connection.request("POST", "/", body="{}", headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"})
        connection.getresponse().read()
        taken.append(time.perf_counter() - start)
    connection.close()
    return median(taken) * 1000


def main() -> None:
    """Print what the way to the engine costs."""
    direct, delayed = network()
    with proxy(direct, 0) as undelayed:
        _request_ms(direct, 2_000)  # a cold engine would flatter whoever comes later
        for label, url in (("directly", direct), ("by proxy, no delay", undelayed), ("by proxy", delayed)):
            print(f"{label:28} {_request_ms(url):6.2f} ms")
    held = statistics(delayed)
    print(f"held back longer than asked  {held['late_ms']:6.2f} ms (median)")
    print(f"CPU of the proxy a request   {held['cpu_ms'] / held['requests']:6.2f} ms (its start included)")


if __name__ == "__main__":
    main()
