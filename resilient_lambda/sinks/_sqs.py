"""Dead letters to an SQS queue: ten per request, each confirmed by its own entry of the answer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .._core.backoff import full_jitter_s
from .._core.classify import Classifier, describe
from .._core.options import text
from ..errors import ConfigurationError, SinkError
from . import _seam as seam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.record import Record
    from .._io.base import Io
    from ._seam import Letter

ENTRIES = 10
MESSAGE_BYTES = 1_048_576  # of one message, and of all messages of one request
ATTRIBUTES = 10
TRIES = 3
_CLASSIFIER = Classifier()
ENVELOPE = "resilient_lambda"
TEXT_BYTES = 500


class SqsQueue:
    """Sends dead letters to one SQS queue; see `DeadLetter.sqs`."""

    def __init__(self, url: str | None, env: str | None, client: Any) -> None:
        if (url is None) == (env is None):
            raise ConfigurationError("DeadLetter.sqs() needs either url= or env=, the variable that holds the URL")
        text("url" if env is None else "env", env if url is None else url)
        self._url = None if url is None else _checked(url)
        self._env = env
        self._client = client

    def __repr__(self) -> str:
        return f"sqs {self._url or self._env}"

    def check(self, *, is_asynchronous: bool) -> None:
        """Do nothing: a queue fits both colours."""

    def warm(self) -> None:
        """Read the environment and build the client."""
        self._address()
        if seam.redirect is None:
            self._connected()

    def _address(self) -> str:
        if self._url is None:
            assert self._env is not None
            url = os.environ.get(self._env)
            if not url:
                raise ConfigurationError(
                    f"DeadLetter.sqs(env={self._env!r}): the environment variable is not set; set it to the queue's URL"
                )
            self._url = _checked(url)
        return self._url

    def _connected(self) -> Any:
        if self._client is None:
            from ..stores._aws_client import shared_client

            self._client = shared_client("sqs")
        return self._client

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]:
        """Send *letters*, those that were not confirmed again while there is time; return one answer each."""
        if seam.redirect is not None:
            name = self._env or str(self._url)
            return [seam.redirect(name, record, error) for record, error in letters]
        answers: dict[int, str | SinkError] = {}
        entries = [
            entry
            for number, (record, error) in enumerate(letters)
            if (entry := _entry_or_none(number, record, error, answers)) is not None
        ]
        for attempt in range(1, TRIES + 1):
            waiting = [entry for entry in entries if _may_try(answers.get(int(entry["Id"])))]
            if not waiting:
                break
            if attempt > 1:
                wait_s = full_jitter_s(attempt - 1, base_s=0.1, cap_s=1.0, rand=io.random())
                if io.now() + wait_s >= until_s:
                    break
                await io.sleep(wait_s)
            for group in _groups(waiting):
                if io.now() >= until_s:
                    break
                answers.update(await io.call(self._send_group, group))
        out_of_time = SinkError("there was no time left to send the dead letter")
        return [answers.get(number, out_of_time) for number in range(len(letters))]

    def _send_group(self, group: Sequence[dict[str, Any]]) -> dict[int, str | SinkError]:
        try:
            url = self._address()
            answer = self._connected().send_message_batch(QueueUrl=url, Entries=group)
        except ConfigurationError as error:
            failure = SinkError(str(error), is_permanent=True)
            return {int(entry["Id"]): failure for entry in group}
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            if len(group) > 1 and not _CLASSIFIER.classify(error).is_retryable:
                # One bad letter has the whole request refused: the others must not share its fate.
                singly: dict[int, str | SinkError] = {}
                for entry in group:
                    singly.update(self._send_group([entry]))
                return singly
            failure = SinkError(f"SQS refused the dead letters: {describe(error)}")
            failure.__cause__ = error
            return {int(entry["Id"]): failure for entry in group}
        confirmed: dict[int, str | SinkError] = {
            int(entry["Id"]): SinkError("SQS neither confirmed nor refused the dead letter") for entry in group
        }
        for entry in answer.get("Successful", ()):
            confirmed[int(entry["Id"])] = str(entry["MessageId"])
        for entry in answer.get("Failed", ()):
            confirmed[int(entry["Id"])] = SinkError(
                f"SQS refused the dead letter: {entry.get('Code')}", is_permanent=bool(entry.get("SenderFault"))
            )
        return confirmed


def _may_try(answer: str | SinkError | None) -> bool:
    return answer is None or (isinstance(answer, SinkError) and not answer.is_permanent)


def _entry_or_none(
    number: int, record: Record[Any], error: BaseException, answers: dict[int, str | SinkError]
) -> dict[str, Any] | None:
    """Return the entry of one letter; a record of a shape that SQS would not take is that letter's failure only."""
    try:
        return _entry(number, record, error)
    except Exception as problem:  # the record is the event's own data, of any shape
        answers[number] = SinkError(
            f"the record cannot be sent to SQS: {type(problem).__name__} while its message was made", is_permanent=True
        )
        return None


def _entry(number: int, record: Record[Any], error: BaseException) -> dict[str, Any]:
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


def _groups(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
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


def _checked(url: str) -> str:
    if url.endswith(".fifo"):
        raise ConfigurationError(f"{url!r} is a FIFO queue; dead letters of standard queues go to a standard queue")
    return url
