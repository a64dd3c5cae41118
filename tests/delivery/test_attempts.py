"""``max_attempts``: what counts is how often the function ran and failed, never how often a record was delivered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda.testing import fake_io
from tests.delivery import model
from tests.delivery.judge import Rules
from tests.delivery.plans import Asked
from tests.delivery.strategies import plans
from tests.delivery.world import World


@pytest.mark.parametrize("source", model.SOURCES, ids=str)
@pytest.mark.parametrize("is_asynchronous", [False, True], ids=["sync", "async"])
@settings(max_examples=10)
@given(
    data=st.data(),
    batch=plans(costs=st.floats(0.1, 5)),
    failures=st.lists(st.integers(0, 4), min_size=10, max_size=10),
    max_attempts=st.integers(1, 3),
)
def test_a_record_is_set_aside_after_so_many_failed_runs(source, is_asynchronous, data, batch, failures, max_attempts):
    """Given back because its lane had stopped or the time had run out is no attempt, in whichever delivery."""
    batch = [
        plan._replace(
            sent=plan.sent._replace(is_readable=True), event=place, outcomes=("retry",) * failures[place], refusals=0
        )
        for place, plan in enumerate(batch)
    ]
    asked = Asked(
        Rules(source, by_key=source.key is not None and data.draw(st.booleans())),
        is_asynchronous=is_asynchronous,
        is_idempotent=True,
        has_sink=True,
        max_attempts=max_attempts,
    )
    with fake_io() as time:
        world = World(asked, batch, time)
        timeout_s = data.draw(st.sampled_from([900, 900, 8, 15, 30, 60]))
        world.deliver_until_done(timeout_s=timeout_s)
    ran = [world.failures().count(plan) for plan in batch]
    due = [min(max_attempts, len(plan.outcomes)) for plan in batch]
    parked = {plan.event for plan in world.parked()}
    doomed = {plan.event for plan in batch if len(plan.outcomes) >= max_attempts}

    assert parked <= doomed, world.told()
    assert all(count >= least for count, least in zip(ran, due, strict=True)), world.told()
    if timeout_s == 900:  # else a letter may have had no time: then the record comes and runs again
        assert (ran, parked) == (due, doomed), world.told()
