"""What is to be done with a record: read and decided, as far as that goes without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.describe import describe
from .._core.destination_envelopes import DelayedFound, NothingFound, ObjectFound, look_into
from .._core.reinvoke import Park, Reinvoke, decide, mark_of, of_message
from .._core.reserved import read
from .._named_tuple import NamedTuple
from ..destinations import DestinationRecord
from ..errors import InvalidRecordError

if TYPE_CHECKING:
    from .._core.allowed_functions import Home
    from .._core.destination_envelopes import RecordFound
    from .._core.record import Record
    from .._core.reinvoke import Decision, Rules
    from .._core.reserved import Mark


class Work:
    """
    What is to be done with a record.

    Attributes:
        decision: None if it is nothing that anybody needs.
        key: What makes two deliveries the same.
        has_waited: True if it comes from a delay queue, so that it is now to be sent.
        request_id: Lambda's id of the invocation, once there is one.
    """

    __slots__ = ("decision", "has_waited", "key", "request_id")

    def __init__(self, decision: Decision | None, key: Any, *, has_waited: bool = False) -> None:
        self.decision = decision
        self.key = key
        self.has_waited = has_waited
        self.request_id = ""


class Uncounted(NamedTuple):
    """A failure whose payload cannot say which attempt it was: the store has to be asked."""

    record: DestinationRecord
    request_id: str


class Desk:
    """Decides about the records of one invocation, which runs at *home*."""

    def __init__(self, rules: Rules, home: Home) -> None:
        self._rules = rules
        self._home = home

    def look(self, record: Record[Any]) -> Work | ObjectFound | Uncounted:
        """Return what is to be done with *record*, or what must be asked for first."""
        try:
            # The json of an S3 record has its key decoded, which is done to one in a message, too, and only once.
            found = look_into(record.raw if record.source == "s3" else record.json())
        except InvalidRecordError:
            return Work(Park("this is no JSON"), _delivery_of(record))
        return found if isinstance(found, ObjectFound) else self.look_at(found, record)

    def look_at(self, found: RecordFound | DelayedFound | NothingFound, record: Record[Any]) -> Work | Uncounted:
        """Return what is to be done with what was *found* in *record*, or what must be asked for first."""
        if isinstance(found, NothingFound):
            return Work(None if found.is_test else Park(found.reason), _delivery_of(record))
        if isinstance(found, DelayedFound):
            decision = of_message(found.said, self._rules, self._home)
            mark = read(found.said.get("mark")) if isinstance(found.said, dict) else None
            key = _delivery_of(record) if mark is None else ["waited", mark.root, mark.attempt]
            return Work(decision, key, has_waited=True)
        try:
            failure = DestinationRecord.model_validate(found.record)
        except ValueError as error:  # pydantic's, whose own text quotes the record
            reason = f"this is no record of a Lambda destination: {describe(error)}"
            return Work(Park(reason), _delivery_of(record))
        if self._rules.counts and failure.request_id and not isinstance(failure.request_payload, dict):
            return Uncounted(failure, failure.request_id)
        return self.judge(failure, record, None)

    def judge(self, failure: DestinationRecord, record: Record[Any], counted: Mark | None) -> Work:
        """
        Return what is to be done about *failure*, which *record* holds.

        Args:
            counted: Which attempt it was, if that was counted.
        """
        # An emulator's records may lack the request id; then nothing tells two events apart but their deliveries.
        first_id = failure.request_id or f"delivery-{record.delivery}"
        mark = mark_of(failure.request_payload, first_id, counted)
        decision = decide(failure, mark, self._rules, self._home)
        if isinstance(decision, Reinvoke) and not decision.carries_mark and not failure.request_id:
            arn = failure.function_arn
            decision = Park("neither the payload nor a request id can say which attempt it is", arn, mark.attempt)
        if failure.batch is not None:
            return Work(decision, ["batch", failure.request_id] if failure.request_id else _delivery_of(record))
        # Without the record's own id: where an invocation was started twice, the second failure is no second event.
        return Work(decision, ["failed", mark.root, mark.attempt])


def _delivery_of(record: Record[Any]) -> list[Any]:
    return ["delivery", record.source, record.origin, record.delivery]
