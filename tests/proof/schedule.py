"""Schedules: a source and its settings, what is sent, the handler, and what goes wrong; all of it from a seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from .settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = ("sqs", "fifo", "kinesis", "dynamodb", "kafka", "share-group", "asynchronous", "synchronous")
STREAMS = {"kinesis", "dynamodb"}
IN_LANES = {"fifo", *STREAMS, "kafka"}
SINGLE_EVENTS = {"asynchronous", "synchronous"}
WITHOUT_RECEIVES = {*STREAMS, "kafka", "share-group", *SINGLE_EVENTS}
# What the clock of an environment may be wrong by: the library's own allowance.
SKEW_S = 2.0


class Order(NamedTuple):
    """
    One event, as JSON its body.

    Attributes:
        number: Counts what is sent, from 0.
        key: The business key: what may take effect once. Several orders may have the same.
        lane: What it is in order with: group, partition key, item, message key.
        fails: How many of its first runs fail, in a way that another try may help.
        is_permanent: All of its runs fail for good.
        before_s: What a run does before it takes effect, in seconds.
        after_s: And after that.
        raises: It fails after it took effect.
    """

    number: int
    key: str
    lane: str
    fails: int
    is_permanent: bool
    before_s: float
    after_s: float
    raises: bool


class Options(NamedTuple):
    """
    How the handler is made; few different ones, so that handlers are made once.

    Attributes:
        commits: It takes effect by ``commit_with``; if not, by something outside of the store.
        swallows: It catches the errors of ``commit_with`` and returns as if nothing had happened.
        makes_sure: It calls ``ensure_owned`` before it takes effect.
        has_letters: It has a dead-letter sink.
        stops_lane: Behind a dead letter its lane waits for the next delivery.
    """

    is_single: bool
    is_share_group: bool
    is_asynchronous: bool
    commits: bool
    swallows: bool
    makes_sure: bool
    has_letters: bool
    concurrency: int
    order: str | None
    max_attempts: int | None
    interrupt: bool
    commit: str
    local_cache: int
    lease_s: float | None
    remember_failures_s: float | None
    on_in_progress: str
    stops_lane: bool


class Schedule(NamedTuple):
    """
    All that is decided before anything happens; the rest is the simulator's, by the same seed.

    Attributes:
        function: Arguments of `Delivery.function`.
        settings: Arguments of the source.
        orders: What is sent, and when, in the order of time.
        faults: Arguments of `Delivery.faults`.
        quiet_after_s: When nothing goes wrong any more; None for never.
    """

    source: str
    seed: int
    options: Options
    function: Mapping[str, Any]
    settings: Mapping[str, Any]
    orders: tuple[tuple[float, Order], ...]
    faults: Mapping[str, float]
    quiet_after_s: float | None

    @property
    def name(self) -> str:
        """What it is played again by."""
        return f"{self.source}:{self.seed}" + ("" if self.options.commits else ":outside")

    def describe(self) -> str:
        """Return it as text, for the report of a violation."""
        lines = [
            f"schedule {self.name}",
            f"  handler   {_said(self.options._asdict())}",
            f"  function  {_said(self.function)}",
            f"  settings  {_said(self.settings)}",
            f"  faults    {_said(self.faults)}, until {self.quiet_after_s or 'the end'}",
        ]
        lines += [f"  at {at_s:7.2f}  {_said(order._asdict())}" for at_s, order in self.orders]
        return "\n".join(lines)


def _said(values: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value!r}" for name, value in values.items() if value is not None and value is not False)


def schedule(source: str, seed: int, *, commits: bool = True) -> Schedule:
    """Draw the schedule of *seed*: the same in every process."""
    rng = Random(f"{source}/{seed}")  # of a text, which is hashed alike everywhere
    timeout_s = rng.choice((3.0, 10.0, 30.0, 60.0))
    options = _options(source, rng, commits=commits)
    settings = SETTINGS[source](rng, timeout_s, options)
    # Orders that never succeed would go on for ever, if nobody gave them up.
    gives_up = options.has_letters or settings.get("on_failure") is not None or settings.get("max_receives") is not None
    return Schedule(
        source,
        seed,
        options,
        function={
            "timeout_s": timeout_s,
            "takes": rng.choice((0.001, 0.05, 0.5)),
            "concurrency": rng.choice((1, 2, 5, 1000, 1000)),
        },
        settings=settings,
        orders=_orders(source, rng, timeout_s, may_be_permanent=gives_up, may_raise=commits),
        faults=_faults(rng, commits=commits),
        quiet_after_s=rng.choice((None, 30.0, 300.0, 1800.0)),
    )


def _options(source: str, rng: Random, *, commits: bool) -> Options:
    is_single = source in SINGLE_EVENTS
    is_share_group = source == "share-group"
    by_key = source in {*STREAMS, "kafka"} and rng.random() < 0.4
    has_letters = rng.random() < 0.5
    concurrency = 1 if is_single else rng.choice((1, 1, 3))
    return Options(
        is_single=is_single,
        is_share_group=is_share_group,
        is_asynchronous=rng.random() < 0.3,
        commits=commits,
        swallows=commits and rng.random() < 0.2,
        makes_sure=rng.random() < 0.2,
        has_letters=has_letters,
        concurrency=concurrency,
        order="key" if by_key else None,
        max_attempts=3 if has_letters and rng.random() < 0.2 else None,
        interrupt=not is_single and rng.random() < 0.25,
        commit=rng.choice(("group", "group", "each")),
        local_cache=rng.choice((0, 1000)),
        lease_s=rng.choice((None, None, None, 9.0)),
        remember_failures_s=rng.choice((None, None, 3600.0)),
        on_in_progress=rng.choice(("auto", "auto", "wait", "retry")),
        stops_lane=not is_single and rng.random() < 0.1,
    )


def _orders(
    source: str, rng: Random, timeout_s: float, *, may_be_permanent: bool, may_raise: bool
) -> tuple[tuple[float, Order], ...]:
    count = min(rng.randint(5, 12) for _ in range(3))  # mostly few: that is more schedules a second
    keys = [f"k{number}" for number in range(rng.randint(max(2, count // 2), count + 4))]
    lanes = [f"lane-{number}" for number in range(rng.choice((1, 2, 4)))]
    lane_of = {key: rng.choice(lanes) for key in keys}
    spread_s = rng.choice((0.0, 5.0, 100.0))
    longest_s = rng.choice((0.0, 0.1, 0.1 * timeout_s, 0.35 * timeout_s))
    times = sorted(rng.uniform(0, spread_s) for _ in range(count))
    # Of the key: two orders of one key ask for the same thing.
    permanent = {key for key in keys if may_be_permanent and rng.random() < 0.12}
    orders = []
    for number, at_s in enumerate(times):
        key = rng.choice(keys)
        order = Order(
            number=number,
            key=key,
            # The twins of an order are mostly in its lane, as they would be with a key of one's own making.
            lane=lane_of[key] if rng.random() < 0.8 else rng.choice(lanes),
            fails=0 if rng.random() < 0.7 else rng.randint(1, 2),
            is_permanent=key in permanent,
            before_s=rng.uniform(0, longest_s),
            after_s=rng.uniform(0, longest_s / 2),
            raises=may_raise and rng.random() < 0.1,
        )
        orders.append((at_s, order))
    return tuple(orders)


def _faults(rng: Random, *, commits: bool) -> dict[str, float]:
    highest = {
        "crash": 0.4,
        "timeout": 0.25,
        "freeze": 0.25,
        "throttle": 0.3,
        "duplicate": 0.5,
        "late": 0.3,
        "store_error": 0.25,
        "slow_store": 0.3,
        "store_outage": 0.4,
        "sink_error": 0.4,
    }
    kinds = rng.sample(sorted(highest), rng.choice((1, 2, 3, 5, len(highest))))
    faults = {kind: round(rng.uniform(0.02, highest[kind]), 3) for kind in kinds}
    if rng.random() < 0.4:
        # A transaction is fenced by versions: it needs no clock at all. Anything else needs clocks that agree.
        faults["skew_s"] = rng.choice((0.5, SKEW_S, 60.0)) if commits else rng.uniform(0.1, SKEW_S)
    return faults
