"""Lazy at import, eager in INIT: what a handler loads, and when."""

from __future__ import annotations

import json
import textwrap

import pytest

from .interpreter import run

# What costs more than 2 ms each, up to 260 ms.
HEAVY = {
    "aws_lambda_powertools", "asyncio", "boto3", "botocore", "dataclasses", "decimal", "http", "inspect", "pydantic",
    "random", "urllib",
}  # fmt: skip

WATCH = """
import json, sys
before = set(sys.modules)

def report():
    print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""

EVENT = """
import json

def sqs(*bodies):
    return {"Records": [
        {"messageId": f"m-{n}", "receiptHandle": "h", "body": json.dumps(body), "md5OfBody": "",
         "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
         "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders", "awsRegion": "us-east-1"}
        for n, body in enumerate(bodies)
    ]}

class Context:
    function_name = "orders"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:orders"
    memory_limit_in_mb = 128
    aws_request_id = "7d1a1d5c-0000-4000-8000-000000000000"
    log_group_name = "/aws/lambda/orders"
    log_stream_name = "s"

    def get_remaining_time_in_millis(self):
        return 30_000
"""

PLAIN_HANDLER = """
from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler

@batch_handler(policies=[Idempotency(MemoryStore(), key="order_id")])
def handler(record: Record) -> None:
    record.json()
"""

# Port 9 of this machine answers nobody, so that the store is unavailable.
TYPED_HANDLER = """
from pydantic import BaseModel
from resilient_lambda import DynamoDBStore, Idempotency, batch_handler

class Order(BaseModel):
    order_id: str

@batch_handler(policies=[Idempotency(
    DynamoDBStore("resilience", endpoint_url="http://127.0.0.1:9", region="us-east-1"), key="order_id"
)])
def handler(order: Order) -> None:
    pass
"""

FIRST_INVOCATION = """
import sys
before = set(sys.modules)
answer = handler(sqs({"order_id": "a"}, {"order_id": "b"}), Context())
print(json.dumps({
    "failed": len(answer["batchItemFailures"]),
    "imported": sorted(set(sys.modules) - before),
    "botocore_before": "botocore" in before,
}))
"""

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
INIT = {**AWS, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}


FAILING_HANDLER = """
from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler

@batch_handler(policies=[Idempotency(MemoryStore(), key="order_id")]OPTION)
def handler(record: PARAMETER) -> None:
    raise ValueError("no")
"""

# Loaded in INIT or with the first event: about half of what the library costs.
FOR_EVENTS_ONLY = {
    "_core.classify", "_core.idempotency", "_core.model", "_core.sources", "_handlers.batching",
    "_handlers.equipment", "_handlers.handling", "_handlers.visibility", "_policies.call", "_policies.guard", "events",
}  # fmt: skip


def loaded(code: str, env: dict[str, str] | None = None) -> set[str]:
    """Return the top-level modules that *code* loads."""
    return set(json.loads(run(f"{WATCH}\n{textwrap.dedent(code)}\nreport()", env=env)))


def first_invocation(handler: str, env: dict[str, str]) -> dict[str, object]:
    """Return what the first invocation of *handler* answered and imported."""
    return json.loads(run(f"{EVENT}\n{handler}\n{FIRST_INVOCATION}", env=env).splitlines()[-1])


def test_import_loads_nothing_heavy():
    """``import resilient_lambda`` alone loads no AWS client, no model library and no event loop."""
    modules = loaded("import resilient_lambda")

    assert "resilient_lambda" in modules
    assert modules & HEAVY == set()


def test_decorating_outside_lambda_loads_nothing_heavy():
    """A handler of plain records over a store in memory needs none of the heavy modules to be built."""
    assert loaded(PLAIN_HANDLER) & HEAVY == set()


def test_a_plain_handler_stays_light_in_lambda():
    """Warming such a handler, and running it, loads none of them either."""
    code = (
        f'{EVENT}\n{PLAIN_HANDLER}\nassert handler(sqs({{"order_id": "a"}}), Context()) == {{"batchItemFailures": []}}'
    )

    assert loaded(code, INIT) & HEAVY == set()


def test_decorating_outside_lambda_loads_nothing_that_only_events_need():
    """Options are checked at import; what handles events is not loaded for that."""
    code = f"{TYPED_HANDLER}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    modules = {name.partition(".")[2] for name in json.loads(run(code)) if name.startswith("resilient_lambda.")}

    assert "_handlers.plan" in modules
    assert modules & FOR_EVENTS_ONLY == set()


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", "snap-start", "lambda-managed-instances"])
def test_first_invocation_imports_nothing(kind):
    """In INIT the decorator loads all that an invocation will need: models, client, error handling."""
    seen = first_invocation(TYPED_HANDLER, {**INIT, "AWS_LAMBDA_INITIALIZATION_TYPE": kind})

    assert seen == {"failed": 2, "imported": [], "botocore_before": True}


@pytest.mark.parametrize("color", ["def", "async def"])
def test_first_invocation_over_a_real_table_imports_nothing(table, color):
    """Nor does anything load when the store answers, for synchronous and asynchronous functions."""
    handler = (
        TYPED_HANDLER.replace("http://127.0.0.1:9", table.endpoint_url)
        .replace('"resilience"', f'"{table.name}"')
        .replace('key="order_id"', f'key="order_id", namespace="{color}"')
        .replace("def handler", f"{color} handler")
    )

    assert first_invocation(handler, INIT) == {"failed": 0, "imported": [], "botocore_before": True}


def test_first_invocation_of_a_plain_handler_imports_nothing():
    """The same holds without a model and without DynamoDB."""
    seen = first_invocation(PLAIN_HANDLER, INIT)

    assert seen == {"failed": 0, "imported": [], "botocore_before": False}


@pytest.mark.parametrize("option", ["", ", concurrency=2", ", interrupt=True", ", lane=True"])
def test_first_failures_import_nothing(option):
    """Nor does judging failures and giving their records back, however the records are run."""
    parameter = "list[Record]" if "lane" in option else "Record"
    handler = FAILING_HANDLER.replace("OPTION", option).replace("PARAMETER", parameter)

    assert first_invocation(handler, INIT) == {"failed": 2, "imported": [], "botocore_before": False}


def test_first_failures_that_are_tried_again_import_nothing():
    """A retry as a policy loads in INIT what a failure needs."""
    handler = FAILING_HANDLER.replace("OPTION", "").replace("PARAMETER", "Record")
    handler = handler.replace(")])", "), Retry(backoff=Backoff(base_s=0.001, cap_s=0.001))])", 1)
    handler = handler.replace("import Idem", "import Backoff, Retry, Idem")

    assert first_invocation(handler, INIT) == {"failed": 2, "imported": [], "botocore_before": False}


@pytest.mark.parametrize("handler", [PLAIN_HANDLER, TYPED_HANDLER], ids=["plain", "typed"])
def test_first_invocation_with_idempotency_switched_off_imports_nothing(handler):
    """What stands in its place is warmed too, the store is not."""
    seen = first_invocation(handler, {**INIT, "RESILIENT_LAMBDA_DISABLE": "idempotency"})

    assert seen == {"failed": 0, "imported": [], "botocore_before": False}


def test_warming_can_be_turned_off():
    """``RESILIENT_LAMBDA_WARM=0`` leaves everything to the first invocation."""
    seen = first_invocation(TYPED_HANDLER, {**INIT, "RESILIENT_LAMBDA_WARM": "0"})

    assert seen["botocore_before"] is False
    assert "botocore.client" in seen["imported"]


def test_nothing_is_warmed_outside_lambda():
    """Importing a handler in a test or on a desk builds no AWS client."""
    assert "botocore" not in loaded(TYPED_HANDLER, AWS)
