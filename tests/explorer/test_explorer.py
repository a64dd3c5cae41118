"""
The idempotency protocol under every interleaving of its store operations, within bounds.

``RESILIENT_LAMBDA_EXPLORE=long`` adds bounds that take minutes.
"""

from __future__ import annotations

import pytest

from .conftest import IS_LONG
from .engine import Violation
from .exploring import explore_one_record
from .protocols import unconditional
from .sabotage import ForgetfulStore, OverwritingStore, SameVersionStore, UnconditionalStore
from .world import Bounds

# Two ticks let a lease lapse. A redelivery is one more delivery to the same environment, or to a new one after a crash.
SCENARIOS = {
    "two workers, a failure, redeliveries": ("AB", Bounds(ticks=2, failures=1, redeliveries=1)),
    "two workers, a crash, redeliveries": ("AB", Bounds(ticks=2, crashes=1, redeliveries=1)),
    "two workers, heartbeats": ("AB", Bounds(ticks=2, beats=2)),
    "two workers, a heartbeat, a lost answer": ("AB", Bounds(ticks=2, beats=1, losses=1)),
    "two workers, a failure, a lost answer": ("AB", Bounds(ticks=2, failures=1, losses=1)),
    "two workers, an outage, a crash": ("AB", Bounds(ticks=2, outages=1, crashes=1)),
    "two workers, a crash, a lost answer": ("AB", Bounds(ticks=2, crashes=1, losses=1)),
    "three workers, a failure": ("ABC", Bounds(ticks=2, failures=1)),
    "three workers, a crash": ("ABC", Bounds(ticks=2, crashes=1)),
    "three workers, a lost answer": ("ABC", Bounds(ticks=2, losses=1)),
}
LONG_SCENARIOS = {
    "two workers, everything once": ("AB", Bounds(2, 1, 1, 1, 1, 1, 0)),
    "two workers, two lapses, redeliveries": ("AB", Bounds(4, 1, 0, 0, 1, 0, 1)),
    "two workers, two lost answers": ("AB", Bounds(3, 0, 2, 0, 1, 1, 0)),
    "three workers, a failure, a crash": ("ABC", Bounds(3, 1, 0, 0, 1, 0, 0)),
    "three workers, a heartbeat, a lost answer": ("ABC", Bounds(2, 0, 1, 0, 0, 1, 0)),
}
if IS_LONG:
    SCENARIOS |= LONG_SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_protocol_keeps_every_invariant(scenario):
    """
    Every schedule within the bounds was visited, and none broke an invariant.

    Never two owners within a lease; no completion refused by the owner's own item; no success dropped; no completion
    overwritten; no claim left behind; no effect repeated unless a lease had lapsed.
    """
    explored = explore_one_record(*scenario)

    assert not explored.was_cut
    assert explored.ends > 30


def test_unconditional_completion_is_convicted():
    """Where completion and deletion are unconditional, the explorer finds the second run of one key."""
    with pytest.raises(Violation, match="repeated although no lease"):
        explore_one_record(
            "ABC",
            Bounds(ticks=2, failures=1),
            protocol=unconditional,
            checks_all=False,
            store=UnconditionalStore,
        )


@pytest.mark.parametrize(
    ("store", "scenario"),
    [
        (OverwritingStore, "two workers, a failure, redeliveries"),
        (ForgetfulStore, "two workers, a crash, redeliveries"),
        (SameVersionStore, "two workers, heartbeats"),
    ],
)
def test_a_store_with_a_broken_rule_is_convicted(store, scenario):
    """Each broken rule of the store breaks an invariant in some schedule, and the schedule is shown."""
    with pytest.raises(Violation, match="schedule: "):
        explore_one_record(*SCENARIOS[scenario], store=store)
