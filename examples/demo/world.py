"""The demo's stage: a fleet of environments, a payment provider, and a queue that delivers until all is settled."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import RetryableError

from .environment import TIMEOUT_S, Environment, Killed
from .orders import Kind, SentOrder, Step
from .queue import Delivery, Queue, event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from resilient_lambda import Record
    from resilient_lambda.testing import FakeIo

    from .orders import Schedule

VISIBILITY_S = 6 * TIMEOUT_S  # AWS's advice
MAX_RECEIVES = 15
FLEET = 4
# An order that is struck a third time might rightly be parked as one that kills its environment.
MOST_STRIKES = 2
FUNCTION_NAME = "orders"


class ThrottlingException(Exception):
    """What a botocore client raises when it is asked to slow down."""

    response: Mapping[str, Any] = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}


class OddAnswerError(Exception):
    """The provider's answer makes no sense; nobody told the library what to think of that."""


class Letter(NamedTuple):
    """An order that was parked, and the class name of the reason."""

    order: SentOrder
    reason: str


def stored_key(namespace: str, order_id: str) -> str:
    """Return the key under which an order's claim is stored: docs/data-format.md, "The key"."""
    return f"v1#{namespace}#{hashlib.sha256(json.dumps(order_id).encode()).hexdigest()}"


class World:
    """
    One run of a schedule with one kind of handler.

    Args:
        install: Makes the handler that a new environment loads.
        namespace: The one of the handler's keys.

    Attributes:
        charged: How often each order was charged, by name.
        finished: How often the function did all its work for an order, by name.
        letters: What the handler parked.
        queue: Its ``dead`` holds what the queue threw out.
        deaths: How often environments died, by step.
        events: What the library reported, counted by kind and detail.
    """

    def __init__(
        self, schedule: Schedule, io: FakeIo, install: Callable[[Environment], Any], *, namespace: str
    ) -> None:
        self.io = io
        self.charged: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self.letters: list[Letter] = []
        self.deaths: Counter[Step] = Counter()
        self.events: Counter[tuple[str, str]] = Counter()
        self.deliveries = self.redelivered = self.twins = self.throttled = self.environments = 0
        self.queue = Queue(visibility_s=VISIBILITY_S, max_receives=MAX_RECEIVES, random=Random(schedule.seed))
        self.orders = {order.name: order for order in schedule.orders}
        self._by_message = dict(schedule.messages)
        self._by_key = {stored_key(namespace, order.name): order for order in schedule.orders}
        self._keys_paid: set[str] = set()
        self._install = install
        self._idle: list[Environment] = []
        self._random = Random(schedule.seed)
        self._twins_to_come = set(schedule.twins)
        self._throttles_to_come = {order.name: order.throttles for order in schedule.orders}
        self._has_hung: set[str] = set()
        self._strikes = schedule.strikes
        self._passages: Counter[Step] = Counter()
        self._struck: Counter[str] = Counter()
        for message_id, order in schedule.messages:
            self.queue.send(message_id, order.body, io.now())

    def run(self) -> None:
        """Deliver until the queue is empty."""
        while len(self.queue):
            batch = self.queue.receive(self.io.now())
            if batch:
                self._deliver(batch)
            elif len(self.queue):
                self.io.advance(max(0.0, self.queue.next_visible_s() - self.io.now()))

    def _deliver(self, batch: Sequence[Delivery]) -> None:
        environment = self._take_environment()
        self.deliveries += 1
        self.redelivered += sum(delivery.receives > 1 for delivery in batch)
        environment.deadline_s = self.io.now() + TIMEOUT_S
        context = self.io.context(FUNCTION_NAME, timeout_s=TIMEOUT_S)
        try:
            answer = environment.handler(event_of(batch), context)
            environment.check_alive()  # it may have died in a thread; nobody hears what the handler says after that
        except Killed:
            return  # nobody answers; the messages come back when their visibility ends
        except Exception:  # the handler's: Lambda reports it and keeps the environment
            pass
        else:
            self.queue.settle(batch, answer)
        if not environment.is_dead:
            self._idle.append(environment)

    def _take_environment(self) -> Environment:
        if self.environments - sum(self.deaths.values()) < FLEET:
            self.environments += 1
            return Environment(self, self._install)
        return self._idle.pop(self._random.randrange(len(self._idle)))

    def reach(self, step: Step, order: SentOrder | None) -> bool:
        """Count a passage of *step*; return True if it is one at which the environment dies."""
        self._passages[step] += 1
        if self._passages[step] not in self._strikes[step]:
            return False
        if order is not None:
            if order.kind in (Kind.UNREADABLE, Kind.KILLER) or self._struck[order.name] == MOST_STRIKES:
                return False
            self._struck[order.name] += 1
        return True

    def can_strike(self, passages: Mapping[Step, int]) -> bool:
        """Tell whether an environment may die in the next *passages*, so many of each step."""
        return any(
            0 < number - self._passages[step] <= count
            for step, count in passages.items()
            for number in self._strikes[step]
        )

    def order_of_key(self, key: str) -> SentOrder | None:
        """Return the order under an idempotency key."""
        return self._by_key.get(key)

    def meanwhile(self, order: SentOrder) -> None:
        """Let another environment receive the message that is being worked on, if SQS does that to it."""
        if order.name in self._twins_to_come:
            self._twins_to_come.remove(order.name)
            batch = self.queue.receive_again(order.message_ids[0], self.io.now())
            if batch:
                self.twins += 1
                self._deliver(batch)

    def trouble(self, order: SentOrder) -> None:
        """Do to a charge of *order* what its kind says."""
        if self._throttles_to_come[order.name]:
            self._throttles_to_come[order.name] -= 1
            self.throttled += 1
            if self.throttled % 2:
                raise ThrottlingException("Rate exceeded")
            raise RetryableError("the payment provider asks to slow down", retry_after_s=2)
        if order.kind is Kind.UNREADABLE:
            raise OddAnswerError("the payment provider's answer cannot be read")

    def hangs(self, order: SentOrder) -> bool:
        """Tell whether the provider hangs this time."""
        if order.kind is not Kind.SLOW or order.name in self._has_hung:
            return False
        self._has_hung.add(order.name)
        return True

    def pay(self, order: SentOrder, key: str | None) -> None:
        """Take the money, as payment providers do: once per idempotency key, or once per call without one."""
        if key is None or key not in self._keys_paid:
            self.charged[order.name] += 1
        if key is not None:
            self._keys_paid.add(key)

    def park(self, record: Record[Any], error: BaseException) -> str:
        """Keep a dead letter."""
        self.letters.append(Letter(self._by_message[record.id], type(error).__name__))
        return f"letter-{len(self.letters)}"
