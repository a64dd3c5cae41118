"""Schedules: jobs that time out, how the worker and the re-invoker are deployed, and what goes wrong; from a seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# What stands between the worker's failures and the re-invoker; after the hyphen, what is behind the first.
DESTINATIONS = ("lambda", "sqs", "sns", "eventbridge", "s3", "sns-sqs", "sns-sqs-raw", "eventbridge-sqs", "s3-sqs")
WORKERS = ("single", "single-async", "batch")
DELAYS = ("none", "none", "queue", "schedule")
# The promise speaks of clocks that differ by no more than the library allows.
SKEW_S = 2.0


class Job(NamedTuple):
    """
    One event for the worker.

    Attributes:
        at_s: When it is sent.
        hangs: How many of its first starts hang until Lambda stops them.
    """

    number: int
    at_s: float
    hangs: int


class Schedule(NamedTuple):
    """
    All that is decided before anything happens; the rest is the simulator's, by the same seed.

    Attributes:
        retries: Of the worker's asynchronous invocation, by Lambda itself.
        max_attempts: Of the re-invoker.
        also: What it invokes again beside timeouts.
        faults: Arguments of `Delivery.faults`.
        quiet_after_s: When nothing goes wrong any more.
        receiver_has_store: The worker has `Idempotency`.
        reinvoker_has_store: The re-invoker has a store.
    """

    seed: int
    destination: str
    worker: str
    delay: str
    timeout_s: float
    retries: int
    max_attempts: int
    also: tuple[str, ...]
    jobs: tuple[Job, ...]
    faults: Mapping[str, float]
    quiet_after_s: float
    receiver_has_store: bool = True
    reinvoker_has_store: bool = True

    def describe(self) -> str:
        """Return it as text, for the report of a violation."""
        return "\n".join(f"  {name:20} {value!r}" for name, value in self._asdict().items())


def schedule(seed: int) -> Schedule:
    """Draw the schedule of *seed*: the same in every process."""
    rng = Random(f"reinvoker/{seed}")
    retries, max_attempts = rng.choice((0, 0, 1, 2)), rng.choice((2, 3, 3, 4))
    faults = _faults(rng)
    # What waits for a claim of a machine whose clock is ahead needs time for that: twice what clocks may differ by.
    timeout_s = rng.choice((10.0, 30.0, 60.0) if "skew_s" in faults else (3.0, 10.0, 30.0, 60.0))
    most = max_attempts * (retries + 1) + 1  # one more than there are starts
    count = rng.choice((1, 1, 2, 3))
    spread_s = rng.choice((0.0, 1.0, 200.0))
    return Schedule(
        seed,
        destination=rng.choice(DESTINATIONS),
        worker=rng.choice(WORKERS),
        delay=rng.choice(DELAYS),
        timeout_s=timeout_s,
        retries=retries,
        max_attempts=max_attempts,
        also=rng.choice(((), (), ("exit",))),
        jobs=tuple(Job(number, rng.uniform(0, spread_s), rng.randint(0, most)) for number in range(count)),
        faults=faults,
        quiet_after_s=rng.choice((60.0, 600.0, 1800.0)),
    )


def _faults(rng: Random) -> dict[str, float]:
    highest = {
        "crash": 0.4,
        "throttle": 0.3,
        "duplicate": 1.0,
        "late": 0.4,
        "store_error": 0.25,
        "slow_store": 0.3,
        "store_outage": 0.3,
        "invoke_error": 0.6,
    }
    kinds = rng.sample(sorted(highest), rng.choice((0, 1, 2, 3, len(highest))))
    faults = {kind: round(rng.uniform(0.05, highest[kind]), 3) for kind in kinds}
    if rng.random() < 0.3:
        faults["skew_s"] = rng.uniform(0.1, SKEW_S)
    return faults
