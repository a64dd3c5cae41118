"""`Record`: one item of a batch, read lazily so that what is not asked for costs nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import InvalidRecordError

if TYPE_CHECKING:
    from .sources import Raw, Source

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

    __slots__ = ("_json", "_source", "_value", "raw")

    def __init__(self, raw: Raw, source: Source) -> None:
        # Two slots only: what is not asked for is not even marked as unread, for 10,000 records are made a batch.
        self.raw = raw
        self._source = source

    def __repr__(self) -> str:
        return f"Record({self._source.name}, {self.id!r})"  # never the body

    @property
    def id(self) -> str:
        """What the answer to Lambda names this record by; an empty string if the event gives none."""
        found = self.raw.get(self._source.id_field)
        return found if isinstance(found, str) else ""

    @property
    def is_event(self) -> bool:
        """True if this is a whole event rather than one item of a batch."""
        return False

    @property
    def source(self) -> str:
        """The name of the event source, ``"sqs"`` for example."""
        return self._source.name

    @property
    def body(self) -> str | bytes:
        """The body as it was sent."""
        return self._source.body_of(self.raw)

    @property
    def receives(self) -> int | None:
        """How often the source handed this record out, this time included; None where it does not say."""
        return self._source.receives_of(self.raw)

    @property
    def lane(self) -> str | None:
        """The lane whose order this record keeps; None if it stands alone."""
        return None

    def json(self) -> Any:
        """
        Return the body as JSON, parsed once: every call returns the same object.

        Raises:
            InvalidRecordError: The body is not JSON.
        """
        if not hasattr(self, "_json"):
            try:
                self._json: Any = json.loads(self.body)
            except (ValueError, KeyError, TypeError, RecursionError):
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
