"""
The event source mapping: polls the queue for every execution environment at once and hands the batches over, while a
plan drawn from a seed kills processes in the middle of them.
"""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from .environment import Answered, Died, ExecutionEnvironment, Result, TimedOut
from .queue import Delivery, Queue, event_of

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_S = 0.01
WORTH_A_KILL = 3  # records; in a smaller batch there is hardly a middle


class Pace:
    """
    How long an undisturbed invocation takes: so much per record, and so much more if it is its process' first.

    It follows the machine, which may be busy with other things, by moving averages.
    """

    def __init__(self) -> None:
        self.record_s = 0.02
        self.first_s = 0.05

    def expected_s(self, records: int, *, is_first: bool) -> float:
        """Return the duration to expect."""
        return self.record_s * records + (self.first_s if is_first else 0.0)

    def learn(self, records: int, took_s: float, *, is_first: bool) -> None:
        """Take note of an invocation that nobody disturbed."""
        if is_first:
            self.first_s += (max(took_s - self.record_s * records, 0.0) - self.first_s) / 4
        else:
            self.record_s += (took_s / records - self.record_s) / 4


class Kills:
    """
    Which invocations are killed, and when: at a point of their duration that is drawn evenly from *rng*.

    Args:
        at_most: After so many kills everything is left in peace, so that the queue can run empty.
        share: The share of invocations that are to be killed until then.
    """

    def __init__(self, rng: random.Random, pace: Pace, *, at_most: int, share: float) -> None:
        self._rng, self._pace, self._left, self._share = rng, pace, at_most, share
        self._lock = threading.Lock()

    def after_s(self, records: int, *, is_first: bool) -> float | None:
        """Return when to kill the invocation of so many records; None to let it live."""
        with self._lock:
            if records < WORTH_A_KILL or self._left == 0 or self._rng.random() >= self._share:
                return None
            self._left -= 1
            return self._rng.random() * self._pace.expected_s(records, is_first=is_first)

    def missed(self) -> None:
        """Take note that an invocation had answered before its kill was due."""
        with self._lock:
            self._left += 1


class Handled(NamedTuple):
    """One invocation: the batch, how it ended, and which of its messages come back."""

    batch: tuple[Delivery, ...]
    result: Result
    returned: tuple[str, ...]

    @property
    def was_killed(self) -> bool:
        """The process ended within the invocation."""
        return isinstance(self.result, Died | TimedOut)

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
    timeout_s: float,
    limit_s: float,
) -> list[Handled]:
    """
    Deliver until *queue* is empty and return every invocation that this took.

    Args:
        pace: Learns from every invocation that lives.
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
            batch = queue.receive(batch_rng.randint(4, 10))
            if not batch:
                time.sleep(POLL_S)
                continue
            is_first = environment.is_cold
            kill_after_s = kills.after_s(len(batch), is_first=is_first) if kills else None
            result = environment.invoke(event_of(batch), timeout_s=timeout_s, kill_after_s=kill_after_s)
            handled.append(Handled(tuple(batch), result, tuple(queue.settle(batch, result))))
            if isinstance(result, Answered):
                if pace:
                    pace.learn(len(batch), result.took_s, is_first=is_first)
                if kills and kill_after_s is not None:
                    kills.missed()
            environment.start()  # while the messages are hidden, a fresh process can have its INIT
        return handled

    with ThreadPoolExecutor(len(environments)) as threads:
        polls = [threads.submit(poll, *each) for each in zip(environments, batch_rngs, strict=True)]
    return [handled for each in polls for handled in each.result()]
