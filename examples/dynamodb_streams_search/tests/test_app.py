"""What becomes of changes: in order, again, and where the index is busy."""

from __future__ import annotations

import json
from pathlib import Path

from app import handler

from resilient_lambda.testing import dynamodb_event, dynamodb_record, lambda_context

EVENTS = Path(__file__).resolve().parents[1] / "events"

TEA = {"id": "1", "name": "tea", "price_cents": 350}
GREEN_TEA = {**TEA, "name": "green tea"}
MUG = {"id": "2", "name": "mug", "price_cents": 900}


def deliver(*changes: dict) -> list[str]:
    """Deliver a batch; return the sequence number from which Lambda would go on, if there is one."""
    answer = handler(dynamodb_event(changes), lambda_context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_the_index_follows_the_table(index):
    """What was inserted, changed and removed is so in the index."""
    checkpoint = deliver(
        dynamodb_record(TEA), dynamodb_record(MUG), dynamodb_record(GREEN_TEA, TEA), dynamodb_record(None, MUG)
    )

    assert checkpoint == []
    assert index.documents == {"1": GREEN_TEA}


def test_a_batch_that_comes_again_ends_as_before(index):
    """All changes run a second time, in order; the index is the same afterwards."""
    changes = [dynamodb_record(TEA), dynamodb_record(GREEN_TEA, TEA), dynamodb_record(MUG), dynamodb_record(None, MUG)]
    deliver(*changes)
    checkpoint = deliver(*changes)

    assert checkpoint == []
    assert index.documents == {"1": GREEN_TEA}


def test_a_change_that_nobody_can_search_for_is_no_call(index):
    """Only attributes that are in the index matter."""
    deliver(dynamodb_record({**TEA, "stock": 5}, {**TEA, "stock": 6}))

    assert index.calls == 0


def test_behind_a_change_that_fails_nothing_runs(index):
    """The shard goes on from the change for which the index was busy, in order."""
    changes = [
        dynamodb_record(TEA, sequence_number=99),
        dynamodb_record(MUG, sequence_number=100),
        dynamodb_record(GREEN_TEA, TEA, sequence_number=101),
    ]
    index.busy.add("2")
    checkpoint = deliver(*changes)

    assert checkpoint == ["100"]
    assert index.documents == {"1": TEA}


def test_an_item_that_is_no_product_is_parked(index, aws):
    """It would fail for ever: it is set aside, and the shard goes on."""
    checkpoint = deliver(dynamodb_record({"id": "3", "name": "no price"}), dynamodb_record(MUG))

    assert checkpoint == []
    assert [letter.record.key for letter in aws.dead_letters] == [{"id": "3"}]
    assert index.documents == {"2": MUG}


def test_the_event_of_the_example_works(index):
    """events/changes.json is what Lambda would deliver."""
    answer = handler(json.loads((EVENTS / "changes.json").read_text("utf-8")), lambda_context())

    assert answer == {"batchItemFailures": []}
    assert index.documents == {"1": {"id": "1", "name": "tea", "price_cents": 390}}
