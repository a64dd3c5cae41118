"""The event source mapping of a queue: batches, how many at a time, and what a throttle costs."""

from __future__ import annotations

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.source import State
from tests.simulator.queues import Recorder, failures, no_failures


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def raises(records):
    """Fail."""
    raise ValueError("no")


def names_all(records):
    """Name every message."""
    return failures(*(record["messageId"] for record in records))


@pytest.mark.parametrize(("options", "most"), [({}, 10), ({"batch_size": 3}, 3)])
def test_a_batch_has_so_many_messages_at_most(delivery, options, most):
    """Ten if nothing else is said."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler, **options)
    for number in range(100):
        queue.send(str(number))
    delivery.run()

    assert max(map(len, handler.batches)) == most
    assert sorted(handler.order, key=int) == [str(number) for number in range(100)]


def test_a_batch_waits_for_its_window(delivery):
    """It holds what was sent meanwhile, in an invocation of its own."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler, window_s=60)
    for number in range(5):
        queue.send(str(number), after_s=10 * number)
    delivery.run()

    assert handler.bodies == [list("01234")]
    assert handler.began_at_s[0] == pytest.approx(60, abs=1)


def test_a_full_batch_does_not_wait(delivery):
    """The window is how long it waits at most."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler, window_s=60, batch_size=3)
    for number in range(3):
        queue.send(str(number), after_s=10 * number)
    delivery.run()

    assert handler.bodies == [list("012")]
    assert handler.began_at_s[0] == pytest.approx(20, abs=1)


def test_a_large_batch_is_made_of_several_receives(delivery):
    """One receive has ten messages; the window is for more."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler, window_s=5, batch_size=100)
    for number in range(100):
        queue.send(str(number))
    delivery.run()

    assert [len(batch) for batch in handler.batches] == [100]


def test_the_visibility_timeout_runs_while_a_batch_waits(delivery):
    """It begins when the message is received, not when the function gets it."""
    handler = Recorder(delivery, raises)
    queue = delivery.sqs(handler, window_s=60, visibility_s=100, max_receives=2, dead_letter=True)
    queue.send("a")
    delivery.run()

    first_s, second_s = handler.began_at_s
    assert first_s == pytest.approx(60, abs=1)
    assert second_s == pytest.approx(100 + 60, abs=1)


@pytest.mark.parametrize(("window_s", "visibility_s"), [(0, 6 * 30), (20, 6 * 30 + 20)])
def test_a_queue_hides_messages_for_six_timeouts(delivery, window_s, visibility_s):
    """And the window: what AWS recommends is what there is if nothing else is said."""
    handler = Recorder(delivery, raises)
    queue = delivery.sqs(handler, window_s=window_s, max_receives=2, dead_letter=True)
    queue.send("a")
    delivery.run()

    first_s, second_s = handler.began_at_s
    assert second_s - first_s == pytest.approx(visibility_s, abs=1)


def test_a_batch_is_no_larger_than_an_event_may_be(delivery):
    """Ten messages of a mebibyte are two batches: an invocation takes 6 MB."""
    handler = Recorder(delivery)
    queue = delivery.sqs(handler)
    for number in range(10):
        queue.send(str(number) * 1_048_576)
    delivery.run()

    assert len(handler.batches) >= 2
    assert max(sum(map(len, bodies)) for bodies in handler.bodies) <= 6_000_000


def test_lambda_begins_with_five_batches(delivery):
    """And takes its time to have more of them under way."""
    handler = Recorder(delivery, work_s=1)
    queue = delivery.sqs(handler, batch_size=1)
    for number in range(60):
        queue.send(str(number))
    delivery.run()

    assert sum(began_s < 1 for began_s in handler.began_at_s) == 5
    assert 5 < handler.most < 30


def test_maximum_concurrency_limits_the_batches_under_way(delivery):
    """So a function with as much concurrency is never throttled, and no receive is spent."""
    handler = Recorder(delivery, work_s=1)
    function = delivery.function(handler, concurrency=2)
    queue = delivery.sqs(function, batch_size=1, max_concurrency=2)
    for number in range(60):
        queue.send(str(number))
    delivery.run()

    assert handler.most == 2
    assert function.throttles == 0
    assert set(queue.receives.values()) == {1}


def test_a_throttle_can_cost_receives(delivery):
    """A message of a function that has no concurrency is given up without ever having been handled."""
    handler = Recorder(delivery)
    queue = delivery.sqs(delivery.function(handler, concurrency=0), max_receives=3, dead_letter=True)
    sent = queue.send("a")
    delivery.run()

    assert handler.batches == []
    assert queue.receives == {sent: 3}
    assert queue.items[sent].state is State.DEAD


def test_receives_are_no_attempts(delivery):
    """A message whose receives were spent by throttles counts them when it is handled at last."""
    handler = Recorder(delivery)
    function = delivery.function(handler, concurrency=0)
    queue = delivery.sqs(function)
    queue.send("a")
    delivery.run(for_s=600)
    function.concurrency = 1
    delivery.run(for_s=600)

    (count,) = handler.attribute("ApproximateReceiveCount")
    assert int(count) > 1


def test_a_throttled_batch_is_tried_again_while_its_messages_are_hidden(delivery):
    """Some messages are handled later, and have been received once."""
    delivery.faults(throttle=0.5)
    handler = Recorder(delivery)
    function = delivery.function(handler)
    queue = delivery.sqs(function, batch_size=1)
    for number in range(40):
        queue.send(str(number))
    delivery.run(for_s=6 * 30)

    counts = handler.attribute("ApproximateReceiveCount")
    late = [count for count, began_s in zip(counts, handler.began_at_s, strict=True) if began_s > 5]
    assert "1" in late
    assert function.throttles > 0


def test_exceptions_slow_lambda_down(delivery):
    """With five failures in the first round, few batches at a time are left of the second."""
    handler = Recorder(delivery, raises, work_s=10)
    queue = delivery.sqs(handler, batch_size=1, max_receives=3, dead_letter=True)
    for number in range(40):
        queue.send(str(number))
    delivery.run()

    later = [began_s for began_s in handler.began_at_s if 15 < began_s < 100]
    assert len(later) <= 12


def test_partial_answers_do_not_slow_lambda_down():
    """A handler that names every message has as many batches under way as one that names none."""

    def took_s(answer):
        with Delivery() as simulation:
            handler = Recorder(simulation, answer, work_s=10)
            queue = simulation.sqs(handler, batch_size=1, max_receives=1, dead_letter=True)
            for number in range(40):
                queue.send(str(number))
            simulation.run()
            return handler.began_at_s[-1]

    assert took_s(names_all) == took_s(no_failures)
    assert took_s(raises) > took_s(no_failures)


def test_lambda_grows_again_after_failures(delivery):
    """What follows the last of them does not take as long as if there were one batch at a time."""
    handler = Recorder(delivery, lambda records: raises(records) if len(handler.batches) <= 20 else None, work_s=5)
    queue = delivery.sqs(handler, batch_size=1)
    for number in range(300):
        queue.send(str(number))
    delivery.run()

    assert queue.lost == queue.waiting == []
    assert handler.began_at_s[-1] < 300


def test_two_queues_share_a_function(delivery):
    """Each has its own messages and its own mapping."""
    handler = Recorder(delivery)
    function = delivery.function(handler)
    queues = [delivery.sqs(function), delivery.sqs(function), delivery.sqs(function, name="third")]
    sent = [queue.send(queue.arn) for queue in queues]
    delivery.run()

    assert len({queue.arn for queue in queues}) == len(set(sent)) == 3
    assert sorted(handler.order) == sorted(queue.arn for queue in queues)
    assert all(records[0]["body"] == records[0]["eventSourceARN"] for records in handler.batches)
    assert [queue.handled(id) for queue, id in zip(queues, sent, strict=True)] == [1, 1, 1]
