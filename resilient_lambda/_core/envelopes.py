"""
Envelopes inside SQS bodies: what SNS, S3 and EventBridge put around what was sent.

A record is identified by what the inner service says, so that the duplicates of that service are found as well: SNS
that delivers twice gives two SQS messages. What cannot be read keeps the id of its message, and fails as a record.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, InvalidRecordError
from .decoding import checked_decode, decoded
from .source_fields import is_object, part_text
from .source_rows import SQS
from .source_types import Data
from .whole_rows import s3_key_of, s3_record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .source_types import Raw, Source
    from .sources import Delivery

ENVELOPES = ("sns", "s3", "eventbridge")
# What is in these is no text, so nothing can be in it that would have to be unwrapped or decoded.
STRUCTURED = ("s3", "eventbridge")


class Envelopes:
    """
    The options ``unwrap=`` and ``decode=``: what is to be read instead of what the event holds.

    Raises:
        ConfigurationError: One of them is wrong.
    """

    __slots__ = ("_decode", "_layers")

    def __init__(self, unwrap: object, decode: object) -> None:
        self._layers = checked_unwrap(unwrap)
        self._decode = checked_decode(decode)
        if self._decode is not None and self._layers[-1:] and self._layers[-1] in STRUCTURED:
            raise ConfigurationError(f"unwrap={unwrap!r} leaves no bytes for decode=; leave one of them out")

    def open(self, delivery: Delivery) -> Delivery:
        """
        Return *delivery* with what is inside.

        Raises:
            ConfigurationError: The options do not fit the source.
        """
        source, raws = delivery.source, delivery.raws
        if self._layers:
            source, raws = unwrapped(source, self._layers), expanded(raws, self._layers)
            # A message comes back with all that is in it. The option says so, not the batch: a redelivery is known by
            # the same name whatever it comes with.
            if self._layers[-1] == "s3":
                source = source._replace(brings_back_done=True)
        if self._decode is not None:
            source = decoded(source, self._decode)
        return delivery._replace(source=source, raws=raws)


def checked_unwrap(unwrap: Any) -> tuple[str, ...]:
    """
    Return the user's ``unwrap=`` as a tuple, outermost first.

    Raises:
        ConfigurationError: It is neither None nor made of envelopes that can be in one another.
    """
    if unwrap is None:
        return ()
    layers: tuple[Any, ...] = (unwrap,) if isinstance(unwrap, str) else ()
    if isinstance(unwrap, (list, tuple)):
        layers = tuple(unwrap)
    is_known = bool(layers) and all(isinstance(layer, str) and layer in ENVELOPES for layer in layers)
    if not is_known or len(set(layers)) < len(layers) or any(layer in STRUCTURED for layer in layers[:-1]):
        raise ConfigurationError(
            f'unwrap={unwrap!r} must be "sns", "s3" or "eventbridge", or both envelopes, the outer one first, such as '
            '("sns", "s3")'
        )
    return layers


def unwrapped(source: Source, layers: tuple[str, ...]) -> Source:
    """
    Return the row that reads what is inside the envelopes *layers*.

    Raises:
        ConfigurationError: The source is no queue.
    """
    if source.event_source != SQS.event_source:
        raise ConfigurationError(
            f"unwrap={layers!r} is for envelopes inside the bodies of SQS messages, and the batch comes from "
            f"{source.name}; leave it out"
        )
    body_of = source.content_of

    def content_of(raw: Raw) -> str | bytes | Data:
        content: Any = body_of(raw)
        for layer in layers:
            content = _CONTENTS[layer](_parsed(layer, content))
        return content  # type: ignore[no-any-return]

    def default_key_of(raw: Raw) -> Any:
        key: Any = source.default_key_of(raw)
        try:
            content: Any = body_of(raw)
            for layer in layers:
                envelope = _parsed(layer, content)
                key = _IDENTITIES[layer](envelope) or key
                content = _CONTENTS[layer](envelope)
        except InvalidRecordError:
            pass  # running it says so
        return key

    return source._replace(content_of=content_of, default_key_of=default_key_of)


def expanded(raws: Sequence[Raw], layers: tuple[str, ...]) -> Sequence[Raw]:
    """
    Return *raws* with one message for each S3 record inside them, all of them with the id of the message they are from.

    S3's test event has none. Whatever else is no event of S3 stays one record, which fails when it is read.
    """
    if layers[-1:] != ("s3",):
        return raws
    return [part for raw in raws for part in _parts(raw, layers[:-1])]


def _parts(raw: Raw, outer: tuple[str, ...]) -> list[Raw]:
    """Return the messages for the S3 records in *raw*."""
    try:
        text, envelopes = part_text(raw, "body"), []
        for layer in outer:  # notifications of SNS: nothing else has text inside
            envelopes.append(_parsed(layer, text))
            text = _sns_message(envelopes[-1])
        event = _parsed("s3", text)
    except InvalidRecordError:
        return [raw]
    records = event.get("Records")
    if part_text(event, "Event") == "s3:TestEvent" and records is None:
        return []  # S3 has tried whether it may write to the queue
    if not isinstance(records, list) or len(records) < 2:
        return [raw]
    return [_with_body(raw, envelopes, json.dumps({**event, "Records": [record]})) for record in records]


def _with_body(raw: Raw, envelopes: list[dict[str, Any]], text: str) -> Raw:
    """Return *raw* with *text* inside its *envelopes*, as it would have been sent: a dead letter is made of it."""
    for envelope in reversed(envelopes):
        text = json.dumps({**envelope, "Message": text})
    # The digest is of the whole body.
    return {name: text if name == "body" else value for name, value in raw.items() if name != "md5OfBody"}


def _parsed(layer: str, content: Any) -> dict[str, Any]:
    try:
        envelope = json.loads(content)
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        raise InvalidRecordError(f"{_INVALID[layer]}: it is no JSON object")
    return envelope


def _sns_message(envelope: dict[str, Any]) -> str:
    message = envelope.get("Message")
    if not isinstance(message, str) or not isinstance(envelope.get("TopicArn"), str):
        raise InvalidRecordError(
            f"{_INVALID['sns']}: it lacks 'Message' or 'TopicArn'; with raw message delivery there is no envelope"
        )
    return message


def _eventbridge_detail(envelope: dict[str, Any]) -> Data:
    if "detail" not in envelope or "detail-type" not in envelope:
        raise InvalidRecordError(f"{_INVALID['eventbridge']}: it lacks 'detail' or 'detail-type'")
    return Data(envelope["detail"])


def _s3_record(event: dict[str, Any]) -> Data:
    records = event.get("Records")
    if not isinstance(records, list) or len(records) != 1:  # `expanded` has seen to more
        raise InvalidRecordError(f"{_INVALID['s3']}: it lacks 'Records'")
    return Data(s3_record_of(records[0]))


def _s3_identity(event: dict[str, Any]) -> Any:
    records = event.get("Records")
    return s3_key_of(records[0]) if isinstance(records, list) and records and is_object(records[0]) else None


_CONTENTS: dict[str, Callable[[dict[str, Any]], str | Data]] = {
    "sns": _sns_message,
    "s3": _s3_record,
    "eventbridge": _eventbridge_detail,
}
_IDENTITIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sns": lambda envelope: part_text(envelope, "MessageId"),
    "s3": _s3_identity,
    "eventbridge": lambda envelope: part_text(envelope, "id"),
}
_INVALID = {
    "sns": "the body is no notification of SNS",
    "s3": "the body is no event of S3",
    "eventbridge": "the body is no event of EventBridge",
}
