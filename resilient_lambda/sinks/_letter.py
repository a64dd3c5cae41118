"""
What a dead letter says, whichever sink it goes to: the note, the envelope, and what tells two letters apart.

docs/dead-letters.md shows the JSON; ``python -m resilient_lambda replay`` reads it.
"""

from __future__ import annotations

import json
import os
import re
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

from .._core.classify import describe
from .._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._core.record import Record

NAME = "resilient_lambda"  # of the attribute that holds the note, and of its field in an envelope
VERSION = 1
SQS_SOURCES = ("sqs", "sqs-fifo")

_NOTE_BYTES = 1_024  # what the error's text is cut for (protocols.md A10)
_MESSAGE_BYTES = 500
_LEAST_MESSAGE_BYTES = 200
_CLASS_CHARS = 128
# All that JSON allows in a text and SQS, SNS and UTF-8 do not take: control characters, surrogates, two non-characters.
# Not as "all but what they take": that compiles ten times as long, at each cold start.
UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Letter(NamedTuple):
    """
    One dead letter before it is written.

    Attributes:
        record: What is set aside.
        error: Why.
        key: The idempotency key under which the store knows it, so that a replay can clear a remembered failure.
    """

    record: Record[Any]
    error: BaseException
    key: str | None = None


def note_of(letter: Letter, dedup: str, now_s: float) -> dict[str, Any]:
    """Return what says why the record is here and where it came from, with the error's text cut to fit."""
    record, function = letter.record, _function()
    note: dict[str, Any] = {
        "v": VERSION,
        "error": type(letter.error).__name__[:_CLASS_CHARS],
        "message": "",
        "source": record.source,
        "id": record.id,
        "origin": record.origin,
        "dedup": dedup,
        "at": strftime("%Y-%m-%dT%H:%M:%S", gmtime(now_s)) + f".{int(now_s % 1 * 1000):03}Z",
    }
    if function:
        note["function"] = function
    if letter.key:
        note["key"] = letter.key
    if record.delivery != record.id:
        note["delivery"] = record.delivery
    if record.lane:
        note["lane"] = str(record.lane)
    room = _NOTE_BYTES - len(dumps(note).encode()) + len('""')
    note["message"] = _cut(describe(letter.error), max(_LEAST_MESSAGE_BYTES, min(_MESSAGE_BYTES, room)))
    return note


def envelope_of(letter: Letter, note: dict[str, Any]) -> str:
    """
    Return a record as JSON with its note: for all that is no SQS message on its way to an SQS queue.

    Raises:
        Exception: The record holds what is no JSON, and has no text either. It is the event's own data, of any shape.
    """
    record = letter.record
    envelope: dict[str, Any] = {NAME: note, "record": record.raw}
    if said := record.event_fields:  # some records do not say where they come from: a replay needs it
        envelope["event"] = said
    return dumps(envelope)


def envelope_in(text: str) -> Mapping[str, Any] | None:
    """Return the envelope in *text*, also where SNS or EventBridge have put theirs around it; None if it is none."""
    found = json_object(text)
    if "Message" in found and NAME not in found:
        found = json_object(found["Message"])
    elif isinstance(found.get("detail"), dict) and NAME not in found:
        found = found["detail"]
    return found if isinstance(found.get(NAME), dict) and "record" in found else None


def json_object(text: object) -> Mapping[str, Any]:
    """Return the object that *text* is in JSON; an empty one if it is anything else."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def region_of_arn(address: str) -> str | None:
    """Return the region that *address* names if it is an ARN, None if it names none."""
    parts = address.split(":")
    return parts[3] or None if parts[0] == "arn" and len(parts) > 4 else None


def dumps(value: object) -> str:
    """Return *value* as JSON that any sink takes: what cannot be sent as it is is escaped, and none of it is lost."""
    found = json.dumps(value, default=_as_json, ensure_ascii=False)
    return found if UNSENDABLE.search(found) is None else json.dumps(value, default=_as_json)


def dedup_of(record: Record[Any], token: Callable[[], str]) -> str:
    """
    Return what is equal for copies of one letter, and for nothing else: 64 hex digits.

    Never made of a FIFO message's own deduplication id: a message that is set aside, sent back and set aside again
    within five minutes would be taken for its own copy, and vanish (protocols.md A7). Its sequence number is new each
    time it is sent.

    Args:
        token: Returns what makes the letter of a record without id one of its own: of two equal ones none may be lost.
    """
    from hashlib import sha256

    # Of two functions that read one stream or topic, each has a letter of its own.
    parts: list[Any] = [record.origin or record.source, record.id or token(), record.default_key, _function()]
    if record.source in SQS_SOURCES:
        parts.append(system_attribute(record, "SequenceNumber"))
    elif record.source == "rabbitmq":
        parts.append(record.raw.get("data"))  # the id is the publisher's: nobody promises that it is used once
    return sha256(json.dumps(parts, default=_as_json).encode()).hexdigest()


def _function() -> str:
    """Return the name of the Lambda function that sets something aside; "" elsewhere."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")


def system_attribute(record: Record[Any], name: str) -> str:
    """Return an attribute that SQS itself gave a message; "" if there is none."""
    attributes = record.raw.get("attributes") if record.source in SQS_SOURCES else None
    found = attributes.get(name) if isinstance(attributes, dict) else None
    return found if isinstance(found, str) else ""


def _cut(message: str, at_most_bytes: int) -> str:
    """Return as much of *message* as takes *at_most_bytes* in JSON, where a control character takes six."""
    plain = UNSENDABLE.sub(lambda found: found[0] if found[0] < " " else "?", message)
    while len(json.dumps(plain, ensure_ascii=False).encode()) > at_most_bytes:
        plain = plain[: len(plain) * 9 // 10]
    return plain


def _as_json(value: Any) -> object:
    """Return what stands for a value that JSON does not know; events hold none, those of tests may."""
    if isinstance(value, (bytes, bytearray)):
        from base64 import b64encode

        return b64encode(value).decode()  # as Lambda writes bytes
    return dict(value) if hasattr(value, "keys") else str(value)
