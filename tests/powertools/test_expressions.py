"""Each expression of Powertools that docs/coming-from-powertools.md names has the key that it says."""

from __future__ import annotations

import pytest

from resilient_lambda import Idempotency, JMESPath, Record, batch_handler
from resilient_lambda.errors import MissingKeyError
from tests.naming import id_of
from tests.powertools.fleet import PREFIX


@pytest.mark.parametrize(
    ("expression", "ours_key"),
    [
        ("order_id", "order_id"),
        ("order_id", lambda order: order["order_id"]),
        ("[tenant, order_id]", ["tenant", "order_id"]),
        ("[total, order_id]", ["total", "order_id"]),
        ("{t: tenant, o: order_id}", JMESPath("{t: tenant, o: order_id}")),
        ("powertools_json(body).id", JMESPath("powertools_json(body).id")),
        ("", lambda order: order),
    ],
    ids=id_of,
)
@pytest.mark.parametrize(("first", "second"), [("theirs", "ours"), ("ours", "theirs")])
def test_an_event_has_the_same_key(fleet, expression, ours_key, first, second):
    """Whoever has it first; a tenant that is not there is part of the key in both."""
    event = fleet.order(body=f'{{"id": "{fleet.key}"}}')
    sides = {"theirs": fleet.theirs(event_key_jmespath=expression), "ours": fleet.ours(key=ours_key)}

    sides[first].invoke(event)
    sides[second].invoke(event)

    assert fleet.runs == [first]


@pytest.mark.parametrize(
    ("expression", "ours_key"),
    [
        ("messageId", None),
        ("powertools_json(body).order_id", "order_id"),
        ("powertools_json(body).[tenant, order_id]", ["tenant", "order_id"]),
        ("powertools_json(body)", lambda order: order),
    ],
    ids=id_of,
)
@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_a_record_has_the_same_key(fleet, expression, ours_key, first):
    """Whoever has it first."""
    event = fleet.event()
    event["Records"][0]["messageId"] = fleet.key

    def deliver(side):
        return (
            fleet.ours(key=ours_key).deliver(event)
            if side == "ours"
            else fleet.theirs().deliver(event, expression=expression)
        )

    assert deliver(first) == []
    assert deliver("ours" if first == "theirs" else "theirs") == []
    assert fleet.runs == [first]


def test_a_whole_body_is_a_key(fleet):
    """As text, for functions that get the record."""

    @batch_handler(
        policies=[Idempotency(fleet.connection, key=lambda record: record.body, layout="powertools", namespace=PREFIX)]
    )
    def handler(record: Record) -> None:
        fleet.runs.append("ours")

    fleet.theirs().deliver(expression="body")
    handler(fleet.event(), fleet.context(30.0))

    assert fleet.runs == ["theirs"]


@pytest.mark.filterwarnings("ignore:No idempotency key value found")
def test_an_event_without_a_key_is_run_unprotected_by_powertools(fleet):
    """Here it fails, unless it is told to do the same."""
    event = {"total": 5}
    fleet.theirs().invoke(event)
    fleet.ours(on_missing_key="skip").invoke(event)

    assert fleet.runs == ["theirs", "ours"]
    with pytest.raises(MissingKeyError):
        fleet.ours().invoke(event)
