"""FIFO queues: groups, their order, and what holds them up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from resilient_lambda.testing import sqs_event
from resilient_lambda.testing.simulator.delivery import Delivery
from resilient_lambda.testing.simulator.source import State, Violation
from tests.simulator.queues import Recorder, failures, naming


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def raises(records):
    """Fail."""
    raise ValueError("no")


def names_from(*bodies):
    """Name, of each group, the first message with one of these bodies and all later ones: what AWS asks for."""

    def answer(records):
        failed, groups = [], set()
        for record in records:
            group = record["attributes"]["MessageGroupId"]
            if record["body"] in bodies or group in groups:
                groups.add(group)
                failed.append(record["messageId"])
        return failures(*failed)

    return answer


def test_a_record_is_as_lambda_makes_it(delivery):
    """It tells of its group, its deduplication id, and its place in the queue."""
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    queue.send("a", group="g", deduplication_id="d")
    queue.send("b", group="g")
    delivery.run()

    record = handler.batches[0][0]
    (example,) = sqs_event(["a"], group="g")["Records"]
    assert record.keys() == example.keys()
    assert record["attributes"].keys() == example["attributes"].keys()
    assert record["eventSourceARN"].endswith(":fifo.fifo")
    assert handler.attribute("MessageGroupId") == ["g", "g"]
    assert handler.attribute("MessageDeduplicationId")[0] == "d"
    first, second = handler.attribute("SequenceNumber")
    assert int(first) < int(second)
    assert len(first) == len(second) == 20


def test_a_group_is_delivered_in_order(delivery):
    """One batch of it at a time, while those of other groups go on beside it."""
    handler = Recorder(delivery, work_s=3)
    queue = delivery.fifo(handler)
    for number in range(200):
        queue.send(str(number), group=str(number % 4))
    delivery.run()

    for group in range(4):
        of_group = [int(body) for body in handler.order if int(body) % 4 == group]
        assert of_group == sorted(of_group)
    assert handler.most > 1
    assert queue.order_violations == []
    assert set(queue.receives.values()) == {1}


def test_one_batch_of_a_group_is_in_flight(delivery):
    """A single group has a function run once at a time, however many of its messages there are."""
    handler = Recorder(delivery, work_s=3)
    queue = delivery.fifo(handler)
    for number in range(100):
        queue.send(str(number), group="g")
    delivery.run()

    assert handler.most == 1
    assert handler.order == [str(number) for number in range(100)]


def test_a_batch_can_hold_several_groups(delivery):
    """Ten messages at most in all, and those of one group stand together."""
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    for number in range(60):
        queue.send(str(number), group=str(number // 3))
    delivery.run()

    groups = [[int(body) // 3 for body in bodies] for bodies in handler.bodies]
    assert max(map(len, groups)) == 10
    assert max(len(set(of_batch)) for of_batch in groups) > 1
    for of_batch in groups:
        assert len(set(of_batch)) == 1 + sum(before != after for before, after in pairwise(of_batch))


def test_a_failed_message_holds_up_its_group(delivery):
    """What was sent meanwhile is delivered after it, and not before it is visible again."""
    handler = Recorder(delivery, names_from("0"))
    queue = delivery.fifo(handler, visibility_s=100, max_receives=3, dead_letter=True)
    for number in range(5):
        queue.send(str(number), group="g", after_s=10 * number)
    delivery.run()

    assert handler.bodies[0] == ["0"]
    assert handler.began_at_s[1] == pytest.approx(100, abs=1)
    assert queue.receives["fifo-1"] == 3
    assert handler.order[-4:] == ["1", "2", "3", "4"]
    assert queue.order_violations == []


def test_a_failed_message_does_not_hold_up_other_groups(delivery):
    """They go on at once."""
    handler = Recorder(delivery, names_from("bad"))
    queue = delivery.fifo(handler, visibility_s=1000, max_receives=2, dead_letter=True)
    queue.send("bad", group="g")
    queue.send("good", group="h", after_s=10)
    delivery.run(for_s=20)

    assert handler.order == ["bad", "good"]
    assert queue.in_flight == ["fifo-1"]


@pytest.mark.parametrize("answer", [raises, lambda records: failures("none of the batch")])
def test_a_failed_batch_holds_up_all_of_its_groups(delivery, answer):
    """Nothing of it is deleted, and it comes again in order."""
    handler = Recorder(delivery, answer)
    queue = delivery.fifo(handler, visibility_s=100, max_receives=2, dead_letter=True)
    for number in range(6):
        queue.send(str(number), group=str(number % 2))
    delivery.run()

    assert set(queue.receives.values()) == {2}
    assert handler.began_at_s[-1] == pytest.approx(100, abs=1)
    for bodies in handler.bodies:
        assert [body for body in bodies if body in "024"] == ["0", "2", "4"]
        assert [body for body in bodies if body in "135"] == ["1", "3", "5"]
    assert len(queue.dead_letters) == 6


def test_the_dead_letter_queue_lets_a_group_go_on(delivery):
    """The message that holds it up is moved when it would be received once too often."""
    handler = Recorder(delivery, names_from("bad"))
    queue = delivery.fifo(handler, visibility_s=100, max_receives=2, dead_letter=True)
    bad = queue.send("bad", group="g")
    queue.send("good", group="g", after_s=50)
    delivery.run()

    assert handler.order.count("bad") == 2
    assert handler.order[-1] == "good"
    assert handler.began_at_s[-1] == pytest.approx(200, abs=2)
    assert [letter.ids for letter in queue.dead_letters] == [(bad,)]
    assert queue.order_violations == []


def test_to_acknowledge_more_of_a_group_than_its_failure_breaks_the_order(delivery):
    """The later message is deleted although the earlier one comes again: the handler should have named both."""
    handler = Recorder(delivery, lambda records: naming("a")(records) if len(handler.batches) == 1 else None)
    queue = delivery.fifo(handler)
    first, second = queue.send("a", group="g"), queue.send("b", group="g")
    delivery.run()

    assert handler.bodies == [["a", "b"], ["a"]]
    assert queue.receives == {first: 2, second: 1}
    assert queue.order_violations == [Violation("g", first, second)]


def test_to_name_all_after_the_failure_keeps_the_order(delivery):
    """They come again together, in order."""
    handler = Recorder(delivery, lambda records: names_from("b")(records) if len(handler.batches) == 1 else None)
    queue = delivery.fifo(handler)
    for body in "abc":
        queue.send(body, group="g")
    delivery.run()

    assert handler.bodies == [["a", "b", "c"], ["b", "c"]]
    assert queue.order_violations == []


@pytest.mark.parametrize(("after_s", "count"), [(0, 1), (299, 1), (301, 2)])
def test_a_second_message_with_a_deduplication_id_is_dropped(delivery, after_s, count):
    """For five minutes, also when the first has been handled long since."""
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    queue.send("a", group="g", deduplication_id="d")
    queue.send("a", group="h", deduplication_id="d", after_s=after_s)
    delivery.run()

    assert len(handler.order) == len(queue.items) == count


def test_a_dropped_message_has_the_id_of_the_first(delivery):
    """It is accepted: whoever sends it does not learn that it was dropped."""
    queue = delivery.fifo(Recorder(delivery))

    assert queue.send("a", group="g", deduplication_id="d") == queue.send("b", group="g", deduplication_id="d")


def test_messages_without_a_deduplication_id_are_two(delivery):
    """Even if they are alike."""
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    queue.send("a", group="g")
    queue.send("a", group="g")
    delivery.run()

    assert handler.order == ["a", "a"]


def test_a_duplicate_is_a_message_whose_deletion_failed(delivery):
    """It comes again after its visibility timeout, and before anything else of its group."""
    delivery.faults(duplicate=1.0)
    handler = Recorder(delivery)
    queue = delivery.fifo(handler, visibility_s=100)
    sent = queue.send("a", group="g")
    queue.send("b", group="g", after_s=10)
    delivery.run()

    assert handler.order[0] == "a"
    assert handler.order.index("b") == 2
    assert handler.began_at_s[1] == pytest.approx(100, abs=1)
    assert queue.receives[sent] == 2
    assert queue.handled(sent) == 2
    assert {item.state for item in queue.items.values()} == {State.DONE}


def test_a_late_message_holds_up_its_group(delivery):
    """The queue keeps the order, not the time."""
    delivery.faults(late=1.0)
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    queue.send("a", group="g")
    delivery.run(for_s=0.0)
    delivery.faults()
    queue.send("b", group="g")
    queue.send("c", group="h")
    delivery.run()

    assert handler.order == ["c", "a", "b"]
    assert 60 <= handler.began_at_s[1] <= 601


def test_a_hidden_message_holds_up_its_group(delivery):
    """All of it waits for as long as the handler asked for one of them."""

    def answer(records):
        if len(handler.batches) == 1:
            queue.hide(records[0]["messageId"], 500)
            return failures(*(record["messageId"] for record in records))
        return None

    handler = Recorder(delivery, answer)
    queue = delivery.fifo(handler, visibility_s=100)
    for body in "ab":
        queue.send(body, group="g")
    delivery.run()

    assert handler.bodies == [["a", "b"], ["a", "b"]]
    assert handler.began_at_s[1] - handler.began_at_s[0] == pytest.approx(500, abs=1)


def test_a_receipt_handle_expires_with_the_visibility_timeout(delivery):
    """A message that is visible again cannot be deleted with it, although nobody has received it yet."""

    def answer(records):
        if len(handler.batches) == 1:
            queue.hide(records[0]["messageId"], 0)

    handler = Recorder(delivery, answer)
    queue = delivery.fifo(delivery.function(handler, takes=0.0))
    sent = queue.send("a", group="g")
    delivery.run()

    assert queue.receives == {sent: 2}


def test_an_older_receipt_handle_deletes_nothing(delivery):
    """Not even while somebody else has the message."""

    def answer(records):
        is_first = len(handler.batches) == 1
        if is_first:
            queue.hide(records[0]["messageId"], 0)
        delivery.work(5 if is_first else 10)

    handler = Recorder(delivery, answer)
    queue = delivery.fifo(handler)
    sent = queue.send("a", group="g")
    delivery.run(for_s=8)

    assert queue.in_flight == [sent]

    delivery.run()
    assert queue.items[sent].state is State.DONE
    assert queue.receives == {sent: 2}


def test_a_receive_need_not_see_all_of_a_group():
    """Two messages come in one batch mostly, and in two sometimes; in order, whatever they do."""
    batches = []
    for seed in range(40):
        with Delivery(seed) as delivery:
            handler = Recorder(delivery)
            queue = delivery.fifo(handler)
            queue.send("a", group="g")
            queue.send("b", group="g")
            delivery.run()
            assert handler.order == ["a", "b"]
            batches.append(len(handler.batches))

    assert batches.count(1) > batches.count(2) > 0


def test_a_group_is_sent_in_the_order_of_time(delivery):
    """Not in that of the calls: what is sent later comes later."""
    handler = Recorder(delivery)
    queue = delivery.fifo(handler)
    queue.send("b", group="g", after_s=20)
    queue.send("a", group="g", after_s=10)
    delivery.run()

    assert handler.order == ["a", "b"]
    assert queue.order_violations == []


@pytest.mark.parametrize("batch_size", [0, 11])
def test_a_batch_of_more_than_ten_is_refused(delivery, batch_size):
    """There is no batching window that could gather it."""
    with pytest.raises(ValueError, match="batch_size"):
        delivery.fifo(Recorder(delivery), batch_size=batch_size)
