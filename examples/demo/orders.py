"""What the demo sends: orders of every kind, drawn from one seed."""

from __future__ import annotations

import json
from enum import Enum
from random import Random
from typing import NamedTuple


class Kind(Enum):
    """What is special about an order."""

    GOOD = "good"
    THROTTLED = "throttled"
    SLOW = "slow"
    NOT_JSON = "not JSON"
    WRONG_TYPE = "wrong type"
    NO_ID = "no order id"
    REFUSED = "total <= 0"
    UNREADABLE = "always fails"
    KILLER = "out of memory"


class Fate(NamedTuple):
    """
    What a kind of order is, and what ought to become of it.

    Attributes:
        share: Which part of the orders is of this kind; there is at least one of each.
        reason: Class name of the error with which it ought to be parked, "" if it ought to be charged.
        meaning: For people.
    """

    share: float
    reason: str
    meaning: str


FATES = {
    Kind.THROTTLED: Fate(0.08, "", "the payment provider asks to slow down, once or twice"),
    Kind.SLOW: Fate(0.01, "", "the provider hangs once, until Lambda's timeout kills the environment"),
    Kind.NOT_JSON: Fate(0.017, "InvalidRecordError", "the body was cut off in the middle"),
    Kind.WRONG_TYPE: Fate(0.013, "InvalidRecordError", 'the total is "a lot"'),
    Kind.NO_ID: Fate(0.01, "MissingKeyError", "the idempotency key is not there"),
    Kind.REFUSED: Fate(0.02, "NonRetryableError", "the handler itself says that it cannot succeed"),
    Kind.UNREADABLE: Fate(0.01, "OddAnswerError", "looks retryable, but never succeeds"),
    Kind.KILLER: Fate(0.007, "CrashLoopError", "ends the environment whenever it is tried"),
    Kind.GOOD: Fate(0.0, "", ""),  # the rest
}


class SentOrder(NamedTuple):
    """
    One order as it was sent.

    Attributes:
        name: The order's id, also where its body does not carry it.
        throttles: How often the provider refuses it.
        messages: How many SQS messages ask for it: one, or two if the shop sent it twice.
    """

    name: str
    kind: Kind
    body: str
    throttles: int
    messages: int


class Schedule(NamedTuple):
    """
    Everything that will be sent.

    Attributes:
        messages: In the order of sending, an order that is sent twice two times.
    """

    seed: int
    orders: list[SentOrder]
    messages: list[SentOrder]

    def count(self, kind: Kind) -> int:
        """Return how many orders are of *kind*."""
        return sum(order.kind is kind for order in self.orders)


def name_of(number: int) -> str:
    """Return the id of the order with this number."""
    return f"order-{number:04d}"


def draw(count: int, seed: int) -> Schedule:
    """Draw a schedule of *count* orders from *seed*."""
    random = Random(seed)
    kinds = [kind for kind, fate in FATES.items() if fate.share for _ in range(max(1, round(count * fate.share)))]
    kinds += [Kind.GOOD] * (count - len(kinds))
    random.shuffle(kinds)
    good = [number for number, kind in enumerate(kinds) if kind is Kind.GOOD]
    sent_twice = set(random.sample(good, min(len(good), max(1, count // 12))))
    orders = [_order(number, kind, number in sent_twice, random) for number, kind in enumerate(kinds)]
    return Schedule(seed, orders, _in_order_of_sending(orders, random))


def _order(number: int, kind: Kind, is_sent_twice: bool, random: Random) -> SentOrder:
    name = name_of(number)
    content: dict[str, object] = {"order_id": name, "invoice": f"invoice-{number:04d}", "total": random.randint(1, 500)}
    if kind is Kind.WRONG_TYPE:
        content["total"] = "a lot"
    elif kind is Kind.NO_ID:
        del content["order_id"]
    elif kind is Kind.REFUSED:
        content["total"] = -random.randint(0, 50)
    body = json.dumps(content)
    if kind is Kind.NOT_JSON:
        body = body[: len(body) // 2]
    throttles = random.randint(1, 2) if kind is Kind.THROTTLED else 0
    return SentOrder(name, kind, body, throttles, 2 if is_sent_twice else 1)


def _in_order_of_sending(orders: list[SentOrder], random: Random) -> list[SentOrder]:
    """Return the messages: a second one right behind the first in every third case, anywhere otherwise."""
    messages = list(orders)
    for order in orders:
        if order.messages == 2:
            place = messages.index(order) + 1 if random.random() < 1 / 3 else random.randint(0, len(messages))
            messages.insert(place, order)
    return messages
