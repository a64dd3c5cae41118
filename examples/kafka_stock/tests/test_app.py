"""What becomes of levels: a partition at a time, tombstones, a busy warehouse, poison."""

from __future__ import annotations

import json
from pathlib import Path

from app import handler

from resilient_lambda.testing import kafka_event, kafka_record, lambda_context

EVENTS = Path(__file__).resolve().parents[1] / "events"


def level(article: str | None, count: int | None, partition: int, offset: int) -> dict:
    """Return a record of the topic; without a count it is a tombstone."""
    value = None if count is None else {"count": count}
    return kafka_record(value, key=article, topic="stock", partition=partition, offset=offset)


def deliver(*records: dict) -> list[dict]:
    """Deliver a batch; return from where Lambda would go on."""
    answer = handler(kafka_event(records), lambda_context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_partition_is_one_request(warehouse):
    """The levels of each partition are written together; of two levels of an article the later one stays."""
    go_on = deliver(level("tea", 5, 0, 10), level("pot", 3, 0, 11), level("tea", 4, 0, 12), level("mug", 7, 1, 3))

    assert go_on == []
    assert warehouse.requests == [{"tea": 4, "pot": 3}, {"mug": 7}]


def test_a_tombstone_removes_its_article(warehouse):
    """A record without a value says that the article is gone."""
    deliver(level("tea", 5, 0, 10))
    deliver(level("tea", None, 0, 11))

    assert warehouse.levels == {}


def test_a_partition_that_is_stuck_does_not_stop_another(warehouse):
    """The busy partition comes again from its first record, the other one is done."""
    warehouse.busy.add("tea")
    go_on = deliver(level("tea", 5, 0, 99), level("pot", 3, 0, 100), level("mug", 7, 1, 3))

    assert go_on == [{"partition": "stock-0", "offset": 99}]
    assert warehouse.levels == {"mug": 7}


def test_an_outage_sets_nothing_aside(warehouse, aws):
    """However often the warehouse is busy, the levels wait in the topic, and are written in the end."""
    warehouse.busy.add("tea")
    levels = [level("tea", 5, 0, 10), level("pot", 3, 0, 11)]
    for _ in range(20):
        assert deliver(*levels) == [{"partition": "stock-0", "offset": 10}]
    warehouse.busy.clear()

    assert deliver(*levels) == []
    assert aws.dead_letters == []
    assert warehouse.levels == {"tea": 5, "pot": 3}


def test_records_that_come_again_are_not_written_again(warehouse):
    """What is done is left out of the list, also in another delivery."""
    deliver(level_5 := level("tea", 5, 0, 10))
    go_on = deliver(level_5, level("pot", 3, 0, 11))

    assert go_on == []
    assert warehouse.requests == [{"tea": 5}, {"pot": 3}]


def test_what_is_no_level_is_parked_and_its_partition_goes_on(warehouse, aws):
    """A bad value and a missing key are set aside with their reasons; their neighbours are written."""
    bad = kafka_record({"count": -1}, key="pot", topic="stock", offset=11)
    go_on = deliver(level("tea", 5, 0, 10), bad, level(None, 6, 0, 12), level("mug", 7, 0, 13))

    assert go_on == []
    assert [letter.record.id for letter in aws.dead_letters] == ["stock-0@11", "stock-0@12"]
    assert warehouse.levels == {"tea": 5, "mug": 7}


def test_the_event_of_the_example_works(warehouse):
    """events/stock.json is what Lambda would deliver."""
    answer = handler(json.loads((EVENTS / "stock.json").read_text("utf-8")), lambda_context())

    assert answer == {"batchItemFailures": []}
    assert warehouse.levels == {"tea": 4}
