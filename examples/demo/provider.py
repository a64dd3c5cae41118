"""The outside of the demo: a payment provider that has bad days, and a notary for what the store has confirmed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from resilient_lambda import RetryableError
from resilient_lambda.stores import Stored

from .orders import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from resilient_lambda import Store
    from resilient_lambda.stores import Write
    from resilient_lambda.testing import Delivery

    from .orders import Schedule, SentOrder

FOREVER_S = 3600.0
COMPLETED = "COMPLETED"  # docs/data-format.md, "status"


class ThrottlingException(Exception):
    """What a botocore client raises when it is asked to slow down."""

    response: Mapping[str, Any] = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}


class OddAnswerError(Exception):
    """The provider's answer makes no sense; nobody told the library what to think of that."""


class Payments:
    """
    The provider's client.

    Args:
        recorded: The keys whose success has been recorded: what has such a key ought not to be begun again.

    Attributes:
        begun_again: How often orders were begun although their success had been recorded, by name.
        recognised: How often the provider had seen the idempotency key before, and took nothing.
        throttled: How often it asked to slow down.
    """

    def __init__(self, delivery: Delivery, schedule: Schedule, recorded: Collection[str]) -> None:
        self.begun_again: Counter[str] = Counter()
        self.recognised = 0
        self.throttled = 0
        self._delivery = delivery
        self._recorded = recorded
        self._orders = {order.name: order for order in schedule.orders}
        self._throttles_to_come = {order.name: order.throttles for order in schedule.orders}
        self._has_hung: set[str] = set()

    def charge(self, order_id: str, *, idempotency_key: str | None = None) -> None:
        """Take the money: once per key, as payment providers do, or once per call without one."""
        if idempotency_key in self._recorded:
            self.begun_again[order_id] += 1
        order = self._orders[order_id]
        self._delivery.work(0.05)
        if order.kind is Kind.KILLER:
            self._delivery.crash("out of memory")
        if order.kind is Kind.SLOW and order_id not in self._has_hung:
            self._has_hung.add(order_id)
            self._delivery.work(FOREVER_S)
        self._trouble(order)
        self._delivery.work(0.2)
        if not self._delivery.effect(order_id, once=idempotency_key):
            self.recognised += 1
        self._delivery.step("the provider's answer")

    def _trouble(self, order: SentOrder) -> None:
        if self._throttles_to_come[order.name]:
            self._throttles_to_come[order.name] -= 1
            self.throttled += 1
            if self.throttled % 2:
                raise ThrottlingException("Rate exceeded")
            raise RetryableError("the payment provider asks to slow down", retry_after_s=2)
        if order.kind is Kind.UNREADABLE:
            raise OddAnswerError("the payment provider's answer cannot be read")


class Notary:
    """
    A store that takes note of which keys it has confirmed as done, so that the verdict need not ask the library.

    Attributes:
        recorded: Those keys.
    """

    def __init__(self, store: Store) -> None:
        self.recorded: set[str] = set()
        self._store: Any = store
        if hasattr(store, "transact"):
            self.transact = self._transact  # a store has it or has it not

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_if(self, key: str, item: Mapping[str, Any], expected: Any) -> Any:
        """Write."""
        answer = self._store.put_if(key, item, expected)
        self._note(key, item, answer)
        return answer

    def put_many_if(self, writes: Sequence[Write]) -> list[Any]:
        """Write several."""
        answers: list[Any] = self._store.put_many_if(writes)
        for write, answer in zip(writes, answers, strict=True):
            self._note(write.key, write.item, answer)
        return answers

    def _transact(self, own: Write | None, items: Sequence[Mapping[str, Any]], *, token: str) -> Any:
        answer = self._store.transact(own, items, token=token)
        if own is not None:
            self._note(own.key, own.item, answer)
        return answer

    def _note(self, key: str, item: Mapping[str, Any], answer: object) -> None:
        if isinstance(answer, Stored) and item.get("status") == COMPLETED:
            self.recorded.add(key)
