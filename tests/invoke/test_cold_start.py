"""What an invoker loads, and when."""

from __future__ import annotations

import json

from tests.package.interpreter import run

from .server import LambdaServer, refusal

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
INIT = {**AWS, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "NO_PROXY": "127.0.0.1"}
HEAVY = {"asyncio", "aws_lambda_powertools", "boto3", "botocore", "dataclasses", "inspect", "pydantic", "urllib3"}

CALLS = """
import json, sys
from resilient_lambda import LambdaInvoker, Retry
from resilient_lambda._core.backoff import Backoff
invoker = LambdaInvoker(endpoint_url="URL", retry=Retry(attempts=3, backoff=Backoff(base_s=0.001, cap_s=0.001)))
before = set(sys.modules)
invoker.call("price", {"a": 1})
invoker.send("worker")
print(json.dumps({"botocore": "botocore" in before, "imported": sorted(set(sys.modules) - before)}))
"""


def test_an_invoker_at_the_top_of_a_module_loads_nothing_heavy():
    """No SDK, no model library and no event loop before they are needed."""
    code = (
        "import json, sys; from resilient_lambda import LambdaInvoker; LambdaInvoker();"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )

    assert set(json.loads(run(code, env=AWS))) & HEAVY == set()


def test_after_init_a_call_imports_nothing():
    """The client is built in INIT, where Lambda gives full CPU; the rehearsal sends nothing."""
    with LambdaServer() as server:
        seen = json.loads(run(CALLS.replace("URL", server.url), env=INIT))

        assert seen == {"botocore": True, "imported": []}
        assert len(server.seen) == 2


def test_after_init_a_throttled_call_imports_nothing():
    """Nor does judging a refusal and trying again."""
    with LambdaServer() as server:
        server.script = [refusal("TooManyRequestsException", 429)]
        seen = json.loads(run(CALLS.replace("URL", server.url), env=INIT))

        assert seen == {"botocore": True, "imported": []}
        assert len(server.seen) == 3


def test_outside_of_lambda_the_first_call_builds_the_client():
    """A test or a desk pays when it calls."""
    with LambdaServer() as server:
        seen = json.loads(run(CALLS.replace("URL", server.url), env={**AWS, "NO_PROXY": "127.0.0.1"}))

        assert seen["botocore"] is False
