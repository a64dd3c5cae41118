"""
The event source mapping: polls the queue for every execution environment at once and hands the batches over, while
processes are killed in the middle of them as `strikes` plans it.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from .environment import Answered, Died, ExecutionEnvironment, Result, TimedOut
from .queue import Delivery, Queue, event_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .strikes import Kills, Pace, Strike

POLL_S = 0.01


class Handled(NamedTuple):
    """One invocation: the batch, how it ended, which of its messages come back, and what was done to it."""

    batch: tuple[Delivery, ...]
    result: Result
    returned: tuple[str, ...]
    strike: Strike | None

    @property
    def was_killed(self) -> bool:
        """The process ended within the invocation."""
        return isinstance(self.result, Died | TimedOut)

    @property
    def was_stalled(self) -> bool:
        """The process was stopped for a while."""
        return self.strike is not None and self.strike.stall_after_s is not None

    def order_of(self, message_id: str) -> str:
        """Return the order that a message of the batch carries."""
        (body,) = (delivery.message.body for delivery in self.batch if delivery.id == message_id)
        return str(json.loads(body)["order_id"])


def drain(
    queue: Queue,
    environments: Sequence[ExecutionEnvironment],
    *,
    rng: random.Random,
    pace: Pace | None = None,
    kills: Kills | None = None,
    records: tuple[int, int] = (4, 10),
    timeout_s: float,
    limit_s: float,
) -> list[Handled]:
    """
    Deliver until *queue* is empty and return every invocation that this took.

    Args:
        pace: Learns from every invocation that lives.
        records: The least and the most that a poll asks for; what there is may be less.
        timeout_s: The function's timeout.
        limit_s: When to give up.

    Raises:
        TimeoutError: The queue was not empty in time.
    """
    until_s = time.monotonic() + limit_s
    batch_rngs = [random.Random(rng.random()) for _ in environments]

    def poll(environment: ExecutionEnvironment, batch_rng: random.Random) -> list[Handled]:
        handled: list[Handled] = []
        while not queue.is_empty:
            if time.monotonic() > until_s:
                raise TimeoutError(
                    f"after {limit_s} s the queue holds {[message.body for message in queue.left]}; "
                    f"last: {handled[-1:]}; printed: {environment.printed[-2000:]}"
                )
            batch = queue.receive(batch_rng.randint(*records))
            if not batch:
                time.sleep(POLL_S)
                continue
            is_first = environment.is_cold
            strike = kills.strike(len(batch), is_first=is_first) if kills else None
            result = _invoke(environment, event_of(batch), strike, timeout_s=timeout_s)
            handled.append(Handled(tuple(batch), result, tuple(queue.settle(batch, result)), strike))
            if isinstance(result, Answered):
                if pace and (strike is None or strike.stall_after_s is None):
                    pace.learn(len(batch), result.took_s, is_first=is_first)
                if kills and strike is not None and strike.stall_after_s is None:
                    kills.missed(strike)
            environment.start()  # while the messages are hidden, a fresh process can have its INIT
        return handled

    with ThreadPoolExecutor(len(environments)) as threads:
        polls = [threads.submit(poll, *each) for each in zip(environments, batch_rngs, strict=True)]
    return [handled for each in polls for handled in each.result()]


def _invoke(environment: ExecutionEnvironment, event: Any, strike: Strike | None, *, timeout_s: float) -> Result:
    if strike is None:
        return environment.invoke(event, timeout_s=timeout_s)
    if strike.aim is not None:
        event["strike"] = strike.aim
    return environment.invoke(
        event,
        timeout_s=timeout_s,
        kill_after_s=strike.kill_after_s,
        stall_after_s=strike.stall_after_s,
        stall_s=strike.stall_s,
    )
