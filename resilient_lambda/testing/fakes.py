"""Fakes for what the library would reach in AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .._handlers import reinvoker_seam, visibility
from .._policies import retry_budget
from .._policies.idempotency import living
from ..errors import NonRetryableError
from ..invoke import _seam as invoke
from ..sinks import _seam as sinks
from ..stores import dynamodb
from ..stores.memory import MemoryStore
from .io import forget_paces

if TYPE_CHECKING:
    from collections.abc import Generator

    from .._core.record import Record
    from ..invoke._seam import InvokeAnswer, InvokeRequest
    from ..stores.base import TransactItem


class SentLetter(NamedTuple):
    """
    A dead letter that would have gone to AWS.

    Attributes:
        sink: The queue's URL, the topic's ARN, the name of the bucket or bus, or the environment variable that would
            hold it.
        record: The record that was set aside.
        error: Why.
    """

    sink: str
    record: Record[Any]
    error: BaseException


class HiddenMessage(NamedTuple):
    """
    A failed message of a queue that would have been hidden.

    Attributes:
        hidden_s: For how long, in seconds.
    """

    message_id: str
    hidden_s: int


class DelayedInvocation(NamedTuple):
    """
    What would wait for a `Delay` of `timeout_reinvoker`.

    Attributes:
        place: The queue's URL or the environment variable that would hold it; the group of a schedule.
        wait_s: For how long it would wait, in seconds.
        request: What would be sent, as boto3 takes it: ``MessageBody`` is what comes back to the re-invoker.
    """

    place: str
    wait_s: float
    request: dict[str, Any]


class Fakes:
    """
    What stands in for AWS inside `in_memory`.

    Attributes:
        dead_letters: What was sent to sinks of AWS, in order.
        hidden: The failed messages of queues that would have been hidden, in order.
        committed: The items that transactions have written beside the library's own, in order, with plain values.
        invocations: The calls of `LambdaInvoker`, in order, each an `InvokeRequest`.
        delays: The re-invocations that would wait, in order.
        objects: What `timeout_reinvoker` finds in S3: JSON by bucket and key, to be put there by the test.
    """

    def __init__(self) -> None:
        self.dead_letters: list[SentLetter] = []
        self.hidden: list[HiddenMessage] = []
        self.committed: list[TransactItem] = []
        self.invocations: list[InvokeRequest] = []
        self.delays: list[DelayedInvocation] = []
        self.objects: dict[tuple[str, str], str | bytes] = {}
        self._answers: dict[str, object] = {}
        self._stores: dict[str, MemoryStore] = {}

    def store(self, table: str) -> MemoryStore:
        """Return the store that stands in for *table*."""
        store = self._stores.setdefault(table, MemoryStore())
        store.committed = self.committed
        return store

    def take_letter(self, sink: str, record: Record[Any], error: BaseException) -> str:
        """Keep a dead letter and confirm it."""
        self.dead_letters.append(SentLetter(sink, record, error))
        return f"fake-{len(self.dead_letters)}"

    def take_hidden(self, message_id: str, hidden_s: int) -> None:
        """Keep for how long a message would have been hidden."""
        self.hidden.append(HiddenMessage(message_id, hidden_s))

    def take_delay(self, place: str, wait_s: float, request: dict[str, Any]) -> None:
        """Keep a re-invocation that would wait."""
        self.delays.append(DelayedInvocation(place, wait_s, request))

    def read_object(self, bucket: str, key: str, version: str) -> bytes:
        """
        Return what is in `objects`, of whatever version.

        Raises:
            NonRetryableError: There is nothing.
        """
        found = self.objects.get((bucket, key))
        if found is None:
            raise NonRetryableError(f"there is no object {key!r} in bucket {bucket!r}; put it into fakes.objects")
        return found.encode() if isinstance(found, str) else found

    def answer(self, function: str, answer: object) -> None:
        """
        Have `LambdaInvoker` find a function, which until then accepts all and returns None.

        Args:
            function: Its name; calls that name it by an ARN or with a qualifier mean the same function.
            answer: What it returns; or a callable that stands in for it, is given the event of each synchronous call,
                and may raise; or a `FunctionError` of which it always fails; or any other exception, which the call
                itself raises, a ``ClientError`` of botocore for example, also asynchronously and for a dry run.
        """
        from ._fake_functions import name_of

        self._answers[name_of(function)] = answer

    def take_invocation(self, request: InvokeRequest) -> InvokeAnswer:
        """Keep a call and answer it."""
        from ._fake_functions import answer_to, name_of

        self.invocations.append(request)
        answer = self._answers.get(name_of(request.function))
        return answer_to(request, answer, f"{len(self.invocations):08x}-0000-4000-8000-000000000000")


@contextmanager
def in_memory() -> Generator[Fakes]:
    """
    Redirect every `DynamoDBStore`, AWS sink and `LambdaInvoker` of the process to fakes, inside the ``with`` block.

    Every `Idempotency` forgets what it knows by itself, before and after: as in a new environment.
    """
    fakes = Fakes()
    before = dynamodb.redirect, sinks.redirect, visibility.redirect, invoke.redirect
    before_reinvoker = reinvoker_seam.delays, reinvoker_seam.objects
    _forget()
    dynamodb.redirect, sinks.redirect = fakes.store, fakes.take_letter
    visibility.redirect, invoke.redirect = fakes.take_hidden, fakes.take_invocation
    reinvoker_seam.delays, reinvoker_seam.objects = fakes.take_delay, fakes.read_object
    try:
        yield fakes
    finally:
        dynamodb.redirect, sinks.redirect, visibility.redirect, invoke.redirect = before
        reinvoker_seam.delays, reinvoker_seam.objects = before_reinvoker
        _forget()


def _forget() -> None:
    # What a policy remembers of another store would answer duplicates that this one has never seen.
    for policy in list(living):
        policy.forget()
    for budget in list(retry_budget.living):
        budget.forget()
    forget_paces()
