"""
For any batch, outcome, sink, concurrency and deadline: nothing lost, nothing run needlessly, every lane in its order.

What Lambda delivers again is told by `tests.delivery.model`, what a handler must do by `tests.delivery.judge`.
"""

from __future__ import annotations

import sys
import time as clock
from contextlib import contextmanager

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resilient_lambda.testing import fake_io, lambda_context
from tests.delivery import model
from tests.delivery.judge import Rules
from tests.delivery.model import Partial
from tests.delivery.plans import TEXT, Asked
from tests.delivery.strategies import plans
from tests.delivery.world import World, check_end

EACH_SOURCE = pytest.mark.parametrize("source", model.SOURCES, ids=str)
EACH_KEYED_SOURCE = pytest.mark.parametrize("source", [s for s in model.SOURCES if s.key is not None], ids=str)
BOTH_COLOURS = pytest.mark.parametrize("is_asynchronous", [False, True], ids=["sync", "async"])
SEEDS = st.integers(0, 1_000)
EXAMPLES = 25


class RealTime:
    """The time of a `FakeIo`, as it passes by itself: with it lanes run in threads and tasks of their own."""

    def now(self):
        """Return the time, in seconds."""
        return clock.monotonic()

    def advance(self, seconds):
        """Wait for nothing: no lease is ever left behind that would have to end."""

    def context(self, *, timeout_s):
        """Return the context of an invocation."""
        return lambda_context(timeout_s=timeout_s)


@contextmanager
def threads_that_take_turns_quickly():
    """Have threads interrupt one another as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield RealTime()
    finally:
        sys.setswitchinterval(before)


def deliver(asked, batch, *, seed=0, is_real=False, **options):
    """Deliver *batch* until nothing comes again, and check what it came to; *seed* decides which lane runs when."""
    with threads_that_take_turns_quickly() if is_real else fake_io(seed=seed) as time:
        world = World(asked, batch, time)
        world.deliver_until_done(**options)
    check_end(world, batch)


def can_end(asked, batch):
    """Tell whether *batch* ever ends: what is known to be hopeless, and has no sink to go to, comes for ever."""
    return asked.has_sink or asked.rules.source not in TEXT or all(plan.sent.is_readable for plan in batch)


@EACH_SOURCE
@BOTH_COLOURS
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=plans())
def test_every_record_takes_effect_or_is_set_aside(source, is_asynchronous, data, batch):
    """Delivered until nothing comes again, with and without Idempotency, sink, and lanes side by side."""
    flags = st.booleans()
    is_idempotent, has_sink = data.draw(flags), data.draw(flags)
    # Where the source brings back what was set aside, a lane that stops there would never get any further.
    stops_on_letter = source.partial is not Partial.NONE and data.draw(flags)
    asked = Asked(
        Rules(source, stops_on_letter=stops_on_letter, concurrency=data.draw(st.sampled_from([1, 1, 2, 3, 8]))),
        is_asynchronous=is_asynchronous,
        is_idempotent=is_idempotent,
        has_sink=has_sink,
        is_typed=data.draw(flags),
        remembers=is_idempotent and has_sink and data.draw(flags),
    )
    assume(can_end(asked, batch))
    deliver(asked, batch, seed=data.draw(SEEDS))


@EACH_KEYED_SOURCE
@BOTH_COLOURS
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=plans(max_size=14))
def test_keys_run_independently_and_each_in_its_order(source, is_asynchronous, data, batch):
    """With ``order="key"`` other keys run on behind a failure, and are not run again when they are brought back."""
    flags = st.booleans()
    has_sink = data.draw(flags)
    asked = Asked(
        Rules(source, by_key=True, stops_on_letter=data.draw(flags), concurrency=data.draw(st.integers(1, 8))),
        is_asynchronous=is_asynchronous,
        is_idempotent=True,
        has_sink=has_sink,
        remembers=has_sink and data.draw(flags),
    )
    assume(can_end(asked, batch))
    deliver(asked, batch, seed=data.draw(SEEDS))


@EACH_SOURCE
@BOTH_COLOURS
@settings(max_examples=12)
@given(data=st.data(), batch=plans(max_size=14))
def test_threads_and_tasks_of_their_own_change_nothing(source, is_asynchronous, data, batch):
    """The same in real time, where lanes run at the same time and in any order."""
    flags = st.booleans()
    by_key = source.key is not None and data.draw(flags)
    is_idempotent = by_key or data.draw(flags)
    asked = Asked(
        Rules(source, by_key=by_key, concurrency=data.draw(st.integers(2, 8))),
        is_asynchronous=is_asynchronous,
        is_idempotent=is_idempotent,
        has_sink=True,
        remembers=is_idempotent and data.draw(flags),
    )
    deliver(asked, batch, is_real=True)


@EACH_SOURCE
@BOTH_COLOURS
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=plans(costs=st.floats(0.1, 20)))
def test_whatever_the_deadline_every_event_takes_effect_once(source, is_asynchronous, data, batch):
    """What there is no time for comes again, unrun and uncounted."""
    asked = Asked(
        Rules(
            source,
            by_key=source.key is not None and data.draw(st.booleans()),
            concurrency=data.draw(st.sampled_from([1, 4])),
        ),
        is_asynchronous=is_asynchronous,
        is_idempotent=True,
        has_sink=True,
        remembers=data.draw(st.booleans()),
    )
    deliver(asked, batch, seed=data.draw(SEEDS), timeout_s=data.draw(st.integers(25, 120)))


@pytest.mark.parametrize("source", [s for s in model.SOURCES if s.partial is not Partial.NONE], ids=str)
@BOTH_COLOURS
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=plans())
def test_a_batch_that_failed_whole_may_be_raised(source, is_asynchronous, data, batch):
    """With ``raise_if_all_failed`` nothing else changes."""
    asked = Asked(
        Rules(source, raises_if_all_failed=True),
        is_asynchronous=is_asynchronous,
        is_idempotent=data.draw(st.booleans()),
        has_sink=data.draw(st.booleans()),
    )
    assume(can_end(asked, batch))
    deliver(asked, batch)
