"""The protocol under every interleaving, within bounds. RESILIENT_LAMBDA_EXPLORE=long widens the bounds."""

from __future__ import annotations

import os
from typing import Any

import pytest

from resilient_lambda._core.cas import AsRead
from resilient_lambda._core.keys import key_prefix, stored_key
from resilient_lambda.stores import MemoryStore

from .engine import Explored, Violation, explore
from .protocols import NAMESPACE, check_effects, check_idempotency, idempotency, unconditional
from .workers import Bounds, StoreWorld

KEY = stored_key(key_prefix(NAMESPACE), "m")
IS_LONG = os.environ.get("RESILIENT_LAMBDA_EXPLORE") == "long"
MAX_STATES = 5_000_000 if IS_LONG else 40_000


def run(
    names: str, bounds: Bounds, *, protocol: Any = idempotency, check: Any = check_idempotency, store: Any = MemoryStore
) -> Explored:
    return explore(lambda: StoreWorld(names, protocol, bounds, check, store(), KEY), max_states=MAX_STATES)


TWO_WORKERS = {
    "lapse": Bounds(ticks=3, crashes=0, losses=0, failures=1, beats=0),
}


@pytest.mark.parametrize("bounds", TWO_WORKERS.values(), ids=TWO_WORKERS)
def test_two_workers_keep_every_invariant(bounds):
    """Two environments with one key: no schedule within the bounds breaks an invariant, and all were visited."""
    explored = run("AB", bounds)

    assert not explored.was_cut
    assert explored.states > 100
