"""What Kinesis, DynamoDB streams and Kafka have in common: retries, bisection, ages, and what is left in the end."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery

from .logs import LOGS, Scripted, send_all

pytestmark = pytest.mark.parametrize("kind", LOGS)


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


def test_a_batch_without_retries_left_is_discarded(delivery, kind):
    """All of it that is behind the checkpoint, also what would have succeeded; nobody is told."""
    handler = Scripted(kind, delivery, fails=[1])
    source = kind.make(delivery, handler, retries=2)
    sent = send_all(kind, source, 3)
    delivery.run()

    assert handler.batches == [[0, 1, 2], [1, 2], [1, 2]]
    assert source.lost == sent[1:]
    assert source.dead_letters == []


def test_records_behind_a_discarded_batch_are_delivered(delivery, kind):
    """The shard goes on."""
    handler = Scripted(kind, delivery, raises=[0])
    source = kind.make(delivery, handler, retries=1, batch_size=2)
    sent = send_all(kind, source, 4)
    delivery.run()

    assert handler.batches == [[0, 1], [0, 1], [2, 3]]
    assert source.lost == sent[:2]


def test_without_a_limit_a_batch_is_retried_until_it_expires(delivery, kind):
    """After the retention period its records are gone, and those behind it too, if they are as old."""
    handler = Scripted(kind, delivery, raises=[0])
    source = kind.make(delivery, handler, batch_size=2, retention_s=3600)
    sent = send_all(kind, source, 3)
    kind.send(source, 3, after_s=600)
    delivery.run()

    assert len(handler.batches) > 60
    assert handler.batches[-1] == [3]
    assert source.lost == sent


def test_waits_grow_up_to_a_minute(delivery, kind):
    """How long they are on AWS is not documented."""
    began = []

    def handler(event, context):
        began.append(delivery.now_s)
        raise ValueError

    source = kind.make(delivery, handler, retries=12)
    send_all(kind, source, 1)
    delivery.run()
    waits = [later - earlier for earlier, later in pairwise(began)]

    assert len(waits) == 12
    assert 0.5 < waits[0] < 1.5
    assert all(30 < wait < 61 for wait in waits[7:])


def test_bisection_halves_a_batch_after_a_function_error(delivery, kind):
    """One half after the other, and without spending a retry, until the record that raises is alone."""
    handler = Scripted(kind, delivery, raises=[2])
    source = kind.make(delivery, handler, retries=1, bisect=True)
    sent = send_all(kind, source, 4)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3], [0, 1], [2, 3], [2], [2], [3]]
    assert source.lost == sent[2:3]
    assert source.order_violations == []


def test_bisection_cuts_at_the_reported_record(delivery, kind):
    """Only what remains is retried, and to cut is no retry."""
    handler = Scripted(kind, delivery, fails=[2])
    source = kind.make(delivery, handler, retries=1, bisect=True)
    sent = send_all(kind, source, 4)
    delivery.run()

    assert handler.batches == [[0, 1, 2, 3], [2, 3], [2], [2], [3]]
    assert source.lost == sent[2:3]


def test_the_last_record_of_a_batch_is_cut_off_for_nothing(delivery, kind):
    """That it is alone in what remains does not make the cut a retry."""
    handler = Scripted(kind, delivery, fails=[2])
    source = kind.make(delivery, handler, retries=1, bisect=True)
    send_all(kind, source, 3)
    delivery.run()

    assert handler.batches == [[0, 1, 2], [2], [2]]


def test_a_record_that_is_too_old_is_given_up_before_a_retry(delivery, kind):
    """Its age counts from when it was sent."""
    handler = Scripted(kind, delivery, raises=[0])
    source = kind.make(delivery, handler, record_age_s=60)
    sent = send_all(kind, source, 1)
    began_s = delivery.now_s
    delivery.run()

    assert 60 < delivery.now_s - began_s < 130
    assert len(handler.batches) > 4
    assert source.lost == sent


def test_a_record_that_became_too_old_in_its_shard_never_comes(delivery, kind):
    """Lambda looks at the age before the first attempt, too; what is younger comes."""
    handler = Scripted(kind, delivery, raises=[0])
    source = kind.make(delivery, handler, record_age_s=60, batch_size=1)
    sent = send_all(kind, source, 2)
    kind.send(source, 2, after_s=50)
    delivery.run()

    assert [1] not in handler.batches
    assert handler.batches[-1] == [2]
    assert source.lost == sent


@pytest.mark.parametrize("destination", ["sqs", "sns"])
def test_the_destination_gets_metadata_after_partial_answers(delivery, kind, destination):
    """The function has answered: there is no function error."""
    handler = Scripted(kind, delivery, fails=[1])
    source = kind.make(delivery, handler, retries=3, on_failure=destination)
    sent = send_all(kind, source, 3)
    delivery.run()
    (letter,) = source.dead_letters
    record = json.loads(letter.body)

    assert letter.ids == tuple(sent[1:])
    assert record["requestContext"] == {
        "requestId": record["requestContext"]["requestId"],
        "functionArn": source.function.arn,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 4,
    }
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    assert record["version"] == "1.0"
    assert set(record) == {"requestContext", "responseContext", "version", "timestamp", kind.info_name}
    assert record[kind.info_name]["batchSize"] == 2
    assert source.lost == []


def test_the_destination_is_told_of_function_errors(delivery, kind):
    """Whatever the exception was."""
    handler = Scripted(kind, delivery, raises=[1])
    source = kind.make(delivery, handler, retries=0, on_failure="sqs")
    send_all(kind, source, 3)
    delivery.run()
    (letter,) = source.dead_letters

    assert json.loads(letter.body)["responseContext"]["functionError"] == "Unhandled"
    assert json.loads(letter.body)["requestContext"]["approximateInvokeCount"] == 1


def test_the_destination_is_told_of_records_that_were_too_old(delivery, kind):
    """There is no ``responseContext`` then."""
    handler = Scripted(kind, delivery, raises=[0])
    source = kind.make(delivery, handler, record_age_s=60, on_failure="sqs", retries=10_000)
    send_all(kind, source, 1)
    delivery.run()
    (letter,) = source.dead_letters
    record = json.loads(letter.body)

    assert letter.reason == record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert set(record) == {"requestContext", "version", "timestamp", kind.info_name}
    assert record["requestContext"]["approximateInvokeCount"] == len(handler.batches)


def test_a_bucket_gets_the_event_too(delivery, kind):
    """As it was when it was sent last: only what was given up."""
    handler = Scripted(kind, delivery, fails=[1])
    source = kind.make(delivery, handler, retries=0, on_failure="s3")
    send_all(kind, source, 3)
    delivery.run()
    (letter,) = source.dead_letters
    event = json.loads(json.loads(letter.body)["payload"])

    assert [id for id, _ in kind.records(event)] == [1, 2]
    assert letter.attributes["Key"].startswith(f"aws/lambda/{source.name}/")


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": 10_001},
        {"window_s": -1},
        {"window_s": 301},
        {"retries": -2},
        {"retries": 10_001},
        {"record_age_s": 59},
        {"record_age_s": 604_801},
        {"record_age_s": 0},
        {"on_failure": "fifo"},
        {"retention_s": 0},
    ],
)
def test_settings_that_the_api_refuses_are_refused(delivery, kind, options):
    """The message names the setting."""
    with pytest.raises(ValueError, match=next(iter(options))):
        kind.make(delivery, lambda event, context: None, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 10_000},
        {"window_s": 300},
        {"retries": 0},
        {"retries": 10_000},
        {"record_age_s": 60},
        {"record_age_s": 604_800},
    ],
)
def test_settings_at_their_limits_are_accepted(delivery, kind, options):
    """Up to and including the limits of the API."""
    source = kind.make(delivery, lambda event, context: None, **options)
    send_all(kind, source, 1)
    delivery.run()

    assert source.waiting == []
