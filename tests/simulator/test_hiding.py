"""Messages whose visibility timeout somebody changes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from resilient_lambda import Backoff, DeadLetter, NonRetryableError, RetryableError, batch_handler
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.source import State
from tests.simulator.queues import Recorder, failures, naming


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def failing(delivery, hide, **options):
    """Return a queue and its handler, which always fails, and calls *hide* with the queue and the id before."""
    took = []

    def answer(records):
        took.append(hide(queue, records[0]["messageId"]))
        return failures(*(record["messageId"] for record in records))

    handler = Recorder(delivery, answer)
    queue = delivery.sqs(handler, visibility_s=100, **{"max_receives": 2, "dead_letter": True, **options})
    queue.send("a")
    delivery.run()
    return queue, handler, took


@pytest.mark.parametrize("seconds", [0, 10, 1000])
def test_a_hidden_message_comes_back_when_the_handler_said(delivery, seconds):
    """From the call on; the partial answer that names it changes nothing."""
    _, handler, took = failing(delivery, lambda queue, id: queue.hide(id, seconds))

    first_s, second_s = handler.began_at_s
    assert took == [True, True]
    assert second_s - first_s == pytest.approx(seconds, abs=0.5)


def test_the_newest_change_counts(delivery):
    """A shorter one after a longer one, too."""
    _, handler, _ = failing(delivery, lambda queue, id: queue.hide(id, 1000) and queue.hide(id, 50))

    first_s, second_s = handler.began_at_s
    assert second_s - first_s == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_twelve_hours_are_the_most_that_can_be_asked_for(delivery, seconds):
    """SQS refuses the request."""
    queue = delivery.sqs(Recorder(delivery))

    with pytest.raises(ValueError, match="43200"):
        queue.hide("a", seconds)


def test_a_message_is_hidden_for_twelve_hours_from_its_first_receive(delivery):
    """What would be more is refused, and the message comes back as if nothing had been asked."""
    asked = iter([43_200, 43_000, 43_000])
    _, handler, took = failing(delivery, lambda queue, id: queue.hide(id, next(asked)), max_receives=3)

    waits = [after_s - before_s for before_s, after_s in pairwise(handler.began_at_s)]
    assert took == [False, True, False]
    assert waits == [pytest.approx(100, abs=1), pytest.approx(43_000, abs=1)]


def test_only_a_message_in_flight_can_be_hidden(delivery):
    """Not one that waits, not one that was deleted, not one that there never was."""
    queue = delivery.sqs(Recorder(delivery))
    sent = queue.send("a")

    assert queue.hide(sent, 10) is False

    delivery.run()
    assert queue.hide(sent, 10) is False
    assert queue.hide("another", 10) is False


def test_a_message_can_be_deleted_after_it_was_hidden(delivery):
    """To hide it is not to fail it."""

    def hides(records):
        queue.hide(records[0]["messageId"], 1000)

    queue = delivery.sqs(Recorder(delivery, hides))
    sent = queue.send("a")
    delivery.run()

    assert queue.receives == {sent: 1}
    assert queue.items[sent].state is State.DONE


def test_a_message_made_visible_is_delivered_while_its_handler_still_runs(delivery):
    """The first answer comes with an older receipt handle then: it deletes nothing, and does no harm."""

    def slow_at_first(records):
        if records[0]["attributes"]["ApproximateReceiveCount"] == "1":
            queue.hide(records[0]["messageId"], 0)
            delivery.work(5)
            states.append(queue.items[sent].state)
        else:
            delivery.work(10)

    states = []
    handler = Recorder(delivery, slow_at_first)
    queue = delivery.sqs(handler)
    sent = queue.send("a")
    delivery.run(for_s=8)

    assert states == [State.IN_FLIGHT]
    assert queue.in_flight == [sent]
    assert handler.most == 2

    delivery.run()
    assert queue.items[sent].state is State.DONE
    assert queue.receives == {sent: 2}
    assert queue.handled(sent) == 2


def test_the_handler_of_an_older_delivery_hides_nothing(delivery):
    """Its receipt handle is not the newest any more."""

    def answer(records):
        if records[0]["attributes"]["ApproximateReceiveCount"] == "1":
            queue.hide(records[0]["messageId"], 0)
            delivery.work(5)
            took.append(queue.hide(records[0]["messageId"], 1000))
        else:
            delivery.work(10)

    took = []
    queue = delivery.sqs(Recorder(delivery, answer))
    queue.send("a")
    delivery.run()

    assert took == [False]


def test_a_visible_message_is_deleted_with_its_newest_receipt_handle(delivery):
    """In a standard queue one that nobody has received since its timeout ended is deleted all the same."""

    def answer(records):
        queue.hide(records[0]["messageId"], 0)

    queue = delivery.sqs(delivery.function(Recorder(delivery, answer), takes=0.0))
    sent = queue.send("a")
    delivery.run()

    assert queue.receives == {sent: 1}
    assert queue.items[sent].state is State.DONE


def test_handlers_of_the_library_hide_their_messages(delivery):
    """What ``visibility=`` says is when a failed message is back."""
    began_at_s = []

    @batch_handler(visibility=Backoff(base_s=400, cap_s=400))
    def handler(body: dict) -> None:
        began_at_s.append(delivery.now_s)
        raise RetryableError("not yet")

    queue = delivery.sqs(handler, max_receives=2, dead_letter=True)
    queue.send({"a": 1})
    delivery.run()

    first_s, second_s = began_at_s
    assert 400 <= second_s - first_s <= 1.25 * 400 + 1


def test_what_a_handler_sets_aside_is_not_lost(delivery):
    """It is among the dead letters of its queue, and done for the queue itself."""

    @batch_handler(dead_letter=DeadLetter.sqs(url="https://sqs.us-east-1.amazonaws.com/123456789012/aside"))
    def handler(body: dict) -> None:
        raise NonRetryableError("never")

    queue = delivery.sqs(handler, key="a")
    sent = queue.send({"a": 1})
    delivery.run()

    (letter,) = queue.dead_letters
    assert (letter.ids, letter.body) == ((sent,), '{"a": 1}')
    assert "NonRetryableError" in letter.reason
    assert queue.items[sent].state is State.DONE
    assert queue.lost == []


def test_partial_answers_leave_a_hidden_message_hidden(delivery):
    """Lambda deletes the others, and no more."""

    def answer(records):
        for record in records:
            if record["body"] == "b":
                queue.hide(record["messageId"], 500)
        return naming("b")(records)

    handler = Recorder(delivery, answer)
    queue = delivery.sqs(handler, max_receives=2, dead_letter=True)
    for body in "abc":
        queue.send(body)
    delivery.run()

    assert handler.order.count("b") == 2
    assert handler.began_at_s[-1] - handler.began_at_s[0] == pytest.approx(500, abs=1)
