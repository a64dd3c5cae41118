"""What became of every order, and whether that is what the library promises: computed from what happened alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from resilient_lambda.testing import Kind as Happened

from .orders import FATES

if TYPE_CHECKING:
    from .orders import Kind, Schedule, SentOrder
    from .run import Run

# Poison whose environments died as well may be parked for that instead. It has to be true: one death could have been a
# neighbour's doing, and is not held against an order.
SECOND_REASON = "CrashLoopError"
FEWEST_DEATHS = 2
DEATHS = (Happened.CRASHED, Happened.TIMED_OUT)


class Account(NamedTuple):
    """
    What became of one order.

    Attributes:
        charges: How often the money was taken.
        begun_again: How often it was begun although its success had been recorded.
        deaths: How many environments died with it in their batch.
        reasons: Class names of the errors with which it was parked.
        is_thrown_out: The queue gave up on it, and nobody knows why.
        is_lost: It is gone without a trace.
        is_unfinished: It has neither been acknowledged nor given up.
    """

    order: SentOrder
    charges: int
    begun_again: int
    deaths: int
    reasons: frozenset[str]
    is_thrown_out: bool
    is_lost: bool
    is_unfinished: bool

    @property
    def is_charged_once(self) -> bool:
        """It was charged as often as it should be, and is nowhere else."""
        return self.charges == 1 and not self.reasons

    @property
    def is_parked_rightly(self) -> bool:
        """It was set aside for a reason that it has."""
        true = {FATES[self.order.kind].reason}
        if self.deaths >= FEWEST_DEATHS:
            true.add(SECOND_REASON)
        return not self.charges and bool(self.reasons) and self.reasons <= true

    @property
    def is_right(self) -> bool:
        """What the library promises for this order is true."""
        if self.begun_again or self.is_thrown_out or self.is_lost or self.is_unfinished:
            return False
        return self.is_parked_rightly if FATES[self.order.kind].reason else self.is_charged_once


class Ledger(NamedTuple):
    """All accounts of one run."""

    accounts: list[Account]

    @property
    def holds(self) -> bool:
        """The promise was kept for every order."""
        return all(account.is_right for account in self.accounts)

    @property
    def wrong(self) -> list[Account]:
        """The accounts of orders that the promise was broken for."""
        return [account for account in self.accounts if not account.is_right]

    @property
    def charged_once(self) -> int:
        """How many orders were charged exactly once."""
        return sum(account.is_charged_once for account in self.accounts)

    @property
    def charged_twice(self) -> int:
        """How many orders were charged more than once."""
        return sum(account.charges > 1 for account in self.accounts)

    @property
    def begun_again(self) -> int:
        """How many orders were begun although their success had been recorded."""
        return sum(account.begun_again > 0 for account in self.accounts)

    @property
    def parked(self) -> int:
        """How many orders of poison were parked for a reason that they have."""
        return sum(bool(FATES[account.order.kind].reason) and account.is_parked_rightly for account in self.accounts)

    @property
    def lost(self) -> int:
        """How many orders are gone without a trace."""
        return sum(account.is_lost for account in self.accounts)

    def thrown_out(self, *, is_poison: bool) -> int:
        """Return how many orders the queue gave up on, uncharged and with no reason known."""
        return sum(
            account.is_thrown_out
            and not (account.charges or account.reasons)
            and bool(FATES[account.order.kind].reason) is is_poison
            for account in self.accounts
        )

    def of(self, kind: Kind) -> Ledger:
        """Return the ledger of one kind of order."""
        return Ledger([account for account in self.accounts if account.order.kind is kind])


def settle(schedule: Schedule, run: Run) -> Ledger:
    """Draw up the ledger of *run*."""
    queue, charges = run.queue, Counter(run.delivery.effects)
    reasons: dict[str, set[str]] = {order.name: set() for order in schedule.orders}
    thrown_out: set[str] = set()
    for letter in queue.dead_letters:
        for order in map(run.order_of, letter.ids):
            if letter.error:
                reasons[order].add(letter.error)
            else:
                thrown_out.add(order)
    deaths = Counter(
        order
        for happened in run.delivery.happenings
        if happened.kind in DEATHS
        for order in {run.order_of(message) for message in happened.ids}
    )
    lost = {run.order_of(message) for message in queue.lost}
    unfinished = {run.order_of(message) for message in (*queue.waiting, *queue.in_flight)}
    return Ledger(
        [
            Account(
                order,
                charges=charges[order.name],
                begun_again=run.payments.begun_again[order.name],
                deaths=deaths[order.name],
                reasons=frozenset(reasons[order.name]),
                is_thrown_out=order.name in thrown_out and not reasons[order.name],
                is_lost=order.name in lost,
                is_unfinished=order.name in unfinished,
            )
            for order in schedule.orders
        ]
    )
