"""Powertools' decorators stack above a handler of this library as above any function."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.parser.exceptions import InvalidModelTypeError
from pydantic import BaseModel

from resilient_lambda import Idempotency, MemoryStore, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event

ANSWER = {"batchItemFailures": []}


class Order(BaseModel):
    """A record's body."""

    order_id: str


class Job(BaseModel):
    """A whole event."""

    job_id: str


@pytest.fixture
def done():
    """Return the list of what was handled."""
    return []


@pytest.fixture
def handler(done):
    """Return an entry point whose function takes a model of the *record*."""

    @batch_handler(policies=[Idempotency(MemoryStore(), key="order_id")])
    def orders(order: Order) -> None:
        done.append(order.order_id)

    return orders


def test_logger_stacks_above(handler, done):
    """``Logger.inject_lambda_context`` adds the function's name to its lines and passes event and answer through."""
    lines = io.StringIO()
    logger = Logger(service="orders", stream=lines)

    answer = logger.inject_lambda_context(handler)(sqs_event([{"order_id": "a"}]), lambda_context())
    logger.info("after")

    assert (answer, done) == (ANSWER, ["a"])
    assert json.loads(lines.getvalue().splitlines()[-1])["function_name"] == lambda_context().function_name


def test_tracer_stacks_above(handler, done):
    """``Tracer.capture_lambda_handler`` passes event and answer through."""
    tracer = Tracer(service="orders", disabled=True)

    answer = tracer.capture_lambda_handler(handler)(sqs_event([{"order_id": "a"}]), lambda_context())

    assert (answer, done) == (ANSWER, ["a"])


def test_metrics_stack_above(handler, done, capsys):
    """``Metrics.log_metrics`` passes event and answer through and still flushes."""
    metrics = Metrics(namespace="orders", service="orders")
    metrics.add_metric(name="Seen", unit="Count", value=1)

    answer = metrics.log_metrics(handler)(sqs_event([{"order_id": "a"}]), lambda_context())

    assert (answer, done) == (ANSWER, ["a"])
    assert json.loads(capsys.readouterr().out)["Seen"] == [1.0]


def test_all_three_stack_above_each_other(handler, done):
    """The usual pile of decorators is in nobody's way."""
    logger, tracer = Logger(service="orders", stream=io.StringIO()), Tracer(service="orders", disabled=True)
    metrics = Metrics(namespace="orders", service="orders")
    metrics.add_metric(name="Seen", unit="Count", value=1)
    piled = logger.inject_lambda_context(tracer.capture_lambda_handler(metrics.log_metrics(handler)))

    assert piled(sqs_event([{"order_id": "a"}]), lambda_context()) == ANSWER
    assert done == ["a"]


def test_event_parser_does_not_take_the_event_for_the_record():
    """``event_parser`` looks for a model in annotations: the entry point has none, so the parser asks for one."""

    @batch_handler
    def orders(order: Order) -> None:
        del order

    with pytest.raises(InvalidModelTypeError):
        event_parser(orders)(sqs_event([{"order_id": "a"}]), lambda_context())
    assert "__wrapped__" not in vars(orders)
    assert orders.__name__ == "orders"


def test_event_parser_stacks_above_with_its_own_model():
    """A parsed event, a model instead of a dict, reaches the function of ``resilient_handler``."""
    seen: list[Any] = []

    @resilient_handler
    def work(event, context):
        seen.append(event)
        return "done"

    answer = event_parser(work, model=Job)({"job_id": "j"}, lambda_context())

    assert answer == "done"
    assert seen == [Job(job_id="j")]


def test_event_source_data_class_is_accepted_as_the_event(handler, done):
    """``event_source`` hands over a mapping that is no dict."""
    answer = event_source(handler, data_class=SQSEvent)(sqs_event([{"order_id": "a"}]), lambda_context())

    assert (answer, done) == (ANSWER, ["a"])
