"""The demo's queue and environments are as unkind as the real ones: its verdict is worth as much as they are."""

from __future__ import annotations

from random import Random

import pytest

from resilient_lambda import MemoryStore
from resilient_lambda._commands._demo_environment import Environment, Killed, StoreConnection
from resilient_lambda._commands._demo_orders import FATES, Kind, Step, draw
from resilient_lambda._commands._demo_queue import Queue, event_of
from resilient_lambda._commands._demo_world import World
from resilient_lambda._core.cas import ABSENT, Write
from resilient_lambda.testing import fake_io

VISIBILITY_S = 180.0


def queue_of(*ids: str, max_receives: int = 3) -> Queue:
    """Return a queue with messages of these ids."""
    queue = Queue(visibility_s=VISIBILITY_S, max_receives=max_receives, random=Random(0))
    for message_id in ids:
        queue.send(message_id, "{}", 0.0)
    return queue


def receive_all(queue: Queue, now_s: float) -> list:
    """Receive until nothing more is visible."""
    received = []
    while batch := queue.receive(now_s):
        received += batch
    return received


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}])
def test_an_answer_without_failures_deletes_the_batch(answer):
    """What Lambda takes for a success of the whole batch, the handler's forgotten return included."""
    queue = queue_of("a", "b")
    queue.settle(receive_all(queue, 0.0), answer)

    assert len(queue) == 0


def test_named_messages_come_back():
    """A partial answer keeps what it names and deletes the rest."""
    queue = queue_of("a", "b", "c")
    queue.settle(receive_all(queue, 0.0), {"batchItemFailures": [{"itemIdentifier": "b"}]})

    assert [delivery.message.id for delivery in receive_all(queue, VISIBILITY_S)] == ["b"]


def test_an_unknown_name_brings_the_whole_batch_back():
    """An identifier that was not in the batch makes all of it a failure."""
    queue = queue_of("a", "b")
    queue.settle(receive_all(queue, 0.0), {"batchItemFailures": [{"itemIdentifier": "z"}]})

    assert len(queue) == 2


def test_a_message_is_hidden_until_its_visibility_ends():
    """Without an answer it can be received again after the visibility timeout, and not before."""
    queue = queue_of("a")
    receive_all(queue, 0.0)

    assert receive_all(queue, VISIBILITY_S - 0.1) == []
    assert [delivery.receives for delivery in receive_all(queue, VISIBILITY_S)] == [2]


def test_an_old_receipt_deletes_nothing():
    """The first receiver's answer is void if another one received the message after it."""
    queue = queue_of("a")
    first = receive_all(queue, 0.0)
    second = queue.receive_again("a", 1.0)
    queue.settle(first, None)
    left = len(queue)
    queue.settle(second, None)

    assert (left, len(queue)) == (1, 0)


def test_a_message_that_came_too_often_is_thrown_out():
    """After ``max_receives`` receives the next one moves it to the dead messages."""
    queue = queue_of("a", max_receives=2)
    for number in range(3):
        receive_all(queue, number * VISIBILITY_S)

    assert ([message.id for message in queue.dead], len(queue)) == (["a"], 0)


def test_an_event_is_what_sqs_sends():
    """Its records carry the id, the body as text and the receive count."""
    queue = queue_of("a")
    receive_all(queue, 0.0)
    (record,) = event_of(receive_all(queue, VISIBILITY_S))["Records"]

    assert (record["messageId"], record["body"], record["eventSource"]) == ("a", "{}", "aws:sqs")
    assert record["attributes"]["ApproximateReceiveCount"] == "2"


@pytest.fixture
def world():
    """A stage with a handler that does nothing."""
    with fake_io() as io:
        yield World(draw(40, 1), io, lambda environment: lambda event, context: None, namespace="test")


def test_a_dead_environment_reaches_nothing(world):
    """As after SIGKILL, no access to store, provider, sink or observer has an effect."""
    store = MemoryStore()
    environment = Environment(world, lambda environment: None)
    connection = StoreConnection(store, environment)
    item = {"status": "COMPLETED", "version": "x.0", "expires_at_s": 1}
    with pytest.raises(Killed):
        environment.die(Step.IN_WORK)
    order = world.orders["order-0001"]
    for touch in (
        lambda: connection.get(["k"]),
        lambda: connection.put_if("k", item, ABSENT),
        lambda: connection.put_many_if([Write("k", item, ABSENT)]),
        lambda: connection.delete_if("k", ABSENT),
        lambda: connection.add("k", {"n": 1}, expires_at_s=1),
        lambda: environment.charge(order.name),
        lambda: environment.charge(order.name, idempotency_key="k"),
        lambda: environment.park(None, ValueError()),
        lambda: environment.observe(None),
    ):
        with pytest.raises(Killed):
            touch()

    assert store.get(["k"]) == {}
    assert (world.charged, world.letters, world.events) == ({}, [], {})


def test_a_crash_during_the_completion_leaves_the_completion(world):
    """The environment dies after the write took effect and before it heard of it."""
    store = MemoryStore()
    died = 0
    for number in range(60):
        environment = Environment(world, lambda environment: None)
        item = {"status": "COMPLETED", "version": f"x.{number}", "expires_at_s": 1}
        try:
            StoreConnection(store, environment).put_if(f"k{number}", item, ABSENT)
        except Killed:
            died += 1

    assert died == world.deaths[Step.IN_COMPLETION] > 0
    assert len(store.get([f"k{number}" for number in range(60)])) == 60


def test_work_ends_at_lambda_s_deadline(world):
    """An environment that is not done in time is killed at its deadline, not later."""
    environment = Environment(world, lambda environment: None)
    environment.deadline_s = world.io.now() + 30
    with pytest.raises(Killed):
        environment.work(300)

    assert (world.io.now(), world.deaths[Step.TIMEOUT]) == (environment.deadline_s, 1)


def test_the_provider_charges_once_per_key_and_once_per_call_without_one(world):
    """As payment APIs take idempotency keys."""
    order = world.orders["order-0001"]
    world.pay(order, "key")
    world.pay(order, "key")
    with_key = world.charged[order.name]
    world.pay(order, None)
    world.pay(order, None)

    assert (with_key, world.charged[order.name]) == (1, 3)


@pytest.mark.parametrize("count", [20, 21, 300])
def test_a_schedule_has_every_kind(count):
    """However few the orders, there is at least one of each kind, sent as distinct messages."""
    schedule = draw(count, 9)

    ids = [message_id for message_id, _ in schedule.messages]
    assert [kind for kind in Kind if not schedule.count(kind)] == []
    assert len(schedule.orders) == count
    assert len(set(ids)) == len(ids) == sum(len(order.message_ids) for order in schedule.orders)


def test_what_is_delivered_twice_on_purpose_can_be_charged():
    """Second messages and twins are of good orders, and of different ones."""
    schedule = draw(300, 9)

    twice = {order.name for order in schedule.orders if len(order.message_ids) > 1}
    assert twice.isdisjoint(schedule.twins)
    assert {order.kind for order in schedule.orders if order.name in twice | schedule.twins} == {Kind.GOOD}
    assert FATES[Kind.GOOD].reason == ""
