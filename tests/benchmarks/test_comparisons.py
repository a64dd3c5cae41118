"""What makes a comparison of batches fair: the same work, the same records delivered again. Nothing is timed."""

from __future__ import annotations

import pytest

from benchmarks.batches import check_alike, delivered_again, peer_handler, peer_raises, raises, takes_record
from benchmarks.ordered import Side, timed_ms
from benchmarks.samples import CONTEXT, PARTITIONS, keyed_orders, orders
from resilient_lambda import batch_handler

SOURCES = ["sqs", "kinesis", "dynamodb", "kafka"]
RECORDS = 3 * PARTITIONS


def answer(*identifiers):
    """Return an answer that names *identifiers*."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize("source", SOURCES)
def test_both_sides_take_the_events(source):
    """Of every source both have nothing delivered again where all succeed."""
    event = orders(RECORDS, source)

    assert batch_handler(takes_record)(event, CONTEXT) == answer()
    assert peer_handler(lambda record: None, source)(event, CONTEXT) == answer()


@pytest.mark.parametrize("source", SOURCES)
def test_both_sides_have_the_same_delivered_again(source):
    """Of every source both have all of it delivered again where all fail, however many they name."""
    event = orders(RECORDS, source)

    check_alike(batch_handler(raises)(event, CONTEXT), peer_handler(peer_raises, source)(event, CONTEXT), source)


@pytest.mark.parametrize(
    ("source", "identifiers", "expected"),
    [
        ("sqs", ["b", "a"], ["b", "a"]),
        ("kinesis", ["10", "9"], 9),
        ("dynamodb", [], None),
        ("kafka", [{"partition": "t-0", "offset": 5}, {"partition": "t-0", "offset": 4}], {"t-0": 4}),
    ],
)
def test_what_lambda_makes_of_an_answer(source, identifiers, expected):
    """A queue delivers what is named; a stream goes on from the lowest number, Kafka from that of each partition."""
    assert delivered_again(answer(*identifiers), source) == expected


def test_different_answers_are_not_compared():
    """Where one side has another record delivered again, there is nothing to be timed."""
    with pytest.raises(AssertionError, match="void"):
        check_alike(answer("1"), answer("2"), "kinesis")


def side_running(order_of):
    """Return a side that runs the records of the event in the order that *order_of* makes of them."""
    ran = []

    def handler(event, context):
        for raw in order_of(event["Records"]):
            ran.append((raw["kinesis"]["partitionKey"], int(raw["kinesis"]["sequenceNumber"])))
        return answer()

    return Side(handler, ran)


def test_keys_in_any_order_count():
    """What matters is the order within a key: here one key runs after the other."""
    side = side_running(lambda raws: sorted(raws, key=lambda raw: raw["kinesis"]["partitionKey"]))

    assert timed_ms(side, keyed_orders(6, keys=2)) >= 0


@pytest.mark.parametrize(
    "order_of",
    [
        pytest.param(lambda raws: raws[::-1], id="backwards"),
        pytest.param(lambda raws: raws[1:], id="one lost"),
        pytest.param(lambda raws: [*raws, raws[0]], id="one twice"),
    ],
)
def test_who_loses_repeats_or_reorders_is_not_compared(order_of):
    """A side is quick for the wrong reason if it does not run each record once, in the order of its key."""
    with pytest.raises(AssertionError, match="void"):
        timed_ms(side_running(order_of), keyed_orders(6, keys=2))
