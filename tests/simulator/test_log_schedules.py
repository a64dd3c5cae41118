"""What holds of streams and topics whatever goes wrong: seeded schedules with a handler that is right."""

from __future__ import annotations

from functools import cache

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.history import Kind
from resilient_lambda.testing.simulator.source import State

from .logs import Kafka, Kinesis, Table, answer

SEEDS = range(60)
ENDS = {Kind.ANSWERED, Kind.FAILED, Kind.TIMED_OUT, Kind.CRASHED}
SETTLED = {State.DONE, State.DEAD, State.DISCARDED}
FAULTS = {"crash": 0.15, "timeout": 0.1, "throttle": 0.1, "duplicate": 0.1, "late": 0.05}

# By name: the source, and its settings.
SOURCES = {
    "kinesis": (Kinesis, {"batch_size": 4}),
    "kinesis, two shards": (Kinesis, {"batch_size": 3, "shards": 2, "bisect": True}),
    "kinesis, parallel": (Kinesis, {"batch_size": 3, "shards": 2, "parallelization": 3}),
    "kinesis, limited": (Kinesis, {"batch_size": 4, "retries": 1, "on_failure": "sqs", "bisect": True}),
    "kinesis, ages": (Kinesis, {"batch_size": 4, "record_age_s": 60, "retention_s": 600}),
    "table": (Table, {"batch_size": 4, "parallelization": 2}),
    "table, limited": (Table, {"batch_size": 4, "retries": 0, "on_failure": "s3"}),
    "kafka": (Kafka, {"batch_size": 5, "partitions": 3, "bisect": True}),
    "kafka, limited": (Kafka, {"batch_size": 5, "partitions": 3, "retries": 1}),
    "kafka, share group": (Kafka, {"batch_size": 3, "partitions": 3, "share_group": True, "retries": 2}),
}
UNLIMITED = [name for name, (_, options) in SOURCES.items() if {"retries", "record_age_s"}.isdisjoint(options)]


def simulate(name, seed, freeze=0.0):
    """Return a source after a schedule, and the simulation."""
    kind, options = SOURCES[name]

    def handler(event, context):
        for id, identifier in kind.records(event):
            delivery.work(0.2)
            tries[id] = tries.get(id, 0) + 1
            if id % 5 == 0 and tries[id] % 3 != 0:  # it fails twice
                return answer(identifier)
            delivery.effect(id)
        return None

    tries = {}
    with Delivery(seed) as delivery:
        delivery.faults(**FAULTS, freeze=freeze)
        source = kind.make(delivery, handler, **options)
        for id in range(24):
            kind.send(source, id, key=f"key {id % 4}", after_s=id // 8 * 7.0)
        delivery.run()
    return source, delivery


run = cache(simulate)


@pytest.mark.parametrize("name", SOURCES)
def test_every_record_is_settled(name):
    """It is acknowledged, in a destination, or discarded by a rule: none is skipped, none waits for ever."""
    for seed in SEEDS:
        source, _ = run(name, seed)
        states = {item.state for item in source.items.values()}

        assert len(source.items) == 24
        assert states <= SETTLED, seed


@pytest.mark.parametrize("name", UNLIMITED)
def test_without_limits_everything_is_handled(name):
    """Whatever fails comes again: at least once."""
    for seed in SEEDS:
        source, delivery = run(name, seed, freeze=0.05)

        assert set(delivery.effects) == set(range(24)), seed
        assert source.lost == source.dead_letters == [], seed


@pytest.mark.parametrize("name", ["kinesis, limited", "table, limited"])
def test_with_a_destination_nothing_is_lost(name):
    """What was given up is in the destination."""
    for seed in SEEDS:
        source, _ = run(name, seed)

        assert source.lost == [], seed


@pytest.mark.parametrize("name", [name for name in SOURCES if "share" not in name])
def test_no_two_batches_with_the_same_key_are_in_flight(name):
    """There is one batch at a time of a shard, of a queue of it, and of a partition."""
    for seed in SEEDS:
        source, delivery = run(name, seed)
        running = {}
        for happening in delivery.happenings:
            if happening.kind is Kind.STARTED:
                lanes = {source.items[id].lane for id in happening.ids}

                assert all(lanes.isdisjoint(others) for others in running.values()), seed

                running[happening.invocation] = lanes
            elif happening.kind in ENDS:
                running.pop(happening.invocation, None)


@pytest.mark.parametrize("name", ["kinesis", "kinesis, limited", "kinesis, ages"])
def test_no_two_batches_of_a_shard_are_in_flight(name):
    """With a ParallelizationFactor of 1 there is one invocation at a time for each shard."""
    for seed in SEEDS:
        _, delivery = run(name, seed)
        running = 0
        for happening in delivery.happenings:
            running += (happening.kind is Kind.STARTED) - (happening.kind in ENDS)

            assert running <= 1, seed


@pytest.mark.parametrize("name", [name for name in SOURCES if "share" not in name])
def test_the_order_of_a_key_is_kept(name):
    """By a handler that stops at the first record that fails."""
    for seed in SEEDS:
        source, _ = run(name, seed)

        assert source.order_violations == [], seed


@pytest.mark.parametrize("name", [name for name in UNLIMITED if "share" not in name])
def test_the_order_of_a_key_is_kept_by_environments_that_thaw(name):
    """They repeat what is done again anyway, but nothing that is behind it."""
    for seed in SEEDS:
        source, _ = run(name, seed, freeze=0.2)

        assert source.order_violations == [], seed


@pytest.mark.parametrize("name", SOURCES)
def test_a_seed_is_one_schedule(name):
    """All that happens follows from it."""
    first, second = (simulate(name, 7, freeze=0.1)[1].happenings for _ in range(2))

    assert first == second
