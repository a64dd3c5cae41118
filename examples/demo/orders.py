"""What the demo sends and what it lets go wrong: all of it drawn from one seed, before anything runs."""

from __future__ import annotations

import json
from enum import Enum
from random import Random
from typing import NamedTuple
from uuid import UUID


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


class Step(Enum):
    """Where an environment dies."""

    BEFORE_CLAIM = "before the claim"
    AFTER_CLAIM = "after the claim"
    IN_WORK = "in the middle of the work"
    AFTER_EFFECT = "after the charge, before the completion"
    IN_COMPLETION = "during the completion: written, never heard of"
    AFTER_PARKING = "after parking, before the answer"
    TIMEOUT = "at Lambda's timeout"
    OUT_OF_MEMORY = "out of memory"


SURPRISES = (Step.BEFORE_CLAIM, Step.AFTER_CLAIM, Step.IN_WORK, Step.AFTER_EFFECT, Step.IN_COMPLETION)


class SentOrder(NamedTuple):
    """
    One order as it was sent.

    Attributes:
        name: The order's id, also where its body does not carry it.
        throttles: How often the provider refuses it.
        message_ids: The SQS messages that ask for it: one, or two if the shop sent it twice.
    """

    name: str
    kind: Kind
    body: str
    throttles: int
    message_ids: tuple[str, ...]


class Schedule(NamedTuple):
    """
    Everything that will be sent and will go wrong.

    Attributes:
        messages: Message ids in the order of sending, each with its order.
        twins: Names of orders whose message SQS delivers to two environments at the same time.
        strikes: At which passages of a step, counted from 1 over the whole run, the environment dies.
    """

    seed: int
    orders: list[SentOrder]
    messages: list[tuple[str, SentOrder]]
    twins: frozenset[str]
    strikes: dict[Step, frozenset[int]]

    def count(self, kind: Kind) -> int:
        """Return how many orders are of *kind*."""
        return sum(order.kind is kind for order in self.orders)


def draw(count: int, seed: int) -> Schedule:
    """Draw a schedule of *count* orders from *seed*."""
    random = Random(seed)
    kinds = [kind for kind, fate in FATES.items() if fate.share for _ in range(max(1, round(count * fate.share)))]
    kinds += [Kind.GOOD] * (count - len(kinds))
    random.shuffle(kinds)
    # Both sets are of good orders, and apart, so that the report can tell the two causes of a duplicate.
    good = [number for number, kind in enumerate(kinds) if kind is Kind.GOOD]
    chosen = random.sample(good, min(len(good), 2 * max(1, count // 12)))
    sent_twice = set(chosen[::2])
    orders = [_order(number, kind, number in sent_twice, random) for number, kind in enumerate(kinds)]
    poison = sum(bool(FATES[kind].reason) for kind in kinds)
    strikes = {step: _passages(count, max(1, round(count * 0.015)), random) for step in SURPRISES}
    strikes[Step.AFTER_PARKING] = _passages(poison, 2, random)
    twins = frozenset(orders[number].name for number in chosen[1::2])
    return Schedule(seed, orders, _in_order_of_sending(orders, random), twins, strikes)


def _order(number: int, kind: Kind, is_sent_twice: bool, random: Random) -> SentOrder:
    name = f"order-{number:04d}"
    content: dict[str, object] = {"order_id": name, "total": random.randint(1, 500), "currency": "EUR"}
    if kind is Kind.WRONG_TYPE:
        content["total"] = "a lot"
    elif kind is Kind.NO_ID:
        del content["order_id"]
    elif kind is Kind.REFUSED:
        content["total"] = -random.randint(0, 50)
    body = json.dumps(content)
    if kind is Kind.NOT_JSON:
        body = body[: len(body) // 2]
    ids = tuple(str(UUID(int=random.getrandbits(128), version=4)) for _ in range(2 if is_sent_twice else 1))
    return SentOrder(name, kind, body, random.randint(1, 2) if kind is Kind.THROTTLED else 0, ids)


def _in_order_of_sending(orders: list[SentOrder], random: Random) -> list[tuple[str, SentOrder]]:
    """Return the messages: a second one right behind the first in every third case, anywhere otherwise."""
    messages = [(order.message_ids[0], order) for order in orders]
    for order in orders:
        for second in order.message_ids[1:]:
            first = next(n for n, (message_id, _) in enumerate(messages) if message_id == order.message_ids[0])
            place = first + 1 if random.random() < 1 / 3 else random.randint(0, len(messages))
            messages.insert(place, (second, order))
    return messages


def _passages(total: int, count: int, random: Random) -> frozenset[int]:
    return frozenset(random.sample(range(1, total + 1), min(count, total)))
