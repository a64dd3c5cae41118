"""What the demo's verdict rests on is sound: the provider, the notary, the ledger, and a stage that spares nobody."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from examples.demo.orders import FATES, Kind, SentOrder, draw
from examples.demo.provider import Notary, Payments
from examples.demo.run import MAX_RECEIVES, Run, with_the_library
from examples.demo.verdict import Account, Ledger, settle
from resilient_lambda import MemoryStore, put_if_absent
from resilient_lambda.stores import ABSENT, STORED, AsRead, Write
from resilient_lambda.testing import Delivery
from resilient_lambda.testing.simulator.history import Kind as Happened


def order(kind: Kind) -> SentOrder:
    """Return an order of *kind*."""
    return next(each for each in draw(60, 1).orders if each.kind is kind)


def charged(*calls: dict, recorded=()) -> tuple[Payments, int]:
    """Return the provider after these calls for a good order, and how often it took the money."""
    name = order(Kind.GOOD).name
    with Delivery() as delivery:
        payments = Payments(delivery, draw(60, 1), recorded)
        calls_of = delivery.synchronous(lambda event, context: payments.charge(name, **event))
        for call in calls:
            calls_of.send(call)
        delivery.run()
    return payments, len(delivery.effects)


@pytest.mark.parametrize(("key", "taken", "recognised"), [("k", 1, 2), (None, 3, 0)])
def test_the_provider_charges_once_per_key_and_once_per_call_without_one(key, taken, recognised):
    """As payment APIs take idempotency keys, so does the demo's; and it says how often one helped."""
    payments, times = charged(*[{"idempotency_key": key}] * 3)

    assert (times, payments.recognised) == (taken, recognised)


@pytest.mark.parametrize(("key", "times"), [("done", 1), ("other", 0), (None, 0)])
def test_what_is_begun_although_it_is_recorded_is_counted(key, times):
    """A run under a key that the store has confirmed as done is held against the library."""
    payments, _ = charged({"idempotency_key": key}, recorded={"done"})

    assert payments.begun_again.total() == times


def item(status: str, version: str = "x.0") -> dict:
    """Return a stored item."""
    return {"status": status, "version": version, "expires_at_s": 1}


def test_a_notary_believes_what_the_store_confirms():
    """Only completions count, and only those that were written, one by one or in bulk."""
    notary = Notary(MemoryStore())
    notary.put_if("claimed", item("IN_PROGRESS"), ABSENT)
    notary.put_if("done", item("COMPLETED"), ABSENT)
    notary.put_if("claimed", item("COMPLETED", "y.1"), AsRead((("version", "y.0"),)))
    bulk = [Write("first", item("COMPLETED"), ABSENT), Write("claimed", item("COMPLETED", "y.1"), ABSENT)]
    answers = notary.put_many_if(bulk)

    assert [answer == STORED for answer in answers] == [True, False]
    assert notary.recorded == {"done", "first"}


def test_a_notary_sees_transactions():
    """``commit_with`` completes a key, too."""
    notary = Notary(MemoryStore())
    notary.transact(Write("k", item("COMPLETED"), ABSENT), [], token="t")
    notary.transact(None, [put_if_absent("ledger", {"id": "a"})], token="u")

    assert notary.recorded == {"k"}


def test_a_notary_can_what_its_store_can():
    """Where the store has no transactions the library must not find any here."""
    assert not hasattr(Notary(SimpleNamespace()), "transact")
    assert hasattr(Notary(MemoryStore()), "transact")


RIGHT = {
    "charges": 1,
    "begun_again": 0,
    "deaths": 0,
    "reasons": frozenset(),
    "is_thrown_out": False,
    "is_lost": False,
    "is_unfinished": False,
}
LOOP = frozenset({"CrashLoopError"})
ODD = frozenset({"OddAnswerError"})


@pytest.mark.parametrize(
    ("kind", "account", "is_right"),
    [
        (Kind.GOOD, {}, True),
        (Kind.GOOD, {"deaths": 3}, True),
        (Kind.GOOD, {"charges": 0, "is_lost": True}, False),
        (Kind.GOOD, {"charges": 2}, False),
        (Kind.GOOD, {"begun_again": 1}, False),
        (Kind.GOOD, {"is_thrown_out": True}, False),
        (Kind.GOOD, {"is_unfinished": True}, False),
        (Kind.GOOD, {"charges": 0, "reasons": LOOP, "deaths": 9}, False),
        (Kind.THROTTLED, {"reasons": ODD}, False),
        (Kind.UNREADABLE, {"charges": 0, "reasons": ODD}, True),
        (Kind.UNREADABLE, {"charges": 1, "reasons": ODD}, False),
        (Kind.UNREADABLE, {"charges": 0}, False),
        (Kind.UNREADABLE, {"charges": 0, "reasons": frozenset({"KeyError"})}, False),
        (Kind.UNREADABLE, {"charges": 0, "reasons": LOOP, "deaths": 1}, False),
        (Kind.UNREADABLE, {"charges": 0, "reasons": ODD | LOOP, "deaths": 2}, True),
        (Kind.KILLER, {"charges": 0, "reasons": LOOP, "deaths": 6}, True),
    ],
)
def test_an_order_is_right_if_it_was_charged_once_or_parked_for_a_true_reason(kind, account, is_right):
    """Everything else breaks the promise; a crash is a reason only if environments died with the order in hand."""
    ledger = Ledger([Account(order(kind), **{**RIGHT, **account})])

    assert ledger.holds is is_right
    assert len(ledger.wrong) == (0 if is_right else 1)


def answering(answer):
    """Return a handler that does nothing and answers so."""
    return lambda run: lambda event, context: answer


def test_a_handler_that_does_nothing_loses_every_order():
    """The verdict is computed from what happened: an answer alone convinces nobody."""
    schedule = draw(20, 1)
    ledger = settle(schedule, Run(schedule, answering(None)))

    assert (ledger.lost, ledger.charged_once, ledger.holds) == (20, 0, False)


def test_what_always_fails_is_thrown_out():
    """After its last receive a message is in the queue's own dead-letter queue, without a reason."""
    schedule = draw(20, 1)
    run = Run(schedule, answering({"batchItemFailures": [{"itemIdentifier": ""}]}))
    ledger = settle(schedule, run)

    assert ledger.thrown_out(is_poison=True) + ledger.thrown_out(is_poison=False) == 20
    assert (ledger.lost, ledger.parked) == (0, 0)
    assert set(run.queue.receives.values()) == {MAX_RECEIVES}


@pytest.fixture(scope="module")
def played():
    """A run of the default size with the library."""
    return with_the_library(draw(300, 7), MemoryStore())


def test_environments_run_at_the_same_time(played):
    """The runs of several environments overlap, as many as the queue allows."""
    ends = {Happened.ANSWERED, Happened.FAILED, Happened.CRASHED, Happened.TIMED_OUT}
    running, most = set(), 0
    for happened in played.delivery.happenings:
        if happened.kind is Happened.STARTED:
            running.add(happened.invocation)
            most = max(most, len(running))
        elif happened.kind in ends:
            running.discard(happened.invocation)

    assert most == 4


def test_a_frozen_environment_goes_on_after_it_was_given_up(played):
    """Some thaw after Lambda has told the queue of a timeout."""
    kinds: dict[int, list[Happened]] = {}
    for happened in played.delivery.happenings:
        kinds.setdefault(happened.invocation, []).append(happened.kind)

    assert [
        each
        for each in kinds.values()
        if Happened.THAWED in each and each.index(Happened.TIMED_OUT) < each.index(Happened.THAWED)
    ]


def test_the_simulator_itself_finds_nothing_to_blame(played):
    """Its own invariants say what the demo's ledger says."""
    queue = played.queue

    assert (queue.lost, queue.handled_more_than_once(), queue.in_flight, queue.waiting) == ([], [], [], [])


@pytest.mark.parametrize("count", [20, 21, 300])
def test_a_schedule_has_every_kind(count):
    """However few the orders, there is at least one of each kind, and each can be told by its body."""
    schedule = draw(count, 9)

    assert [kind for kind in Kind if not schedule.count(kind)] == []
    assert len({each.body for each in schedule.orders}) == count
    assert len(schedule.messages) == sum(each.messages for each in schedule.orders)


def test_what_is_sent_twice_can_be_charged():
    """Second messages are of good orders, and in the place of their sending."""
    schedule = draw(300, 9)
    twice = [each for each in schedule.orders if each.messages > 1]

    assert {each.kind for each in twice} == {Kind.GOOD}
    assert all(schedule.messages.count(each) == 2 for each in twice)
    assert FATES[Kind.GOOD].reason == ""
