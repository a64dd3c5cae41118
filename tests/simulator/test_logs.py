"""What Kinesis, DynamoDB streams and Kafka have in common: batches, checkpoints, and what comes again."""

from __future__ import annotations

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery

from .logs import LOGS, Scripted, answer, send_all

pytestmark = pytest.mark.parametrize("kind", LOGS)


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def test_records_come_in_order_in_batches(delivery, kind):
    """No batch is larger than asked for, and the next one comes when the last one is done."""
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler, batch_size=4)
    send_all(kind, source, 10)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert source.lost == source.waiting == source.in_flight == []


def test_what_is_sent_later_is_delivered_later(delivery, kind):
    """``after_s`` counts from the call, and the id is the one that the record has then."""
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler)
    late = kind.send(source, "late", after_s=60)
    early = kind.send(source, "early")
    delivery.run()

    assert handler.batches == [["early"], ["late"]]
    assert list(source.items) == [early, late]
    assert source.order_violations == []


def test_a_window_gathers_records(delivery, kind):
    """It begins with the first record that is read; whatever comes until it ends is of the same batch."""
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler, window_s=60)
    for id in range(5):
        kind.send(source, id, after_s=20 * id)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3], [4]]


def test_a_full_batch_does_not_wait_for_the_end_of_the_window(delivery, kind):
    """Lambda invokes as soon as it has as many records as a batch may have."""
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler, window_s=300, batch_size=3)
    for id in range(3):
        kind.send(source, id, after_s=10 * id)
    delivery.run(25)

    assert handler.batches == [[0, 1, 2]]


def test_a_batch_ends_before_it_is_larger_than_6_mb(delivery, kind):
    """Whatever its size in records."""
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler)
    for id in range(3):
        kind.send(source, f"{id}{'x' * 2_500_000}")
    delivery.run()

    assert [len(batch) for batch in handler.batches] == [1, 1, 1]


def test_everything_from_the_reported_record_on_comes_again(delivery, kind):
    """What was before it is done; what was behind it has been handled for nothing."""
    handler = Scripted(kind, delivery, fails={3: 1})
    source = kind.make(delivery, handler)
    send_all(kind, source, 6)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3, 4, 5], [3, 4, 5]]
    assert source.lost == source.order_violations == []


def test_the_lowest_number_is_the_checkpoint(delivery, kind):
    """However many an answer names, in whatever order; not as texts: lengths differ."""
    batches = []

    def handler(event, context):
        records = kind.records(event)
        batches.append([id for id, _ in records])
        return answer(records[10][1], records[5][1], records[11][1]) if len(batches) == 1 else None

    source = kind.make(delivery, handler)
    send_all(kind, source, 12)
    delivery.run()

    assert batches == [list(range(12)), list(range(5, 12))]


@pytest.mark.parametrize("value", [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_that_reports_nothing_acknowledges_the_batch(delivery, kind, value):
    """So does a forgotten ``return``."""
    source = kind.make(delivery, lambda event, context: value)
    send_all(kind, source, 3)
    delivery.run()

    assert delivery.invocations == 1
    assert source.waiting == []


@pytest.mark.parametrize("identifier", ["", None, "no record of the batch", {"partition": "topic-0", "offset": 99}])
def test_an_identifier_of_no_record_fails_the_whole_batch(delivery, kind, identifier):
    """Those that it should name are retried with all others."""
    batches = []

    def handler(event, context):
        records = kind.records(event)
        batches.append([id for id, _ in records])
        return answer(records[2][1], identifier) if len(batches) == 1 else None

    source = kind.make(delivery, handler)
    send_all(kind, source, 3)
    delivery.run()

    assert batches == [[0, 1, 2], [0, 1, 2]]


def test_a_wrong_key_in_the_answer_fails_the_whole_batch(delivery, kind):
    """Lambda finds no ``itemIdentifier``."""
    batches = []

    def handler(event, context):
        records = kind.records(event)
        batches.append([id for id, _ in records])
        return {"batchItemFailures": [{"itemId": records[2][1]}]} if len(batches) == 1 else None

    source = kind.make(delivery, handler)
    send_all(kind, source, 3)
    delivery.run()

    assert batches == [[0, 1, 2], [0, 1, 2]]


def test_without_partial_answers_nothing_that_is_returned_counts(delivery, kind):
    """A mapping that lacks ReportBatchItemFailures takes every answer for success."""
    handler = Scripted(kind, delivery, fails=[1])
    source = kind.make(delivery, handler, partial=False)
    sent = send_all(kind, source, 3)
    delivery.run()

    assert handler.batches == [[0, 1, 2]]
    assert source.lost == sent[1:]


def test_an_exception_brings_the_whole_batch_again(delivery, kind):
    """From its beginning, whatever had been done."""
    handler = Scripted(kind, delivery, raises={2: 1})
    source = kind.make(delivery, handler)
    send_all(kind, source, 4)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3], [0, 1, 2, 3]]


def test_a_timeout_brings_the_whole_batch_again(delivery, kind):
    """Lambda has no answer."""
    batches = []

    def handler(event, context):
        batches.append([id for id, _ in kind.records(event)])
        delivery.work(60 if len(batches) == 1 else 1)

    source = kind.make(delivery, delivery.function(handler, timeout_s=10))
    send_all(kind, source, 3)
    delivery.run()

    assert batches == [[0, 1, 2], [0, 1, 2]]


def test_a_crash_brings_the_whole_batch_again(delivery, kind):
    """Lambda has no answer."""
    batches = []

    def handler(event, context):
        batches.append([id for id, _ in kind.records(event)])
        if len(batches) == 1:
            raise SystemExit(1)

    source = kind.make(delivery, handler)
    send_all(kind, source, 3)
    delivery.run()

    assert batches == [[0, 1, 2], [0, 1, 2]]


def test_a_throttled_batch_spends_no_retry(delivery, kind):
    """It has not reached the function: neither a retry nor a receive is counted."""
    delivery.faults(throttle=1.0)
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler, retries=0)
    send_all(kind, source, 3)
    delivery.run(3600)

    assert handler.batches == []
    assert set(source.receives.values()) == {0}
    assert source.dead_letters == source.lost == []

    delivery.faults()
    delivery.run()

    assert handler.batches == [[0, 1, 2]]


def test_nothing_passes_a_batch_that_fails(delivery, kind):
    """Records that come meanwhile wait behind it."""
    handler = Scripted(kind, delivery, fails={1: 5})
    source = kind.make(delivery, handler)
    send_all(kind, source, 2)
    kind.send(source, 2, after_s=1.5)
    delivery.run()

    assert handler.batches == [[0, 1], [1], [1], [1], [1], [1], [2]]


def test_a_lost_checkpoint_brings_records_again(delivery, kind):
    """Each from the one on at which it struck, once, although nothing failed."""
    delivery.faults(duplicate=1.0)
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler, batch_size=2)
    send_all(kind, source, 4)
    delivery.run()

    assert handler.batches == [[0, 1], [0, 1], [2, 3], [2, 3]]
    assert source.handled_more_than_once() == [0, 1, 2, 3]
    assert source.order_violations == source.lost == []


def test_what_was_done_before_its_checkpoint_was_lost_is_not_lost(delivery, kind):
    """Even if it is given up when it has come again."""
    delivery.faults(duplicate=1.0)
    batches = []

    def handler(event, context):
        batches.append([id for id, _ in kind.records(event)])
        if len(batches) > 1:
            raise ValueError

    source = kind.make(delivery, handler, key=None, retries=1)
    send_all(kind, source, 2)
    delivery.run()

    assert batches == [[0, 1]] * 3
    assert source.lost == source.waiting == source.in_flight == []


def test_a_late_record_holds_up_what_is_behind_it(delivery, kind):
    """Whoever reads the shard lags by minutes; the order is kept."""
    delivery.faults(late=1.0)
    handler = Scripted(kind, delivery)
    source = kind.make(delivery, handler)
    send_all(kind, source, 3)
    delivery.run(for_s=0.0)
    delivery.faults()
    kind.send(source, 3)
    began_s = delivery.now_s
    delivery.run()

    assert 60 <= delivery.now_s - began_s < 700
    assert [id for batch in handler.batches for id in batch] == [0, 1, 2, 3]


def test_every_retry_is_an_invocation_with_an_id_of_its_own(delivery, kind):
    """Only asynchronous invocation keeps the request id."""
    ids = []

    def handler(event, context):
        ids.append(context.aws_request_id)
        raise ValueError

    source = kind.make(delivery, handler, retries=2)
    send_all(kind, source, 1)
    delivery.run()

    assert len(set(ids)) == 3


def test_what_a_handler_does_to_its_event_stays_there(delivery, kind):
    """Each delivery is JSON made anew."""

    def handler(event, context):
        seen.append(kind.records(event))
        event.clear()
        if len(seen) == 1:
            raise ValueError

    seen = []
    source = kind.make(delivery, handler)
    send_all(kind, source, 2)
    delivery.run()

    assert seen[0] == seen[1]
