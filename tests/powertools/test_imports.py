"""The layout is written without Powertools itself, whose import costs more than everything else together."""

from __future__ import annotations

from tests.package.interpreter import run


def test_powertools_is_not_imported():
    """Making a policy, warming it and running an event load nothing of it."""
    printed = run(
        """
        import sys
        from resilient_lambda import Idempotency, MemoryStore, batch_handler
        from resilient_lambda.testing import lambda_context, sqs_event

        policy = Idempotency(MemoryStore(), key="order_id", layout="powertools", namespace="orders")

        @batch_handler(policies=[policy])
        def handler(order: dict):
            pass

        policy.warm()
        print(handler(sqs_event([{"order_id": "a"}]), lambda_context()))
        print([name for name in sys.modules if name.startswith("aws_lambda_powertools")])
        """
    )

    assert printed.splitlines() == ["{'batchItemFailures': []}", "[]"]


def test_the_layout_is_loaded_only_where_it_is_used():
    """Other handlers do not pay for it."""
    printed = run(
        """
        import sys
        from resilient_lambda import Idempotency, MemoryStore

        Idempotency(MemoryStore(), key="order_id").warm()
        print([name for name in sys.modules if name.endswith("powertools_format")])
        """
    )

    assert printed.splitlines() == ["[]"]
