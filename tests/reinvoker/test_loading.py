"""Lazy at import, eager in INIT: what a re-invoker loads, and when."""

from __future__ import annotations

import json

import pytest

from resilient_lambda.testing import destination_record
from tests.package.interpreter import run

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
INIT = {**AWS, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
HEAVY = {"aws_lambda_powertools", "asyncio", "boto3", "botocore", "decimal", "http", "pydantic", "urllib"}

REINVOKER = """
import json, sys
from resilient_lambda import DeadLetter, Delay, MemoryStore, timeout_reinvoker

letters = []
handler = timeout_reinvoker(
    functions=["worker", "arn:aws:lambda:us-east-1:123456789012:function:other:live"],
    dead_letter=DeadLetter(lambda record, error: letters.append(error)),
    store=MemoryStore(),
    OPTIONS
)
"""

# Port 9 of this machine answers nobody: Lambda is not reached, so all but the sending is done.
FIRST_RECORD = """
class Context:
    function_name = "reinvoker"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:reinvoker"
    aws_request_id = "7d1a1d5c-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self):
        return 3_000

before = set(sys.modules)
try:
    handler(json.loads('''EVENT'''), Context())
except Exception as error:
    failure = type(error).__name__
else:
    failure = None
print(json.dumps({"failure": failure, "letters": len(letters), "imported": sorted(set(sys.modules) - before)}))
"""

DELAYS = {
    "at once": "",
    "queue": 'delay=Delay.sqs("https://sqs.us-east-1.amazonaws.com/123456789012/delays"),',
    "schedule": 'delay=Delay.schedule("arn:aws:iam::123456789012:role/scheduler", '
    'dead_letter_arn="arn:aws:sqs:us-east-1:123456789012:lost"),',
}


def first_record(event: object, options: str = "") -> dict[str, object]:
    """Return what the first record led to, and what it imported."""
    code = REINVOKER.replace("OPTIONS", options) + FIRST_RECORD.replace("EVENT", json.dumps(event))
    return json.loads(run(code, env={**INIT, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}).splitlines()[-1])


@pytest.mark.parametrize("options", DELAYS.values(), ids=DELAYS.keys())
def test_building_a_reinvoker_outside_lambda_loads_nothing_heavy(options):
    """Options are checked at import; neither a model nor a client is built for that."""
    code = REINVOKER.replace("OPTIONS", options) + "print(json.dumps([name.partition('.')[0] for name in sys.modules]))"

    assert set(json.loads(run(code, env=AWS))) & HEAVY == set()


def test_the_first_record_that_is_parked_imports_nothing():
    """In INIT the model is built, and all that judges and sets aside."""
    seen = first_record(destination_record({}, kind="handler"))

    assert seen == {"failure": None, "letters": 1, "imported": []}


@pytest.mark.parametrize("options", DELAYS.values(), ids=DELAYS.keys())
def test_the_first_record_that_cannot_be_sent_imports_nothing(options):
    """Nor does trying to reach Lambda, the queue or the scheduler."""
    seen = first_record(destination_record({}), options)

    assert seen == {"failure": "EndpointConnectionError", "letters": 0, "imported": []}
