"""What is to become of each record of a batch, and what is asked of the handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import NonRetryableError
from tests.delivery import model
from tests.delivery.judge import OK, POISON, RETRY, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.delivery.events import Sent

TEXT = {
    model.SQS,
    model.FIFO,
    model.KINESIS,
    model.KAFKA,
    model.SHARE_GROUP,
    model.ACTIVEMQ,
    model.RABBITMQ,
    model.SNS,
}
"""Sources that carry what was sent; the others describe a change, which is always readable."""


class Unawaited:
    """What a function returns that forgot to await: its body has not run."""

    def __await__(self) -> Iterator[None]:
        yield None


FAILURES: dict[str, tuple[str, Any]] = {
    "ok": (OK, None),
    "retry": (RETRY, ValueError),
    "poison": (POISON, NonRetryableError),
    "exit": (RETRY, SystemExit),
    "cancelled": (RETRY, asyncio.CancelledError),
    "awaitable": (RETRY, Unawaited),
}
"""What a run can come to: what that means, and what is raised or returned."""


class Plan(NamedTuple):
    """
    What is to become of one record.

    Attributes:
        sent: What was sent.
        event: Which event it is: the idempotency key.
        outcomes: What its runs come to, keys of `FAILURES`; after the last of them it succeeds.
        refusals: How often the sink refuses its dead letter before it takes it.
        cost_s: How long each run takes.
        yields: How often each run lets others go on.
    """

    sent: Sent
    event: int
    outcomes: tuple[str, ...] = ()
    refusals: int = 0
    cost_s: float = 0.0
    yields: int = 0


class Asked(NamedTuple):
    """
    What is asked of the handler.

    Attributes:
        is_typed: Whether the function asks for a validated body, so that nonsense does not reach it.
        remembers: Whether `Idempotency` was told to remember permanent failures.
        max_attempts: After how many failed runs a record is set aside; None for no limit.
    """

    rules: Rules
    is_asynchronous: bool = False
    is_idempotent: bool = False
    has_sink: bool = False
    is_typed: bool = False
    remembers: bool = False
    max_attempts: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that say so."""
        rules = self.rules
        options: dict[str, Any] = {
            "concurrency": rules.concurrency,
            "stop_lane_on_dead_letter": rules.stops_on_letter,
            "raise_if_all_failed": rules.raises_if_all_failed,
        }
        if self.max_attempts is not None:
            options["max_attempts"] = self.max_attempts
        if rules.by_key:
            options["order"] = "key"
        if rules.source is model.SHARE_GROUP:
            options["share_group"] = True
        return options
