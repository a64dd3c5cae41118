"""A function and a sink that do what is planned for each record, and note what happened and when."""

from __future__ import annotations

import asyncio
import itertools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from resilient_lambda import DeadLetter, Record, current_claim
from resilient_lambda.errors import InvalidRecordError
from tests.delivery.judge import POISON, Letter, Run
from tests.delivery.plans import FAILURES, TEXT, Asked, Plan, Unawaited

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from resilient_lambda.testing import FakeIo

_let_others_run = getattr(os, "sched_yield", lambda: None)  # not on every platform


class Stage:
    """
    What the handler calls: the function and the sink.

    Attributes:
        function: The function for one record, in the colour that was asked for.
        sink: The sink, None if none was asked for.
        runs: Every run since `begin`.
        letters: Every dead letter that was offered since `begin`.
        mistakes: What went wrong beside the answers, in words.
    """

    def __init__(self, asked: Asked, plans: Mapping[Hashable, Plan], time: FakeIo) -> None:
        self._asked = asked
        self._source = asked.rules.source
        self._plans = plans
        self._time = time
        self._ticks = itertools.count()
        self._tries: dict[Hashable, int] = dict.fromkeys(plans, 0)
        self._offers: dict[Hashable, int] = dict.fromkeys(plans, 0)
        self._positions: dict[Hashable, int] = {}
        self._running_now: list[int] = []
        self._claims: dict[int, str] = {}
        self._stops_at_s = float("inf")
        self.runs: list[Run] = []
        self.letters: list[Letter] = []
        self.mistakes: list[str] = []
        self.function = self._asynchronous() if asked.is_asynchronous else self._synchronous()
        self.function.__annotations__["record"] = Record[dict] if asked.is_typed else Record
        sink = self._take_later if asked.is_asynchronous else self._take
        self.sink = DeadLetter(sink) if asked.has_sink else None

    def begin(self, names: Sequence[Hashable], stops_at_s: float) -> None:
        """Begin a delivery of the records *names*, in which nothing may be started from *stops_at_s* on."""
        self.runs, self.letters = [], []
        self._positions = {name: position for position, name in enumerate(names)}
        self._stops_at_s = stops_at_s

    def end(self) -> None:
        """End a delivery: nothing may be left running."""
        if self._running_now:
            self.mistakes.append(f"still running after the answer: {self._running_now}")

    def key_of(self, record: Record[Any]) -> str:
        """Return the idempotency key of *record*."""
        return f"event-{self._plans[self._source.identity(record.raw)].event}"

    def _synchronous(self) -> Any:
        def function(record: Record[Any]) -> object:
            with self._run(record) as (plan, outcome):
                for _ in range(plan.yields):
                    _let_others_run()
                return self._come_to(record, plan, outcome)

        return function

    def _asynchronous(self) -> Any:
        async def function(record: Record[Any]) -> object:
            with self._run(record) as (plan, outcome):
                for _ in range(plan.yields):
                    await asyncio.sleep(0)
                return self._come_to(record, plan, outcome)

        return function

    @contextmanager
    def _run(self, record: Record[Any]) -> Iterator[tuple[Plan, str]]:
        name = self._source.identity(record.raw)
        plan, position, began = self._plans[name], self._positions[name], next(self._ticks)
        if self._time.now() >= self._stops_at_s and self._asked.rules.concurrency == 1:  # else others moved the clock
            self.mistakes.append(f"{position} was started after the deadline")
        self._check_claim(plan)
        number = self._tries[name]
        self._tries[name] += 1
        outcome = plan.outcomes[number] if number < len(plan.outcomes) else "ok"
        if not plan.sent.is_readable and self._source in TEXT:
            outcome = "nonsense"
        self._running_now.append(position)
        try:
            yield plan, outcome
        finally:
            self._running_now.remove(position)
            self._check_claim(plan)
            kind = POISON if outcome == "nonsense" else FAILURES[outcome][0]
            self.runs.append(Run(position, began, next(self._ticks), kind))

    def _check_claim(self, plan: Plan) -> None:
        """Context variables are right in every lane: the claim is that of the record's own event."""
        if not self._asked.is_idempotent:
            return
        key = current_claim().key
        if self._claims.setdefault(plan.event, key) != key or list(self._claims.values()).count(key) > 1:
            self.mistakes.append(f"event {plan.event} ran under the claim {key}")

    def _come_to(self, record: Record[Any], plan: Plan, outcome: str) -> object:
        self._time.advance(plan.cost_s)
        if outcome == "nonsense":
            record.json()
            self.mistakes.append(f"{record.id} has no JSON, and json() did not say so")
            raise InvalidRecordError
        if self._source in TEXT and record.json()["serial"] != plan.sent.serial:
            self.mistakes.append(f"{record.id} was given the body {record.json()}")
        what = FAILURES[outcome][1]
        if what is None:
            return None
        if what is Unawaited:
            return Unawaited()
        raise what

    def _take(self, record: Record[Any], error: BaseException) -> str:
        name = self._source.identity(record.raw)
        self._offers[name] += 1
        is_refused = self._offers[name] <= self._plans[name].refusals
        self.letters.append(Letter(self._positions[name], next(self._ticks), not is_refused))
        if is_refused:
            raise SystemExit(2) if self._offers[name] % 2 == 0 else OSError("the sink is down")
        return f"taken-{name}"

    async def _take_later(self, record: Record[Any], error: BaseException) -> str:
        await asyncio.sleep(0)
        return self._take(record, error)
