"""What a duplicate is answered with, across both libraries."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel

from resilient_lambda import current_claim
from resilient_lambda.events import ResultDropped

RESULTS = [{"statusCode": 200, "body": "ü \u2028"}, {"a": [1, 2.5, None, True, {}]}, [1], "text", 5, True, 1.5]
FALSY = [0, False, "", [], {}, 0.0]


class Receipt(BaseModel):
    """What a handler may return."""

    paid: bool
    order_id: str


@pytest.mark.parametrize("result", [*RESULTS, None], ids=repr)
@pytest.mark.parametrize(("first", "second"), [("theirs", "ours"), ("ours", "theirs"), ("ours", "ours")])
def test_a_result_is_replayed_as_it_was_returned(fleet, result, first, second):
    """By either, whoever ran."""
    getattr(fleet, first)(lambda order: result).invoke()

    assert getattr(fleet, second)().invoke() == result


@pytest.mark.parametrize("result", FALSY, ids=repr)
def test_an_empty_result_is_replayed_by_us_but_not_by_powertools(fleet, result):
    """It replays None for what is falsy, also for its own; the item is right."""
    fleet.theirs(lambda order: result).invoke()

    assert fleet.ours().invoke() == result
    assert fleet.theirs().invoke() is None


def test_a_batch_keeps_results_too(fleet):
    """Callers of an idempotent function in Powertools' code use them."""
    fleet.ours(lambda order: {"receipt": 7}).deliver()

    assert fleet.theirs().invoke() == {"receipt": 7}


def test_what_powertools_did_in_a_batch_is_answered_to_a_single_event(fleet):
    """The key is the same, so the result is."""
    fleet.theirs(lambda order: {"receipt": 7}).deliver()

    assert fleet.ours().invoke() == {"receipt": 7}


def test_a_model_is_replayed_as_a_dict(fleet):
    """As by Powertools without an output serializer."""
    fleet.ours(lambda order: Receipt(paid=True, order_id="a")).invoke()

    assert fleet.theirs().invoke() == {"paid": True, "order_id": "a"}


def test_a_decimal_is_a_number_of_ours_and_a_text_of_powertools(fleet):
    """The one difference in how results are written."""
    worker = fleet.ours(lambda order: {"total": Decimal("1.5")})
    worker.invoke()
    ours = fleet.theirs().invoke()
    other = fleet.order(order_id=f"{fleet.key}-2")
    fleet.theirs(lambda order: {"total": Decimal("1.5")}).invoke(other)

    assert ours == {"total": 1.5}
    assert fleet.ours().invoke(other) == {"total": "1.5"}


def test_a_result_that_needs_compression_is_left_out(fleet):
    """Powertools reads text only: done without a result, and the other is answered with None."""
    worker = fleet.ours(lambda order: "x" * 360_000)
    worker.invoke()

    assert worker.heard(ResultDropped)
    assert fleet.theirs().invoke() is None
    assert fleet.runs == ["ours"]


def test_powertools_replays_what_was_committed(fleet):
    """`commit_with` writes the completion in its transaction, with the result to replay."""
    row = {"id": {"S": f"row-{fleet.key}"}}

    def work(order):
        current_claim().commit_with([{"Put": {"TableName": "idempotency", "Item": row}}], result={"receipt": 7})

    assert fleet.ours(work).deliver() == []
    assert fleet.theirs().invoke() == {"receipt": 7}
    assert fleet.runs == ["ours"]
