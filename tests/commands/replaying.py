"""A small AWS for the tests of ``replay``: moto's queues, buckets, streams and tables, and functions that are ours."""

from __future__ import annotations

import argparse
import io
import json
from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import sqs_backends

from resilient_lambda._commands import replay

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "arn:aws:sqs:eu-west-1:123456789012"
AT = "2026-11-21T09:00:00.000Z"


class Died(BaseException):
    """The process ends here."""


class World:
    """
    AWS, as far as a replay reaches it.

    Attributes:
        functions: What stands for Lambda functions, by name.
        invocations: The name, type and event of each invocation.
        calls: Every call of the command, by service and method.
        on_call: Called with the number of each call, its name, and "before" or "after".
    """

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        self.s3 = boto3.client("s3")
        self.kinesis = boto3.client("kinesis")
        self.functions: dict[str, Callable[[dict], object]] = {}
        self.invocations: list[tuple[str, str, dict]] = []
        self.calls: list[str] = []
        self.on_call: Callable[[int, str, str], None] = lambda number, name, when: None

    def queue(self, name: str, **attributes: str) -> str:
        """Create a queue and return its URL."""
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def bucket(self, name: str) -> None:
        """Create a bucket."""
        place = {"LocationConstraint": self.s3.meta.region_name}
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)

    def park(self, url: str, body: str, note: dict | None = None, attributes: dict | None = None, **fields: str) -> str:
        """Put a letter into a queue, as the sink for SQS does, and return its message id."""
        named = {**(attributes or {})}
        if note is not None:
            named["resilient_lambda"] = {"DataType": "String", "StringValue": json.dumps(note)}
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=named, **fields)["MessageId"]

    def messages(self, url: str) -> list[dict]:
        """Return what is visible in a queue, and leave it visible."""
        found: list[dict] = []
        while batch := self.sqs.receive_message(
            QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"], MaxNumberOfMessages=10
        ).get("Messages"):
            found += batch
        for message in found:
            self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return found

    def bodies(self, url: str) -> list[str]:
        """Return the bodies of what is visible in a queue."""
        return [message["Body"] for message in self.messages(url)]

    def all_bodies(self, name: str) -> list[str]:
        """Return the bodies of what is in a queue, out of sight or not."""
        queue = sqs_backends[DEFAULT_ACCOUNT_ID][self.sqs.meta.region_name].queues[name]
        return [message.body for message in queue._messages]

    def hidden(self, url: str) -> int:
        """Return how many messages of a queue are out of sight."""
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
        return int(answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"])

    def connect(self, service: str, region: str | None) -> object:
        """Build a client, as the command asks for it."""
        if service == "lambda":
            return _Client(self, service, _Functions(self))
        return _Client(self, service, boto3.client(service, region_name=region))


class _Client:
    """A client whose calls are counted, can end the process, and do not wait for messages that do not come."""

    def __init__(self, world: World, service: str, client: object) -> None:
        self._world = world
        self._service = service
        self._client = client
        self.meta = getattr(client, "meta", None)

    def __getattr__(self, method: str) -> Callable[..., object]:
        def call(**request: object) -> object:
            world, name = self._world, f"{self._service}.{method}"
            world.calls.append(name)
            number = len(world.calls)
            request.pop("WaitTimeSeconds", None)
            world.on_call(number, name, "before")
            answer = getattr(self._client, method)(**request)
            world.on_call(number, name, "after")
            return answer

        return call


class _Functions:
    """Lambda: invokes the functions of the world, asynchronous ones too before it answers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict:
        """Run the function and answer as Lambda does."""
        event = json.loads(Payload)
        self._world.invocations.append((FunctionName, InvocationType, event))
        if FunctionName not in self._world.functions:
            raise refusal("ResourceNotFoundException", "Invoke")
        problem: dict[str, str] = {}
        try:
            result = self._world.functions[FunctionName](event)
        except Exception as error:
            problem = {"FunctionError": "Unhandled"}
            result = {"errorType": type(error).__name__, "errorMessage": str(error)}
        if InvocationType == "Event":
            return {"StatusCode": 202, "ResponseMetadata": {"RequestId": "request"}}
        content = io.BytesIO(json.dumps(result).encode())
        return {"StatusCode": 200, "Payload": content, "ResponseMetadata": {"RequestId": "request"}, **problem}


class Done(NamedTuple):
    """What a run of the command left behind."""

    code: int
    output: str
    complaints: str


def refusal(code: str, operation: str) -> ClientError:
    """Return an error as AWS answers it."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def run(world: World, *options: str) -> int:
    """Run the command in this world and return its exit code."""
    parser = argparse.ArgumentParser()
    replay.add_parser(parser.add_subparsers())
    return replay.run(parser.parse_args(["replay", *options]), connect=world.connect)


def note(**fields: object) -> dict:
    """Return a note as handlers write it."""
    found = {
        "v": 1,
        "error": "KeyError",
        "message": "'total'",
        "source": "sqs",
        "id": "m-1",
        "origin": f"{ACCOUNT}:orders",
        "dedup": "00",
        "at": AT,
    }
    return {name: value for name, value in {**found, **fields}.items() if value is not None}


def envelope(record: object, event: dict | None = None, **fields: object) -> str:
    """Return an envelope as sinks write it for all that is no SQS message."""
    found = {"resilient_lambda": note(**fields), "record": record}
    return json.dumps(found if event is None else {**found, "event": event})


def kinesis_record(
    data: str, *, key: str = "a", number: str = "49590338271490256608559692538361571095921575989136588898"
):
    """Return a record as Lambda hands it over; *data* is in base64."""
    arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
    return {
        "kinesis": {"partitionKey": key, "sequenceNumber": number, "data": data, "kinesisSchemaVersion": "1.0"},
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
        "eventSourceARN": arn,
        "awsRegion": "eu-west-1",
    }
