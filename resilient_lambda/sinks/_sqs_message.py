"""A dead letter as an SQS message: the record's body and attributes, and one attribute that says what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._core.classify import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.record import Record

ENTRIES = 10
MESSAGE_BYTES = 1_048_576  # of one message, and of all messages of one request
ATTRIBUTES = 10
ENVELOPE = "resilient_lambda"
TEXT_BYTES = 500


def entry_of(number: int, record: Record[Any], error: BaseException) -> dict[str, Any]:
    """
    Return the entry of SendMessageBatch for one letter, with *number* as its id.

    Raises whatever a record of an odd shape leads to: it is the event's own data.
    """
    body = record.body
    message = body if isinstance(body, str) else body.decode("utf-8", "backslashreplace")
    original = _attributes(record)
    # A message takes ten attributes, so ours is one (protocols.md A10); what has no room travels inside it.
    kept = dict(list(original.items())[: ATTRIBUTES - 1])
    rest = {name: original[name] for name in original if name not in kept}
    note: dict[str, Any] = {
        "error": type(error).__name__,
        "message": _trimmed(describe(error)),
        "source": record.source,
        "id": record.id,
        "dedup": _dedup(record),
    }
    if rest:
        note["attributes"] = rest
    attributes = {
        **kept,
        ENVELOPE: {"DataType": "String", "StringValue": json.dumps(note, default=_as_text, ensure_ascii=False)},
    }
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": message, "MessageAttributes": attributes}
    if _size(entry) > MESSAGE_BYTES:
        # The body itself may be as large as a message may be: rather the body alone than no dead letter (A10).
        del entry["MessageAttributes"]
    return entry


def _trimmed(message: str) -> str:
    """Return as much of *message* as takes `TEXT_BYTES` in JSON, where a control character takes six."""
    plain = message.encode("utf-8", "replace").decode()
    while len(json.dumps(plain, ensure_ascii=False).encode()) > TEXT_BYTES:
        plain = plain[: len(plain) * 9 // 10]
    return plain


def _attributes(record: Record[Any]) -> dict[str, dict[str, Any]]:
    """Return the message's own attributes in the spelling that SendMessage takes."""
    found: dict[str, dict[str, Any]] = {}
    for name, attribute in ({} if record.is_event else record.raw.get("messageAttributes") or {}).items():
        kind = str(attribute.get("dataType", "String"))
        if name == ENVELOPE:
            continue
        if kind.startswith("Binary"):
            from base64 import b64decode

            found[name] = {"DataType": kind, "BinaryValue": b64decode(attribute.get("binaryValue") or "")}
        else:
            found[name] = {"DataType": kind, "StringValue": str(attribute.get("stringValue") or "")}
    return found


def _dedup(record: Record[Any]) -> str:
    """Return what tells consumers that two dead letters are one: a crash between send and answer sends it twice."""
    from hashlib import sha256

    origin = record.source if record.is_event else record.raw.get("eventSourceARN", record.source)
    body = "" if record.id else record.body  # where there is no id, the content must tell
    return sha256(f"{origin}|{record.id}|{body!r}".encode("utf-8", "surrogatepass")).hexdigest()


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _size(entry: dict[str, Any]) -> int:
    size = len(entry["MessageBody"].encode("utf-8", "surrogatepass"))
    for name, attribute in entry.get("MessageAttributes", {}).items():
        value = attribute.get("BinaryValue", attribute.get("StringValue", ""))
        size += (
            len(name.encode()) + len(attribute["DataType"]) + len(value if isinstance(value, bytes) else value.encode())
        )
    return size


def groups_of(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Split *entries* into requests of at most ten entries and one mebibyte."""
    groups: list[list[dict[str, Any]]] = [[]]
    filled = 0
    for entry in entries:
        size = _size(entry)
        if groups[-1] and (len(groups[-1]) == ENTRIES or filled + size > MESSAGE_BYTES):
            groups.append([])
            filled = 0
        groups[-1].append(entry)
        filled += size
    return groups
