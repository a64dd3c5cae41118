"""A handler of requests in Lambda: what loads, and when."""

from __future__ import annotations

import json

import pytest

from tests.package.interpreter import run

INIT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_FUNCTION_NAME": "orders"}
HEAVY = {"asyncio", "boto3", "botocore", "dataclasses", "decimal", "http", "inspect", "pydantic", "random", "urllib"}

CODE = """
import json, sys

class Context:
    function_name = "orders"
    aws_request_id = "7d1a1d5c-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self):
        return 30_000

def event(key, body):
    return {
        "version": "2.0", "routeKey": "POST /orders", "rawPath": "/orders", "rawQueryString": "",
        "headers": {"idempotency-key": key}, "body": body, "isBase64Encoded": True,
        "requestContext": {"http": {"method": "POST"}},
    }

from resilient_lambda import Idempotency, MemoryStore, resilient_handler

@resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal=None)
def handler(event):
    if event["headers"]["idempotency-key"] == "bad":
        raise ValueError
    return {"a": 1}

before = set(sys.modules)
statuses = [handler(event(key, "e30="), Context())["statusCode"] for key in ("a", "a", "bad", "")]
print(json.dumps({
    "statuses": statuses, "imported": sorted(set(sys.modules) - before), "heavy": sorted(HEAVY & set(sys.modules)),
}))
"""


def test_the_first_requests_import_nothing():
    """Neither those that succeed, nor duplicates, nor those that fail; and nothing heavy is there at all."""
    said = json.loads(run(f"HEAVY = {HEAVY!r}\n{CODE}", env=INIT).splitlines()[-1])

    assert said == {"statuses": [200, 200, 500, 400], "imported": [], "heavy": []}


def test_other_handlers_do_not_pay_for_requests():
    """What reads requests is not loaded where no handler takes any."""
    code = """
import json, sys
from resilient_lambda import resilient_handler

@resilient_handler
def handler(event):
    pass

handler({}, None)
print(json.dumps(sorted(name for name in sys.modules if ".http" in name or "request_keys" in name)))
"""

    assert json.loads(run(code, env=INIT).splitlines()[-1]) == []


@pytest.mark.parametrize("spec", ["None", "'id'"])
def test_warming_is_harmless(spec, monkeypatch):
    """In this process: all that INIT does, with the header as key and with one of one's own."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    scope = {}
    exec(CODE.partition("before =")[0].replace("MemoryStore()", f"MemoryStore(), key={spec}"), scope)

    assert scope["handler"](scope["event"]("a", "eyJpZCI6IDF9"), scope["Context"]())["statusCode"] == 200
