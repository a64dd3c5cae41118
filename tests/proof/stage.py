"""One schedule on the simulator: what was sent, what ran, and what is known of both."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from resilient_lambda.testing import Kind

from .sources import send, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import Delivery
    from resilient_lambda.testing.simulator.source import Item

    from .schedule import Order, Schedule

    Handler = Callable[[Any, Any], Any]
    Row = dict[str, Any]

MOST_INVOCATIONS = 3_000
PIECE_S = 600.0
# The stage that is being played, and which invocation of its function: handlers are made once for all schedules.
current: ContextVar[Stage] = ContextVar("stage")
_invocation: ContextVar[int] = ContextVar("invocation", default=0)


class Run:
    """
    One run of the function.

    Attributes:
        count: Counts the runs of its order, from 1.
        invocation: The number of the invocation that it is part of.
        waits_for: Orders of its lane that should have been settled before it began.
        beside: Runs of its key that had not ended when it began; none if Lambda had given its invocation up by then.
            Nobody can prevent that: an environment may freeze between the last look at the clock and the function.
        was_cut: Its environment died, or its time was up.
    """

    __slots__ = ("beside", "count", "has_ended", "invocation", "order", "waits_for", "was_cut")

    def __init__(self, order: Order, count: int, invocation: int, waits_for: list[Order], beside: list[Run]) -> None:
        self.order = order
        self.count = count
        self.invocation = invocation
        self.waits_for = waits_for
        self.beside = beside
        self.has_ended = False
        self.was_cut = False

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.order.number}.{self.count}"


class Stage:
    """
    A schedule that is played.

    Args:
        handler: Made from ``schedule.options``.
        ledger: Returns the rows that were committed; by default those that the simulator keeps.
        prefix: What the rows of this stage have in common, in a ledger of several.

    Attributes:
        runs: All runs of the function, in the order in which they began.
        is_endless: It was ended from outside.
        broken: What is wrong with the stage itself, if anything.
    """

    def __init__(
        self,
        schedule: Schedule,
        delivery: Delivery,
        handler: Handler,
        *,
        ledger: Callable[[], list[Row]] | None = None,
        prefix: str = "",
    ) -> None:
        self.schedule = schedule
        self.delivery = delivery
        self.prefix = prefix
        self.runs: list[Run] = []
        self.orders: dict[str, Order] = {}
        self.is_endless = False
        self.broken: str | None = None
        self._handler = handler
        self._counts: Counter[int] = Counter()
        self._ledger = ledger
        self.source = source_of(schedule, delivery, delivery.function(self._enter, **schedule.function))

    def play(self) -> None:
        """Send all orders, and let everything happen."""
        delivery, schedule = self.delivery, self.schedule
        with self.sent():
            delivery.faults(**schedule.faults)
            if schedule.quiet_after_s is not None:
                delivery.run(for_s=schedule.quiet_after_s)
                delivery.faults()
            while self.is_under_way and delivery.invocations < MOST_INVOCATIONS:
                delivery.run(for_s=PIECE_S)
            self.is_endless = delivery.invocations >= MOST_INVOCATIONS
            if not self.is_endless:
                delivery.run()  # what was frozen thaws, and whatever comes late does

    @contextmanager
    def sent(self) -> Iterator[None]:
        """Be what handlers do their work on, with all orders on their way."""
        token = current.set(self)
        try:
            for at_s, order in self.schedule.orders:
                self.orders[send(self.schedule, self.source, at_s, order)] = order
            yield
        finally:
            current.reset(token)

    @property
    def is_under_way(self) -> bool:
        """There are events that have not arrived yet, wait, or are in flight."""
        source = self.source
        return len(source.items) < len(self.orders) or bool(source.waiting or source.in_flight)

    def order_of(self, body: dict[str, Any]) -> Order:
        """Return the order that *body* is."""
        return self.schedule.orders[body["number"]][1]

    def rows(self) -> list[Row]:
        """Return the rows that were committed."""
        if self._ledger is not None:
            return self._ledger()
        return [item["Put"]["Item"] for item in self.delivery.committed]

    def settled_keys(self) -> set[Any]:
        """Return the keys of what took effect."""
        if self.schedule.options.commits:
            return {row["key"] for row in self.rows()}
        return set(self.delivery.effects)

    @contextmanager
    def running(self, order: Order) -> Iterator[Run]:
        """Keep a run of *order*, for as long as it takes."""
        run = self._begin(order)
        try:
            yield run
        except Exception:
            run.has_ended = True
            raise
        except BaseException:
            run.was_cut = True
            raise
        run.has_ended = True

    def lane_of(self, item: Item) -> Any:
        """
        Return what *item* is promised to be in order with.

        Where the source has one shard or partition only, and one batch of it at a time, that is all there is, unless
        the handler wants no more than the order of each key.
        """
        settings = self.schedule.settings
        is_one_by_one = (
            settings.get("shards", settings.get("partitions")) == 1 and settings.get("parallelization", 1) == 1
        )
        if item.lane is None or self.schedule.options.order is not None or not is_one_by_one:
            return item.lane
        return "all"

    def _begin(self, order: Order) -> Run:
        self._counts[order.number] += 1
        number = _invocation.get()
        beside = [run for run in self.runs if run.order.key == order.key and not run.has_ended]
        if beside and self._was_given_up(number):
            beside = []
        try:
            waits_for = self._unsettled_before(order)
        except Exception as error:
            self.broken = repr(error)  # the library would take it for an error of the function
            raise
        run = Run(order, self._counts[order.number], number, waits_for, beside)
        self.runs.append(run)
        return run

    def _was_given_up(self, invocation: int) -> bool:
        happenings = self.delivery.happenings
        return any(each.invocation == invocation and each.kind is Kind.TIMED_OUT for each in happenings)

    def _unsettled_before(self, order: Order) -> list[Order]:
        items = list(self.source.items.values())
        place = [self.orders[item.id] for item in items].index(order)
        lane = self.lane_of(items[place])
        if lane is None:
            return []
        before = [item for item in items[:place] if self.lane_of(item) == lane and item.parked is None]
        done = self.settled_keys() if before else set()
        return [self.orders[item.id] for item in before if self.orders[item.id].key not in done]

    def _enter(self, event: Any, context: Any) -> Any:
        # Lambda has just started it: the last that happened.
        token = _invocation.set(self.delivery.happenings[-1].invocation)
        try:
            return self._handler(event, context)
        finally:
            _invocation.reset(token)
