"""A claim whose run failed, held until it is known what becomes of the event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LeaseLostError

if TYPE_CHECKING:
    from .._core.model import Failure
    from .claim import ActiveClaim

PARK_S = 3.0  # one call of a sink: connect 1 s, read 2 s


class HeldClaim:
    """A claim whose run failed, until it is known what becomes of the event."""

    __slots__ = ("_claim", "_failure", "_remember_s")

    def __init__(self, claim: ActiveClaim, failure: Failure, remember_s: float | None) -> None:
        self._claim = claim
        self._failure = failure
        self._remember_s = remember_s

    async def may_park(self) -> bool:
        """Tell whether the event may be set aside: not if another environment has taken over (protocols.md I)."""
        try:
            await self._claim.aensure_owned(for_s=PARK_S)
        except LeaseLostError:
            return False
        return True

    async def settle(self, *, parked: str | None) -> None:
        """
        End the claim.

        Args:
            parked: What the sink answered; None if the event was not set aside.
        """
        error = type(self._failure.error).__name__
        is_final = self._failure.ran and not self._failure.classification.is_retryable
        if is_final and self._remember_s is not None:
            await self._claim.fail(error=error, parked=parked or "", remember_s=self._remember_s)
        elif parked is not None:
            await self._claim.release(error=error, resets=True)
        else:
            await self._claim.release(error=error if self._failure.ran else None)
