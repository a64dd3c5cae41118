"""A source, a handler and a sink whose behaviour is planned, delivered to until nothing comes again."""

from __future__ import annotations

import asyncio
import itertools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Record,
    batch_handler,
    current_claim,
)
from resilient_lambda.errors import BatchFailedError, InvalidRecordError
from tests.delivery import judge, model
from tests.delivery.events import Sent, event_of, only
from tests.delivery.judge import OK, POISON, RETRY, Delivery, Letter, Rules, Run

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Sequence

    from resilient_lambda.testing import FakeIo

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
        remembers: Whether `Idempotency` remembers permanent failures.
    """

    rules: Rules
    is_asynchronous: bool = False
    is_idempotent: bool = False
    has_sink: bool = False
    is_typed: bool = False
    remembers: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The options that say so."""
        rules = self.rules
        options: dict[str, Any] = {
            "concurrency": rules.concurrency,
            "stop_lane_on_dead_letter": rules.stops_on_letter,
            "raise_if_all_failed": rules.raises_if_all_failed,
        }
        if rules.by_key:
            options["order"] = "key"
        if rules.source is model.SHARE_GROUP:
            options["share_group"] = True
        return options


class World:
    """
    One batch and what becomes of it.

    Attributes:
        deliveries: What happened, one after the other.
        mistakes: What went wrong beside the answers, in words.
    """

    def __init__(self, asked: Asked, plans: Sequence[Plan], time: FakeIo) -> None:
        self.asked = asked
        self.deliveries: list[Delivery] = []
        self.mistakes: list[str] = []
        self._source = asked.rules.source
        self._time = time
        self._ticks = itertools.count()
        self._event: dict[str, Any] = event_of(self._source, [plan.sent for plan in plans])
        # By what identifies a record: positions change from one delivery to the next.
        self._plans: dict[Hashable, Plan] = {}
        for plan in plans:
            [item] = model.items(self._source, event_of(self._source, [plan.sent]))
            self._plans[self._source.identity(item.raw)] = plan
        self._tries: dict[Hashable, int] = dict.fromkeys(self._plans, 0)
        self._refused: dict[Hashable, int] = dict.fromkeys(self._plans, 0)
        self._names: list[Hashable] = []
        self._positions: dict[Hashable, int] = {}
        self._runs: list[Run] = []
        self._letters: list[Letter] = []
        self._active: list[int] = []
        self._poisoned: set[Hashable] = set()
        self._claims: dict[int, str] = {}
        self._stops_at_s = float("inf")
        guard = Idempotency(
            MemoryStore(),
            key=self._key_of,
            namespace="world",
            keep_s=10_000_000,
            remember_failures_s=10_000_000 if asked.remembers else None,
        )
        policies = [guard] if asked.is_idempotent else []
        sink = DeadLetter(self._take_later if asked.is_asynchronous else self._take) if asked.has_sink else None
        self._handler = batch_handler(policies=policies, dead_letter=sink, **asked.options)(self._function())

    def deliver_until_done(self, *, timeout_s: float = 900.0, limit: int = 60) -> None:
        """Deliver, and again what comes again, until nothing does; judge each delivery."""
        for _ in range(limit):
            ends_at_s = self._time.now() + timeout_s
            delivery = self.deliver(timeout_s=timeout_s)
            if self._time.now() > ends_at_s:
                again = set(self._positions.values())  # Lambda has stopped the function: nobody heard the answer
            else:
                found = [*judge.problems(self.asked.rules, delivery), *self.mistakes]
                assert found == [], "\n".join([*found, self.told()])
                again = judge.again(self.asked.rules, delivery)
            if not again:
                return
            self._time.advance(6 * timeout_s + 60)  # until queues show them again, and every lease has ended
            self._event = only(self._source, self._event, again)
        raise AssertionError("it never ends\n" + self.told())

    def deliver(self, *, timeout_s: float) -> Delivery:
        """Deliver once; return what happened."""
        raws = [item.raw for item in model.items(self._source, self._event)]
        names = [self._source.identity(raw) for raw in raws]
        plans = [self._plans[name] for name in names]
        self._poisoned |= {self._names[run.position] for run in self._runs if run.outcome == POISON}
        self._names = names
        self._positions = {name: position for position, name in enumerate(names)}
        self._runs, self._letters = [], []
        done_before = self._done()
        before = {plan.sent.serial for plan in self.parked()} if self.asked.remembers else set()
        parked_before = {position for position, plan in enumerate(plans) if plan.sent.serial in before}
        perhaps = {position for position in parked_before if self._is_vaguely_remembered(plans[position])}
        self._stops_at_s = self._time.now() + timeout_s - min(5.0, timeout_s / 10)
        answer = self._call(timeout_s)
        if self._active:
            self.mistakes.append(f"still running after the answer: {self._active}")
        # What has taken so long before, with a reserve, is not started where less is left; and a run takes as long as
        # those that run at the same time, here where all share one clock.
        longest_s = 2 * self.asked.rules.concurrency * max((plan.cost_s for plan in self._plans.values()), default=0)
        delivery = Delivery(
            self._event,
            self._runs,
            self._letters,
            answer,
            keys=[self._plans[name].event for name in names] if self.asked.is_idempotent else None,
            done_before=done_before,
            parked_before=parked_before - perhaps,
            perhaps_parked=perhaps,
            hopeless={position for name, position in self._positions.items() if self._is_hopeless(name)},
            ran_out_of_time=self._time.now() + longest_s >= self._stops_at_s,
        )
        self.deliveries.append(delivery)
        return delivery

    def told(self) -> str:
        """Return the history in words; records are called by their serials."""
        lines = []
        for number, delivery in enumerate(self.deliveries, 1):
            raws = [item.raw for item in model.items(self._source, delivery.event)]
            serials = [self._plans[self._source.identity(raw)].sent.serial for raw in raws]
            runs = [(serials[run.position], run.outcome) for run in sorted(delivery.runs, key=lambda run: run.began)]
            letters = [(serials[letter.position], letter.is_confirmed) for letter in delivery.letters]
            again = [serials[position] for position in sorted(judge.again(self.asked.rules, delivery))]
            lines.append(f"{number}. {serials}, keys {delivery.keys}: runs {runs}, letters {letters}, again {again}")
        return "\n".join(lines)

    def successes(self) -> list[Plan]:
        """Return the plan of every run that succeeded, in their order."""
        found = []
        for delivery in self.deliveries:
            raws = [item.raw for item in model.items(self._source, delivery.event)]
            ran = sorted((run for run in delivery.runs if run.outcome == OK), key=lambda run: run.ended)
            found += [self._plans[self._source.identity(raws[run.position])] for run in ran]
        return found

    def parked(self) -> list[Plan]:
        """Return the plan of every record that the sink took."""
        found = []
        for delivery in self.deliveries:
            raws = [item.raw for item in model.items(self._source, delivery.event)]
            taken = [letter.position for letter in delivery.letters if letter.is_confirmed]
            found += [self._plans[self._source.identity(raws[position])] for position in taken]
        return found

    def in_order(self, plans: Sequence[Plan]) -> list[tuple[Hashable, Plan]]:
        """Return lane and plan of every record, in the order of the first event."""
        event = event_of(self._source, [plan.sent for plan in plans])
        lanes = judge.lanes(self.asked.rules, event)
        return [
            (lane, self._plans[self._source.identity(item.raw)])
            for lane, item in zip(lanes, model.items(self._source, event), strict=True)
        ]

    def _call(self, timeout_s: float) -> object:
        try:
            return self._handler(self._event, self._time.context(timeout_s=timeout_s))
        except BatchFailedError as error:
            return error

    def _done(self) -> Collection[Hashable]:
        return {plan.event for plan in self.successes()} if self.asked.is_idempotent else ()

    def _is_vaguely_remembered(self, plan: Plan) -> bool:
        # One failure is remembered for each key, and none of what could not even be read.
        is_alone = [other.event for other in self._plans.values()].count(plan.event) == 1
        return not is_alone or (self.asked.is_typed and not plan.sent.is_readable)

    def _is_hopeless(self, name: Hashable) -> bool:
        if self.asked.remembers and name in self._poisoned:
            return True
        return self.asked.is_typed and not self._plans[name].sent.is_readable and self._source in TEXT

    def _key_of(self, record: Record[Any]) -> str:
        return f"event-{self._plans[self._source.identity(record.raw)].event}"

    def _function(self) -> Any:
        if not self.asked.is_asynchronous:

            def function(record: Record[Any]) -> object:
                with self._running(record) as plan:
                    for _ in range(plan.yields):
                        os.sched_yield()
                    return self._end(record, plan)
        else:

            async def function(record: Record[Any]) -> object:
                with self._running(record) as plan:
                    for _ in range(plan.yields):
                        await asyncio.sleep(0)
                    return self._end(record, plan)

        function.__annotations__["record"] = Record[dict] if self.asked.is_typed else Record
        return function

    @contextmanager
    def _running(self, record: Record[Any]) -> Iterator[Plan]:
        name = self._source.identity(record.raw)
        plan, position, began = self._plans[name], self._positions[name], next(self._ticks)
        if self._time.now() >= self._stops_at_s and self.asked.rules.concurrency == 1:  # else others moved the clock
            self.mistakes.append(f"{position} was started after the deadline")
        self._check_claim(plan)
        number = self._tries[name]
        self._tries[name] += 1
        self._active.append(position)
        outcome = plan.outcomes[number] if number < len(plan.outcomes) else "ok"
        is_nonsense = not plan.sent.is_readable and self._source in TEXT
        try:
            yield plan._replace(outcomes=("nonsense" if is_nonsense else outcome,))
        finally:
            self._check_claim(plan)
            self._active.remove(position)
            kind = POISON if is_nonsense else FAILURES[outcome][0]
            self._runs.append(Run(position, began, next(self._ticks), kind))

    def _check_claim(self, plan: Plan) -> None:
        """Context variables are right in every lane: the claim is that of the record's own event."""
        if not self.asked.is_idempotent:
            return
        key = current_claim().key
        if self._claims.setdefault(plan.event, key) != key or list(self._claims.values()).count(key) > 1:
            self.mistakes.append(f"event {plan.event} ran under the claim {key}")

    def _end(self, record: Record[Any], plan: Plan) -> object:
        [outcome] = plan.outcomes
        self._time.advance(plan.cost_s)
        if outcome == "nonsense":
            record.json()
            self.mistakes.append(f"{record.id} has no JSON, and json() did not say so")
            raise InvalidRecordError
        if self._source in TEXT and record.json()["serial"] != plan.sent.serial:
            self.mistakes.append(f"{record.id} was given the body {record.json()}")
        _, what = FAILURES[outcome]
        if what is None:
            return None
        if what is Unawaited:
            return Unawaited()
        raise what

    def _take(self, record: Record[Any], error: BaseException) -> str:
        name = self._source.identity(record.raw)
        plan = self._plans[name]
        self._refused[name] += 1
        is_refused = self._refused[name] <= plan.refusals
        self._letters.append(Letter(self._positions[name], next(self._ticks), not is_refused))
        if is_refused:
            raise SystemExit(2) if self._refused[name] % 2 == 0 else OSError("the sink is down")
        return f"taken-{name}"

    async def _take_later(self, record: Record[Any], error: BaseException) -> str:
        await asyncio.sleep(0)
        return self._take(record, error)


def check_end(world: World, plans: Sequence[Plan]) -> None:
    """Check what the whole history came to: everything took effect or was parked, in the order of its lane."""
    succeeded, parked = world.successes(), world.parked()
    events = [plan.event for plan in succeeded]
    finished = {plan.sent.serial for plan in [*succeeded, *parked]}
    if world.asked.is_idempotent:
        finished |= {plan.sent.serial for plan in plans if plan.event in events}
        assert len(set(events)) == len(events), f"an event took effect twice: {events}"
    assert finished == {plan.sent.serial for plan in plans}

    first = {}
    for when, plan in enumerate(succeeded):
        first.setdefault(plan.sent.serial, when)
    in_order = world.in_order(plans)
    lanes: dict[Hashable, list[int]] = {}
    for lane, plan in in_order:
        if lane is not None and plan.sent.serial in first and plan not in parked:
            lanes.setdefault(lane, []).append(first[plan.sent.serial])
    assert all(whens == sorted(whens) for whens in lanes.values()), f"out of order: {lanes}"
