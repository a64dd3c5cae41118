"""Stand-ins for the clients of the services that take dead letters, and records to send there."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from resilient_lambda import DeadLetter, NonRetryableError
from resilient_lambda._core.record import EventRecord, Record
from resilient_lambda._core.sources import INVOCATION, open_batch
from resilient_lambda._io.blocking import drive
from resilient_lambda.testing import sqs_event, sqs_record

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/parking"
TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:parking"
NEVER_S = float("inf")


def api_error(code: str, status: int = 400) -> ClientError:
    """Return the error that botocore raises for *code*."""
    return ClientError({"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op")


class Client:
    """
    A client that answers as scripted.

    Attributes:
        calls: The parameters of each call.
        script: What is done with the next calls: a function from entries to an answer, an answer, or an error to raise;
            beyond it every entry is confirmed.
    """

    def __init__(self, service: type[Service]) -> None:
        self.calls: list[dict[str, Any]] = []
        self.script: list[Any] = []
        self._service = service

    def __getattr__(self, name: str) -> Any:
        if name != self._service.method:
            raise AttributeError(name)
        return self._answer

    def _answer(self, **parameters: Any) -> Any:
        self.calls.append(parameters)
        entries = self._service.entries_of(parameters)
        act = self.script.pop(0) if self.script else self._service.confirm
        if isinstance(act, BaseException):
            raise act
        return act(entries) if callable(act) else act

    @property
    def sizes(self) -> list[int]:
        """How many letters each call had."""
        return [len(self._service.entries_of(call)) for call in self.calls]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """All entries that were sent, in order."""
        return [entry for call in self.calls for entry in self._service.entries_of(call)]

    @property
    def texts(self) -> list[str]:
        """What each letter says, in order: the envelope, or the body of a record's own message."""
        return [self._service.text_of(entry) for entry in self.entries]

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """The envelopes that were sent, in order."""
        return [json.loads(text) for text in self.texts]


class Service:
    """One kind of sink: how to make it, and how its service answers."""

    name: str
    method: str
    address: str
    missing: str  # the error code for an address that does not exist
    per_request = 10

    @classmethod
    def sink(cls, client: Any = None, **options: Any) -> DeadLetter:
        """Return a sink of this kind."""
        if "env" not in options:
            options = {"_address": cls.address, **options}
        address = [options.pop("_address")] if "_address" in options else []
        return getattr(DeadLetter, cls.name)(*address, client=client, **options)

    @classmethod
    def entries_of(cls, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the entries of one call."""
        raise NotImplementedError

    @classmethod
    def text_of(cls, entry: dict[str, Any]) -> str:
        """Return the letter in an entry."""
        raise NotImplementedError

    @classmethod
    def confirm(cls, entries: list[dict[str, Any]]) -> Any:
        """Confirm every entry."""
        return cls.answer(entries, {})

    @classmethod
    def answer(cls, entries: list[dict[str, Any]], refused: dict[int, bool]) -> Any:
        """Refuse the entries at some places, for good or not, and confirm the others."""
        raise NotImplementedError


class _Batches(Service):
    # SQS and SNS answer alike.
    @classmethod
    def answer(cls, entries, refused):
        """Answer with two lists."""
        return {
            "Successful": [
                {"Id": entry["Id"], "MessageId": f"message-{entry['Id']}"}
                for n, entry in enumerate(entries)
                if n not in refused
            ],
            "Failed": [
                {"Id": entries[n]["Id"], "SenderFault": for_good, "Code": "Sender" if for_good else "InternalError"}
                for n, for_good in refused.items()
            ],
        }


class Sqs(_Batches):
    """`DeadLetter.sqs`."""

    name, method, address, missing = "sqs", "send_message_batch", QUEUE_URL, "AWS.SimpleQueueService.NonExistentQueue"

    @classmethod
    def entries_of(cls, parameters):
        """Return the messages."""
        return parameters["Entries"]

    @classmethod
    def text_of(cls, entry):
        """Return the body."""
        return entry["MessageBody"]


class Sns(_Batches):
    """`DeadLetter.sns`."""

    name, method, address, missing = "sns", "publish_batch", TOPIC_ARN, "NotFound"

    @classmethod
    def entries_of(cls, parameters):
        """Return the messages."""
        return parameters["PublishBatchRequestEntries"]

    @classmethod
    def text_of(cls, entry):
        """Return the message."""
        return entry["Message"]


class EventBridge(Service):
    """`DeadLetter.eventbridge`."""

    name, method, address, missing = "eventbridge", "put_events", "parking", "ResourceNotFoundException"

    @classmethod
    def entries_of(cls, parameters):
        """Return the events."""
        return parameters["Entries"]

    @classmethod
    def text_of(cls, entry):
        """Return the detail."""
        return entry["Detail"]

    @classmethod
    def answer(cls, entries, refused):
        """Answer by place."""
        codes = {True: "MalformedDetail", False: "InternalFailure"}
        return {
            "FailedEntryCount": len(refused),
            "Entries": [
                {"ErrorCode": codes[refused[n]], "ErrorMessage": "m"} if n in refused else {"EventId": f"event-{n}"}
                for n in range(len(entries))
            ],
        }


class S3(Service):
    """`DeadLetter.s3`."""

    name, method, address, missing, per_request = "s3", "put_object", "parking", "NoSuchBucket", 1

    @classmethod
    def entries_of(cls, parameters):
        """Return the one object."""
        return [parameters]

    @classmethod
    def text_of(cls, entry):
        """Return the content."""
        return entry["Body"].decode()

    @classmethod
    def answer(cls, entries, refused):
        """Answer with an error or a tag."""
        if refused:
            raise api_error("InvalidArgument" if refused[0] else "InternalError", 400 if refused[0] else 500)
        return {"ETag": '"abc"'}


SERVICES = {service.name: service for service in (Sqs, Sns, EventBridge, S3)}


def records_of(event: dict[str, Any]) -> list[Record[Any]]:
    """Return the records of an event."""
    delivery = open_batch(event)
    return [Record(raw, delivery.source) for raw in delivery.raws]


def sqs_records(count: int, **options: Any) -> list[Record[Any]]:
    """Return records ``m0``, ``m1`` and so on, of a queue."""
    return records_of(sqs_event(sqs_record(f"body {n}", message_id=f"m{n}", **options) for n in range(count)))


def event_record(event: Any, request_id: str = "request-1") -> EventRecord[Any]:
    """Return a whole event."""
    return EventRecord(event, INVOCATION, request_id)


def park(sink, io, records, *, error=None, until_s=NEVER_S):
    """Send records to a sink; return its answers."""
    letters = [(record, error or NonRetryableError("poison")) for record in records]
    return drive(sink.send(io, letters, until_s=until_s))
