"""One run of the demo: a queue of orders, a function, and Lambda's delivery between them, in the simulator."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from resilient_lambda.testing import Delivery

from . import handlers
from .provider import Notary, Payments

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from resilient_lambda import Store
    from resilient_lambda.events import Event

    from .orders import Schedule

    Handler: TypeAlias = Callable[[Any, Any], Any]

FUNCTION_NAME = "orders"
TIMEOUT_S = 30.0
VISIBILITY_S = 6 * TIMEOUT_S  # AWS's advice
MAX_RECEIVES = 30  # the library sets aside long before that
ENVIRONMENTS = 4
SENT_PER_S = 20.0
FAULTS = {
    "crash": 0.15,
    "timeout": 0.03,
    "freeze": 0.06,
    "throttle": 0.05,
    "duplicate": 0.08,
    "late": 0.03,
    "store_error": 0.02,
    "slow_store": 0.03,
    "store_outage": 0.05,
    "sink_error": 0.1,
    "skew_s": 1.0,
}


class Run:
    """
    A schedule that has been played with one kind of handler.

    Args:
        install: Makes the handler that a new environment loads; called with the run.

    Attributes:
        events: What the library reported, counted by kind and detail.
        duration_s: How long it took, in virtual time.
    """

    def __init__(self, schedule: Schedule, install: Callable[[Run], Handler], *, notary: Notary | None = None) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        with Delivery(schedule.seed) as self.delivery:
            began_s = self.delivery.now_s
            self.delivery.faults(**FAULTS)
            self.payments = Payments(self.delivery, schedule, notary.recorded if notary else ())
            function = self.delivery.function(cold_start=lambda: install(self), name=FUNCTION_NAME, timeout_s=TIMEOUT_S)
            self.queue = self.delivery.sqs(
                function,
                name="orders",
                key={order.body: order.name for order in schedule.orders}.__getitem__,
                visibility_s=VISIBILITY_S,
                max_receives=MAX_RECEIVES,
                dead_letter=True,
                max_concurrency=ENVIRONMENTS,
            )
            for number, order in enumerate(schedule.messages):
                self.queue.send(order.body, after_s=number / SENT_PER_S)
            self.delivery.run()
            self.duration_s = self.delivery.now_s - began_s

    def observe(self, event: Event) -> None:
        """Count what the library reports."""
        detail = str(getattr(event, "reason", "") or getattr(event, "error_type", "") or "")
        if getattr(event, "is_takeover", False):
            detail = "takeover"
        self.events[type(event).__name__, detail] += 1

    def order_of(self, message_id: str) -> str:
        """Return the name of the order that a message asks for."""
        return str(self.queue.items[message_id].key)

    def messages_of(self, order: str) -> list[str]:
        """Return the ids of the messages that ask for *order*."""
        return [id for id in self.queue.items if self.order_of(id) == order]


def with_the_library(schedule: Schedule, store: Store) -> Run:
    """Play *schedule* with a handler of this library, which keeps its claims in *store*."""
    notary = Notary(store)
    namespace = f"demo-{uuid4().hex[:12]}"  # that no other run uses, so that a table can serve many
    return Run(
        schedule,
        lambda run: handlers.with_the_library(
            run.payments, store=run.delivery.store(notary), namespace=namespace, observer=run.observe
        ),
        notary=notary,
    )


def without_it(schedule: Schedule) -> dict[str, Run]:
    """Play *schedule* with two plain handlers; return the runs by name."""
    return {
        "loop, raises": Run(schedule, lambda run: handlers.plain_and_raising(run.payments)),
        "loop, logs": Run(schedule, lambda run: handlers.plain_and_swallowing(run.payments)),
    }
