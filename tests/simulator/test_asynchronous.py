"""Asynchronous invocation: attempts, throttles, age, duplicates, and what is given up."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from resilient_lambda import Idempotency, MemoryStore, batch_handler, resilient_handler
from resilient_lambda.testing import s3_event, sns_event
from resilient_lambda.testing.simulator.delivery import Delivery

IRRELEVANT_ANSWERS = [None, False, 0, "", {}, [], {"statusCode": 500}, {"batchItemFailures": [{"itemIdentifier": "a"}]}]


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def failing(*kinds):
    """Return a handler whose first runs end so, and how often it ran."""
    runs = []

    def handler(event, context):
        runs.append(context.aws_request_id)
        if len(runs) <= len(kinds):
            kinds[len(runs) - 1]()
        return "done"

    return handler, runs


def raises():
    """Fail."""
    raise ValueError("no")


def exits():
    """Crash."""
    raise SystemExit(1)


@pytest.mark.parametrize("answer", IRRELEVANT_ANSWERS, ids=repr)
def test_whatever_a_handler_returns_is_success(delivery, answer):
    """Nobody waits for the answer, so nothing in it can ask for a retry."""
    calls = delivery.asynchronous(lambda event, context: answer)
    sent = calls.send({})
    delivery.run()

    assert calls.receives == {sent: 1}
    assert calls.handled(sent) == 1


def test_attempts_come_one_and_two_minutes_after_function_errors(delivery):
    """The second attempt comes 60 s after the first failed, the third 120 s after the second."""
    began_s = []

    def handler(event, context):
        began_s.append(delivery.now_s)
        delivery.work(5)
        raise ValueError

    delivery.asynchronous(delivery.function(handler, takes=0.0)).send({})
    delivery.run()

    assert [later - earlier for earlier, later in pairwise(began_s)] == pytest.approx([65, 125])


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_an_event_is_tried_again_as_often_as_retries_say(delivery, retries):
    """``retries`` are further attempts: with 0 there is one in all."""
    handler, runs = failing(*[raises] * 9)
    calls = delivery.asynchronous(handler, retries=retries)
    sent = calls.send({})
    delivery.run()

    assert len(runs) == retries + 1
    assert calls.lost == [sent]


def test_exceptions_crashes_and_timeouts_are_function_errors(delivery):
    """Each of the three spends an attempt."""
    handler, runs = failing(raises, exits, lambda: delivery.work(1_000))
    calls = delivery.asynchronous(handler)
    sent = calls.send({})
    delivery.run()

    assert len(runs) == 3
    assert calls.lost == [sent]


def test_an_answer_that_is_no_json_is_a_function_error(delivery):
    """The runtime cannot send it, although the handler returned."""
    calls = delivery.asynchronous(lambda event, context: {1, 2})
    sent = calls.send({})
    delivery.run()

    assert calls.receives == {sent: 3}


def test_all_attempts_carry_one_request_id(delivery):
    """A handler can tell a retry from a new event by ``aws_request_id``."""
    handler, runs = failing(raises, raises)
    calls = delivery.asynchronous(handler)
    calls.send({})
    delivery.run()
    calls.send({})
    delivery.run()

    assert [runs.count(each) for each in dict.fromkeys(runs)] == [3, 1]


def test_a_duplicate_carries_the_request_id_of_its_event(delivery):
    """An event may be delivered twice although nothing failed."""
    handler, runs = failing()
    delivery.faults(duplicate=1.0)
    calls = delivery.asynchronous(handler)
    sent = calls.send({})
    delivery.run()

    assert runs == [runs[0]] * 2
    assert calls.handled_more_than_once() == [sent]
    assert calls.lost == calls.waiting == calls.in_flight == []


def test_a_duplicate_that_fails_is_tried_again_and_nobody_hears_of_it(delivery):
    """The event was answered, so it is neither lost nor a dead letter."""
    runs = []

    def handler(event, context):
        runs.append(event)
        if len(runs) > 1:
            raise ValueError

    delivery.faults(duplicate=1.0)
    calls = delivery.asynchronous(handler, on_failure="sqs", dead_letter=True)
    calls.send({})
    delivery.run()

    assert len(runs) == 4
    assert calls.dead_letters == calls.lost == calls.waiting == []


def test_an_event_is_in_flight_as_long_as_one_of_its_copies_is(delivery):
    """Also where the other one was answered."""
    delivery.faults(duplicate=1.0)
    calls = delivery.asynchronous(delivery.function(lambda e, c: delivery.work(300), timeout_s=900))
    sent = calls.send({})
    delivery.run(300.5)
    after_the_first = (calls.handled(sent), calls.in_flight)
    delivery.run()

    assert after_the_first == (1, [sent])
    assert calls.in_flight == []


def test_idempotency_has_a_duplicate_take_effect_once(delivery):
    """The promise of the library, against a queue that is only eventually consistent."""

    @resilient_handler(policies=[Idempotency(delivery.store(MemoryStore()), key="id", namespace="duplicates")])
    def handler(event, context):
        delivery.work(100)
        delivery.effect(event["id"])

    delivery.faults(duplicate=1.0)
    calls = delivery.asynchronous(delivery.function(handler, timeout_s=200), key="id")
    for number in range(20):
        calls.send({"id": number})
    delivery.run()

    assert sorted(delivery.effects) == list(range(20))


def test_a_late_event_comes_minutes_later(delivery):
    """Lambda promises no time at which it reads the queue."""
    delivery.faults(late=1.0)
    calls = delivery.asynchronous(lambda event, context: delivery.effect("late"))
    calls.send({})
    delivery.run(60)
    early = list(delivery.effects)
    delivery.run()

    assert early == []
    assert delivery.effects == ["late"]


def test_a_throttled_event_waits_from_one_second_to_five_minutes(delivery):
    """The wait doubles from 1 s on and ends at 300 s."""
    delivery.faults(throttle=1.0)
    function = delivery.function(lambda event, context: None)
    delivery.asynchronous(function).send({})
    seen = []
    for seconds in (0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        delivery.run(seconds)
        seen.append(function.throttles)

    assert seen == list(range(1, 13))


def test_throttles_spend_no_attempt(delivery):
    """An event that was throttled many times still has its three attempts."""
    handler, runs = failing(raises, raises)
    calls = delivery.asynchronous(handler)
    sent = calls.send({})
    delivery.faults(throttle=1.0)
    delivery.run(1_000)
    delivery.faults()
    delivery.run()

    assert len(runs) == 3
    assert calls.handled(sent) == 1
    assert calls.receives == {sent: 3}


def test_an_event_that_becomes_too_old_is_given_up(delivery):
    """Throttles end when the event has reached ``max_age_s``."""
    began_s = delivery.now_s
    delivery.faults(throttle=1.0)
    calls = delivery.asynchronous(lambda event, context: None, max_age_s=90, dead_letter=True)
    calls.send({})
    delivery.run()

    assert delivery.now_s - began_s == 90
    assert [letter.reason for letter in calls.dead_letters] == ["EventAgeExceeded"]


def test_a_retry_that_would_come_too_late_is_not_made(delivery):
    """With ``max_age_s=60`` there is one attempt in all: the second would come after a minute."""
    handler, runs = failing(raises, raises, raises)
    calls = delivery.asynchronous(handler, max_age_s=60, dead_letter=True)
    calls.send({})
    delivery.run()

    assert len(runs) == 1
    assert [letter.reason for letter in calls.dead_letters] == ["EventAgeExceeded"]


def test_age_counts_from_the_arrival_in_the_queue(delivery):
    """An event that was sent later is not older for it."""
    handler, runs = failing()
    delivery.asynchronous(handler, max_age_s=60).send({}, after_s=3_600)
    delivery.run(3_599)
    before = len(runs)
    delivery.run()

    assert (before, len(runs)) == (0, 1)


def test_a_function_without_concurrency_has_its_events_given_up_at_once(delivery):
    """Reserved concurrency 0 means: send everything to the failure destination, without a wait."""
    began_s = delivery.now_s
    calls = delivery.asynchronous(delivery.function(lambda e, c: None, concurrency=0), dead_letter=True)
    sent = calls.send({})
    delivery.run()

    assert delivery.now_s == began_s
    assert [letter.reason for letter in calls.dead_letters] == ["ZeroReservedConcurrency"]
    assert calls.receives == {sent: 0}


def test_a_dead_letter_queue_gets_the_event_itself(delivery):
    """Its body is the event, and the rest stands in attributes."""
    seen = []

    def handler(event, context):
        seen.append(context.aws_request_id)
        raise ValueError("é" * 1_000)

    calls = delivery.asynchronous(handler, dead_letter=True)
    sent = calls.send({"order": 1})
    delivery.run()

    (letter,) = calls.dead_letters
    assert json.loads(letter.body) == {"order": 1}
    assert letter.attributes == {"RequestID": seen[0], "ErrorCode": "200", "ErrorMessage": "é" * 512}
    assert letter.ids == (sent,)
    assert calls.lost == []


def test_a_dead_letter_of_what_never_ran_tells_of_throttles(delivery):
    """Without an answer there is the status of the refusal."""
    delivery.faults(throttle=1.0)
    calls = delivery.asynchronous(lambda event, context: None, max_age_s=60, dead_letter=True)
    calls.send({})
    delivery.run()

    (letter,) = calls.dead_letters
    assert letter.attributes["ErrorCode"] == "429"


def test_each_attempt_has_an_event_of_its_own(delivery):
    """What a handler does to its event is not seen by the next attempt, nor by the sender."""
    seen = []

    def handler(event, context):
        seen.append(list(event["items"]))
        event["items"].clear()
        raise ValueError

    event = {"items": [1]}
    delivery.asynchronous(handler).send(event)
    delivery.run()

    assert seen == [[1]] * 3
    assert event == {"items": [1]}


def test_an_environment_that_thaws_meets_the_next_attempt():
    """Lambda gives a frozen invocation up and tries again; what thaws then takes effect a second time."""
    found = set()
    for seed in range(40):
        with Delivery(seed) as delivery:
            delivery.faults(freeze=0.5)

            def handler(event, context, delivery=delivery):
                delivery.work(1)
                delivery.work(1)
                delivery.effect("paid")

            delivery.asynchronous(delivery.function(handler, timeout_s=60), retries=1).send({})
            delivery.run()
            found.add(len(delivery.effects))

    assert {1, 2} <= found


def test_every_event_is_answered_or_becomes_a_dead_letter():
    """Whatever goes wrong, nothing is lost, and nothing stays in the queue for ever."""
    kept = answered = 0
    for seed in range(60):
        with Delivery(seed) as delivery:
            delivery.faults(crash=0.2, timeout=0.2, freeze=0.1, throttle=0.3, duplicate=0.2, late=0.1)
            function = delivery.function(lambda e, c, d=delivery: d.work(3), concurrency=2)
            calls = delivery.asynchronous(function, max_age_s=900, dead_letter=True)
            ids = [calls.send({}, after_s=number) for number in range(10)]
            delivery.run()

            buried = {id for letter in calls.dead_letters for id in letter.ids}
            assert calls.lost == calls.waiting == calls.in_flight == []
            assert {id for id in ids if calls.handled(id)} | buried == set(ids)
            kept += len(buried)
            answered += len(ids) - len(buried)
    assert kept > 0
    assert answered > 0


def test_an_s3_notification_of_several_objects_is_one_event(delivery):
    """S3 invokes asynchronously; one bad record has the whole event tried again."""
    runs = []

    def handler(event, context):
        runs.append([record["s3"]["object"]["key"] for record in event["Records"]])
        if len(runs) == 1:
            raise ValueError("the second object was not there yet")

    calls = delivery.asynchronous(handler)
    sent = calls.send(s3_event(["a", "b"]))
    delivery.run()

    assert runs == [["a", "b"]] * 2
    assert calls.receives == {sent: 2}


@pytest.mark.parametrize("make", [s3_event, sns_event])
def test_idempotency_has_only_the_failed_records_of_a_notification_run_again(delivery, make):
    """Notifications have no partial answers; what is done is remembered, and skipped."""
    failures = iter([False, True, False])
    runs = []

    @batch_handler(policies=[Idempotency(delivery.store(MemoryStore()), namespace="notifications")])
    def handler(record):
        runs.append(record.id)
        if next(failures):
            raise ValueError("not yet")

    calls = delivery.asynchronous(handler)
    sent = calls.send(make(["a", "b"]))
    delivery.run()

    assert len(runs) == 3
    assert runs[1] == runs[2] != runs[0]
    assert calls.handled(sent) == 1


@pytest.mark.parametrize(
    "options", [{"retries": 3}, {"retries": -1}, {"max_age_s": 59}, {"max_age_s": 21_601}], ids=str
)
def test_options_that_lambda_refuses_are_refused(delivery, options):
    """``retries`` is from 0 to 2, ``max_age_s`` from a minute to six hours."""
    with pytest.raises(ValueError, match=next(iter(options))):
        delivery.asynchronous(lambda event, context: None, **options)


def test_an_event_of_more_than_a_megabyte_is_refused(delivery):
    """So does Lambda, before it has a request id."""
    calls = delivery.asynchronous(lambda event, context: None)

    with pytest.raises(ValueError, match="1048576 asynchronously"):
        calls.send("x" * 1_048_576)
    assert calls.items == {}
