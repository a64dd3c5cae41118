"""
Handlers that are wrong in the ways in which handlers are wrong, and their right twins.

None of them is decorated: what is shown here is what the simulator tells about anybody's handler.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import pytest

from resilient_lambda.testing import Delivery

BAD = "bad"


@pytest.fixture
def simulated():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery(seed=1) as delivery:
        yield delivery


class Records:
    """What handlers of queues do with one message."""

    def __init__(self, delivery):
        self.delivery = delivery
        self.broken = {BAD}

    def handle(self, record):
        """Take effect, or fail."""
        body = json.loads(record["body"])
        self.delivery.work(0.1)
        if body["id"] in self.broken:
            raise ValueError(body["id"])
        self.delivery.effect(body["id"])

    def failures(self, records):
        """Handle all; return the records that failed."""
        failed = []
        for record in records:
            try:
                self.handle(record)
            except ValueError:
                failed.append(record)
        return failed


@pytest.fixture
def work(simulated):
    """What handlers of queues do."""
    return Records(simulated)


def named(records):
    """Return an answer that names messages."""
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records]}


def sent(queue, *names, **more):
    """Send an order for each name; return the ids of the messages by name."""
    return {name: queue.send({"id": name}, **more) for name in names}


# Forgets to return what failed


def forgets_to_return(work):
    """Return a handler that knows what failed and tells nobody."""

    def handler(event, context):
        named(work.failures(event["Records"]))

    return handler


def returns_failures(work):
    """Return a handler that names what failed, each message alone."""

    def handler(event, context):
        return named(work.failures(event["Records"]))

    return handler


def test_who_forgets_to_return_the_failures_loses_them(simulated, work):
    """An answer of None is a success, so SQS deletes what failed."""
    queue = simulated.sqs(forgets_to_return(work), key="id", max_receives=3, dead_letter=True)
    ids = sent(queue, "a", BAD, "c")
    simulated.run()

    assert queue.lost == [ids[BAD]]
    assert queue.dead_letters == []


def test_who_returns_the_failures_loses_nothing(simulated, work):
    """What is named comes again, and in the end into the dead-letter queue."""
    queue = simulated.sqs(returns_failures(work), key="id", max_receives=3, dead_letter=True)
    ids = sent(queue, "a", BAD, "c")
    simulated.run()

    assert queue.lost == []
    assert [letter.ids for letter in queue.dead_letters] == [(ids[BAD],)]
    assert queue.receives == {ids["a"]: 1, ids[BAD]: 3, ids["c"]: 1}


# Swallows errors


def swallows_errors(work):
    """Return a handler that catches what it should not."""

    def handler(event, context):
        for record in event["Records"]:
            with suppress(Exception):
                work.handle(record)
        return {"batchItemFailures": []}

    return handler


def lets_errors_through(work):
    """Return a handler that knows nothing of partial answers: an error is for the whole batch."""

    def handler(event, context):
        for record in event["Records"]:
            work.handle(record)

    return handler


@pytest.mark.parametrize("source", ["sqs", "fifo"])
def test_who_swallows_errors_loses_what_failed(simulated, work, source):
    """No queue can know of an error that a handler keeps for itself."""
    queue = getattr(simulated, source)(swallows_errors(work), key="id", max_receives=2, dead_letter=True)
    ids = sent(queue, "a", BAD, **({"group": "g"} if source == "fifo" else {}))
    simulated.run()

    assert queue.lost == [ids[BAD]]


@pytest.mark.parametrize("source", ["sqs", "fifo"])
def test_who_lets_errors_through_loses_nothing(simulated, work, source):
    """The batch comes again until the queue gives it up, and is in the dead-letter queue then."""
    queue = getattr(simulated, source)(
        lets_errors_through(work), key="id", batch_size=1, max_receives=2, dead_letter=True
    )
    sent(queue, "a", BAD, **({"group": "g"} if source == "fifo" else {}))
    simulated.run()

    assert queue.lost == []
    assert len(queue.dead_letters) == 1


def test_who_swallows_errors_of_asynchronous_calls_loses_the_event(simulated):
    """Lambda tries again what raises, and nothing else."""

    def handler(event, context):
        with suppress(ConnectionError):
            raise ConnectionError

    calls = simulated.asynchronous(handler, key="id", on_failure="sqs")
    id = calls.send({"id": "a"})
    simulated.run()

    assert calls.lost == [id]
    assert calls.receives == {id: 1}


# Is not idempotent


def acts_each_time(delivery):
    """Return a handler that believes in exactly-once delivery."""

    def handler(event, context):
        for record in event["Records"]:
            delivery.effect(json.loads(record["body"])["id"])

    return handler


def acts_once(delivery):
    """Return a handler that gives its payment provider an idempotency key."""

    def handler(event, context):
        for record in event["Records"]:
            order = json.loads(record["body"])["id"]
            delivery.effect(order, once=order)

    return handler


@pytest.mark.parametrize("fault", ["duplicate", "crash", "timeout"])
def test_who_is_not_idempotent_acts_twice(fault):
    """Some seed of a few brings an event again after its effect."""
    twice = []
    for seed in range(10):
        with Delivery(seed) as delivery:
            delivery.faults(**{fault: 0.3})
            queue = delivery.sqs(acts_each_time(delivery), key="id")
            sent(queue, *"abcdefgh")
            delivery.run()
            twice += queue.handled_more_than_once()

    assert twice


@pytest.mark.parametrize("fault", ["duplicate", "crash", "timeout"])
def test_who_is_idempotent_acts_once(fault):
    """The same seeds find nothing in a handler whose second effects are none."""
    for seed in range(10):
        with Delivery(seed) as delivery:
            delivery.faults(**{fault: 0.3})
            queue = delivery.sqs(acts_once(delivery), key="id")
            sent(queue, *"abcdefgh")
            delivery.run()

            assert queue.lost == []
            assert queue.handled_more_than_once() == []


# Hangs


def hangs(work):
    """Return a handler that waits for somebody who never answers."""

    def handler(event, context):
        for record in event["Records"]:
            if json.loads(record["body"])["id"] == BAD:
                work.delivery.work(3600)
            work.handle(record)

    return handler


def gives_up_in_time(work):
    """Return a handler that has a timeout of its own, and names what it took too long for."""

    def handler(event, context):
        failed = []
        for record in event["Records"]:
            if json.loads(record["body"])["id"] == BAD:
                work.delivery.work(2)
                failed.append(record)
            else:
                work.handle(record)
        return named(failed)

    return handler


def test_who_hangs_drags_the_batch_along(simulated, work):
    """Lambda stops the invocation: what was done before comes again, and what is behind never has its turn."""
    queue = simulated.fifo(hangs(work), key="id", max_receives=3, dead_letter=True)
    ids = sent(queue, "a", BAD, "c", group="g")
    simulated.run()

    assert queue.handled("a") == 3
    assert queue.handled("c") == 0
    assert {id for letter in queue.dead_letters for id in letter.ids} == set(ids.values())
    assert "timed out" in simulated.timeline()


def test_who_gives_up_in_time_harms_nobody_else(simulated, work):
    """Only what took too long comes again."""
    queue = simulated.sqs(gives_up_in_time(work), key="id", max_receives=3, dead_letter=True)
    ids = sent(queue, "a", BAD, "c")
    simulated.run()

    assert [queue.handled(name) for name in ("a", "c")] == [1, 1]
    assert [letter.ids for letter in queue.dead_letters] == [(ids[BAD],)]


# Does not keep the order


def reverses(work):
    """Return a handler that begins with the last."""

    def handler(event, context):
        for record in reversed(event["Records"]):
            work.handle(record)

    return handler


@pytest.mark.parametrize(("make", "violations"), [(reverses, 2), (lets_errors_through, 0)])
def test_who_reverses_the_order_is_found_out(simulated, work, make, violations):
    """Messages of one group are seen to take effect out of order, or in order."""
    queue = simulated.fifo(make(work), key="id")
    sent(queue, "a", "b", "c", group="g", after_s=1.0)
    simulated.run()

    assert len(queue.order_violations) == violations
    assert queue.lost == []


@pytest.mark.parametrize(("step", "is_right"), [(-1, False), (1, True)])
def test_who_reverses_a_stream_is_found_out(simulated, step, is_right):
    """Records of one partition key are seen to take effect out of order, or in order."""

    def handler(event, context):
        for record in event["Records"][::step]:
            simulated.effect(json.loads(base64.b64decode(record["kinesis"]["data"]))["id"])

    stream = simulated.kinesis(handler, key="id")
    sent(stream, "a", "b", "c", partition_key="p")
    simulated.run()

    assert (stream.order_violations == []) is is_right


def names_the_failed_alone(work):
    """Return a handler that treats a FIFO queue as a standard one."""
    return returns_failures(work)


def stops_at_the_first_failure(work):
    """Return a handler that names the first failure and all behind it."""

    def handler(event, context):
        records = event["Records"]
        for number, record in enumerate(records):
            try:
                work.handle(record)
            except ValueError:
                return named(records[number:])
        return named([])

    return handler


@pytest.mark.parametrize(("make", "is_right"), [(names_the_failed_alone, False), (stops_at_the_first_failure, True)])
def test_who_acknowledges_behind_a_failure_breaks_the_order(simulated, work, make, is_right):
    """The failed message takes effect after those that were sent behind it, or before them."""

    def handler(event, context):
        answer = make(work)(event, context)
        work.broken.clear()  # the second time it goes well
        return answer

    queue = simulated.fifo(handler, key="id")
    ids = sent(queue, "a", BAD, "c", group="g", after_s=1.0)
    simulated.run()

    assert sorted(map(str, simulated.effects)) == ["a", BAD, "c"]
    assert (queue.order_violations == []) is is_right
    if not is_right:
        assert [(each.earlier, each.later) for each in queue.order_violations] == [(ids[BAD], ids["c"])]


# Names what failed in a way that Lambda does not understand


def of_kafka(delivery, identify):
    """Return a handler of Kafka that names, by *identify*, the first failure of each partition."""

    def handler(event, context):
        failures = []
        for partition, records in event["records"].items():
            for record in records:
                name = json.loads(base64.b64decode(record["value"]))["id"]
                if name == BAD:
                    failures.append({"itemIdentifier": identify(partition, record["offset"])})
                    break
                delivery.effect(name)
        return {"batchItemFailures": failures}

    return handler


def as_text(partition, offset):
    """Name a record as one would name a message."""
    return f"{partition}-{offset}"


def as_object(partition, offset):
    """Name a record as Kafka's event source mapping wants it."""
    return {"partition": partition, "offset": offset}


@pytest.mark.parametrize(("identify", "twice"), [(as_text, ["a"]), (as_object, [])])
def test_a_text_names_no_record_of_kafka(simulated, identify, twice):
    """A text fails the whole batch: what went well before is done again, and again."""
    topic = simulated.kafka(of_kafka(simulated, identify), key="id", partitions=1, retries=2, on_failure="sqs")
    for name in ("a", BAD):
        topic.send({"id": name}, partition=0)
    simulated.run()

    assert topic.handled_more_than_once() == twice


def names_the_body(work):
    """Return a handler that names the order instead of the message."""

    def handler(event, context):
        failed = work.failures(event["Records"])
        return {"batchItemFailures": [{"itemIdentifier": json.loads(record["body"])["id"]} for record in failed]}

    return handler


@pytest.mark.parametrize(("make", "twice"), [(names_the_body, ["a", "c"]), (returns_failures, [])])
def test_an_unknown_identifier_fails_the_whole_batch(simulated, work, make, twice):
    """What went well comes again with what failed, is done again, and ends as a dead letter."""
    queue = simulated.fifo(make(work), key="id", max_receives=3, dead_letter=True)
    for name in ("a", BAD, "c"):
        queue.send({"id": name}, group=name, after_s=1.0)
    simulated.run()

    assert sorted(map(str, queue.handled_more_than_once())) == twice
    assert len(queue.dead_letters) == 1 + len(twice)
