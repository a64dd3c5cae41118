"""The demo's queue and environments are as unkind as the real ones: its verdict is worth as much as they are."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest

from examples.demo.environment import Environment, Killed, StoreConnection
from examples.demo.orders import FATES, Kind, Step, draw
from examples.demo.queue import Queue, event_of
from examples.demo.world import World, stored_key
from resilient_lambda import Idempotency, MemoryStore, batch_handler, current_claim
from resilient_lambda.stores import ABSENT, STORED, Write
from resilient_lambda.testing import fake_io, lambda_context, sqs_event

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
    store = CountingStore()
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
        lambda: connection.transact(Write("k", item, ABSENT), [], token="t"),
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


def claims(count: int, status: str = "IN_PROGRESS") -> list[Write]:
    """Return a bulk write of *count* entries."""
    return [Write(f"k{n}", {"status": status, "version": f"x.{n}", "expires_at_s": 1}, ABSENT) for n in range(count)]


def stage(**strikes: int) -> World:
    """Return a stage on which an environment dies at these passages only, one for each step."""
    schedule = draw(40, 1)
    silent = {step: frozenset[int]() for step in schedule.strikes}
    planned = {Step[name.upper()]: frozenset({passage}) for name, passage in strikes.items()}
    with fake_io() as io:
        return World(schedule._replace(strikes=silent | planned), io, lambda _: None, namespace="test")


class CountingStore(MemoryStore):
    """A store that knows how many entries each request had."""

    def __init__(self):
        super().__init__()
        self.requests = []

    def put_many_if(self, writes):
        """Write."""
        self.requests.append(len(writes))
        return super().put_many_if(writes)

    def transact(self, own, items, *, token):
        """Do what is the library's."""
        return self.put_if(own.key, own.item, own.expected)


@pytest.mark.parametrize(
    ("status", "strike", "done"),
    [
        ("IN_PROGRESS", {"before_claim": 1}, 0),
        ("IN_PROGRESS", {"before_claim": 3}, 2),
        ("IN_PROGRESS", {"after_claim": 1}, 1),
        ("IN_PROGRESS", {"after_claim": 5}, 5),
        ("COMPLETED", {"in_completion": 2}, 2),
        ("COMPLETED", {"in_completion": 5}, 5),
    ],
)
def test_a_crash_in_a_bulk_write_leaves_any_part_of_it(status, strike, done):
    """The environment dies before, between or after the entries; what took effect until then stays."""
    world, store = stage(**strike), CountingStore()
    with pytest.raises(Killed):
        StoreConnection(store, Environment(world, lambda _: None)).put_many_if(claims(5, status))

    assert len(store.get([f"k{n}" for n in range(5)])) == done


def test_a_bulk_write_without_a_crash_is_one_request():
    """The store is asked as the library asks it, and the answers are its own."""
    world, store = stage(before_claim=6), CountingStore()
    store.put_if("k3", {"version": "y.0"}, ABSENT)
    answers = StoreConnection(store, Environment(world, lambda _: None)).put_many_if(claims(5))

    assert store.requests == [5]
    assert [answer == STORED for answer in answers] == [True, True, True, False, True]


def test_a_crash_around_a_transaction_leaves_all_of_it_or_nothing():
    """``commit_with`` dies as a completion does: once it took effect, and never halfway."""
    world, store = stage(in_completion=1), CountingStore()
    connection = StoreConnection(store, Environment(world, lambda _: None))
    with pytest.raises(Killed):
        connection.transact(claims(1, "COMPLETED")[0], [], token="t")
    with pytest.raises(Killed):
        connection.transact(claims(2, "COMPLETED")[1], [], token="t")

    assert set(store.get(["k0", "k1"])) == {"k0"}


def test_a_connection_can_what_its_store_can(world):
    """Where the store has no transactions the library must not find any here."""
    environment = Environment(world, lambda _: None)

    assert not hasattr(StoreConnection(SimpleNamespace(), environment), "transact")
    assert hasattr(StoreConnection(CountingStore(), environment), "transact")


def test_an_answer_after_a_death_is_not_heard():
    """A handler that goes on although its environment died in a thread deletes no message."""

    def install(environment):
        def handler(event, context):
            with pytest.raises(Killed):
                environment.die(Step.IN_WORK)
            return {"batchItemFailures": []}

        return handler

    schedule = draw(20, 1)
    with fake_io() as io:
        world = World(schedule, io, install, namespace="test")
        world.run()

    assert len(world.queue.dead) == len(schedule.messages)


def test_a_stored_key_is_the_library_s():
    """The stage computes keys as the data format's page says, so that it knows whose claim is written."""
    seen = []

    @batch_handler(policies=[Idempotency(MemoryStore(), key="order_id", namespace="shop")])
    def handler(order: dict) -> None:
        seen.append(current_claim().key)

    handler(sqs_event([{"order_id": "order-0001"}]), lambda_context())

    assert seen == [stored_key("shop", "order-0001")]


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
