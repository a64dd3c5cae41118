"""Records on their way to a function: through queues, topics, buses and buckets."""

from __future__ import annotations

import json

import pytest

from resilient_lambda.testing.simulator.delivery import Delivery


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


@pytest.fixture
def seen():
    """What a reader got, in order."""
    return []


@pytest.fixture
def reader(delivery, seen):
    """A function that keeps its events."""
    return delivery.function(lambda event, context: seen.append(event), name="reader")


def fail_with(delivery, destination, *, event=None):
    """Have a function give an event up, with *destination* for its record."""

    def fails(event, context):
        raise ValueError("no")

    worker = delivery.function(fails, name="worker")
    calls = delivery.asynchronous(worker, retries=0, on_failure=destination)
    calls.send({"n": 1} if event is None else event)
    delivery.run()
    return calls


def test_a_queue_has_records_as_its_messages(delivery, seen, reader):
    """Its function gets them as a batch of SQS; the source of the event has them as dead letters all the same."""
    queue = delivery.sqs(reader)
    calls = fail_with(delivery, queue)

    (event,) = seen
    (record,) = event["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert json.loads(record["body"])["requestPayload"] == {"n": 1}
    assert [letter.body for letter in calls.dead_letters] == [record["body"]]
    assert queue.lost == []


def test_a_topic_invokes_functions_with_the_record_as_a_message(delivery, seen, reader):
    """One notification in each event, and one for each function."""
    fail_with(delivery, delivery.topic(reader, lambda event, context: seen.append(event), name="failures"))

    assert len(seen) == 2
    for event in seen:
        (record,) = event["Records"]
        assert record["EventSource"] == "aws:sns"
        assert record["Sns"]["TopicArn"].endswith(":failures")
        assert json.loads(record["Sns"]["Message"])["requestPayload"] == {"n": 1}


@pytest.mark.parametrize("raw", [True, False])
def test_a_topic_sends_to_queues_with_or_without_its_envelope(delivery, seen, reader, raw):
    """Raw message delivery is a setting of the subscription."""
    fail_with(delivery, delivery.topic(delivery.sqs(reader), raw=raw))

    body = json.loads(seen[0]["Records"][0]["body"])
    record = body if raw else json.loads(body["Message"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"


def test_a_bus_invokes_functions_with_the_record_as_detail(delivery, seen, reader):
    """As its rule matched it."""
    fail_with(delivery, delivery.bus(reader))

    assert [(event["source"], event["detail"]["requestPayload"]) for event in seen] == [("lambda", {"n": 1})]


def test_a_bucket_keeps_records_and_tells_functions_of_them(delivery, seen, reader):
    """The notification names bucket and key; the key is encoded in it."""
    bucket = delivery.bucket(reader, name="failed-events")
    fail_with(delivery, bucket)

    (key,) = bucket.objects
    assert json.loads(bucket.objects[key])["requestPayload"] == {"n": 1}
    (notification,) = seen[0]["Records"]
    assert notification["s3"]["bucket"]["name"] == "failed-events"
    assert notification["s3"]["object"]["key"] == key
    assert notification["s3"]["object"]["size"] == len(bucket.objects[key])


@pytest.mark.parametrize("kind", ["bus", "bucket"])
def test_buses_and_buckets_send_to_queues_too(delivery, seen, reader, kind):
    """The body of the message is the event that a function would get."""
    fail_with(delivery, getattr(delivery, kind)(delivery.sqs(reader)))

    body = json.loads(seen[0]["Records"][0]["body"])
    assert ("detail" in body) if kind == "bus" else (body["Records"][0]["eventSource"] == "aws:s3")


def test_successes_go_the_same_ways(delivery, seen, reader):
    """To all but a bucket."""
    calls = delivery.asynchronous(lambda event, context: "done", on_success=delivery.topic(reader))
    calls.send({})
    delivery.run()

    assert json.loads(seen[0]["Records"][0]["Sns"]["Message"])["responsePayload"] == "done"
    with pytest.raises(ValueError, match="on_success"):
        delivery.asynchronous(lambda event, context: None, on_success=delivery.bucket(reader))


def test_a_fifo_queue_is_refused(delivery, reader):
    """Lambda sends records to standard queues only."""
    with pytest.raises(ValueError, match="on_failure"):
        delivery.asynchronous(lambda event, context: None, on_failure=delivery.fifo(reader))


def test_a_large_record_passes_a_topic_without_its_payload(delivery, seen, reader):
    """A message of SNS holds 256 KB."""
    fail_with(delivery, delivery.topic(reader), event="x" * 300_000)

    record = json.loads(seen[0]["Records"][0]["Sns"]["Message"])
    assert "requestPayload" not in record
    assert record["requestContext"]["condition"] == "RetriesExhausted"


def test_records_come_late_and_twice_as_any_event_does(delivery, seen, reader):
    """What reads them is invoked asynchronously: the faults of that are theirs."""
    delivery.faults(duplicate=1.0, late=1.0)
    fail_with(delivery, delivery.topic(reader))

    assert len(seen) >= 2
    assert {json.loads(event["Records"][0]["Sns"]["Message"])["requestContext"]["condition"] for event in seen} == {
        "RetriesExhausted"
    }


def test_a_function_that_reads_of_several_has_one_queue_for_all(delivery, seen, reader):
    """Its settings are those of ``delivery.asynchronous``."""
    events = delivery.asynchronous(reader, name="reader-events", dead_letter=True)
    fail_with(delivery, delivery.topic(reader))
    fail_with(delivery, reader)

    assert len(seen) == len(events.items) == 2


def test_a_simulation_with_relays_is_the_same_twice():
    """Ids of notifications and sequencers follow from the schedule."""
    shown = []
    for _ in range(2):
        with Delivery(5) as delivery:
            events = []
            reader = delivery.function(lambda event, context: events.append(event), name="reader")  # noqa: B023
            for kind in ("topic", "bus", "bucket"):
                fail_with(delivery, getattr(delivery, kind)(reader))
            shown.append((delivery.timeline(), events))

    assert shown[0] == shown[1]
