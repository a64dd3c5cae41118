"""The harness itself: which runs of one order it lets pass and which it convicts."""

from __future__ import annotations

import pytest

from .ledger import Row, Run, clashes, repeats, runs_after


def run(began_s: float, ended_s: float | None = None, *, is_success: bool = True, request_id: str = "r") -> Run:
    """Return a run; one that never ended was no success."""
    return Run(began_s, ended_s, is_success and ended_s is not None, request_id)


@pytest.mark.parametrize(
    ("first", "second", "is_clash"),
    [
        (run(0.0, 1.0), run(1.0, 2.0), False),  # one after the other
        (run(0.0, 1.0), run(0.1, 2.0), True),  # at the same time
        (run(0.0, 1.0), run(0.4, 2.0), False),  # after half a lease, without which a slow machine would be convicted
        (run(0.0, None), run(0.04, 2.0), True),  # after a death, within the last that is left of any lease
        (run(0.0, None), run(0.1, 2.0), False),  # after a death, when the lease may have lapsed
    ],
)
def test_runs_that_the_lease_should_have_kept_apart_clash(first, second, is_clash):
    """A run must not begin before the one before it has ended or its lease may have lapsed."""
    assert bool(clashes([second, first], lease_s=0.6, skew_s=0.05)) is is_clash


def test_stalled_run_holds_its_lease_no_longer_than_a_dead_one():
    """A process that was stopped renews nothing, so its run may overlap with the next one."""
    stalled, taken_over, ended = run(0.0, 2.0, request_id="s"), run(0.1, 3.0), run(0.0, 0.02, request_id="s")

    assert clashes([stalled, taken_over], lease_s=0.6, skew_s=0.05, stalled={"s"}) == []
    assert clashes([ended, taken_over], lease_s=0.6, skew_s=0.05, stalled={"s"}) == []
    assert clashes([stalled, taken_over], lease_s=0.6, skew_s=0.05) != []


@pytest.mark.parametrize(
    ("row_at_s", "is_later"),
    [
        (1.0, True),  # the order was charged and run again
        (5.5, False),  # the run that wrote the row
    ],
)
def test_run_after_a_commit_is_convicted(row_at_s, is_later):
    """Nobody may run an order whose transaction has completed its key."""
    rows = [Row(1, row_at_s, "r")]

    assert bool(runs_after([run(0.5, 1.0), run(5.0, 6.0)], rows)) is is_later


@pytest.mark.parametrize(
    ("done", "is_repeat"),
    [
        (run(0.0, 1.0), True),
        (run(0.0, 1.0, is_success=False), False),  # it throttled
        (run(0.0, 1.0, request_id="killed"), False),  # it was killed before it could record the success
        (run(0.0, None), False),
    ],
)
def test_run_after_an_answered_success_is_a_repeat(done, is_repeat):
    """What succeeded in an invocation that lived to answer must not run again."""
    assert bool(repeats([done, run(5.0, 6.0, request_id="other")], answered={"r"})) is is_repeat
