"""
Destinations of asynchronous invocations: what arrives there, and in what envelope.

Sources: "Capturing records of Lambda asynchronous invocations", AWS Lambda Developer Guide; the records themselves as
they were recorded on AWS. What AWS does not say is marked with (?).
"""

from __future__ import annotations

import json
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

from ..history import Kind
from ..queues.fifo import FifoQueue

if TYPE_CHECKING:
    from typing import TypeAlias

    from ..function import Function
    from ..invocation import Result
    from ..queues.sqs import Queue
    from .asynchronous import AsynchronousCalls
    from .relays import Relay

    # The function that is invoked with the record; a queue, topic, bus or bucket; or, where nobody reads it, "sqs",
    # "sns", "eventbridge" or "s3".
    Destination: TypeAlias = str | Function | AsynchronousCalls | Queue | Relay

SUCCESS = "Success"
RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"

SERVICES = ("sqs", "sns", "s3", "eventbridge")
MOST_SNS_BYTES = 262_144
MOST_ERROR_BYTES = 1_024
BUS_ARN = "arn:aws:events:us-east-1:123456789012:event-bus/default"


def check(destination: Destination | None, option: str) -> None:
    """
    Refuse what Lambda refuses.

    Args:
        option: "on_success" or "on_failure".

    Raises:
        ValueError: Lambda sends no records there.
    """
    is_bucket = getattr(destination, "service", destination) == "s3"
    if is_bucket and option == "on_success":
        raise ValueError("on_success='s3': Lambda sends records to S3 on failure only")
    if isinstance(destination, FifoQueue):
        destination = "fifo"
    if not isinstance(destination, str):
        return
    if destination == "fifo" or destination.endswith(".fifo"):
        raise ValueError(f"{option}={destination!r}: Lambda sends records to standard queues and topics only")
    if destination not in SERVICES:
        raise ValueError(f"{option}={destination!r} must be a function or one of {', '.join(SERVICES)}")


def invocation_record(
    condition: str,
    *,
    at_s: float,
    request_id: str,
    function: Function,
    qualifier: str,
    invocations: int,
    event: Any,
    result: Result | None,
    is_dated: bool = False,
) -> dict[str, Any]:
    """
    Return the record of an event that was answered or given up.

    Args:
        condition: `SUCCESS`, or why it was given up.
        qualifier: The version or alias that was invoked.
        invocations: How often the function ran.
        result: How it ended the last time; None leaves the response out.
        is_dated: A timeout has the shape that begins with a date and names no error type. Both occur on AWS.
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": timestamp(at_s),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:{qualifier}",
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "requestPayload": event,
    }
    if result is None:
        return record
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version_of(qualifier)}
    payload = result.answer
    if not result.is_answered:
        context["functionError"] = "Unhandled"
        if result.kind is Kind.TIMED_OUT and is_dated:
            text = f"{timestamp(at_s)} {request_id} Task timed out after {function.timeout_s:.2f} seconds"
            payload = {"errorMessage": text}
    return {**record, "responseContext": context, "responsePayload": payload}


def message_of(destination: str, record: dict[str, Any], *, function_name: str) -> tuple[Any, dict[str, str]]:
    """
    Return *record* as it stands in *destination*, one of `SERVICES`, and the attributes that it has there.

    A queue has the text of its message, a topic the ``Message`` of its notification, a bucket the object's content,
    with its key as an attribute; a bus has the whole event.
    """
    if destination == "eventbridge":
        return _bus_event(record), {}
    text = json.dumps(record)
    if destination == "sns" and len(text.encode()) > MOST_SNS_BYTES:
        # A topic takes less than an asynchronous invocation does.
        text = json.dumps({name: value for name, value in record.items() if name != "requestPayload"})
    if destination == "s3":
        return text, {"Key": _object_key(record, function_name)}
    return text, {}


def dead_letter_attributes(request_id: str, result: Result | None, condition: str) -> dict[str, str]:
    """
    Return the attributes of a message in a dead-letter queue; its body is the event as it was.

    Args:
        result: How the function ended the last time; None if it never ran.

    Source: "Adding a dead-letter queue", AWS Lambda Developer Guide: the status code of the HTTP answer, and the first
    KB of the error's message.
    """
    if result is None:  # (?)
        code, message = "429", f"Rate Exceeded. ({condition})"
    else:
        code, message = "200", str(result.answer.get("errorMessage", ""))
    message = message.encode()[:MOST_ERROR_BYTES].decode("utf-8", "ignore")
    return {"RequestID": request_id, "ErrorCode": code, "ErrorMessage": message}


def timestamp(at_s: float) -> str:
    """Return a time as in records: ISO 8601, with milliseconds."""
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(at_s)) + f".{int(at_s * 1000) % 1000:03}Z"


def _bus_event(record: dict[str, Any]) -> dict[str, Any]:
    context = record["requestContext"]
    outcome = "Success" if context["condition"] == SUCCESS else "Failure"
    return {
        "version": "0",
        "id": _id_of(record),
        "detail-type": f"Lambda Function Invocation Result - {outcome}",
        "source": "lambda",
        "account": "123456789012",
        "time": record["timestamp"][:19] + "Z",
        "region": "us-east-1",
        "resources": [BUS_ARN, context["functionArn"]],
        "detail": record,
    }


def _object_key(record: dict[str, Any], function_name: str) -> str:
    day, time = record["timestamp"][:19].split("T")
    name = f"{day}T{time.replace(':', '.')}-{_id_of(record)}"
    return f"aws/lambda/async/{function_name}/{day.replace('-', '/')}/{name}"


def _id_of(record: dict[str, Any]) -> str:
    # Random on AWS; here it must be the same in every run.
    return "d" + str(record["requestContext"]["requestId"])[1:]
