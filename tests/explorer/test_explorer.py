"""
The idempotency protocol under every interleaving of its store operations, within bounds.

``RESILIENT_LAMBDA_EXPLORE=long`` adds bounds that take minutes.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from resilient_lambda._core.keys import key_prefix, stored_key
from resilient_lambda.stores import MemoryStore

from .engine import Explored, Violation, explore
from .protocols import NAMESPACE, check_effects, check_idempotency, idempotency, unconditional
from .sabotage import ForgetfulStore, OverwritingStore, SameVersionStore
from .workers import Bounds, StoreWorld

KEY = stored_key(key_prefix(NAMESPACE), "m")
MAX_STATES = 5_000_000
NOTHING = Bounds(ticks=0, crashes=0, losses=0, outages=0, failures=0, beats=0, redeliveries=0)

# Two ticks let a lease lapse. A redelivery is one more delivery to the same environment, or to a new one after a crash.
SCENARIOS = {
    "two workers, a failure, redeliveries": ("AB", NOTHING._replace(ticks=2, failures=1, redeliveries=1)),
    "two workers, a crash, redeliveries": ("AB", NOTHING._replace(ticks=2, crashes=1, redeliveries=1)),
    "two workers, heartbeats": ("AB", NOTHING._replace(ticks=2, beats=2)),
    "two workers, a heartbeat, a lost answer": ("AB", NOTHING._replace(ticks=2, beats=1, losses=1)),
    "two workers, a failure, a lost answer": ("AB", NOTHING._replace(ticks=2, failures=1, losses=1)),
    "two workers, an outage, a crash": ("AB", NOTHING._replace(ticks=2, outages=1, crashes=1)),
    "two workers, a crash, a lost answer": ("AB", NOTHING._replace(ticks=2, crashes=1, losses=1)),
    "three workers, a failure": ("ABC", NOTHING._replace(ticks=2, failures=1)),
    "three workers, a crash": ("ABC", NOTHING._replace(ticks=2, crashes=1)),
    "three workers, a lost answer": ("ABC", NOTHING._replace(ticks=2, losses=1)),
}
LONG_SCENARIOS = {
    "two workers, everything once": ("AB", Bounds(2, 1, 1, 1, 1, 1, 0)),
    "two workers, two lapses, redeliveries": ("AB", Bounds(4, 1, 0, 0, 1, 0, 1)),
    "two workers, two lost answers": ("AB", Bounds(3, 0, 2, 0, 1, 1, 0)),
    "three workers, a failure, a crash": ("ABC", Bounds(3, 1, 0, 0, 1, 0, 0)),
    "three workers, a heartbeat, a lost answer": ("ABC", Bounds(2, 0, 1, 0, 0, 1, 0)),
}
if os.environ.get("RESILIENT_LAMBDA_EXPLORE") == "long":
    SCENARIOS |= LONG_SCENARIOS


def run(
    names: str, bounds: Bounds, *, protocol: Any = idempotency, check: Any = check_idempotency, store: Any = MemoryStore
) -> Explored:
    return explore(lambda: StoreWorld(names, protocol, bounds, check, store(), key=KEY), max_states=MAX_STATES)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_protocol_keeps_every_invariant(scenario):
    """
    Every schedule within the bounds was visited, and none broke an invariant.

    Never two owners within a lease; no completion refused by the owner's own item; no success dropped; no completion
    overwritten; no effect repeated unless a lease had lapsed.
    """
    explored = run(*scenario)

    assert not explored.was_cut
    assert explored.ends > 100


def test_unconditional_completion_is_convicted():
    """Where completion and deletion are unconditional, the explorer finds the second run of one key."""
    with pytest.raises(Violation, match="repeated the effect"):
        run("ABC", NOTHING._replace(ticks=2, failures=1), protocol=unconditional, check=check_effects)


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
        run(*SCENARIOS[scenario], store=store)
