"""Dead letters to an SQS queue: ten per request, each confirmed by its own entry of the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ._fifo import fifo_fields
from ._letter import NAME, SQS_SOURCES, UNSENDABLE, dumps, envelope_in, envelope_of, system_attribute
from ._requests import Entry, Limits, batch_answers, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.record import Record
    from ._aws import Draft
    from ._requests import Answer

ATTRIBUTES = 10
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")


class Queue:
    """
    How SQS takes letters.

    Args:
        strips: True to send a message that is too large as the body alone, for want of another place.
    """

    title = "SQS"
    name = client_name = "sqs"
    option = "url"
    limits = Limits(entries=10, size_bytes=1_048_576, at_once=1)  # of one message, and of all of one request

    def __init__(self, *, strips: bool) -> None:
        self._strips = strips

    def check(self, address: str) -> None:
        """
        Check that it is no ARN; URLs are of many kinds, for emulators have their own.

        Raises:
            ConfigurationError: It is one.
        """
        if address.startswith("arn:"):
            raise ConfigurationError(
                f"DeadLetter.sqs(): {address!r} is an ARN; give the queue's URL, https://sqs.... "
                "(in a template !Ref Queue, not !GetAtt Queue.Arn)"
            )

    def region_of(self, address: str) -> str | None:
        """Return the URL's region."""
        return region_of_url(address)

    def entry_of(self, draft: Draft, address: str) -> Entry:
        """Return a message: the record's own body and attributes with the note beside them, or else an envelope."""
        record = draft.letter.record
        content: dict[str, Any] = {"Id": str(draft.number)}
        if address.endswith(".fifo"):
            content.update(fifo_fields(draft))
        if record.source in SQS_SOURCES and not record.is_event:
            own = _own_message(draft)
            if own is not None:
                entry = Entry(draft.number, content | own, _size(own))
                is_too_large = entry.size_bytes > self.limits.size_bytes
                # A body that reads as an envelope would be taken for one, and its sender would say where it came from.
                if is_too_large and self._strips and envelope_in(own["MessageBody"]) is None:
                    # The body itself may be as large as a message may be: rather it alone than no letter (A10).
                    entry.content.pop("MessageAttributes")
                    entry = entry._replace(size_bytes=len(own["MessageBody"].encode()))
                return checked(self.title, entry, self.limits)
        body = envelope_of(draft.letter, draft.note)
        entry = Entry(draft.number, {**content, "MessageBody": body}, len(body.encode()))
        return checked(self.title, entry, self.limits)

    def send(self, client: Any, address: str, group: Sequence[Entry]) -> dict[int, Answer]:
        """Make one SendMessageBatch."""
        answer = client.send_message_batch(QueueUrl=address, Entries=[entry.content for entry in group])
        return batch_answers(self.title, answer, group)


def region_of_url(url: str) -> str | None:
    """Return the region that a queue's *url* names, None if it names none."""
    if url.startswith("https://queue.amazonaws.com/"):  # from before there were others
        return "us-east-1"
    # sqs.REGION., sqs-fips.REGION., vpce-....sqs.REGION.vpce., and the older REGION.queue. When needed: compiling costs
    # a cold start 0.3 ms, and most pass env=.
    region = r"([a-z]+(?:-[a-z]+)+-\d+)"
    match = re.match(rf"https?://(?:[a-z0-9.-]+\.)?(?:sqs(?:-fips)?\.{region}\.|{region}\.queue\.)", url)
    return match and (match[1] or match[2])


def _own_message(draft: Draft) -> dict[str, Any] | None:
    """Return the record's message with the note as one attribute more; None if SQS would not take it as it is."""
    record = draft.letter.record
    body = record.raw.get("body")
    if not isinstance(body, str) or not body or UNSENDABLE.search(body):
        return None
    try:
        original = _attributes(record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    # A message takes ten attributes, so ours is one (protocols.md A10); what has no room travels inside it.
    kept = dict(list(original.items())[: ATTRIBUTES - 1])
    note = dict(draft.note)
    fifo = {
        name: value
        for name, attribute in (("group", "MessageGroupId"), ("dedup", "MessageDeduplicationId"))
        if (value := system_attribute(record, attribute))
    }
    if fifo:
        note["fifo"] = fifo
    if len(kept) < len(original):
        note["attributes"] = {
            name: {field: value.hex() if isinstance(value, bytes) else value for field, value in original[name].items()}
            for name in original
            if name not in kept
        }
    return {
        "MessageBody": body,
        "MessageAttributes": {**kept, NAME: {"DataType": "String", "StringValue": dumps(note)}},
    }


def _attributes(record: Record[Any]) -> dict[str, dict[str, Any]]:
    """
    Return the message's own attributes in the spelling that SendMessage takes.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: They are not as SQS writes them, so SQS would refuse them.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, attribute in (record.raw.get("messageAttributes") or {}).items():
        if name == NAME:
            continue
        kind = attribute["dataType"]
        if not (_ATTRIBUTE_NAME.fullmatch(name) and _ATTRIBUTE_TYPE.fullmatch(kind)):
            raise ValueError("an odd name or type")
        is_binary = kind.startswith("Binary")
        if is_binary:
            from base64 import b64decode

            value: Any = b64decode(attribute["binaryValue"], validate=True)
        else:
            value = attribute["stringValue"]
            if not isinstance(value, str) or UNSENDABLE.search(value):
                raise ValueError("no text that SQS takes")
        if not value:
            raise ValueError("an empty attribute")
        found[name] = {"DataType": kind, "BinaryValue" if is_binary else "StringValue": value}
    return found


def _size(message: dict[str, Any]) -> int:
    size = len(message["MessageBody"].encode())
    for name, attribute in message["MessageAttributes"].items():
        value = attribute.get("BinaryValue") or attribute["StringValue"].encode()
        size += len(name.encode()) + len(attribute["DataType"].encode()) + len(value)
    return size
