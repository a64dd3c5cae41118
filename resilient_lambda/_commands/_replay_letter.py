"""
Dead letters as they lie in a queue or a bucket, read back into the records that they were. Pure.

A letter has one of three forms: a message with the record's body and attributes and a note beside them, which the sink
for SQS makes of SQS records; an envelope in JSON, with the note, the record and what the event said of all its records;
or no note at all, where SQS itself moved the message or the note had no room.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._core.source_rows import stream_of
from .._named_tuple import NamedTuple
from ..sinks._letter import envelope_in, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "resilient_lambda"
QUEUES = ("sqs", "sqs-fifo")


class Letter(NamedTuple):
    """
    One dead letter.

    Attributes:
        name: What it is called: the message's id, or the object's key.
        identity: What no other letter has: of an object the version of its content too.
        note: What the handler noted; empty if there is no note.
        source: The event source of the record; "" if it is not known.
        origin: The ARN of the queue, stream, topic or bucket that the record came from; "" if it is not known.
        record: The record as its event had it, or the whole event; None if the letter cannot be read.
        event: What the event said of all its records.
        group: The FIFO message group; "" if there is none.
        at_s: When it was set aside, in seconds since the epoch.
        problem: Why it could not be looked into; "" if it could.
    """

    name: str
    identity: str
    note: Mapping[str, Any]
    source: str
    origin: str
    record: Any
    event: Mapping[str, Any]
    group: str
    at_s: float
    problem: str = ""

    @property
    def key(self) -> str:
        """The stored idempotency key; "" if it is not known."""
        return _text(self.note.get("key"))

    @property
    def error(self) -> str:
        """The class of the error; "" if it is not known."""
        return _text(self.note.get("error"))

    @property
    def function(self) -> str:
        """The function that set it aside; "" if it is not known."""
        return _text(self.note.get("function"))

    @property
    def is_readable(self) -> bool:
        """False if it is no letter of this library; a whole event may be anything, null too."""
        return self.record is not None or self.source == "invocation"

    def __str__(self) -> str:
        """Return what people need to recognise it; never the payload."""
        parts = [self.source or "record", _text(self.note.get("id"))]
        what = " ".join(part for part in parts if part)
        by = f", {self.function}" if self.function else ""
        return f"{self.name} ({what}, {self.error or 'error not noted'}{by}, {iso(self.at_s)})"


def of_message(message: Mapping[str, Any], *, queue_arn: str) -> Letter:
    """
    Return the letter that a message is, as ReceiveMessage gives it.

    Args:
        queue_arn: Of the dead-letter queue: the origin of a message that does not say where it came from.
    """
    system: Mapping[str, str] = message.get("Attributes", {})
    attributes: Mapping[str, Any] = message.get("MessageAttributes", {})
    name, body = str(message["MessageId"]), str(message.get("Body", ""))
    at_s = _number(system.get("SentTimestamp")) / 1000
    # SQS itself moved it here, and says from where. No sink has written it: what looks like a letter in it is whatever
    # its sender wished, who must not choose where a replay sends.
    moved_from = system.get("DeadLetterQueueSourceArn", "")
    note = {} if moved_from else json_object(attributes.get(NOTE, {}).get("StringValue"))
    if not note and not moved_from:
        envelope = envelope_in(body)
        if envelope is not None:
            return _of_envelope(name, name, envelope, at_s, group=system.get("MessageGroupId", ""))
    origin = moved_from or _text(note.get("origin"))
    # The record's own group; a FIFO sink gives one to records that had none.
    fifo = note.get("fifo")
    group = _text((fifo if isinstance(fifo, dict) else {}).get("group")) or system.get("MessageGroupId", "")
    kept = {key: value for key, value in attributes.items() if key != NOTE or moved_from}
    rest = note.get("attributes")
    for key, value in rest.items() if isinstance(rest, dict) else ():
        kept.setdefault(key, _noted(value))
    record = {
        "messageId": _text(note.get("id")) or name,
        "receiptHandle": "replayed",
        "body": body,
        "attributes": {**system, **({"MessageGroupId": group} if group else {})},
        "messageAttributes": {key: _as_in_event(value) for key, value in kept.items()},
        "eventSource": "aws:sqs",
        "eventSourceARN": origin or queue_arn,
        "awsRegion": (origin or queue_arn).split(":")[3] if (origin or queue_arn).count(":") > 3 else "",
    }
    if "MD5OfBody" in message:
        record["md5OfBody"] = message["MD5OfBody"]
    source = _text(note.get("source")) or ("sqs-fifo" if origin.endswith(".fifo") else "sqs")
    return Letter(name, name, note, source, origin, record, {}, group, _at_s(note, at_s))


def of_object(key: str, etag: str, content: bytes, *, at_s: float) -> Letter:
    """Return the letter that an object holds; its record is None if it is none of this library's."""
    try:
        envelope = envelope_in(content.decode())
    except UnicodeDecodeError:
        envelope = None
    identity = f"{key}|{etag}"
    if envelope is None:
        return Letter(key, identity, {}, "", "", None, {}, "", at_s)
    return _of_envelope(key, identity, envelope, at_s, group="")


def _of_envelope(name: str, identity: str, envelope: Mapping[str, Any], at_s: float, *, group: str) -> Letter:
    note: Mapping[str, Any] = envelope[NOTE]
    record, event = envelope["record"], envelope.get("event")
    source = _text(note.get("source"))
    fields = record if isinstance(record, dict) else {}
    if source in QUEUES:
        attributes = fields.get("attributes")
        group = str((attributes if isinstance(attributes, dict) else {}).get("MessageGroupId") or group)
    if source != "invocation" and fields is not record:
        record = None
    origin = _text(note.get("origin")) or _text(fields.get("eventSourceARN"))
    if source == "kinesis":
        origin = stream_of(origin)
    fields = event if isinstance(event, dict) else {}
    return Letter(name, identity, note, source, origin, record, fields, group, _at_s(note, at_s))


def as_sent(record: Mapping[str, Any], *, is_noted: bool = True) -> dict[str, Any]:
    """
    Return the body and the attributes of an SQS record as SendMessage takes them.

    Args:
        is_noted: An attribute under our name is not the sender's, and is left out.
    """
    attributes: dict[str, dict[str, Any]] = {}
    for name, attribute in (record.get("messageAttributes") or {}).items():
        kind = str(attribute.get("dataType", "String"))
        if name == NOTE and is_noted:
            continue
        if kind.startswith("Binary"):
            attributes[name] = {"DataType": kind, "BinaryValue": b64decode(attribute.get("binaryValue") or "")}
        else:
            attributes[name] = {"DataType": kind, "StringValue": str(attribute.get("stringValue") or "")}
    return {"MessageBody": str(record.get("body", "")), **({"MessageAttributes": attributes} if attributes else {})}


def iso(at_s: float) -> str:
    """Return a point of time in UTC."""
    return datetime.fromtimestamp(at_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> float:
    """
    Return the seconds since the epoch; a time without a zone is UTC.

    Raises:
        ValueError: *text* is no date and time.
    """
    at = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()


def _as_in_event(attribute: Mapping[str, Any]) -> dict[str, Any]:
    # Lambda spells a message's attributes in its own way.
    found: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"]}
    if "BinaryValue" in attribute:
        return {"binaryValue": b64encode(bytes(attribute["BinaryValue"])).decode(), **found}
    return {"stringValue": attribute.get("StringValue", ""), **found}


def _noted(attribute: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(attribute)
    if isinstance(found.get("BinaryValue"), str):
        found["BinaryValue"] = bytes.fromhex(found["BinaryValue"])
    return found


def _at_s(note: Mapping[str, Any], otherwise_s: float) -> float:
    try:
        return parse_iso(_text(note.get("at")))
    except ValueError:
        return otherwise_s


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return float(value) if isinstance(value, str) and value.isdecimal() else 0.0
