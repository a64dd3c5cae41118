"""``--to-function``: letters as events of the shape that their source has, and what the function answers to them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from ..errors import SinkError
from ._replay_answer import ANSWERING, not_done, partition_of
from ._replay_calls import CallError, call, read
from ._replay_lanes import BehindError, Lanes, lane_of
from ._replay_letter import QUEUES
from ._replay_target import UNREADABLE, fresh_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._replay_calls import Clients
    from ._replay_lanes import Lane
    from ._replay_letter import Letter

LISTS = {"activemq": "messages", "documentdb": "events"}
THROTTLED = "TooManyRequestsException"


class ToFunction:
    """
    Invokes a function.

    Args:
        lot: How many letters of one source go into one event.
        waits: Also wait for functions whose answer says nothing of single records.
    """

    def __init__(self, name: str, clients: Clients, run_id: str, *, lot: int, waits: bool) -> None:
        self.lot = lot
        self.patience_s = 920.0
        self._name = name
        self._client = clients.for_arn("lambda", name) if name.startswith("arn:") else clients.get("lambda")
        self._run_id = run_id
        self._waits = waits

    def refusal(self, letter: Letter) -> str | None:
        """Refuse what cannot be read."""
        if not letter.is_readable:
            return UNREADABLE
        return None if letter.source else "does not say of which source it is: use --to-queue"

    def name_for(self, letter: Letter) -> str:
        """Return the function."""
        return self._name

    def keeps_delivery(self, letter: Letter) -> bool:
        """Tell whether the record has an id that cannot be a new one; a message and an invocation get one."""
        return letter.source not in (*QUEUES, "invocation")

    def sent_as(self, letter: Letter) -> str:
        """Return the id of the message that *letter* becomes."""
        return message_id(letter, self._run_id) if letter.source in QUEUES else ""

    def lane_of(self, letter: Letter) -> Lane | None:
        """Return its group, or its key in a stream."""
        return lane_of(letter)

    def send(self, letters: Sequence[Letter]) -> list[str | SinkError]:
        """Invoke the function with *letters*, those that can share an event together."""
        lanes = Lanes(lane_of)
        answers: dict[str, str | SinkError] = {}
        for letter in letters:
            if letter.identity in answers:
                continue
            if lanes.holds_back(letter):
                answers[letter.identity] = BehindError()
                continue
            group = [
                each
                for each in letters
                if each.identity not in answers and _may_share(letter, each) and not lanes.holds_back(each)
            ]
            answers.update(self._invoke(group))
            for each in group:
                if isinstance(answers[each.identity], SinkError):
                    lanes.stop(each)
        return [answers[letter.identity] for letter in letters]

    def _invoke(self, group: Sequence[Letter]) -> dict[str, str | SinkError]:
        # An asynchronous invocation throws the answer away, and with it the records that it names: they would be lost.
        is_answered = self._waits or group[0].source in ANSWERING
        message_ids = [message_id(letter, self._run_id) for letter in group]
        event = event_of(group, message_ids)
        try:
            answer = call(
                self._client,
                "invoke",
                FunctionName=self._name,
                InvocationType="RequestResponse" if is_answered else "Event",
                Payload=json.dumps(event).encode(),
            )
        except CallError as error:
            hint = "; its concurrency is used up, try again later" if error.code == THROTTLED else ""
            return {letter.identity: SinkError(f"{error}{hint}") for letter in group}
        request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", "invoked"))
        if not is_answered:
            if answer.get("StatusCode") == 202:
                return {letter.identity: request_id for letter in group}
            return {letter.identity: SinkError(f"Lambda answered {answer.get('StatusCode')}") for letter in group}
        try:
            content = read(answer["Payload"])
        except CallError as error:
            return {letter.identity: SinkError(f"{error}; the function may have run") for letter in group}
        if answer.get("FunctionError"):
            failure = SinkError(f"the function failed: {_error_type(content)}")
            return {letter.identity: failure for letter in group}
        again = SinkError("the function's answer asks for the record again")
        failed = not_done(content, group, message_ids) if group[0].source in ANSWERING else [False] * len(group)
        return {
            letter.identity: again if is_failed else request_id for letter, is_failed in zip(group, failed, strict=True)
        }


def message_id(letter: Letter, run_id: str) -> str:
    """
    Return the id that a message gets.

    Always a new one: to the handler it is a new message, as it would be from its queue, so no remembered failure of the
    old one answers for it (protocols.md A1). The same in a run that is repeated under its id.
    """
    return str(uuid.UUID(hex=fresh_id(letter, run_id)[:32]))


def event_of(group: Sequence[Letter], message_ids: Sequence[str]) -> Any:
    """Return the event that brings *group*, letters that may share one."""
    first = group[0]
    if first.source == "invocation":
        return first.record
    records = [dict(letter.record) for letter in group]
    if first.source in QUEUES:
        for record, identifier in zip(records, message_ids, strict=True):
            found = record.get("attributes")
            record["messageId"] = identifier
            # Receives stand in for attempts where no store counts them: a replay is a new beginning.
            record["attributes"] = {**(found if isinstance(found, dict) else {}), "ApproximateReceiveCount": "1"}
    if first.source == "kafka":
        partitions: dict[str, list[Any]] = {}
        for letter, record in zip(group, records, strict=True):
            partitions.setdefault(partition_of(letter), []).append(record)
        return {**first.event, "records": partitions}
    if first.source == "rabbitmq":
        fields = {name: value for name, value in first.event.items() if name != "queue"}
        # The queue's name is no field of an event but names its list; letters may lack it.
        return {**fields, "rmqMessagesByQueue": {str(first.event.get("queue") or "replayed::/"): records}}
    return {**first.event, LISTS.get(first.source, "Records"): records}


def _may_share(one: Letter, other: Letter) -> bool:
    is_alike = (one.source, one.origin, one.event) == (other.source, other.origin, other.event)
    return one is other or (is_alike and one.source != "invocation")


def _error_type(content: bytes) -> str:
    try:
        return str(json.loads(content).get("errorType") or "no error type")
    except (ValueError, AttributeError):
        return "no error type"
