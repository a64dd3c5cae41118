"""
Events as AWS documents them, with the exact answer that each must be given.

The files in ``golden`` are literal JSON: the event, and for records that fail (counted in the order of the event) which
ones run and what is answered. Source: AWS Lambda Developer Guide, the example event of each source.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import lambda_context
from tests.delivery import model
from tests.handlers.colours import COLOURS

SOURCES = {
    "activemq": model.ACTIVEMQ,
    "documentdb": model.DOCUMENTDB,
    "dynamodb": model.DYNAMODB,
    "fifo": model.FIFO,
    "kafka": model.KAFKA,
    "kafka-self-managed": model.KAFKA,
    "kafka-self-managed-long-name": model.KAFKA,
    "kinesis": model.KINESIS,
    "rabbitmq": model.RABBITMQ,
    "s3": model.S3,
    "sns": model.SNS,
    "sqs": model.SQS,
}
GOLDEN = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "golden").glob("*.json"))}
CASES = [(name, number) for name, golden in GOLDEN.items() for number in range(len(golden["answers"]))]


def marked(name):
    """Return the event of *name*, each record with its number in a field that AWS does not send."""
    event = copy.deepcopy(GOLDEN[name]["event"])
    for number, item in enumerate(model.items(SOURCES[name], event)):
        item.raw["number"] = number
    return event


def run(name, case, decorate):
    """Run the event of *name* with the failures of *case*; return the answer or the error, and which records ran."""
    ran = []

    def function(record):
        ran.append(record.raw["number"])
        if record.raw["number"] in case["fail"]:
            raise ValueError("as planned")

    function.__annotations__["record"] = Record
    try:
        return decorate(function)(marked(name), lambda_context()), ran
    except Exception as error:
        return error, ran


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("name", "number"), CASES)
def test_the_answer_is_exactly_what_lambda_wants(name, number, colour):
    """Names, their form and their order; who ran; and an error where there are no partial answers."""
    case = GOLDEN[name]["answers"][number]
    options = dict(case.get("options", {}))
    if "order" in options:
        options["policies"] = [Idempotency(MemoryStore(), key=lambda record: record.raw["number"])]
    answer, ran = run(name, case, lambda function: batch_handler(**options)(COLOURS[colour](function)))

    assert sorted(ran) == case["runs"]
    if "raises" in case:
        assert type(answer).__name__ == case["raises"]
        assert isinstance(answer, BatchFailedError)
    else:
        assert answer == case["answer"]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_the_model_agrees_with_the_golden_answers(name, number):
    """What is answered brings back what failed or did not run, and what the source brings with it; nothing is lost."""
    case = GOLDEN[name]["answers"][number]
    source = model.SHARE_GROUP if case.get("options", {}).get("share_group") else SOURCES[name]
    event = GOLDEN[name]["event"]
    size = len(model.items(source, event))
    unfinished = {number for number in range(size) if number in case["fail"] or number not in case["runs"]}
    answer = ValueError() if "raises" in case else case["answer"]

    assert model.delivered_again(source, event, answer) == model.forced_again(source, event, unfinished)


@pytest.mark.parametrize("name", SOURCES)
def test_source_may_be_said_instead_of_detected(name):
    """The name that ``source=`` takes reads the same events."""
    said = {"fifo": "sqs"}.get(name, name.split("-", maxsplit=1)[0])
    answer, ran = run(name, {"fail": []}, batch_handler(source=said))

    assert answer == {"batchItemFailures": []}
    assert len(ran) == len(model.items(SOURCES[name], GOLDEN[name]["event"]))


@pytest.mark.parametrize(
    "said", ["sqs", "kinesis", "dynamodb", "kafka", "activemq", "rabbitmq", "documentdb", "s3", "sns"]
)
@pytest.mark.parametrize("name", SOURCES)
def test_events_of_another_source_are_refused_whole(name, said):
    """A mapping that was connected to the wrong function shows at once, and loses nothing."""
    if {"fifo": "sqs"}.get(name, name.split("-", maxsplit=1)[0]) == said:
        return
    answer, ran = run(name, {"fail": []}, batch_handler(source=said))

    assert type(answer).__name__ == "UnknownEventError"
    assert ran == []


def test_every_file_is_used():
    """A golden event that nobody runs proves nothing."""
    assert sorted(GOLDEN) == sorted(SOURCES)
