"""
Batches under every interleaving: claims ahead, group commit, journal and transactions, with every fault at every step.

``RESILIENT_LAMBDA_EXPLORE=long`` adds bounds that take minutes.
"""

from __future__ import annotations

import pytest

from .conftest import IS_LONG
from .engine import Violation
from .exploring import Batches, explore_batches
from .protocols import Delivery
from .sabotage import (
    DisorderedStore,
    ForgetfulIdempotency,
    ForgettingIdempotency,
    HalfConditionalStore,
    HastyIdempotency,
    KeepingIdempotency,
    TearingStore,
)
from .world import Bounds

XY, YX, XYX, XYZ = Delivery("xy"), Delivery("yx"), Delivery("xyx"), Delivery("xyz")
TIME = Bounds(ticks=1)
SHORT_OF_TIME = XYZ._replace(stop_s=5.0)  # after a tick nothing more is started
# Windows of one or two claims, taken beside the runs.
NARROW = XY._replace(run_s=0.6, is_warm=True)
WIDE = Delivery("xyzw", run_s=0.4, is_warm=True)
BOTH, AGAIN = XY._replace(concurrency=2), XYX._replace(concurrency=2)  # two lanes
SLOW = XYZ._replace(run_s=1.5)  # what has ended waits for more than a second: the next run waits for the store

SCENARIOS = {
    "a lost answer": Batches((XY, YX), TIME._replace(losses=1)),
    "an outage": Batches((XY, YX), TIME._replace(outages=1)),
    "a heartbeat, a lost answer": Batches((XY,), TIME._replace(beats=1, losses=1)),
    "a failure, redeliveries": Batches((XY, XY), Bounds(failures=1, redeliveries=1)),
    "a crash, redeliveries": Batches((XY, YX), TIME._replace(crashes=1, redeliveries=1)),
    "half a lease": Batches((XY, YX), Bounds(ticks=2), tick_s=6.0),
    "a key twice": Batches((XYX, XYX), TIME),
    "a key twice, an outage, redeliveries": Batches((XYX,), TIME._replace(outages=1, redeliveries=1)),
    "one worker, two outages, redeliveries": Batches((XY,), Bounds(outages=2, redeliveries=2)),
    "one worker, two lost answers, a failure": Batches((XY,), TIME._replace(losses=2, failures=1)),
    "one worker, a crash, an outage": Batches((XY,), TIME._replace(crashes=1, outages=1, redeliveries=1)),
    "three keys, a crash": Batches((XYZ, XYZ), Bounds(crashes=1)),
    "three keys, a lost answer": Batches((XYZ,), Bounds(losses=1, failures=1)),
    "short of time, an outage": Batches((SHORT_OF_TIME, SHORT_OF_TIME), TIME._replace(outages=1)),
    "short of time, a lost answer, redeliveries": Batches((SHORT_OF_TIME,), Bounds(ticks=2, losses=1, redeliveries=1)),
    "narrow windows": Batches((NARROW, NARROW), Bounds(failures=1)),
    "narrow windows, an outage, redeliveries": Batches((NARROW,), TIME._replace(outages=1, redeliveries=1)),
    "wide windows, a crash": Batches((WIDE,), Bounds(crashes=1)),
    "slow runs, a lost answer": Batches((SLOW,), TIME._replace(losses=1)),
    "slow runs, an outage, redeliveries": Batches((SLOW,), Bounds(outages=1, redeliveries=1)),
    "two lanes": Batches((BOTH,), TIME._replace(losses=1)),
    "two lanes, two workers": Batches((BOTH, BOTH), TIME),
    "two lanes, an outage, redeliveries": Batches((BOTH,), Bounds(outages=1, redeliveries=1)),
    "two lanes, a crash": Batches((BOTH,), TIME._replace(crashes=1, redeliveries=1)),
    "two lanes, a key twice": Batches((AGAIN,), TIME._replace(failures=1, losses=1, redeliveries=1)),
    "two lanes, asynchronous": Batches((AGAIN,), TIME._replace(losses=1, failures=1), is_asynchronous=True),
    "asynchronous": Batches((XY, XY), TIME, is_asynchronous=True),
    "asynchronous, a lost answer, an outage": Batches((XY,), TIME._replace(losses=1, outages=1), is_asynchronous=True),
}
LONG_SCENARIOS = {
    "narrow windows, a lapse": Batches((NARROW, NARROW), TIME),
    "a failure": Batches((XY, YX), TIME._replace(failures=1)),
    "a key twice, a failure": Batches((XYX, XYX), TIME._replace(failures=1)),
    "a heartbeat": Batches((XY, XY), TIME._replace(beats=1)),
    "one worker, a crash, a lost answer, an outage": Batches(
        (XY,), TIME._replace(crashes=1, losses=1, outages=1, redeliveries=1)
    ),
    "three keys, a lost answer, a failure, a lapse": Batches((XYZ,), TIME._replace(losses=1, failures=1)),
    "wide windows, a lapse": Batches((WIDE,), TIME),
    "a lost answer, a failure": Batches((XY, YX), Bounds(losses=1, failures=1)),
    "an outage, redeliveries": Batches((XY, YX), TIME._replace(outages=1, redeliveries=1)),
    "an outage, a crash": Batches((XY, YX), TIME._replace(outages=1, crashes=1)),
    "half a lease, a heartbeat": Batches((XY, YX), Bounds(ticks=2, beats=1), tick_s=6.0),
    "half a lease, a failure": Batches((XY, YX), Bounds(ticks=2, failures=1), tick_s=6.0),
    "two failures, redeliveries": Batches((XY, YX), Bounds(failures=2, redeliveries=1)),
    "a key twice, a lost answer": Batches((XYX, XYX), TIME._replace(losses=1)),
    "three keys": Batches((XYZ, XYZ), TIME),
    "three keys, three outages": Batches((XYZ,), Bounds(outages=3, redeliveries=2)),
    "narrow windows, a failure": Batches((NARROW, NARROW), TIME._replace(failures=1)),
    "wide windows, an outage": Batches((WIDE,), Bounds(outages=1)),
    "slow runs, two workers": Batches((SLOW, SLOW), TIME),
    "asynchronous, a heartbeat": Batches((XY, YX), TIME._replace(beats=1), is_asynchronous=True),
}


def commits(letters: str, function: str) -> Delivery:
    return Delivery(letters, function=function)


# Transactions, by what the function does: it ends with one; swallows every error of it; raises after it.
COMMITS = {}
for name in ("commit", "swallow", "raise late"):
    COMMITS |= {
        f"{name}, a lost answer": Batches((commits("x", name), commits("x", name)), TIME._replace(losses=2)),
        f"{name}, an outage": Batches((commits("x", name), commits("x", name)), TIME._replace(outages=1, failures=1)),
        f"{name}, a crash, redeliveries": Batches(
            (commits("xy", name), commits("yx", name)), TIME._replace(crashes=1, redeliveries=1)
        ),
        f"{name}, a heartbeat": Batches((commits("x", name), commits("x", name)), TIME._replace(beats=1, losses=1)),
        f"{name}, one worker, two outages": Batches((commits("xy", name),), TIME._replace(outages=2, redeliveries=1)),
    }
LONG_COMMITS = {
    "a lost answer, two keys": Batches((commits("xy", "commit"), commits("yx", "commit")), TIME._replace(losses=1)),
    "two outages": Batches(
        (commits("x", "swallow"), commits("x", "swallow")), TIME._replace(outages=2, redeliveries=1)
    ),
    "an outage, two keys": Batches((commits("xy", "swallow"), commits("yx", "swallow")), TIME._replace(outages=1)),
    "everything once": Batches((commits("x", "raise late"), commits("x", "raise late")), Bounds(1, 1, 1, 1, 1, 1, 0)),
    "half a lease": Batches((commits("xy", "commit"), commits("yx", "commit")), Bounds(ticks=2, losses=1), tick_s=6.0),
    "three workers": Batches((commits("x", "commit"),) * 3, TIME._replace(losses=1, crashes=1)),
    "asynchronous": Batches(
        (commits("xy", "commit"), commits("yx", "commit")), TIME._replace(losses=1), is_asynchronous=True
    ),
}
if IS_LONG:
    SCENARIOS |= LONG_SCENARIOS
    COMMITS |= LONG_COMMITS


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_batch_keeps_every_invariant(scenario):
    """
    Every schedule within the bounds was visited, and none broke an invariant.

    As for one record, and: whatever is acknowledged has had its effect; each success is recorded when the invocation
    ends, or in the journal if the store failed, or lost to a live owner, and after a delivery without such a failure
    it is recorded; no claim of the invocation is left in progress unless the store failed; no bulk write names a key
    twice; nothing waits for ever.
    """
    explored = explore_batches(scenario)

    assert not explored.was_cut
    assert explored.ends > 5


@pytest.mark.parametrize("scenario", COMMITS.values(), ids=COMMITS)
def test_a_transaction_happens_exactly_once(scenario):
    """
    Every schedule within the bounds was visited, and none broke an invariant.

    Each ledger row is written once, always; a key is completed if and only if its row is there; whatever is
    acknowledged has its row.
    """
    explored = explore_batches(scenario)

    assert not explored.was_cut
    assert explored.ends > 5


@pytest.mark.parametrize("store", [HalfConditionalStore, DisorderedStore])
def test_a_store_with_a_broken_bulk_write_is_convicted(store):
    """A bulk write that ignores a condition, or mixes up its answers, breaks an invariant in some schedule."""
    with pytest.raises(Violation, match="schedule: "):
        explore_batches(Batches((XY, XY), TIME), store=store)


@pytest.mark.parametrize("function", ["commit", "swallow", "raise late"])
def test_a_store_with_a_torn_transaction_is_convicted(function):
    """A transaction that writes the row although the key is another worker's is found out."""
    with pytest.raises(Violation, match="ledger row"):
        explore_batches(Batches((commits("xy", function),) * 2, TIME), store=TearingStore)


@pytest.mark.parametrize(
    ("policy", "given", "problem"),
    [
        (ForgetfulIdempotency, XY, "was dropped"),
        (HastyIdempotency, SHORT_OF_TIME, "was dropped"),
        (KeepingIdempotency, SHORT_OF_TIME, "was left behind"),
    ],
)
def test_a_policy_with_a_broken_rule_is_convicted(policy, given, problem):
    """A group commit that forgets an end, or is not waited for, and a claim that is not given back are found out."""
    with pytest.raises(Violation, match=problem):
        explore_batches(Batches((given._replace(policy=policy),), TIME))


def test_a_policy_that_forgets_its_journal_is_convicted():
    """A success that an outage kept from being recorded, and that nobody writes any more, is found out."""
    given = XY._replace(policy=ForgettingIdempotency)

    with pytest.raises(Violation, match="was dropped"):
        explore_batches(Batches((given,), Bounds(outages=2, redeliveries=1)))
