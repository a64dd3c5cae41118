"""Tables of Powertools that are not the default: a sort key, other names of attributes."""

from __future__ import annotations

import logging

import pytest

from resilient_lambda.errors import ConfigurationError, StoreError
from resilient_lambda.stores import DynamoDBStore
from tests.powertools.conftest import SORTED_TABLE, TABLE
from tests.powertools.fleet import Fleet

STATIC = "idempotency#orders-function"
SORTED = {"key_attribute": "sort", "sort_key_attribute": "id", "sort_key_value": STATIC}
RENAMED = {
    "status": "st",
    "expires_at_s": "ttl",
    "in_progress_expiration": "lease",
    "data": "response",
    "validation": "hash",
}


class SortedFleet(Fleet):
    """A fleet on the table with a sort key."""

    def primary_key(self, value=None):
        """Return the item's primary key: Powertools keeps the id in the sort key, one value in the partition key."""
        return {"id": {"S": STATIC}, "sort": {"S": self.stored_key(value)}}


@pytest.fixture
def sorted_fleet(client, io, dynamodb_local, key):
    """Return a function that makes a fleet on the table with a sort key, with our store as told."""

    def make(**options):
        store = DynamoDBStore(SORTED_TABLE, endpoint_url=dynamodb_local, **options)
        return SortedFleet(client, store, io, table=SORTED_TABLE, key=key, sort_key_attr="sort", static_pk_value=STATIC)

    return make


@pytest.fixture
def renamed_fleet(client, io, dynamodb_local, key):
    """Return a fleet on a table whose attributes have other names."""
    store = DynamoDBStore(TABLE, endpoint_url=dynamodb_local, attributes=RENAMED)
    return Fleet(
        client,
        store,
        io,
        table=TABLE,
        key=key,
        status_attr="st",
        expiry_attr="ttl",
        in_progress_expiry_attr="lease",
        data_attr="response",
        validation_key_attr="hash",
    )


def live_both_ways(fleet):
    """Have each meet a claim, a failure and a completion of the other."""
    seen = []

    def while_we_run(order):
        seen.extend(fleet.theirs().deliver())
        raise ConnectionError

    def while_they_run(order):
        seen.extend(fleet.ours().deliver())
        return {"receipt": 7}

    seen.extend(fleet.ours(while_we_run).deliver())
    assert seen == ["m0", "m0"]
    fleet.theirs(while_they_run).invoke()
    assert seen == ["m0", "m0", "m0"]
    assert fleet.ours().invoke() == {"receipt": 7}
    assert fleet.runs == ["ours", "theirs"]
    fleet.runs.clear()
    other = fleet.order(order_id=f"{fleet.key}-2")
    fleet.ours(lambda order: "ours").deliver(fleet.event(other))
    assert fleet.theirs().invoke(other) == "ours"
    assert fleet.runs == ["ours"]


def test_a_table_with_a_sort_key_works(sorted_fleet):
    """Powertools puts one value into the partition key and the id into the sort key: our key attribute is that one."""
    live_both_ways(sorted_fleet(**SORTED))


def test_several_keys_are_claimed_and_read_there(sorted_fleet):
    """In bulk, first and as a redelivery."""
    fleet = sorted_fleet(**SORTED)
    bodies = [fleet.order(order_id=f"{fleet.key}-{number}") for number in range(5)]

    assert fleet.theirs().deliver(fleet.event(*bodies[:2])) == []
    assert fleet.ours().deliver(fleet.event(*bodies)) == []
    assert fleet.ours().deliver(fleet.event(*bodies, receives=2)) == []
    assert fleet.runs == ["theirs"] * 2 + ["ours"] * 3


@pytest.mark.parametrize(
    "options",
    [{}, {"key_attribute": "sort"}, {"key_attribute": "pk", "sort_key_attribute": "sk"}],
    ids=["default", "no sort key", "other names"],
)
def test_a_store_that_does_not_know_of_the_sort_key_says_so(sorted_fleet, options, caplog):
    """Nothing is run, the messages come back, the log says what to set."""
    fleet = sorted_fleet(**options)

    with caplog.at_level(logging.WARNING):
        assert fleet.ours().deliver() == ["m0"]
    with pytest.raises(StoreError, match=r"another key schema.*set key_attribute= and sort_key_attribute="):
        fleet.ours().invoke()
    assert "another key schema" in caplog.text
    assert fleet.runs == []


def test_a_key_and_a_sort_key_that_are_swapped_hide_what_powertools_did(sorted_fleet):
    """The one mistake that no table refuses: both are texts. The id belongs into `key_attribute`."""
    fleet = sorted_fleet(key_attribute="id", sort_key_attribute="sort", sort_key_value=STATIC)
    fleet.theirs().deliver()
    fleet.ours().deliver()

    assert fleet.runs == ["theirs", "ours"]


def test_attributes_may_have_other_names(renamed_fleet):
    """Each of Powertools' options has its entry in `attributes`."""
    live_both_ways(renamed_fleet)


def test_renamed_payload_digests_are_compared(renamed_fleet):
    """`validation` is one of them."""
    renamed_fleet.ours(lambda order: "done", fingerprint="total").invoke()

    assert renamed_fleet.theirs(payload_validation_jmespath="total").invoke() == "done"
    assert "hash" in renamed_fleet.item()


def test_a_store_without_the_other_names_runs_nothing(fleet, renamed_fleet):
    """It finds items that it cannot read."""
    renamed_fleet.theirs().deliver()

    assert fleet.ours().deliver() == ["m0"]
    assert fleet.runs == []


def test_the_prefix_must_be_given(fleet):
    """Powertools' default prefix names the function, which the library cannot know."""
    with pytest.raises(ConfigurationError, match="namespace="):
        fleet.ours(namespace=None)
