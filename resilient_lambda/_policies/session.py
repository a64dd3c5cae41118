"""What one invocation keeps for idempotency: outcomes, claims of unknown fate, the heartbeat of running claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core.model import Outcome
    from .._io.base import Beat
    from .call import Invocation
    from .claim import ActiveClaim


class Session:
    """
    What one invocation keeps.

    Attributes:
        outcomes: By stored key, the payload's fingerprint and what came of the run.
        unknown: Claims whose write was not answered; they are given back before the answer.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, tuple[str, Outcome]] = {}
        self.unknown: list[ActiveClaim] = []
        self._beat: Beat | None = None
        self._running: list[ActiveClaim] = []
        self._is_ended = False

    def watch(self, taken: ActiveClaim, invocation: Invocation, interval_s: float) -> None:
        """Renew the lease of *taken* at intervals, until it is settled."""
        self._running = [running for running in self._running if not running.is_settled] + [taken]
        if self._beat is None:
            self._beat = invocation.io.every(interval_s, self._renew)

    async def end_heartbeat(self) -> None:
        """Join the heartbeat: one that went on would thaw with the environment and renew dead claims (C4)."""
        self._is_ended = True
        if self._beat is not None:
            await self._beat.stop()

    async def _renew(self) -> None:
        for running in self._running:
            if not self._is_ended:  # asked before each write: the join does not wait for ever
                await running.beat()
