"""An event that comes from the re-invoker: the reserved key off, the attempt known, the second of two found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.reserved import take_off
from .._policies.attempt import Attempt, current

if TYPE_CHECKING:
    from contextvars import Token

    from .._policies.call import Invocation
    from .plan import Plan


class Reinvoked:
    """
    One invocation with an event that carries the reserved key.

    Attributes:
        event: The event without it.
    """

    __slots__ = ("_mark", "_token", "event")

    def __init__(self, event: dict[str, Any]) -> None:
        self.event, self._mark = take_off(event)
        self._token: Token[Attempt | None] | None = None

    @property
    def failed_id(self) -> str:
        """Lambda's request id of the invocation that failed; "" if unknown."""
        return "" if self._mark is None else self._mark.failed_id

    async def is_to_run(self, plan: Plan, invocation: Invocation) -> bool:
        """
        Tell whether the event is to be run; a re-invocation that was started twice is run once.

        Raises:
            StoreError: It cannot be told.
        """
        mark = self._mark
        if mark is None:  # the key says nothing that can be read; whoever wrote it, the event is a first one
            return True
        for policy in plan.policies:
            asking = getattr(policy, "is_to_run", None)
            if asking is not None and not await asking(invocation, mark):
                return False
        return True

    def __enter__(self) -> None:
        """Make this the attempt that the user's function sees."""
        mark = self._mark
        if mark is not None:
            self._token = current.set(Attempt(1, mark.attempt, mark.root, mark.first_failed_at_s))

    def __exit__(self, *exc_info: object) -> None:
        """Make it no longer so."""
        if self._token is not None:
            current.reset(self._token)
