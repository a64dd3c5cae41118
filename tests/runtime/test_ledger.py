"""The harness itself: which runs of one order it lets pass and which it convicts."""

from __future__ import annotations

import pytest

from .ledger import Run, clashes, repeats


def run(began_s: float, ended_s: float | None = None, *, is_success: bool = True, request_id: str = "r") -> Run:
    """Return a run; one that never ended was no success."""
    return Run(began_s, ended_s, is_success and ended_s is not None, request_id)


@pytest.mark.parametrize(
    ("first", "second", "is_clash"),
    [
        (run(0.0, 1.0), run(1.0, 2.0), False),  # one after the other
        (run(0.0, 1.0), run(0.1, 2.0), True),  # at the same time
        (run(0.0, None), run(0.1, 2.0), True),  # after a death, within the lease
        (run(0.0, None), run(0.7, 2.0), False),  # after a death, when the lease had lapsed
    ],
)
def test_runs_that_the_lease_should_have_kept_apart_clash(first, second, is_clash):
    """A run must not begin before the one before it has ended or its lease of 0.6 s has lapsed."""
    assert bool(clashes([second, first], lease_s=0.6)) is is_clash


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
