"""AWS in memory."""

from __future__ import annotations

import pytest

from resilient_lambda.testing import in_memory


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the tables and the queue of parked readings in memory, under the names that the template gives."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "resilience")
    monkeypatch.setenv("READINGS_TABLE", "readings")
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked")
    monkeypatch.setenv("LETTERS_BUCKET", "letters")
    with in_memory() as fakes:
        yield fakes
