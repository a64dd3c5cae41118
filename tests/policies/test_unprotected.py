"""Runs without protection: operators switched it off, or there is no key. The function must not notice."""

from __future__ import annotations

import pytest

from resilient_lambda import Idempotency, MemoryStore, batch_handler, current_claim
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record


def keys_of(event, **options):
    """Return the keys under which the function ran, and what the store holds."""
    store = MemoryStore()
    keys: list[str] = []

    @batch_handler(policies=[Idempotency(store, key="order_id", **options)])
    def handler(record):
        current_claim().ensure_owned(for_s=5)
        keys.append(current_claim().key)

    answer = handler(event, lambda_context())
    assert answer == {"batchItemFailures": []}
    return keys, repr(store)


def test_switched_off_the_claim_keeps_its_key(monkeypatch):
    """Each duplicate runs under the key that it would have been claimed by; nothing is written."""
    event = sqs_event([{"order_id": "a"}, {"order_id": "a"}])
    (claimed,), _ = keys_of(event)
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")

    assert keys_of(event) == ([claimed, claimed], "MemoryStore(0 items)")


@pytest.mark.parametrize("switch", ["", "idempotency"])
def test_without_a_key_the_claim_is_named_after_the_record(monkeypatch, switch):
    """Redeliveries of one message share the name, other messages have another."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", switch)
    one, two = sqs_record({}, message_id="one"), sqs_record({}, message_id="two")

    keys, held = keys_of(sqs_event([one, one, two]), on_missing_key="skip")

    assert held == "MemoryStore(0 items)"
    assert keys[0] == keys[1] != keys[2]
    assert all(key.startswith("unprotected#") for key in keys)
