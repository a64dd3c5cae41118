"""The functions with the environment that the template gives them, and AWS in memory."""

from __future__ import annotations

import os

import pytest

from resilient_lambda.testing import in_memory

WORKER_ARN = "arn:aws:lambda:us-east-1:123456789012:function:reports-worker"

# Read when the handlers' modules are imported.
os.environ.update(WORKER_ARN=WORKER_ARN, RESILIENT_LAMBDA_TABLE="resilience", AWS_DEFAULT_REGION="us-east-1")
os.environ["PARKED_QUEUE_URL"] = "https://sqs.us-east-1.amazonaws.com/123456789012/parked"


@pytest.fixture
def aws():
    """Keep the table and the queue of parked records in memory, and the worker's invocations."""
    with in_memory() as fakes:
        yield fakes
