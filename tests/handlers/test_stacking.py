"""Powertools' decorators above ours, with single events and with both colours below."""

from __future__ import annotations

import io
import json
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.parser.models import SqsModel
from pydantic import BaseModel

from resilient_lambda import batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import failed


class Job(BaseModel):
    """A whole event."""

    job_id: str


class Order(BaseModel):
    """A record's body."""

    order_id: str


def pile(handler):
    """Return *handler* under logger, tracer and metrics, and the logger's lines."""
    lines, service = io.StringIO(), f"service-{uuid4()}"  # Powertools shares what it keeps by the service's name
    metrics = Metrics(namespace="n", service=service)
    metrics.add_metric(name="Seen", unit="Count", value=1)
    logger = Logger(service=service, stream=lines)
    tracer = Tracer(service=service, disabled=True)
    piled = logger.inject_lambda_context(log_event=True)(
        tracer.capture_lambda_handler(metrics.log_metrics(capture_cold_start_metric=True)(handler))
    )
    return piled, lines


def test_a_batch_under_the_pile_is_answered(paint, capsys):
    """Logger, tracer and metrics stand above a batch in both colours."""

    def function(order: Order):
        if order.order_id == "bad":
            raise ValueError("x")

    piled, lines = pile(batch_handler(paint(function)))
    answer = piled(sqs_event([{"order_id": "bad"}, {"order_id": "a"}]), lambda_context())

    assert len(failed(answer)) == 1
    assert json.loads(lines.getvalue().splitlines()[0])["function_name"] == "test-function"
    assert "Seen" in capsys.readouterr().out


def test_a_single_event_under_the_pile_is_answered(paint):
    """The result passes through."""

    def function(event):
        return {"job": event["job_id"]}

    piled, _ = pile(resilient_handler(paint(function)))

    assert piled({"job_id": "j"}, lambda_context()) == {"job": "j"}


@pytest.mark.parametrize("annotated", [False, True])
def test_event_parser_above_a_single_event_hands_over_the_model(paint, annotated):
    """The parsed event reaches the function as the model that it is."""

    def function(event):
        return event

    if annotated:
        function.__annotations__ = {"event": Job}
    handler = event_parser(resilient_handler(paint(function)), model=Job)

    assert handler({"job_id": "j"}, lambda_context()) == Job(job_id="j")


def test_event_parser_above_a_batch_does_not_read_our_functions_annotation(paint):
    """It asks for a model of its own instead of taking the event for an order."""

    def function(order: Order):
        del order

    with pytest.raises(Exception, match="model"):
        event_parser(batch_handler(paint(function)))(sqs_event([{"order_id": "a"}]), lambda_context())


def test_event_parser_with_a_model_above_a_batch_is_refused_whole(paint):
    """A pydantic model is no mapping: nothing runs, and the error says what is taken."""
    seen = []

    def function(record):
        seen.append(record)

    handler = event_parser(batch_handler(paint(function)), model=SqsModel)
    event = sqs_event([{"order_id": "a"}])
    event["Records"][0]["attributes"]["ApproximateFirstReceiveTimestamp"] = "1700000000000"

    with pytest.raises(Exception, match=r"SqsModel.*batch_handler takes"):
        handler(event, lambda_context())

    assert seen == []
