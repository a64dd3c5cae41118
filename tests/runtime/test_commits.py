"""
Exactly-once effects on real parts: `commit_with` under AWS's runtime client, with SIGKILL wherever it may strike.

RESILIENT_LAMBDA_SEEDS says how many seeds are played in each colour: 4 by default, 50 for a long run.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from .charging import RECORDS, SEEDS, pace_of, play
from .strikes import Aims


@pytest.mark.parametrize(("function", "first_seed"), [("charge", 0), ("charge_async", 1000)])
def test_transaction_writes_exactly_once_whatever_is_killed(environments_of, ledger, function, first_seed):
    """Every good order has one row, every bad one is parked with its reason, and the queue runs empty."""
    environments = environments_of(f"commits.{function}")
    pace, aims = pace_of(environments, f"pace-{function}-"), Aims(random.Random(function))
    played = []
    for seed in range(first_seed, first_seed + SEEDS):
        now = play(seed, environments, ledger, pace=pace, aims=aims, prefix=f"{function}-{seed}-")
        played.append(now)

        assert now.written == dict.fromkeys(now.ids("commit"), 1), f"seed {seed}"
        assert now.total == len(now.ids("commit")), f"seed {seed}"
        assert now.charges == dict.fromkeys(now.ids("claim"), 1), f"seed {seed}"
        assert now.receipts.keys() == now.ids("receipt"), f"seed {seed}"
        assert now.parked.keys() == now.ids("parked"), f"seed {seed}"
        assert all("condition" in text or "positive" in text for text in now.parked.values()), f"seed {seed}"
        assert now.unlawful == [], f"seed {seed}"

    # Without these the test could pass on a schedule in which nothing happened.
    strikes = sum((each.strikes for each in played), Counter())
    assert sum(strikes.values()) >= 2 * SEEDS, strikes
    assert {name.split()[-1] for name in strikes} >= {"claims", "ends", "transaction"}, strikes
    assert sum(each.takeovers for each in played) >= SEEDS // 4
    assert all(max(len(each.batch) for each in one.handled) >= RECORDS[0] for one in played)
