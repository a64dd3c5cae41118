"""A process that is stopped in its run for longer than its lease, and goes on when another has taken over."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from .environment import Answered
from .queue import Queue, event_of

LEASE_LAPSES_S = 0.8  # 0.6 and the skew, as in functions/commits.py, and some more


@pytest.fixture
def overtaken(environments_of, ledger):
    """Return a function that has a run overtaken; it returns the rows, the new owner's result and the former's."""

    def play(function: str):
        order = {"order_id": f"frozen-{function}", "customer": f"frozen-{function}-all", "total": 5, "by": "commit"}
        queue = Queue(visibility_s=60, twins=1.0)
        queue.send({**order, "freezes": 1})
        frozen, other = environments_of(f"commits.{function}")
        with ThreadPoolExecutor(1) as threads:
            late = threads.submit(frozen.invoke, event_of(queue.receive()), timeout_s=30)
            give_up_at = time.monotonic() + 20
            while not ledger.runs(order["order_id"]) and time.monotonic() < give_up_at:
                time.sleep(0.05)
            time.sleep(LEASE_LAPSES_S)
            in_time = other.invoke(event_of(queue.receive()), timeout_s=30)
            frozen.go_on()
            was_late = late.result()
        return ledger.rows(order["order_id"])[order["order_id"]], in_time, was_late

    return play


@pytest.mark.parametrize("function", ["charge", "charge_async"])
def test_run_that_was_overtaken_writes_nothing(overtaken, function):
    """The former owner's transaction is refused, whole, and its message comes back; the new owner's stands."""
    rows, in_time, late = overtaken(function)

    assert isinstance(in_time, Answered)
    assert isinstance(late, Answered)
    assert [row.request_id for row in rows] == [in_time.request_id]
    assert in_time.payload == {"batchItemFailures": []}
    assert len(late.payload["batchItemFailures"]) == 1


def test_run_that_was_overtaken_writes_where_there_is_no_fence(overtaken):
    """Without the condition on the claim's version both write: the harness can fail."""
    rows, _, _ = overtaken("charge_without_a_fence")

    assert len(rows) == 2
