"""
What you test your handlers with: events, contexts, time that does not pass by itself, and fakes for AWS.

    from resilient_lambda.testing import in_memory, lambda_context, sqs_event

    def test_an_order_is_charged_once():
        with in_memory() as fakes:
            handler(sqs_event([{"order_id": "a"}, {"order_id": "a"}]), lambda_context())
        assert charges == ["a"]
"""

from __future__ import annotations

from .events import LambdaContext, lambda_context, sqs_event, sqs_record
from .fakes import Fakes, in_memory
from .io import FakeIo, fake_io

__all__ = [
    "FakeIo",
    "Fakes",
    "LambdaContext",
    "fake_io",
    "in_memory",
    "lambda_context",
    "sqs_event",
    "sqs_record",
]
