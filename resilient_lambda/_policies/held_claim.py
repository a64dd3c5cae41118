"""A claim whose run failed, held until it is known what becomes of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.model import Failure
    from .claim import ActiveClaim
    from .commits import Commits
    from .procedures import Procedure

PARK_S = 3.0  # one call of a sink: connect 1 s, read 2 s


class HeldClaim:
    """
    A claim whose run failed, until it is known what becomes of the event.

    Args:
        delivery: The record that has failed.
        remember_s: For how long a permanent failure is remembered, in seconds; None if it is not.
        remember_parked_s: For how long whatever the sink has is remembered for this very delivery, in seconds: where
            records come back that are done, it would be run and sent again each time. None if it is not.
        result: What the request was answered, encoded, for its duplicates; None for anything else.
    """

    __slots__ = (
        "_claim",
        "_commits",
        "_delivery",
        "_failure",
        "_is_settled",
        "_remember_parked_s",
        "_remember_s",
        "_result",
    )

    def __init__(
        self,
        claim: ActiveClaim,
        failure: Failure,
        commits: Commits,
        *,
        delivery: str,
        remember_s: float | None,
        remember_parked_s: float | None,
        result: str | bytes | None = None,
    ) -> None:
        self._claim = claim
        self._result = result
        self._delivery = delivery
        self._commits = commits
        self._is_settled = False
        self._failure = failure
        self._remember_s = remember_s
        self._remember_parked_s = remember_parked_s

    @property
    def key(self) -> str:
        """The stored key."""
        return self._claim.key

    async def may_park(self) -> bool:
        """Tell whether the event may be set aside: not if another environment has taken over (protocols.md I)."""
        try:
            await self._claim.ensure_held(PARK_S)
        except LeaseLostError:
            return False
        return not self._claim.is_committed

    def settle(self, *, parked: str | None) -> None:
        """
        Have the claim's end written, with the next group of ends; the first time counts.

        Args:
            parked: What the sink answered; None if the event was not set aside.
        """
        if self._is_settled:
            return
        self._is_settled = True
        claim, failure, remember_s, delivery = self._claim, self._failure, self._remember_s, self._delivery
        error = type(failure.error).__name__
        is_final = failure.ran and not failure.classification.is_retryable
        if parked is not None and (remember_s is None or not is_final):
            remember_s, is_final = self._remember_parked_s, True
        if is_final and remember_s is not None:
            self._write(
                lambda: claim.failing(
                    error=error,
                    parked=parked or "",
                    delivery=delivery,
                    remember_s=remember_s,
                    result=self._result,
                )
            )
        elif parked is not None:
            self._write(lambda: claim.releasing(error=error, resets=True))
        else:
            self._write(lambda: claim.releasing(error=error if failure.ran else None))

    def _write(self, write: Callable[[], Procedure[None]]) -> None:
        self._commits.add(self._claim, write)


class UnsentLetter(HeldClaim):
    """A failure that is remembered, and whose letter no sink has confirmed so far; nobody runs it or owns it."""

    __slots__ = ()

    def __init__(self, claim: ActiveClaim, failure: Failure, commits: Commits) -> None:
        super().__init__(
            claim, failure, commits, delivery=claim.entry.delivery, remember_s=None, remember_parked_s=None
        )

    async def may_park(self) -> bool:
        """Tell that it may be set aside: two letters are better than none."""
        return True

    def settle(self, *, parked: str | None) -> None:
        """Have it remembered that the sink has it now, or else each further delivery would send it again."""
        if not self._is_settled and parked is not None:
            self._write(lambda: self._claim.parking(parked))
        self._is_settled = True
