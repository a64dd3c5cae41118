"""
What you test your handlers with: events, contexts, time that does not pass by itself, and fakes for AWS.

    from resilient_lambda.testing import in_memory, lambda_context, sqs_event

    def test_an_order_is_charged_once():
        with in_memory() as fakes:
            handler(sqs_event([{"order_id": "a"}, {"order_id": "a"}]), lambda_context())
        assert charges == ["a"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._broker_events import activemq_event, documentdb_event, rabbitmq_event, rabbitmq_message
from ._destination_events import destination_record
from ._http_events import http_event
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

if TYPE_CHECKING:
    from .simulator.chance import Faults
    from .simulator.delivery import Delivery
    from .simulator.explore import explore
    from .simulator.history import Happening, Kind
else:
    # The simulator loads when it is named: who tests with events alone does without it.
    _HOMES = {
        "Delivery": ".simulator.delivery",
        "Faults": ".simulator.chance",
        "Happening": ".simulator.history",
        "Kind": ".simulator.history",
        "explore": ".simulator.explore",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Delivery",
    "FakeIo",
    "Fakes",
    "Faults",
    "Happening",
    "Kind",
    "LambdaContext",
    "activemq_event",
    "destination_record",
    "documentdb_event",
    "dynamodb_event",
    "dynamodb_record",
    "eventbridge_envelope",
    "explore",
    "fake_io",
    "http_event",
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
