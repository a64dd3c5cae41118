"""The harness itself: the queue redelivers as SQS behind an event source mapping does."""

from __future__ import annotations

import json
import random

import pytest

from .environment import Answered, Died, Failed, TimedOut
from .queue import Queue, event_of, failed_ids


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock():
    """Return a clock at zero."""
    return Clock()


def answered(*failed: str) -> Answered:
    """Return an answer that sends *failed* back."""
    return Answered("r", {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}, 0.1)


def test_answer_without_failures_empties_the_queue(clock):
    """A batch that is answered with no failures is deleted."""
    queue = Queue(visibility_s=1, now=clock)
    queue.send({"order_id": "a"})
    queue.settle(queue.receive(), answered())

    assert queue.is_empty


def test_named_message_comes_back_after_the_visibility_timeout(clock):
    """Only the failed message is delivered again, with one more receive, and not before its time."""
    queue = Queue(visibility_s=1, now=clock)
    failed = queue.send({"order_id": "a"})
    queue.send({"order_id": "b"})
    queue.settle(queue.receive(), answered(failed))
    clock.s = 0.9
    too_early = queue.receive()
    clock.s = 1.0
    again = queue.receive()

    assert too_early == []
    assert [(delivery.id, delivery.receives) for delivery in again] == [(failed, 2)]


@pytest.mark.parametrize("result", [Failed("r", {}), TimedOut("r"), Died("r", -9)])
def test_batch_without_an_answer_comes_back_whole(clock, result):
    """After an exception, a timeout or a kill every message of the batch is delivered again."""
    queue = Queue(visibility_s=1, now=clock)
    ids = {queue.send({"order_id": name}) for name in "ab"}
    queue.settle(queue.receive(), result)
    clock.s = 1.0

    assert {delivery.id for delivery in queue.receive()} == ids


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrongKey": "a"}]}, {"a", "b"}),
    ],
)
def test_answer_means_what_it_means_to_lambda(answer, expected):
    """No failures let all go; an identifier that is not in the batch sends all back."""
    assert failed_ids(answer, {"a", "b"}) == expected


def test_old_receipt_deletes_nothing(clock):
    """A receiver that answers after the message was delivered again cannot delete it."""
    queue = Queue(visibility_s=1, now=clock)
    queue.send({"order_id": "a"})
    slow = queue.receive()
    clock.s = 1.0
    quick = queue.receive()
    queue.settle(slow, answered())
    is_empty_after_slow = queue.is_empty
    queue.settle(quick, answered())

    assert not is_empty_after_slow
    assert queue.is_empty


def test_message_received_too_often_is_set_aside(clock):
    """The receive after the last allowed one puts the message among the dead instead of delivering it."""
    queue = Queue(visibility_s=1, max_receives=2, now=clock)
    message = queue.send({"order_id": "a"})
    for clock.s in (0.0, 1.0):
        queue.settle(queue.receive(), Died("r", -9))
    clock.s = 2.0

    assert queue.receive() == []
    assert [dead.id for dead in queue.dead] == [message]
    assert queue.is_empty


def test_twin_is_delivered_to_two_receivers_at_once(clock):
    """A receive that does not hide the message lets the next receiver have it too."""
    queue = Queue(visibility_s=1, twins=1.0, rng=random.Random(1), now=clock)
    message = queue.send({"order_id": "a"})

    assert [delivery.id for delivery in queue.receive() + queue.receive()] == [message, message]


def test_ghost_is_delivered_once_more_after_its_deletion(clock):
    """A deleted message appears once again, and then never."""
    queue = Queue(visibility_s=1, ghosts=1.0, rng=random.Random(1), now=clock)
    message = queue.send({"order_id": "a"})
    queue.settle(queue.receive(), answered())
    ghost = queue.receive()
    queue.settle(ghost, answered())

    assert [delivery.id for delivery in ghost] == [message]
    assert queue.is_empty


def test_event_is_what_sqs_sends(clock):
    """A record carries id, body and receive count under the names of the real event."""
    queue = Queue(visibility_s=1, now=clock)
    message = queue.send({"order_id": "a"})
    (record,) = event_of(queue.receive())["Records"]

    assert (record["messageId"], json.loads(record["body"])) == (message, {"order_id": "a"})
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["eventSource"] == "aws:sqs"
