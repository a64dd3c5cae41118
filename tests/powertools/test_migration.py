"""Moving in with the table that one has: canary, forward, rollback."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from resilient_lambda._core.powertools_format import POWERTOOLS
from resilient_lambda.errors import ItemFormatError
from resilient_lambda.stores import ABSENT, DynamoDBStore
from tests.powertools.conftest import TABLE
from tests.powertools.fleet import Crash, Fleet

ORDERS = 12


@pytest.fixture(params=["partiql", "single"])
def fleet(request, client, io, dynamodb_local, key):
    """A fleet whose store writes in bulk in either way."""
    store = DynamoDBStore(TABLE, endpoint_url=dynamodb_local, bulk=request.param)
    return Fleet(client, store, io, table=TABLE, key=key)


@pytest.fixture
def orders(fleet):
    """Return orders that no other test uses."""
    return [fleet.order(order_id=f"{fleet.key}-{number}") for number in range(ORDERS)]


@pytest.mark.parametrize("how", ["invoke", "deliver"])
def test_a_canary_runs_each_event_once(fleet, orders, how):
    """Every event comes to both sides, in turns: each key runs once, on the side that had it first."""
    ran = Counter()

    def work(order):
        ran[order["order_id"]] += 1

    sides = [fleet.theirs(work), fleet.ours(work)]
    for number, order in enumerate(orders):
        for turn in range(4):
            side = sides[(number + turn) % 2]
            getattr(side, how)(order if how == "invoke" else fleet.event(order))

    assert ran == Counter({order["order_id"]: 1 for order in orders})
    assert Counter(fleet.runs) == {"theirs": ORDERS / 2, "ours": ORDERS / 2}


def test_a_canary_runs_whole_batches_once(fleet, orders):
    """The same batch in both, half of it done by the one, the rest by the other."""
    ran = Counter()

    def work(order):
        ran[order["order_id"]] += 1

    assert fleet.theirs(work).deliver(fleet.event(*orders[::2])) == []
    assert fleet.ours(work).deliver(fleet.event(*orders)) == []
    assert fleet.theirs(work).deliver(fleet.event(*orders)) == []
    assert set(ran.values()) == {1}
    assert Counter(fleet.runs) == {"theirs": ORDERS / 2, "ours": ORDERS / 2}


def test_a_rollback_does_nothing_again(fleet, orders):
    """What we did is done for Powertools, what failed runs at once."""
    bad = orders[0]

    def work(order):
        if order == bad:
            raise ConnectionError

    assert fleet.ours(work).deliver(fleet.event(*orders)) == ["m0"]

    fleet.runs.clear()

    assert fleet.theirs().deliver(fleet.event(*orders)) == []
    assert fleet.runs == ["theirs"]


def test_going_forward_does_nothing_again(fleet, orders):
    """What Powertools did before the deployment is done for us."""
    bad = orders[0]

    def work(order):
        if order == bad:
            raise ConnectionError

    assert fleet.theirs(work).deliver(fleet.event(*orders)) == ["m0"]

    fleet.runs.clear()

    assert fleet.ours().deliver(fleet.event(*orders)) == []
    assert fleet.runs == ["ours"]


def test_what_has_expired_runs_again_and_leaves_nothing_behind(fleet, orders):
    """In bulk too: a claim and a completion replace all that Powertools wrote."""
    fleet.theirs(lambda order: "theirs", payload_validation_jmespath="total").deliver(fleet.event(*orders))
    fleet.io.advance(3_700.0)
    fleet.runs.clear()
    claims = []

    def work(order):
        claims.append(fleet.item(order["order_id"]))

    assert fleet.ours(work).deliver(fleet.event(*orders)) == []
    assert fleet.runs == ["ours"] * ORDERS
    assert all({"data", "validation"}.isdisjoint(claim) for claim in claims)
    for order in orders:
        item = fleet.item(order["order_id"])
        assert (item["status"], item["data"]) == ("COMPLETED", "null")
        assert {"validation", "in_progress_expiration", "deadline_s"}.isdisjoint(item)


def test_dead_workers_of_powertools_are_taken_over_in_a_batch(fleet, orders):
    """Each of the keys, and each once."""

    def crash(order):
        raise Crash

    for order in orders:
        with pytest.raises(Crash):
            fleet.theirs(crash).invoke(order, remaining_s=-20.0)
    fleet.runs.clear()

    assert fleet.ours().deliver(fleet.event(*orders)) == []
    assert fleet.theirs().deliver(fleet.event(*orders)) == []
    assert fleet.runs == ["ours"] * ORDERS


def test_a_race_of_both_libraries_has_one_winner_for_each_key(client, dynamodb_local, key):
    """Two environments of each get the same events at the same time, by the real clock."""
    fleet = Fleet(client, DynamoDBStore(TABLE, endpoint_url=dynamodb_local), None, table=TABLE, key=key)
    events = [fleet.event(*(fleet.order(order_id=f"{key}-{n}-{m}") for m in range(5))) for n in range(5)]
    ran = Counter()
    lock = threading.Lock()

    def work(order):
        with lock:
            ran[order["order_id"]] += 1

    def deliver(worker, start):
        start.wait(20)
        for event in events:
            worker.deliver(event)

    start = threading.Barrier(4)
    workers = [fleet.theirs(work), fleet.ours(work), fleet.theirs(work), fleet.ours(work)]
    threads = [threading.Thread(target=deliver, args=(worker, start)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(ran) == 25
    assert set(ran.values()) == {1}


def test_an_item_of_the_native_layout_under_a_powertools_key_is_not_touched(fleet):
    """It cannot be there, so nothing is run on a guess."""
    native = {"format": 1, "status": "IN_PROGRESS", "version": "a.0", "expires_at_s": 2_000_000_000}
    fleet.connection.put_if(fleet.stored_key(), native, ABSENT)

    assert fleet.ours().deliver() == ["m0"]
    with pytest.raises(ItemFormatError, match="neither by Powertools nor with"):
        fleet.ours().invoke()
    assert fleet.runs == []
    assert fleet.item()["status"] == "IN_PROGRESS"


def test_an_item_of_a_newer_format_is_not_touched(fleet):
    """A rollback of our own code meets what the newer version wrote."""
    fleet.ours().deliver()
    fleet.change(format={"N": "2"})

    assert fleet.ours().deliver() == ["m0"]
    assert fleet.runs == ["ours"]


def test_the_prefix_can_be_read_off_any_item(fleet):
    """What is before the last # is the namespace to give."""
    fleet.theirs().invoke()
    [item] = [
        found
        for found in fleet.client.scan(TableName=TABLE)["Items"]
        if found["id"]["S"] == POWERTOOLS.stored_key(POWERTOOLS.prefix("orders"), fleet.key)
    ]

    assert item["id"]["S"].rpartition("#")[0] == "orders"
