"""Several environments on one store, with crashes, lost answers, outages and time, in random order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from resilient_lambda import NonRetryableError, current_claim
from resilient_lambda._core.idempotency import Status
from resilient_lambda.events import ClaimLost, CompletionUnrecorded
from resilient_lambda.stores import ABSENT
from resilient_lambda.testing import fake_io
from tests.policies.environments import Crash, Environment, Sink
from tests.policies.stores import FaultyStore, key_of, step_of

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = "ABC"
VALUES = ["x", "y"]
BATCHES = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3)
SLOW_S = 70  # longer than an invocation: the claim lapses under the run


class Workers(RuleBasedStateMachine):
    """
    What holds in every order of events.

    A key's effect is repeated only where a run of it could not be known to have succeeded: after a crash, after its
    lease lapsed under the run, or after its success could not be recorded. What was acknowledged has taken effect, or
    is in the sink.
    """

    make_store: Callable[[], FaultyStore] = FaultyStore

    @initialize()
    def begin(self):
        """One table, three environments."""
        self.clock = fake_io()
        self.time = self.clock.__enter__()
        self.store, self.sink = self.make_store(), Sink()
        self.effects: Counter[str] = Counter()
        self.excuses: Counter[str] = Counter()
        self.acknowledged: set[str] = set()
        self.completed: dict[str, str] = {}
        self.plan = "succeed"
        self.nested: list[str] = []
        self.environments = {name: self.environment() for name in NAMES}

    def teardown(self):
        """Leave virtual time."""
        if hasattr(self, "clock"):
            self.clock.__exit__(None, None, None)

    def environment(self) -> Environment:
        """Return a new environment."""
        return Environment(self.time, self.store, self.work, sink=self.sink, max_attempts=50, observers=[self.hear])

    def hear(self, event: object) -> None:
        """Count the successes that are not on record."""
        if isinstance(event, CompletionUnrecorded | ClaimLost):
            self.excuses[event.key] += 1

    def work(self, body):
        """Do what the plan says; the effect is keyed by the claim."""
        key, plan = current_claim().key, self.plan
        if plan == "fail":
            raise ValueError
        if plan == "refuse":
            raise NonRetryableError
        if plan == "crash before":
            self.crash()
        if plan == "slow":
            self.plan = "succeed"
            self.time.advance(SLOW_S)
            self.excuses[key] += 1
            if self.nested:
                self.deliver_to(self.nested.pop(), [body["k"]])
        self.effects[key] += 1
        if plan == "crash after":
            self.excuses[key] += 1
            self.crash()

    def crash(self):
        """End the environment: nothing of it reaches the store any more."""
        self.store.fail("any", times=float("inf"))
        raise Crash

    def deliver_to(self, name: str, values: list[str]) -> None:
        """Deliver a batch, and note what was acknowledged."""
        try:
            again = self.environments[name].deliver(*values)
        except Crash:
            self.store.heal()
            self.environments[name] = self.environment()
            return
        for number, value in enumerate(values):
            if f"m{number}" not in again:
                self.acknowledged.add(value)

    @rule(
        name=st.sampled_from(NAMES),
        values=BATCHES,
        plan=st.sampled_from(["succeed", "succeed", "fail", "refuse", "crash before", "crash after"]),
    )
    def deliver(self, name, values, plan):
        """Deliver a batch whose runs all end alike."""
        self.plan = plan
        self.deliver_to(name, values)

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES), value=st.sampled_from(VALUES))
    def deliver_slowly(self, name, other, value):
        """Let the lease lapse under a run, and another environment have the event meanwhile."""
        self.plan, self.nested = "slow", [other] if other != name else []
        self.deliver_to(name, [value])
        self.nested = []

    @rule(
        step=st.sampled_from(["any", "claim", "complete", "release", "read"]),
        times=st.integers(1, 6),
        has_effect=st.booleans(),
    )
    def disturb(self, step, times, has_effect):
        """Lose the next answers, or the next writes."""
        self.store.fail(step, times=times, has_effect=has_effect)

    @rule()
    def recover(self):
        """End all disturbances."""
        self.store.heal()

    @rule(seconds=st.sampled_from([1, 10, 33, 40]))
    def wait(self, seconds):
        """Let time pass, shorter and longer than a lease."""
        self.time.advance(seconds)

    @rule(name=st.sampled_from(NAMES))
    def replace_environment(self, name):
        """Reclaim an environment, as Lambda does; what was in its journal is gone."""
        self.environments[name] = self.environment()

    @rule(name=st.sampled_from(NAMES), value=st.sampled_from(VALUES))
    def deliver_in_the_end(self, name, value):
        """Once all is well, an event takes effect."""
        self.store.heal()
        self.time.advance(100)
        self.plan = "succeed"
        self.deliver_to(name, [value])

        assert self.effects[key_of(value)] >= 1

    @invariant()
    def effects_are_repeated_for_a_reason_only(self):
        """Each repetition has a crash, a lapse or a lost record of its own."""
        for key, count in getattr(self, "effects", {}).items():
            assert count <= 1 + self.excuses[key], f"{count} effects of {key}"

    @invariant()
    def a_completion_stays(self):
        """Nobody overwrites a completed key."""
        for value in VALUES if hasattr(self, "store") else ():
            key = key_of(value)
            entry = self.store.entry(key)
            before = self.completed.get(key)
            if before is not None:
                assert entry is not None
                assert entry.version == before
            if entry is not None and entry.status is Status.COMPLETED:
                self.completed[key] = entry.version

    @invariant()
    def what_was_acknowledged_took_effect_or_is_set_aside(self):
        """Nothing is lost."""
        for value in getattr(self, "acknowledged", ()):
            assert self.effects[key_of(value)] or value in self.sink.parked


SETTINGS = settings(max_examples=400, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
TestWorkers = Workers.TestCase
TestWorkers.settings = SETTINGS


class Careless(FaultyStore):
    """A store that overwrites whatever is there when it completes or releases, as some libraries do."""

    def put_if(self, key, item, expected):
        """Ignore the condition of every write but a claim."""
        if step_of(item, expected) in ("complete", "release"):
            self.take_away(key)
            expected = ABSENT
        return super().put_if(key, item, expected)


class Forgetful(FaultyStore):
    """A store in which a claim wins over whatever is there."""

    def put_if(self, key, item, expected):
        """Ignore the condition of claims."""
        if step_of(item, expected) == "claim":
            self.take_away(key)
            expected = ABSENT
        return super().put_if(key, item, expected)


@pytest.mark.parametrize("broken", [Careless, Forgetful])
def test_a_broken_store_is_found_out(broken):
    """The machine can fail: without conditional writes it finds the schedule."""

    class Sabotaged(Workers):
        make_store = broken

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Sabotaged, settings=settings(SETTINGS, database=None, phases=[Phase.generate], report_multiple_bugs=False)
        )
