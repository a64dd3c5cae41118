"""Who retries what: the table is whole, and speaks of the sources that there are."""

from __future__ import annotations

import pytest

from resilient_lambda._core.retriers import BY_SOURCE, CONDITIONS, RETRIERS
from resilient_lambda.destinations import CONDITIONS as DOCUMENTED


@pytest.mark.parametrize("retrier", RETRIERS, ids=lambda retrier: retrier.name)
def test_every_way_to_be_invoked_is_told_in_full(retrier):
    """No cell is empty."""
    assert all(retrier)


def test_every_source_is_told_once():
    """Queues, streams, brokers, and the invocation types; S3 and SNS are asynchronous invocations."""
    assert len(BY_SOURCE) == len(RETRIERS)
    assert {"sync", "async", "sqs", "sqs-fifo", "kinesis", "dynamodb", "kafka", "mq", "documentdb"} < set(BY_SOURCE)


def test_every_condition_of_a_record_is_told():
    """Those that AWS documents."""
    assert set(CONDITIONS) == set(DOCUMENTED)
