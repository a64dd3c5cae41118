"""Where letters go: to the queue or stream that they came from, to another queue, to a function."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import SinkError
from ._replay_calls import CallError, call
from ._replay_lanes import BehindError, Lanes, lane_of
from ._replay_letter import QUEUES, as_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._replay_calls import Clients
    from ._replay_lanes import Lane
    from ._replay_letter import Letter

ENTRIES = 10
UNREADABLE = "is no letter of this library"
UNSENDABLE = "has attributes that SQS does not take: use --to-function"


class Target(Protocol):
    """
    Where letters are sent.

    Attributes:
        lot: How many letters are handled together.
        patience_s: How long sending a lot may take.
    """

    lot: int
    patience_s: float

    def refusal(self, letter: Letter) -> str | None:
        """Return why *letter* cannot be sent there, None if it can."""
        ...

    def name_for(self, letter: Letter) -> str:
        """Return where *letter* would go."""
        ...

    def keeps_delivery(self, letter: Letter) -> bool:
        """Tell whether the handler will take *letter* for the very delivery that failed."""
        ...

    def sent_as(self, letter: Letter) -> str:
        """Return the id that *letter* gets; "" if it keeps its own, or nobody knows it before."""
        ...

    def lane_of(self, letter: Letter) -> Lane | None:
        """Return what *letter* keeps its order in; None if it has none there."""
        ...

    def send(self, letters: Sequence[Letter]) -> list[str | SinkError]:
        """Send *letters*, none ahead of one of its lane that stays; return confirmations, or why there are none."""
        ...


def in_order(
    letters: Sequence[Letter], lane_of: Callable[[Letter], Lane | None], send: Callable[[Letter], Any]
) -> list[str | SinkError]:
    """Send *letters* one by one; after one that was not sent the later ones of its lane stay."""
    lanes = Lanes(lane_of)
    answers: list[str | SinkError] = []
    for letter in letters:
        if lanes.holds_back(letter):
            answers.append(BehindError())
            continue
        try:
            answers.append(str(send(letter)))
        except CallError as error:
            lanes.stop(letter)
            answers.append(_error(error))
    return answers


def lane_in(url: str, letter: Letter) -> Lane | None:
    """Return the lane that *letter* has in the queue *url*."""
    return (url, letter.group) if url.endswith(".fifo") and letter.group else None


class Queues:
    """Sends to SQS queues, standard ones ten letters a request, FIFO ones one by one, in order."""

    def __init__(self, clients: Clients, run_id: str) -> None:
        self._clients = clients
        self._run_id = run_id

    def send(self, url: str, letters: Sequence[Letter]) -> list[str | SinkError]:
        """Send *letters* to the queue *url*."""
        client = self._clients.for_queue(url)
        if url.endswith(".fifo"):
            return in_order(
                letters, lambda letter: lane_in(url, letter), lambda letter: self._send_one(client, url, letter)
            )
        return self._send_together(client, url, letters)

    def _send_one(self, client: Any, url: str, letter: Letter) -> Any:
        # Never the original deduplication id: within five minutes SQS would confirm the message and drop it
        # (protocols.md A7).
        group = letter.group or fresh_id(letter, "")  # of no order that is known: a group of its own
        fields = {"MessageGroupId": group, "MessageDeduplicationId": fresh_id(letter, self._run_id)}
        return call(client, "send_message", QueueUrl=url, **message_of(letter), **fields)["MessageId"]

    def _send_together(self, client: Any, url: str, letters: Sequence[Letter]) -> list[str | SinkError]:
        answers: list[str | SinkError] = []
        for start in range(0, len(letters), ENTRIES):
            group = letters[start : start + ENTRIES]
            entries = [{"Id": str(n), **message_of(letter)} for n, letter in enumerate(group)]
            try:
                answer = call(client, "send_message_batch", QueueUrl=url, Entries=entries)
            except CallError as error:
                if len(group) == 1 or not error.code:
                    answers += [_error(error)] * len(group)
                else:  # one that is too large or odd must not keep the others back
                    answers += [each for letter in group for each in self._send_together(client, url, [letter])]
                continue
            found: dict[str, str | SinkError] = {
                entry["Id"]: SinkError(f"SQS refused it: {entry.get('Code')}: {entry.get('Message', '')}")
                for entry in answer.get("Failed", ())
            }
            found.update({entry["Id"]: entry["MessageId"] for entry in answer.get("Successful", ())})
            unknown = SinkError("SQS neither confirmed nor refused it")
            answers += [found.get(entry["Id"], unknown) for entry in entries]
        return answers


class ToQueue:
    """``--to-queue``: every letter to one queue."""

    lot = ENTRIES
    patience_s = 120.0

    def __init__(self, url: str, clients: Clients, run_id: str) -> None:
        self._url = url
        self._queues = Queues(clients, run_id)

    def refusal(self, letter: Letter) -> str | None:
        """Refuse what cannot be read, or cannot be a message."""
        if not letter.is_readable:
            return UNREADABLE
        return None if _is_message(letter) else UNSENDABLE

    def name_for(self, letter: Letter) -> str:
        """Return the queue."""
        return self._url

    def keeps_delivery(self, letter: Letter) -> bool:
        """Return False: a message that is sent is a new one."""
        return False

    def sent_as(self, letter: Letter) -> str:
        """Return "": SQS gives the id."""
        return ""

    def lane_of(self, letter: Letter) -> Lane | None:
        """Return its group, if the queue has groups."""
        return lane_in(self._url, letter)

    def send(self, letters: Sequence[Letter]) -> list[str | SinkError]:
        """Send *letters* to the queue."""
        return self._queues.send(self._url, letters)


class ToSource:
    """
    ``--to source``: SQS records to the queue, Kinesis records to the stream that they came from.

    Args:
        queue_arn: The dead-letter queue itself, to which nothing is sent; "" if it is none.
    """

    lot = ENTRIES
    patience_s = 120.0

    def __init__(self, clients: Clients, run_id: str, queue_arn: str) -> None:
        self._clients = clients
        self._queues = Queues(clients, run_id)
        self._queue_arn = queue_arn
        self._urls: dict[str, str | SinkError] = {}

    def refusal(self, letter: Letter) -> str | None:
        """Refuse what nobody can give back to its source."""
        if not letter.is_readable:
            return UNREADABLE
        if letter.source not in (*QUEUES, "kinesis"):
            return f"is of {letter.source or 'an unknown source'}, which takes nothing back: use --to-function"
        if not letter.origin:
            return "does not say which queue it came from: use --to-queue or --to-function"
        if letter.origin == self._queue_arn:
            return "came from this very queue: use --to-queue or --to-function"
        return None if letter.source == "kinesis" or _is_message(letter) else UNSENDABLE

    def name_for(self, letter: Letter) -> str:
        """Return the origin."""
        return letter.origin

    def keeps_delivery(self, letter: Letter) -> bool:
        """Return False: what is sent is a new message or record."""
        return False

    def sent_as(self, letter: Letter) -> str:
        """Return "": the source gives the id."""
        return ""

    def lane_of(self, letter: Letter) -> Lane | None:
        """Return its group or partition key."""
        return lane_of(letter)

    def send(self, letters: Sequence[Letter]) -> list[str | SinkError]:
        """Send each of *letters* to its own source, those of one source in order."""
        answers: dict[str, str | SinkError] = {}
        for origin in dict.fromkeys(letter.origin for letter in letters):
            group = [letter for letter in letters if letter.origin == origin]
            if group[0].source == "kinesis":
                found = self._put(group)
            else:
                url = self._url_of(origin)
                found = [url] * len(group) if isinstance(url, SinkError) else self._queues.send(url, group)
            answers.update({letter.identity: each for letter, each in zip(group, found, strict=True)})
        return [answers[letter.identity] for letter in letters]

    def _url_of(self, arn: str) -> str | SinkError:
        if arn not in self._urls:
            account, name = (*arn.split(":"), "", "")[4:6]
            try:
                answer = call(
                    self._clients.for_arn("sqs", arn), "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account
                )
            except CallError as error:
                self._urls[arn] = _error(error)
            else:
                self._urls[arn] = str(answer["QueueUrl"])
        return self._urls[arn]

    def _put(self, letters: Sequence[Letter]) -> list[str | SinkError]:
        stream = letters[0].origin
        client = self._clients.for_arn("kinesis", stream)

        def put(letter: Letter) -> Any:
            try:
                data, key = b64decode(letter.record["kinesis"]["data"]), str(letter.record["kinesis"]["partitionKey"])
            except (KeyError, TypeError, ValueError):
                raise CallError("the record is none of Kinesis") from None
            return call(client, "put_record", StreamARN=stream, Data=data, PartitionKey=key)["SequenceNumber"]

        return in_order(letters, self.lane_of, put)


def message_of(letter: Letter) -> dict[str, Any]:
    """Return the message for *letter*: of an SQS record as it was sent, of any other the record in JSON."""
    return (
        as_sent(letter.record, is_noted=bool(letter.note))
        if letter.source in QUEUES
        else {"MessageBody": json.dumps(letter.record)}
    )


def _is_message(letter: Letter) -> bool:
    try:
        message_of(letter)
    except (AttributeError, TypeError, ValueError):
        return False  # of an event that SQS did not write
    return True


def fresh_id(letter: Letter, run_id: str) -> str:
    """Return an id that only this letter has, and only in this run: a run repeated under its id repeats the ids."""
    return sha256(f"replay|{letter.identity}|{run_id}".encode("utf-8", "surrogatepass")).hexdigest()


def _error(error: CallError) -> SinkError:
    failure = SinkError(str(error))
    failure.__cause__ = error
    return failure
