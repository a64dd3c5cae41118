"""Handlers that do not end when they should do not keep the test from ending."""

from __future__ import annotations

import pytest

from resilient_lambda.testing import Delivery


def outcomes_of(handler, delivery):
    """Return what the callers of *handler* were told."""
    calls = delivery.synchronous(delivery.function(handler, timeout_s=5))
    calls.send({})
    calls.send({}, after_s=60)
    delivery.run()
    return [reply.kind.value for reply in calls.replies]


def test_a_handler_that_swallows_its_timeout_is_left_behind():
    """A bare ``except`` in a loop is common, and SIGKILL is not asked."""
    with Delivery() as delivery:

        def handler(event, context):
            while True:
                try:
                    delivery.work(1)
                except BaseException:
                    continue

        assert outcomes_of(handler, delivery) == ["timed out", "timed out"]
        assert "swallows the end of its process" in delivery.timeline()


def test_a_handler_that_swallows_the_end_of_the_simulation_is_left_behind():
    """The test is over, whatever the handler thinks of it."""
    with Delivery() as delivery:

        def handler(event, context):
            while True:
                try:
                    delivery.work(100)
                except BaseException:
                    continue

        calls = delivery.synchronous(delivery.function(handler, timeout_s=900))
        calls.send({})
        delivery.run(for_s=10)

        assert calls.in_flight == ["synchronous-1"]


def test_a_handler_that_lets_no_time_pass_is_reported():
    """Virtual time stands still while it waits for it; the error says where it does."""
    is_over = []

    def handler(event, context):
        while context.get_remaining_time_in_millis() > 1000 and not is_over:
            pass

    with Delivery(patience_s=0.3) as delivery:
        with pytest.raises(RuntimeError, match=r"without letting virtual time pass: it is at .*test_hangs\.py:\d+"):
            outcomes_of(handler, delivery)
        is_over.append(True)


def test_a_long_calculation_is_not_taken_for_a_hang():
    """Whoever gets on is not stuck, however long it takes."""
    with Delivery(patience_s=0.05) as delivery:

        def handler(event, context):
            for _ in range(20):
                sum(range(100_000))
                delivery.work(0.01)

        assert outcomes_of(handler, delivery) == ["answered", "answered"]
