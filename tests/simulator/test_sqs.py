"""Standard queues: what becomes of a message."""

from __future__ import annotations

from itertools import pairwise

import pytest

from resilient_lambda.testing import sqs_event
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.source import State
from tests.simulator.queues import Recorder, failures, naming, no_failures


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def raises(records):
    """Fail."""
    raise ValueError("no")


def exits(records):
    """Crash."""
    raise SystemExit(1)


def test_a_record_is_as_lambda_makes_it(delivery):
    """It has every field that the documented example has, and the body as text."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler)
    sent = queue.send({"a": 1})
    delivery.run()

    ((record,),) = handler.batches
    (example,) = sqs_event([{"a": 1}])["Records"]
    assert record.keys() == example.keys()
    assert record["attributes"].keys() == example["attributes"].keys()
    assert (record["messageId"], record["body"]) == (sent, '{"a": 1}')
    assert record["md5OfBody"] == example["md5OfBody"]
    assert record["eventSourceARN"] == queue.arn == "arn:aws:sqs:us-east-1:123456789012:sqs"


def test_a_message_is_sent_after_its_time(delivery):
    """Until then there is none."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler)
    sent = queue.send("a", after_s=100)
    delivery.run(for_s=99)

    assert queue.items == {}

    delivery.run()
    assert queue.handled(sent) == 1
    assert handler.began_at_s[0] == pytest.approx(100, abs=1)
    assert handler.attribute("SentTimestamp") == ["1800000100000"]


def test_what_an_answer_does_not_name_is_deleted(delivery):
    """The rest comes again, when its visibility timeout has ended."""
    handler = Recorder(delivery, naming("b"))
    queue = delivery.sqs(handler, visibility_s=100, max_receives=3, dead_letter=True)
    sent = [queue.send(body) for body in "abc"]
    delivery.run()

    assert list(queue.receives.values()) == [1, 3, 1]
    assert [queue.items[id].state for id in sent] == [State.DONE, State.DEAD, State.DONE]
    assert handler.bodies[-2:] == [["b"], ["b"]]


@pytest.mark.parametrize(
    ("answer", "work_s"), [(raises, 0), (exits, 0), (no_failures, 1000), (lambda records: object(), 0)]
)
def test_nothing_but_an_answer_deletes(delivery, answer, work_s):
    """An exception, an exit, a timeout, an answer that is no JSON: the message is back after its timeout."""
    handler = Recorder(delivery, answer, work_s)
    queue = delivery.sqs(handler, visibility_s=100, max_receives=3, dead_letter=True)
    sent = queue.send("a")
    delivery.run()

    assert queue.receives == {sent: 3}
    assert queue.handled(sent) == 0
    for before_s, after_s in pairwise(handler.began_at_s):
        assert 100 - 0.5 <= after_s - before_s <= 101


def test_a_record_tells_of_its_receives(delivery):
    """The count grows, the time of the first one stays, each has a receipt handle of its own."""
    handler = Recorder(delivery, raises)
    queue = delivery.sqs(handler, max_receives=3, dead_letter=True)
    queue.send("a")
    delivery.run()

    assert handler.attribute("ApproximateReceiveCount") == ["1", "2", "3"]
    assert len(set(handler.attribute("ApproximateFirstReceiveTimestamp"))) == 1
    assert len({records[0]["receiptHandle"] for records in handler.batches}) == 3


def test_a_message_is_moved_when_it_would_be_received_too_often(delivery):
    """It stands in the dead-letter queue as it was sent; not after its last failure, but when it would be back."""
    handler = Recorder(delivery, raises)
    queue = delivery.sqs(handler, visibility_s=100, max_receives=5, dead_letter=True)
    sent = queue.send({"a": 1})
    delivery.run()

    (letter,) = queue.dead_letters
    assert (letter.ids, letter.body) == ((sent,), '{"a": 1}')
    assert letter.attributes == {"DeadLetterQueueSourceArn": queue.arn}
    assert len(handler.batches) == 5
    assert delivery.now_s - 1_800_000_000 == pytest.approx(500, abs=3)
    assert queue.lost == []


def test_a_message_is_gone_after_its_retention_period(delivery):
    """One that always fails and has no dead-letter queue is lost."""
    queue = delivery.sqs(Recorder(delivery, raises), visibility_s=100, retention_s=1000)
    sent = queue.send("a")
    delivery.run()

    assert queue.items[sent].state is State.DISCARDED
    assert queue.lost == [sent]
    assert 9 <= queue.receives[sent] <= 10


def test_messages_come_out_of_order(delivery):
    """Roughly as they were sent, and no more than that."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler, max_concurrency=2)
    for number in range(200):
        queue.send(str(number))
    delivery.run()

    order = [int(body) for body in handler.order]
    assert sorted(order) == list(range(200))
    assert order != sorted(order)
    assert max(abs(place - number) for place, number in enumerate(order)) < 100


def test_a_receive_need_not_see_all_messages():
    """Two that are there at the same time come in one batch mostly, and in two sometimes."""
    batches = []
    for seed in range(40):
        with Delivery(seed) as delivery:
            handler = Recorder(delivery)
            queue = delivery.sqs(handler)
            queue.send("a")
            queue.send("b")
            delivery.run()
            batches.append(len(handler.batches))

    assert batches.count(1) > batches.count(2) > 0


def test_a_duplicate_is_delivered_once_more(delivery):
    """Although nothing failed: while it is in flight, or after it was deleted."""
    delivery.faults(duplicate=1.0)
    handler = Recorder(delivery, work_s=1)
    queue = delivery.sqs(handler, batch_size=1)
    for number in range(50):
        queue.send(str(number))
    delivery.run()

    assert set(queue.receives.values()) == {2}
    assert len(queue.handled_more_than_once()) == 50
    assert queue.in_flight == queue.waiting == queue.lost == []
    assert {item.state for item in queue.items.values()} == {State.DONE}


def test_no_duplicate_is_moved_to_the_dead_letter_queue(delivery):
    """A second copy of a message that may be received once only does not come."""
    delivery.faults(duplicate=1.0)
    queue = delivery.sqs(Recorder(delivery), max_receives=1, dead_letter=True)
    sent = queue.send("a")
    delivery.run()

    assert queue.receives == {sent: 1}
    assert queue.dead_letters == []


def test_no_duplicate_comes_of_a_message_that_was_given_up(delivery):
    """What its retention period has ended for, is gone."""

    def answer(records):
        for record in records:
            queue.hide(record["messageId"], 70)
        raise ValueError("no")

    delivery.faults(duplicate=1.0)
    handler = Recorder(delivery, answer)
    queue = delivery.sqs(delivery.function(handler, timeout_s=900), retention_s=60)
    for number in range(30):
        queue.send(str(number))
    delivery.run()

    assert {item.state for item in queue.items.values()} == {State.DISCARDED}
    assert max(handler.began_at_s) < 71


def test_a_simulation_ends_with_its_last_event(delivery):
    """Nobody waits for a visibility timeout that has nothing to hide any more."""
    queue = delivery.sqs(Recorder(delivery))
    queue.send("a")
    began_at_s = delivery.now_s
    delivery.run()

    assert delivery.now_s - began_at_s < 1


def test_a_message_that_nobody_receives_is_gone_after_its_retention_period(delivery):
    """It waits behind others until then, and never reaches the function."""
    handler = Recorder(delivery, work_s=100)
    function = delivery.function(handler, timeout_s=200)
    queue = delivery.sqs(function, batch_size=1, max_concurrency=2, retention_s=60)
    for number in range(6):
        queue.send(str(number))
    delivery.run()

    assert len(handler.batches) == 2
    assert len(queue.lost) == 4


def test_a_late_message_comes_minutes_later(delivery):
    """It says itself when it was sent."""
    delivery.faults(late=1.0)
    handler = Recorder(delivery)
    queue = delivery.sqs(handler)
    queue.send("a")
    delivery.run()

    assert 60 <= handler.began_at_s[0] <= 601
    assert handler.attribute("SentTimestamp") == ["1800000000000"]


@pytest.mark.parametrize("body", ["x" * 1_048_577, "\u00e9" * 524_289])
def test_a_body_that_sqs_does_not_take_is_refused(delivery, body):
    """A mebibyte, in bytes and not in characters, is the most."""
    queue = delivery.sqs(Recorder(delivery))

    with pytest.raises(ValueError, match="1048576 bytes"):
        queue.send(body)


@pytest.mark.parametrize(
    "options",
    [
        {"visibility_s": 29.9},
        {"visibility_s": 43_201},
        {"max_receives": 5},
        {"dead_letter": True},
        {"max_receives": 0, "dead_letter": True},
        {"batch_size": 0},
        {"batch_size": 11},
        {"batch_size": 11, "window_s": 0.5},
        {"batch_size": 10_001, "window_s": 1},
        {"window_s": 301},
        {"max_concurrency": 1},
        {"max_concurrency": 1001},
        {"retention_s": 59},
        {"retention_s": 1_209_601},
    ],
)
def test_an_option_that_aws_refuses_is_refused(delivery, options):
    """A test must not pass with a template that cannot be deployed."""
    with pytest.raises(ValueError, match=next(iter(options))):
        delivery.sqs(Recorder(delivery), **options)


def test_two_failures_of_a_batch_are_two(delivery):
    """Lambda deletes what the answer does not name, and nothing else."""
    handler = Recorder(delivery, lambda records: failures(*(record["messageId"] for record in records)))
    queue = delivery.sqs(handler, max_receives=1, dead_letter=True)
    sent = [queue.send(body) for body in "ab"]
    delivery.run()

    assert sorted(letter.ids[0] for letter in queue.dead_letters) == sent
