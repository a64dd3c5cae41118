"""Execution environments: how they begin, what they remember, and how they end."""

from __future__ import annotations

import decimal
from contextvars import ContextVar

import pytest

from resilient_lambda import DynamoDBStore, Idempotency, MemoryStore, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_record
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.history import Kind

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def counter_of(made):
    """Return a ``cold_start`` whose handlers count their own invocations, and note what they are in *made*."""

    def cold_start():
        count = []
        made.append(count)

        def handler(event, context):
            count.append(event)
            return len(count)

        return handler

    return cold_start


def kinds(delivery, *wanted):
    """Return what of *wanted* happened, in order."""
    return [happening.kind for happening in delivery.happenings if happening.kind in wanted]


def runs_until(seeds, faults, wanted, *, steps=3, timeout_s=10.0):
    """Simulate one call for each of *seeds*, until *wanted* is true of it; return that simulation, still open."""
    for seed in seeds:
        delivery = Delivery(seed)

        def handler(event, context, delivery=delivery):
            for number in range(steps):
                delivery.work(1)
                delivery.effect(number)
            return "done"

        delivery.faults(**faults)
        calls = delivery.synchronous(delivery.function(handler, timeout_s=timeout_s))
        calls.send({})
        delivery.run()
        if wanted(delivery, calls):
            return delivery, calls
        delivery.close()
    raise AssertionError("no seed does it")


def test_the_first_invocation_waits_for_a_cold_start(delivery):
    """The next one finds the environment warm."""
    began_s = []
    calls = delivery.synchronous(delivery.function(lambda e, c: began_s.append(delivery.now_s), takes=0.0))
    sent_s = delivery.now_s
    calls.send({})
    calls.send({}, after_s=10)
    delivery.run()

    assert [at_s - sent_s for at_s in began_s] == pytest.approx([0.25, 10.0])


def test_each_environment_has_globals_of_its_own(delivery):
    """``cold_start`` is called for each, and what it makes is that process's."""
    made = []
    calls = delivery.synchronous(delivery.function(cold_start=counter_of(made), takes=1.0))
    for number in range(3):
        calls.send(number)
    calls.send(3, after_s=5)
    delivery.run()

    assert sorted(len(count) for count in made) == [1, 1, 2]


def test_a_handler_is_shared_by_all_environments(delivery):
    """Without ``cold_start`` its globals are those of the test."""
    seen = []
    calls = delivery.synchronous(delivery.function(lambda e, c: seen.append(e), takes=1.0))
    for number in range(3):
        calls.send(number)
    delivery.run()

    assert sorted(seen) == [0, 1, 2]


def test_an_environment_runs_one_invocation_at_a_time(delivery):
    """Ten at once need ten environments; ten in a row need one."""
    at_once, in_a_row = [], []
    first = delivery.synchronous(delivery.function(cold_start=counter_of(at_once), takes=1.0))
    second = delivery.synchronous(delivery.function(cold_start=counter_of(in_a_row), takes=1.0))
    for number in range(10):
        first.send({})
        second.send({}, after_s=number * 5)
    delivery.run()

    assert (len(at_once), len(in_a_row)) == (10, 1)


def test_beyond_its_concurrency_a_function_is_throttled(delivery):
    """The third of three is refused, while two run."""
    function = delivery.function(lambda e, c: None, takes=1.0, concurrency=2)
    calls = delivery.synchronous(function)
    for _ in range(3):
        calls.send({})
    calls.send({}, after_s=5)
    delivery.run()

    assert [reply.kind for reply in calls.replies].count(Kind.THROTTLED) == 1
    assert function.throttles == 1


@pytest.mark.parametrize("idle_s", [60, 3_600])
def test_an_environment_that_was_idle_for_long_is_gone(delivery, idle_s):
    """A minute of idleness is survived, an hour is not."""
    made = []
    calls = delivery.synchronous(delivery.function(cold_start=counter_of(made)))
    calls.send({})
    calls.send({}, after_s=idle_s)
    delivery.run()

    assert len(made) == (1 if idle_s == 60 else 2)


def test_a_handler_is_stopped_at_its_deadline(delivery):
    """However long it would have gone on; nothing of it happens later."""
    seen = []

    def handler(event, context):
        seen.append(context.get_remaining_time_in_millis())
        delivery.work(4)
        seen.append(context.get_remaining_time_in_millis())
        delivery.work(100)
        seen.append("never")

    calls = delivery.synchronous(delivery.function(handler, timeout_s=10))
    began_s = delivery.now_s
    calls.send({})
    delivery.run()

    assert seen == [10_000, 6_000]
    assert delivery.now_s - began_s == pytest.approx(10.25)
    assert calls.replies[0].kind is Kind.TIMED_OUT


@pytest.mark.parametrize(("takes_s", "kind"), [(9.9, Kind.ANSWERED), (10.0, Kind.TIMED_OUT)])
def test_what_an_invocation_costs_counts_towards_its_deadline(delivery, takes_s, kind):
    """Also where the handler lets no time pass itself."""
    calls = delivery.synchronous(delivery.function(lambda e, c: None, timeout_s=10, takes=takes_s))
    calls.send({})
    delivery.run()

    assert calls.replies[0].kind is kind


@pytest.mark.parametrize(
    ("takes", "low_s", "high_s"), [(lambda event: event["takes"], 7.0, 7.0), ((1.0, 3.0), 1.0, 3.0), (2.5, 2.5, 2.5)]
)
def test_an_invocation_costs_what_the_test_says(delivery, takes, low_s, high_s):
    """So many seconds, a function of the event, or something from a range."""
    calls = delivery.synchronous(delivery.function(lambda e, c: None, takes=takes))
    began_s = delivery.now_s
    calls.send({"takes": 7.0})
    delivery.run()
    cost_s = delivery.now_s - began_s - 0.25  # the cold start

    assert low_s - 1e-6 <= cost_s <= high_s + 1e-6


def test_after_a_timeout_or_a_crash_the_next_invocation_finds_a_new_environment(delivery):
    """The old one is gone, with what it knew."""
    made = []

    def cold_start():
        count = []
        made.append(count)

        def handler(event, context):
            count.append(event)
            if event == "exit":
                raise SystemExit(1)
            if event == "hang":
                delivery.work(1_000)

        return handler

    calls = delivery.synchronous(delivery.function(cold_start=cold_start, timeout_s=10))
    for number, event in enumerate(["well", "exit", "well", "hang", "well"]):
        calls.send(event, after_s=number * 30)
    delivery.run()

    assert made == [["well", "exit"], ["well", "hang"], ["well"]]


def test_an_exception_leaves_the_environment_as_it_is(delivery):
    """The process lives, and the next invocation finds its globals."""
    made = []

    def cold_start():
        made.append("environment")
        return lambda event, context: 1 / 0

    calls = delivery.synchronous(delivery.function(cold_start=cold_start))
    for number in range(3):
        calls.send({}, after_s=number)
    delivery.run()

    assert made == ["environment"]
    assert [reply.payload["errorType"] for reply in calls.replies] == ["ZeroDivisionError"] * 3


def test_an_environment_that_cannot_be_loaded_is_an_error_of_the_function(delivery):
    """The next invocation tries again."""
    made = []

    def cold_start():
        made.append("try")
        if len(made) == 1:
            raise ImportError("no module named orders")
        return lambda event, context: "done"

    calls = delivery.synchronous(delivery.function(cold_start=cold_start, concurrency=1), attempts=2)
    calls.send({})
    delivery.run()

    assert [reply.kind for reply in calls.replies] == [Kind.FAILED, Kind.ANSWERED]
    assert calls.replies[0].payload["errorType"] == "ImportError"


@pytest.mark.parametrize(
    "answer", [{1, 2}, b"bytes", object(), lambda: None], ids=["set", "bytes", "object", "function"]
)
def test_an_answer_that_is_no_json_is_a_marshal_error(delivery, answer):
    """The handler returned, and its runtime failed to send that."""
    calls = delivery.synchronous(lambda event, context: answer)
    calls.send({})
    delivery.run()

    (reply,) = calls.replies
    assert reply.kind is Kind.FAILED
    assert reply.payload["errorType"] == "Runtime.MarshalError"


def test_decimals_are_sent_as_numbers(delivery):
    """The runtime client of Python takes what DynamoDB returns."""
    calls = delivery.synchronous(lambda event, context: {"total": decimal.Decimal("1.5")})
    calls.send({})
    delivery.run()

    assert calls.replies[0].payload == {"total": 1.5}


def test_a_handler_that_exits_ends_its_process(delivery):
    """``sys.exit`` is no function error like others: the environment is gone."""

    def handler(event, context):
        raise SystemExit(3)

    calls = delivery.synchronous(handler)
    calls.send({})
    delivery.run()

    (reply,) = calls.replies
    assert reply.kind is Kind.CRASHED
    assert reply.payload["errorType"] == "Runtime.ExitError"


@pytest.mark.parametrize("effects", [[], [0], [0, 1], [0, 1, 2]], ids=len)
def test_a_crash_may_come_before_or_after_every_effect(effects):
    """Some seed ends after each of them; nothing that comes later takes place."""
    delivery, calls = runs_until(range(400), {"crash": 1.0}, lambda found, _: found.effects == effects)
    with delivery:
        assert [reply.kind for reply in calls.replies] == [Kind.CRASHED]


def test_a_crash_may_come_when_all_is_done_and_nobody_has_heard():
    """The answer is lost: every effect took place, and the caller knows of nothing."""
    delivery, calls = runs_until(
        range(400),
        {"crash": 1.0},
        lambda found, _: found.effects == [0, 1, 2] and not any("at " in each.text for each in found.happenings),
    )
    with delivery:
        assert [reply.kind for reply in calls.replies] == [Kind.CRASHED]


def test_a_crash_may_come_before_or_after_every_store_call():
    """Of each call that `Idempotency` makes, some seed ends right before it, and another when it has taken effect."""
    places = set()
    for seed in range(300):
        with Delivery(seed) as delivery:

            @resilient_handler(policies=[Idempotency(DynamoDBStore("table"), key="id", namespace="crashes")])
            def handler(event, context, delivery=delivery):
                delivery.effect("paid")

            delivery.faults(crash=1.0)
            delivery.synchronous(handler).send({"id": 1})
            delivery.run()
            places.update(each.text for each in delivery.happenings if each.kind is Kind.CRASHED)

    assert {
        "at before put_if",
        "at after put_if",
        "at before the effect 'paid'",
        "at after the effect 'paid'",
    } <= places


@pytest.mark.parametrize("effects", [[], [0], [0, 1], [0, 1, 2]], ids=len)
def test_a_handler_may_hang_at_every_step(effects):
    """Lambda stops it at the deadline, not earlier."""
    delivery, calls = runs_until(range(400), {"timeout": 1.0}, lambda found, _: found.effects == effects)
    with delivery:
        assert [reply.kind for reply in calls.replies] == [Kind.TIMED_OUT]
        assert delivery.now_s == pytest.approx(1_800_000_010.25)


def test_lambda_gives_a_frozen_environment_up_and_it_goes_on_when_it_thaws():
    """What takes effect then is kept like everything else, after the invocation was over."""
    delivery, calls = runs_until(range(400), {"freeze": 1.0}, lambda found, _: late_effects(found))
    with delivery:
        assert kinds(delivery, Kind.FROZE, Kind.TIMED_OUT, Kind.THAWED, Kind.ANSWERED) == [
            Kind.FROZE,
            Kind.TIMED_OUT,
            Kind.THAWED,
        ]
        assert [reply.kind for reply in calls.replies] == [Kind.TIMED_OUT]
        assert set(late_effects(delivery)) <= set(delivery.effects)


def late_effects(delivery):
    """Return what took effect after a thaw."""
    places = [place for place, happening in enumerate(delivery.happenings) if happening.kind is Kind.THAWED]
    if not places:
        return []
    return [int(each.text) for each in delivery.happenings[places[0] :] if each.kind is Kind.EFFECT]


def test_a_frozen_environment_does_not_count_towards_concurrency():
    """Lambda has replaced it: the next invocation need not wait for its thaw."""
    refused = frozen = 0
    for seed in range(30):
        with Delivery(seed) as delivery:
            delivery.faults(freeze=0.5)

            def handler(event, context, delivery=delivery):
                delivery.work(1)

            function = delivery.function(handler, concurrency=1, timeout_s=10)
            delivery.synchronous(function, attempts=50, wait_s=0.0).send({})
            delivery.run()
            refused += function.throttles
            frozen += Kind.FROZE in kinds(delivery, Kind.FROZE)

    assert frozen > 0
    assert refused == 0


@pytest.mark.parametrize("fault", ["crash", "timeout", "freeze"])
def test_whoever_swallows_the_end_of_its_environment_ends_all_the_same(fault):
    """A bare ``except`` cannot save a process that is killed: nobody hears its answer, nothing more takes effect."""
    swallowed = 0
    for seed in range(40):
        with Delivery(seed) as delivery:
            ends = []

            def handler(event, context, delivery=delivery, ends=ends):
                for _ in range(4):
                    try:
                        delivery.work(1)
                        if ends:
                            delivery.effect("after the end")
                    except BaseException as error:
                        ends.append(error)
                return "done"

            delivery.faults(**{fault: 1.0})
            calls = delivery.synchronous(handler)
            calls.send({})
            delivery.run()

            assert [reply.kind for reply in calls.replies] in ([Kind.CRASHED], [Kind.TIMED_OUT])
            assert delivery.effects == []
            swallowed += bool(ends)
    assert swallowed > 0


def test_the_clock_of_an_environment_may_be_wrong(delivery):
    """By up to ``skew_s``; each has its own error, and the remaining time is right all the same."""
    errors_s, remaining = set(), set()
    delivery.faults(skew_s=3.0)

    def handler(event, context):
        by_its_clock_s = int(sqs_record("")["attributes"]["SentTimestamp"]) / 1000
        errors_s.add(round(by_its_clock_s - delivery.now_s, 2))
        remaining.add(context.get_remaining_time_in_millis())

    calls = delivery.synchronous(delivery.function(handler, takes=1.0, timeout_s=10))
    for _ in range(20):
        calls.send({})
    delivery.run()

    assert len(errors_s) > 15
    assert min(errors_s) < -1 < 1 < max(errors_s)
    assert all(-3 <= error_s <= 3 for error_s in errors_s)
    assert all(9_999 <= each <= 10_000 for each in remaining)


def test_handlers_see_the_context_variables_of_the_test(delivery):
    """As if the test had called them itself."""
    seen = []
    token = tenant.set("acme")
    try:
        delivery.synchronous(lambda event, context: seen.append(tenant.get())).send({})
        delivery.run()
    finally:
        tenant.reset(token)

    assert seen == ["acme"]


def test_an_assertion_in_a_handler_is_a_function_error(delivery):
    """Like every other exception: a test looks at what is kept, or lets ``pytest.fail`` end it."""

    def handler(event, context):
        assert event == {}, "another event"

    calls = delivery.synchronous(handler)
    calls.send({"a": 1})
    delivery.run()

    assert calls.replies[0].payload["errorType"] == "AssertionError"


def test_a_handler_can_end_the_test(delivery):
    """What is no `Exception` goes through to whoever lets time pass."""

    def handler(event, context):
        pytest.fail("the handler was not to be called")

    delivery.synchronous(handler).send({})

    with pytest.raises(pytest.fail.Exception, match="not to be called"):
        delivery.run()


def test_what_the_library_remembers_is_each_environments_own(delivery):
    """The local cache of one environment is unknown in another, which asks the store."""
    store = Reads(MemoryStore())
    handler = resilient_handler(policies=[Idempotency(delivery.store(store), key="id", namespace="caches")])(
        lambda event, context: "done"
    )
    calls = delivery.synchronous(delivery.function(handler, takes=0.1))
    counts = []
    # The last two come at the same time, so one of them needs a second environment.
    for count in (1, 1, 2):
        for _ in range(count):
            calls.send({"id": 1})
        store.calls = 0
        delivery.run()
        counts.append(store.calls)

    assert [count > 0 for count in counts] == [True, False, True]
    assert [reply.payload for reply in calls.replies] == ["done"] * 4


class Reads:
    """A store, and how often it was called."""

    def __init__(self, store):
        self._store = store
        self.calls = 0

    def __getattr__(self, name):
        self.calls += 1
        return getattr(self._store, name)


def test_a_test_can_reach_stores_and_call_handlers_itself(delivery):
    """Outside of all environments nothing fails, and time stands still."""
    handler = resilient_handler(policies=[Idempotency(DynamoDBStore("table"), key="id", namespace="outside")])(
        lambda event, context: context.aws_request_id
    )
    calls = delivery.synchronous(handler)
    calls.send({"id": 1})
    delivery.faults(store_outage=1.0)
    delivery.run()
    delivery.faults(store_error=1.0, store_outage=1.0)
    at_s = delivery.now_s

    assert handler({"id": 2}, lambda_context(request_id="mine")) == "mine"
    assert handler({"id": 2}, lambda_context(request_id="another")) == "mine"
    assert delivery.now_s == at_s


def test_what_a_handler_does_is_for_handlers(delivery):
    """A test that calls it by mistake is told so, before and after a simulation has run."""
    calls = delivery.synchronous(lambda event, context: None)
    for _ in range(2):
        for ask in (lambda: delivery.work(1), lambda: delivery.effect("x"), delivery.step):
            with pytest.raises(RuntimeError, match="for code of a handler"):
                ask()
        calls.send({})
        delivery.run()

    assert delivery.effects == []


def test_closing_in_the_middle_ends_what_runs():
    """A test may end when it has seen enough; the process gets its own stores back."""
    seen = []
    with Delivery() as delivery:

        def handler(event, context):
            try:
                delivery.work(10)
                seen.append("never")
            finally:
                seen.append("tidied")

        delivery.synchronous(handler).send({})
        delivery.run(5)
        in_the_middle = list(seen)

    assert in_the_middle == []
    assert seen == ["tidied"]
