"""`Record`: one item of a batch, read lazily so that what is not asked for costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import InvalidRecordError
from .keys import digest
from .source_fields import part, part_text
from .source_types import CHANGES, KAFKA, Data

if TYPE_CHECKING:
    from .source_types import Raw, Source

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    T = DefaultTypeVar("T", default=Any)
else:
    T = TypeVar("T")


class Record(Generic[T]):
    """
    One item of a batch.

    Annotate the first parameter of your function with ``Record`` to receive it, or with ``Record[Order]`` to have
    ``value`` validated as an ``Order`` as well.

    Attributes:
        raw: The item as the event holds it.
    """

    __slots__ = ("_content", "_json", "_source", "_value", "raw")

    def __init__(self, raw: Raw, source: Source) -> None:
        # Two slots only: what is not asked for is not even marked as unread, for 10,000 records are made a batch.
        self.raw = raw
        self._source = source

    def __repr__(self) -> str:
        return f"Record({self._source.name}, {self.id!r})"  # never the body

    @property
    def id(self) -> str:
        """What logs, dead letters and, in most sources, the answer name this record by; "" if the event gives none."""
        return self._source.id_of(self.raw)

    @property
    def default_key(self) -> Any:
        """The idempotency key where no ``key=`` is given; None if nothing tells this record from others."""
        return self._source.default_key_of(self.raw)

    @property
    def delivery(self) -> str:
        """
        What tells this record from all others, also from those with its idempotency key: a failure is this one's alone.

        The id of an SQS message, which each send makes anew; elsewhere ids repeat themselves, from one stream to the
        next or with the publisher's leave, so it is a digest of all that is known.
        """
        source = self._source
        if not source.brings_back_done:
            return self.id
        parts = [source.name, self.origin, self.id, self.default_key]
        if source.name == "rabbitmq":  # where the publisher gives the ids, or none
            # Not the headers: a quorum queue counts the deliveries there.
            parts += [part(self.raw, "basicProperties", name) for name in ("correlationId", "timestamp")]
            parts.append(self.raw.get("data"))
        return digest(parts)

    @property
    def is_event(self) -> bool:
        """True if this is a whole event rather than one item of a batch."""
        return False

    @property
    def source(self) -> str:
        """The name of the event source, ``"sqs"`` for example."""
        return self._source.name

    @property
    def origin(self) -> str:
        """The ARN of the queue, stream, cluster, broker, bucket or topic; "" if the event does not say."""
        return self._source.origin_of(self.raw)

    @property
    def event_fields(self) -> dict[str, str]:
        """What the event says beside its records: Kafka's brokers, the queue of RabbitMQ; {} if the record says it."""
        return self._source.event_fields_of(self.raw)

    @property
    def receives(self) -> int | None:
        """How often the source handed this record out, this time included; None where it does not say."""
        return self._source.receives_of(self.raw)

    @property
    def lane(self) -> str | None:
        """The lane whose order this record keeps; None if it stands alone."""
        lane_of = self._source.lane_of
        return None if lane_of is None else lane_of(self.raw)

    @property
    def content(self) -> str | bytes | Data:
        """What was sent, read once; raises `InvalidRecordError` if it cannot be read."""
        if not hasattr(self, "_content"):
            self._content: str | bytes | Data = self._source.content_of(self.raw)
        return self._content

    @property
    def body(self) -> str | bytes:
        """
        The body as it was sent, without its envelopes and decoded.

        Where the event has a structure instead, an image of DynamoDB for example, it is the JSON of that.

        Raises:
            InvalidRecordError: The body cannot be read.
        """
        content = self.content
        return _text_of(content) if isinstance(content, Data) else content

    @property
    def key(self) -> Any:
        """Kafka's key as bytes, Kinesis' partition key, the key of a DynamoDB item as a dict; None without one."""
        return self._source.key_of(self.raw)

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka's headers in their order; a name may come twice."""
        if self._source.name != KAFKA:
            return []
        from .kafka_row import kafka_headers

        return kafka_headers(self.raw)

    @property
    def change(self) -> str | None:
        """``"INSERT"``, ``"MODIFY"`` or ``"REMOVE"`` for an item of DynamoDB; None for anything else."""
        found = part_text(self.raw, "eventName")
        return found if found in CHANGES else None

    @property
    def new_image(self) -> dict[str, Any] | None:
        """The item of DynamoDB after the change, None if the event does not have it; read at each call."""
        return self._source.image_of(self.raw, "NewImage")

    @property
    def old_image(self) -> dict[str, Any] | None:
        """The item of DynamoDB before the change, None if the event does not have it; read at each call."""
        return self._source.image_of(self.raw, "OldImage")

    @property
    def is_tombstone(self) -> bool:
        """True if this is a record of Kafka without a value: its key is deleted."""
        return self._source.name == KAFKA and self.raw.get("value") is None

    def json(self) -> Any:
        """
        Return the body as JSON, parsed once: every call returns the same object.

        Raises:
            InvalidRecordError: The body is not JSON.
        """
        if not hasattr(self, "_json"):
            content = self.content
            try:
                self._json: Any = content.value if isinstance(content, Data) else json.loads(content)
            except (ValueError, RecursionError):
                # Not chained: the text of a JSONDecodeError's traceback would show the body.
                raise InvalidRecordError(f"the body of record {self.id!r} is not JSON") from None
        return self._json

    @property
    def value(self) -> T:
        """The validated body for ``Record[T]``; the parsed JSON for a bare ``Record``."""
        if not hasattr(self, "_value"):
            self._value: T = self.json()
        return self._value

    def with_value(self, value: T) -> Record[T]:
        """Set the validated body and return this record."""
        self._value = value
        return self


class EventRecord(Record[T]):
    """A whole event, for policies and sinks: its id is Lambda's request id, its body the event as JSON."""

    __slots__ = ("_request_id",)

    def __init__(self, raw: Any, source: Source, request_id: str) -> None:
        super().__init__(raw, source)
        self._request_id = request_id

    @property
    def id(self) -> str:
        """Lambda's request id: the same for all attempts of one asynchronous event."""
        return self._request_id

    @property
    def is_event(self) -> bool:
        """True: this is a whole event."""
        return True

    def json(self) -> Any:
        """Return the event itself."""
        return self.raw


def _text_of(data: Data) -> str | bytes:
    if data.sent is not None:
        return data.sent
    try:
        return json.dumps(data.value)
    except (TypeError, ValueError, RecursionError):
        pass
    from .json_text import json_text  # Decimals, sets and bytes: DynamoDB's only

    return json_text(data.value)
