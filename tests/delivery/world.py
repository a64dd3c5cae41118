"""A source and a handler: what was sent is delivered until nothing comes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda import Idempotency, MemoryStore, batch_handler
from resilient_lambda.errors import BatchFailedError
from tests.delivery import judge, model
from tests.delivery.events import event_of, only
from tests.delivery.judge import OK, POISON, RETRY, Delivery
from tests.delivery.model import Partial
from tests.delivery.plans import TEXT, Asked, Plan
from tests.delivery.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

    from resilient_lambda.testing import FakeIo

FOR_EVER_S = 10_000_000
QUEUES = {model.SQS, model.FIFO}


class World:
    """
    One batch and what becomes of it.

    Attributes:
        deliveries: What happened, one after the other.
    """

    def __init__(self, asked: Asked, plans: Sequence[Plan], time: FakeIo) -> None:
        self.asked = asked
        self.deliveries: list[Delivery] = []
        self._source = asked.rules.source
        self._time = time
        self._event: dict[str, Any] = event_of(self._source, [plan.sent for plan in plans])
        # By what identifies a record: positions change from one delivery to the next.
        self._plans: dict[Hashable, Plan] = {}
        for plan in plans:
            self._plans.update(dict.fromkeys(self._names(event_of(self._source, [plan.sent])), plan))
        self._stage = Stage(asked, self._plans, time)
        guard = Idempotency(
            MemoryStore(),
            key=self._stage.key_of,
            namespace="world",
            keep_s=FOR_EVER_S,
            remember_failures_s=FOR_EVER_S if asked.remembers else None,
        )
        policies = [guard] if asked.is_idempotent else []
        decorate = batch_handler(policies=policies, dead_letter=self._stage.sink, **asked.options)
        self._handler = decorate(self._stage.function)

    def deliver_until_done(self, *, timeout_s: float = 900.0, limit: int = 60) -> None:
        """Deliver, and again what comes again, until nothing does; judge each delivery."""
        for _ in range(limit):
            ends_at_s = self._time.now() + timeout_s
            delivery = self.deliver(timeout_s=timeout_s)
            if self._time.now() > ends_at_s:
                again = set(range(len(self._names(self._event))))  # Lambda has stopped it: nobody heard the answer
            else:
                found = [*judge.problems(self.asked.rules, delivery), *self._stage.mistakes]
                assert found == [], "\n".join([*found, self.told()])
                again = judge.again(self.asked.rules, delivery)
            if not again:
                return
            # A queue shows them again after its visibility timeout, any other source at once, or after a minute or two.
            self._time.advance(6 * timeout_s if self._source in QUEUES else 60)
            self._event = only(self._source, self._event, again)
        raise AssertionError("it never ends\n" + self.told())

    def deliver(self, *, timeout_s: float) -> Delivery:
        """Deliver once; return what happened."""
        names = self._names(self._event)
        plans = [self._plans[name] for name in names]
        done_before = {plan.event for plan in self.successes()} if self.asked.is_idempotent else set()
        hopeless = self._hopeless(plans)
        parked = self.parked() if self._remembers_parked() else []
        parked_before = {position for position, plan in enumerate(plans) if plan in parked}
        perhaps = {position for position in parked_before if self._is_vaguely_remembered(plans[position])}
        stops_at_s = self._time.now() + timeout_s - min(5.0, timeout_s / 10)
        self._stage.begin(names, stops_at_s)
        try:
            answer = self._handler(self._event, self._time.context(timeout_s=timeout_s))
        except BatchFailedError as error:
            answer = error
        self._stage.end()
        # What has taken so long before, with a reserve, is not started where less is left; and a run takes as long as
        # those that run at the same time, here where all share one clock.
        longest_s = 2 * self.asked.rules.concurrency * max((plan.cost_s for plan in self._plans.values()), default=0)
        delivery = Delivery(
            self._event,
            self._stage.runs,
            self._stage.letters,
            answer,
            keys=[plan.event for plan in plans] if self.asked.is_idempotent else None,
            done_before=done_before,
            parked_before=parked_before - perhaps,
            perhaps_parked=perhaps,
            hopeless=hopeless,
            ran_out_of_time=self._time.now() + longest_s >= stops_at_s,
        )
        self.deliveries.append(delivery)
        return delivery

    def told(self) -> str:
        """Return the history in words; records are called by their serials."""
        lines = []
        for number, delivery in enumerate(self.deliveries, 1):
            serials = [self._plans[name].sent.serial for name in self._names(delivery.event)]
            runs = [(serials[run.position], run.outcome) for run in sorted(delivery.runs, key=lambda run: run.began)]
            letters = [(serials[letter.position], letter.is_confirmed) for letter in delivery.letters]
            again = [serials[position] for position in sorted(judge.again(self.asked.rules, delivery))]
            lines.append(f"{number}. {serials}, keys {delivery.keys}: runs {runs}, letters {letters}, again {again}")
        return "\n".join(lines)

    def successes(self) -> list[Plan]:
        """Return the plan of every run that succeeded, in their order."""
        return self._ran(OK)

    def failures(self) -> list[Plan]:
        """Return the plan of every run that failed."""
        return [*self._ran(RETRY), *self._ran(POISON)]

    def parked(self) -> list[Plan]:
        """Return the plan of every record that the sink took."""
        return [
            self._at(delivery, letter.position)
            for delivery in self.deliveries
            for letter in delivery.letters
            if letter.is_confirmed
        ]

    def lanes(self) -> dict[Hashable, list[Plan]]:
        """Return what was sent to each lane, in order."""
        found: dict[Hashable, list[Plan]] = {}
        event = event_of(self._source, [plan.sent for plan in self._plans.values()])
        for lane, name in zip(judge.lanes(self.asked.rules, event), self._names(event), strict=True):
            found.setdefault(lane, []).append(self._plans[name])
        found.pop(None, None)
        return found

    def _ran(self, outcome: str) -> list[Plan]:
        found = []
        for delivery in self.deliveries:
            runs = sorted((run for run in delivery.runs if run.outcome == outcome), key=lambda run: run.ended)
            found += [self._at(delivery, run.position) for run in runs]
        return found

    def _at(self, delivery: Delivery, position: int) -> Plan:
        return self._plans[self._names(delivery.event)[position]]

    def _names(self, event: dict[str, Any]) -> list[Hashable]:
        return [self._source.identity(item.raw) for item in model.items(self._source, event)]

    def _hopeless(self, plans: Sequence[Plan]) -> Collection[int]:
        failed = self._ran(POISON) if self.asked.remembers else []
        if self.asked.max_attempts is not None:
            # The last attempt of one is made in this delivery.
            tried = self.failures()
            failed += [plan for plan in plans if tried.count(plan) + 1 >= self.asked.max_attempts]
        return {position for position, plan in enumerate(plans) if plan in failed or self._is_nonsense(plan)}

    def _remembers_parked(self) -> bool:
        # Where a source brings back what is done, Idempotency keeps what was set aside from running again, unasked.
        brings_back_done = self._source.partial is not Partial.EACH
        return self.asked.remembers or (self.asked.is_idempotent and brings_back_done)

    def _is_nonsense(self, plan: Plan) -> bool:
        return self.asked.is_typed and not plan.sent.is_readable and self._source in TEXT

    def _is_vaguely_remembered(self, plan: Plan) -> bool:
        # One failure is remembered for each key, and none of what could not even be read.
        is_alone = [other.event for other in self._plans.values()].count(plan.event) == 1
        return not is_alone or self._is_nonsense(plan)


def check_end(world: World, plans: Sequence[Plan]) -> None:
    """Check what the whole history came to: everything took effect or was parked, in the order of its lane."""
    succeeded, parked = world.successes(), world.parked()
    finished = [*succeeded, *parked]
    if world.asked.is_idempotent:
        events = [plan.event for plan in succeeded]
        finished += [plan for plan in plans if plan.event in events]
        assert len(set(events)) == len(events), f"an event took effect twice: {world.told()}"
    assert all(plan in finished for plan in plans), world.told()

    for lane in world.lanes().values():
        took_effect = [succeeded.index(plan) for plan in lane if plan in succeeded and plan not in parked]
        assert took_effect == sorted(took_effect), world.told()
