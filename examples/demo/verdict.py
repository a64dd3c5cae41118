"""What became of every order, and whether that is what the library promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .orders import FATES

if TYPE_CHECKING:
    from .orders import Kind, Schedule, SentOrder
    from .world import World

# Environments that died right after they had parked an order may have it parked once more, now for their deaths.
SECOND_REASON = "CrashLoopError"


class Account(NamedTuple):
    """
    What became of one order.

    Attributes:
        charges: How often the money was taken.
        finishes: How often the function did all its work for it.
        reasons: Class names of the errors with which it was parked.
        is_thrown_out: The queue gave up on it, and nobody knows why.
    """

    order: SentOrder
    charges: int
    finishes: int
    reasons: frozenset[str]
    is_thrown_out: bool

    @property
    def is_lost(self) -> bool:
        """It is gone without a trace."""
        return not (self.charges or self.reasons or self.is_thrown_out)

    @property
    def is_charged_once(self) -> bool:
        """It was charged as often as it should be, and is nowhere else."""
        return self.charges == 1 and not self.reasons

    @property
    def is_parked_rightly(self) -> bool:
        """It was set aside for the reason that it has."""
        reason = FATES[self.order.kind].reason
        return not self.charges and reason in self.reasons and self.reasons <= {reason, SECOND_REASON}

    @property
    def is_right(self) -> bool:
        """What the library promises for this order is true."""
        if self.finishes > 1 or self.is_thrown_out:
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
    def run_twice(self) -> int:
        """How many orders were worked on once more after all the work was done."""
        return sum(account.finishes > 1 for account in self.accounts)

    @property
    def parked(self) -> int:
        """How many orders were parked with the reason that they have."""
        return sum(account.is_parked_rightly for account in self.accounts)

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


def settle(schedule: Schedule, world: World) -> Ledger:
    """Draw up the ledger of *world* when all is delivered."""
    dead = {message.id for message in world.queue.dead}
    reasons: dict[str, set[str]] = {}
    for order, reason in world.letters:
        reasons.setdefault(order.name, set()).add(reason)
    return Ledger(
        [
            Account(
                order,
                world.charged[order.name],
                world.finished[order.name],
                frozenset(reasons.get(order.name, ())),
                not dead.isdisjoint(order.message_ids),
            )
            for order in schedule.orders
        ]
    )
