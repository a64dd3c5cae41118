"""Batch and idempotency with Powertools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

processor = BatchProcessor(event_type=EventType.SQS)
layer = DynamoDBPersistenceLayer("orders")
config = IdempotencyConfig(event_key_jmespath="powertools_json(body).order_id")


@idempotent_function(data_keyword_argument="record", config=config, persistence_store=layer)
def record_handler(record: SQSRecord) -> None:
    """Handle one order."""


def handler(event, context):
    """Handle a batch."""
    config.register_lambda_context(context)
    return process_partial_response(event, record_handler, processor, context)
