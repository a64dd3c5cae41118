"""Dead letters to an EventBridge bus: ten per request, each confirmed by its own id at its place in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.options import text
from ..errors import ConfigurationError, SinkError
from ._letter import envelope_of, region_of_arn
from ._requests import Entry, Limits, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._aws import Draft
    from ._requests import Answer

DETAIL_TYPE = "Dead letter"
# Of an entry's error code: no other try will help. Source: the API model of PutEvents.
_PERMANENT = (
    "AccessDeniedException", "InvalidAccountIdException", "InvalidArgument", "MalformedDetail",
    "NotAuthorizedForDetailTypeException", "NotAuthorizedForSourceException", "RedactionFailure",
)  # fmt: skip


class EventBus:
    """
    How EventBridge takes letters: as events whose detail is the envelope.

    Args:
        source: The events' source.
    """

    title = "EventBridge"
    name = "eventbridge"
    client_name = "events"
    option = "bus"
    limits = Limits(entries=10, size_bytes=999_999, at_once=1)  # all entries together: less than 1 MB

    def __init__(self, source: str) -> None:
        text("source", source)
        if source.startswith("aws."):
            raise ConfigurationError(f"source={source!r}: EventBridge keeps sources that begin with 'aws.' to itself")
        self._source = source

    def check(self, address: str) -> None:
        """Do nothing: a bus has a name or an ARN."""

    def region_of(self, address: str) -> str | None:
        """Return the ARN's region."""
        return region_of_arn(address)

    def entry_of(self, draft: Draft, address: str) -> Entry:
        """Return an event, with the record's origin as its resource."""
        detail, origin = envelope_of(draft.letter, draft.note), draft.letter.record.origin
        content: dict[str, Any] = {
            "Source": self._source,
            "DetailType": DETAIL_TYPE,
            "Detail": detail,
            "EventBusName": address,
        }
        if origin.startswith("arn:"):
            content["Resources"] = [origin]
        counted = (self._source, DETAIL_TYPE, detail, *content.get("Resources", ()))
        size_bytes = sum(len(part.encode()) for part in counted)
        return checked(self.title, Entry(draft.number, content, size_bytes), self.limits)

    def send(self, client: Any, address: str, group: Sequence[Entry]) -> dict[int, Answer]:
        """Make one PutEvents."""
        answer = client.put_events(Entries=[entry.content for entry in group])
        silence = SinkError("EventBridge neither confirmed nor refused the dead letter")
        answers: dict[int, Answer] = {entry.number: silence for entry in group}
        found = answer.get("Entries") or ()
        if len(found) == len(group):  # the place alone says which is meant
            for entry, result in zip(group, found, strict=True):
                code, event_id = result.get("ErrorCode"), result.get("EventId")
                if code:
                    answers[entry.number] = SinkError(
                        f"EventBridge refused the dead letter: {code}", is_permanent=code in _PERMANENT
                    )
                elif isinstance(event_id, str) and event_id:
                    answers[entry.number] = event_id
        return answers
