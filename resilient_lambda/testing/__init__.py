"""
What you test your handlers with: events, contexts, time that does not pass by itself, and fakes for AWS.

    from resilient_lambda.testing import in_memory, lambda_context, sqs_event

    def test_an_order_is_charged_once():
        with in_memory() as fakes:
            handler(sqs_event([{"order_id": "a"}, {"order_id": "a"}]), lambda_context())
        assert charges == ["a"]
"""

from __future__ import annotations

from ._broker_events import activemq_event, documentdb_event, rabbitmq_event, rabbitmq_message
from ._notification_events import (
    eventbridge_envelope,
    s3_event,
    s3_record,
    sns_envelope,
    sns_event,
    sns_record,
)
from ._stream_events import (
    dynamodb_event,
    dynamodb_record,
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    tumbling_window,
)
from .events import LambdaContext, lambda_context, sqs_event, sqs_record
from .fakes import Fakes, in_memory
from .io import FakeIo, fake_io

__all__ = [
    "FakeIo",
    "Fakes",
    "LambdaContext",
    "activemq_event",
    "documentdb_event",
    "dynamodb_event",
    "dynamodb_record",
    "eventbridge_envelope",
    "fake_io",
    "in_memory",
    "kafka_event",
    "kafka_record",
    "kinesis_event",
    "kinesis_record",
    "lambda_context",
    "rabbitmq_event",
    "rabbitmq_message",
    "s3_event",
    "s3_record",
    "sns_envelope",
    "sns_event",
    "sns_record",
    "sqs_event",
    "sqs_record",
    "tumbling_window",
]
