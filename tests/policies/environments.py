"""One execution environment of Lambda: a handler with its own policy object, over a store that others share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from resilient_lambda import DeadLetter, Idempotency, batch_handler, resilient_handler
from resilient_lambda.testing import sqs_event, sqs_record
from tests.handlers.answers import failed
from tests.handlers.colours import as_sync
from tests.policies.stores import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.testing import FakeIo


class Crash(BaseException):
    """The environment dies: raised from user code after the store has been cut off."""


class Sink:
    """
    A dead-letter sink that can be down.

    Attributes:
        letters: Record ids and error classes of what was confirmed.
        parked: The "k" of what was confirmed.
    """

    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []
        self.parked: list[Any] = []
        self.is_down = False
        self.before_call: Callable[[], object] = lambda: None

    def __call__(self, record: Any, error: BaseException) -> str:
        """Take a letter."""
        self.before_call()
        if self.is_down:
            raise ConnectionError
        self.letters.append((record.id, type(error).__name__))
        self.parked.append(record.json()["k"])
        return f"letter-{len(self.letters)}"


class Environment:
    """
    One environment.

    Attributes:
        runs: The messages or events that ran, by their "k".
        work: What a run does; a test may exchange it, as a fix would.
        events: What observers heard.
    """

    def __init__(
        self,
        time: FakeIo,
        store: Any,
        work: Callable[[Any], Any] = lambda body: None,
        *,
        paint: Callable[[Any], Any] = as_sync,
        sink: Sink | None = None,
        max_attempts: int | None = None,
        is_single: bool = False,
        inner: Any = (),
        observers: Any = (),
        **options: Any,
    ) -> None:
        self.time = time
        self.work = work
        self.runs: list[Any] = []
        self.events: list[Any] = []

        def function(body):
            self.runs.append(body["k"])
            return self.work(body)

        self.policy = Idempotency(store, **{"key": "k", "namespace": NAMESPACE, **options})
        self.handler: Any = (resilient_handler if is_single else batch_handler)(
            policies=[self.policy, *inner],
            model=dict,
            dead_letter=None if sink is None else DeadLetter(sink),
            observers=[self.events.append, *observers],
            max_attempts=max_attempts,
        )(paint(function))

    def deliver(self, *records: Any, receives: int = 1, timeout_s: float = 30.0) -> list[str]:
        """
        Deliver a batch; return the ids that come again.

        Args:
            records: Each is a "k", a body, or a pair of message id and body; ids are m0, m1, ... by default.
        """
        made = []
        for number, record in enumerate(records):
            name, body = record if isinstance(record, tuple) else (f"m{number}", record)
            body = body if isinstance(body, dict) else {"k": body}
            made.append(sqs_record(json.dumps(body), message_id=name, receives=receives))
        return failed(self.handler(sqs_event(made), self.time.context(timeout_s=timeout_s)))

    def invoke(self, event: Any = "a", *, timeout_s: float = 30.0) -> Any:
        """Invoke the function with a single event, or with just its "k"."""
        event = event if isinstance(event, dict) else {"k": event}
        return self.handler(event, self.time.context(timeout_s=timeout_s))

    def heard(self, kind: type) -> list[Any]:
        """Return the events of one class."""
        return [event for event in self.events if isinstance(event, kind)]
