"""Virtual time: it passes when it is told to, heartbeats and all, for handlers of both colours."""

from __future__ import annotations

import time

import pytest

from resilient_lambda import Idempotency, InProgressError, MemoryStore, current_claim, resilient_handler
from resilient_lambda.testing import FakeIo, fake_io, lambda_context
from tests.handlers.colours import COLOURS

JOB = {"job_id": "j"}


class Timeless:
    """A context that knows its function, and no time."""

    function_name = "f"


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request):
    """Turn a ``def`` into the colour under test."""
    return request.param


def test_time_stands_still_until_it_is_advanced():
    """Both clocks show the same, and real time does not count."""
    io = FakeIo(start_s=100.0)
    io.advance(2.5)

    assert (io.now(), io.monotonic()) == (102.5, 102.5)


def test_two_with_one_seed_repeat_each_others_jitter():
    """Waits are the same in every run."""
    first, second = FakeIo(seed=5), FakeIo(seed=5)

    assert [first.random() for _ in range(20)] == [second.random() for _ in range(20)]


def test_tokens_are_never_drawn_twice():
    """Two of one seed stand for two environments: one must not take the claims of the other for its own."""
    first, second = FakeIo(seed=5), FakeIo(seed=5)
    tokens = [io.token() for io in (first, second) for _ in range(20)]

    assert len(set(tokens)) == 40
    assert all(len(token) == 32 for token in tokens)


def test_handlers_see_virtual_time_only_inside_the_block(paint):
    """Afterwards the real clock is back, also if the test failed inside."""
    expiry = []

    def function(event):
        expiry.append(current_claim().entry.expires_at_s)

    def call():
        policies = [Idempotency(MemoryStore(), key="job_id")]
        resilient_handler(policies=policies)(paint(function))(JOB, lambda_context())

    def fail_inside():
        with fake_io(start_s=1_000.0):
            call()
            raise LookupError

    with pytest.raises(LookupError):
        fail_inside()
    call()

    assert expiry[0] < 10**6
    assert expiry[1] > time.time()


def test_blocks_can_be_nested(paint):
    """The inner one counts inside, the outer one again after it."""
    seen = []

    def function(event):
        seen.append(current_claim().entry.lease_until_s)

    def call():
        policies = [Idempotency(MemoryStore(), key="job_id", lease_s=10)]
        resilient_handler(policies=policies)(paint(function))(JOB, Timeless())

    with fake_io(start_s=1_000.0):
        with fake_io(start_s=2_000.0):
            call()
        call()

    assert seen == [2_010.0, 1_010.0]


@pytest.mark.parametrize(("work_s", "renewals"), [(1, 0), (6, 0), (7, 1), (14, 2), (60, 8)])
def test_heartbeats_happen_when_time_is_advanced_past_them(paint, work_s, renewals):
    """A lease of 20 s is renewed at every third of it, as long as the function works."""
    versions = []

    def function(event):
        before = current_claim().entry.version
        io.advance(work_s)
        versions.extend([before, current_claim().entry.version])

    handler = resilient_handler(policies=[Idempotency(MemoryStore(), key="job_id")])(paint(function))
    with fake_io() as io:
        handler(JOB, io.context(timeout_s=300))

    first, last = (int(version.rpartition(".")[2]) for version in versions)
    assert last - first == renewals


def test_a_heartbeat_ends_with_its_invocation(paint):
    """Time that passes afterwards renews nothing."""
    store = MemoryStore()
    keys = []

    def function(event):
        keys.append(current_claim().key)
        io.advance(30)

    handler = resilient_handler(policies=[Idempotency(store, key="job_id")])(paint(function))
    with fake_io() as io:
        handler(JOB, io.context(timeout_s=300))
        after = store.get(keys)
        io.advance(3_600)

        assert store.get(keys) == after


def test_its_context_has_virtual_remaining_time():
    """Advancing brings the deadline nearer."""
    with fake_io() as io:
        context = io.context("orders", timeout_s=10)
        io.advance(4)

        assert (context.function_name, context.get_remaining_time_in_millis()) == ("orders", 6_000)


def test_nothing_really_waits(paint):
    """Waiting for a twin in progress takes virtual time only, and each wait is on record."""
    store = MemoryStore()
    began_s = time.monotonic()
    results = []

    def twin(event):
        return "twin"

    def function(event):
        # While this one works without a word, its twin comes and may wait a moment only.
        inner = resilient_handler(policies=[Idempotency(store, key="job_id")])(twin)
        with pytest.raises(InProgressError):
            inner(JOB, io.context(timeout_s=10))
        results.append(list(io.slept_s))

    with fake_io() as io:
        resilient_handler(policies=[Idempotency(store, key="job_id")])(paint(function))(JOB, io.context(timeout_s=60))

    assert sum(results[0]) > 5
    assert time.monotonic() - began_s < 5
