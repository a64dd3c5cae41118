"""A store that cannot be built says why, in the one line that each record leaves."""

from __future__ import annotations

import logging

from resilient_lambda import DynamoDBStore, Idempotency, batch_handler
from resilient_lambda.testing import lambda_context, sqs_event


def test_a_forgotten_table_name_is_named_in_the_log(monkeypatch, caplog):
    """The record comes back, and the operator reads what to set."""
    monkeypatch.delenv("RESILIENT_LAMBDA_TABLE", raising=False)
    handler = batch_handler(policies=[Idempotency(DynamoDBStore())])(lambda record: None)

    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        answer = handler(sqs_event(["{}"]), lambda_context())

    assert len(answer["batchItemFailures"]) == 1
    assert "RESILIENT_LAMBDA_TABLE" in caplog.text
