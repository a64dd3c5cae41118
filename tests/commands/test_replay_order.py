"""Order in a replay: nothing overtakes a letter that stays, for whatever reason it stays."""

from __future__ import annotations

import pytest

from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.stores.dynamodb import DynamoDBStore

from .replaying import ACCOUNT, envelope, kinesis_record, note, refusal

SOURCE = f"{ACCOUNT}:orders.fifo"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"


@pytest.fixture
def source(world):
    """The source queue, a FIFO queue."""
    return world.queue("orders.fifo")


@pytest.fixture
def parked(world):
    """The dead-letter queue, a FIFO queue."""
    return world.queue("parked.fifo")


def park(world, url, body, noted=None, *, group="g"):
    """Park a letter of a message group."""
    world.park(url, body, noted, MessageGroupId=group, MessageDeduplicationId=body)


def fifo_note(**fields):
    """Return the note of a message of the source queue."""
    return note(source="sqs-fifo", **{"origin": SOURCE, **fields})


def test_nothing_overtakes_a_letter_whose_failure_could_not_be_cleared(world, replay, source, parked, monkeypatch):
    """The store does not answer for the first of three: the others stay behind it, other groups go."""
    for number in range(3):
        park(world, parked, f"g{number}", fifo_note(key=f"v1#a#{number}"))
    park(world, parked, "h", fifo_note(key="v1#a#9"), group="h")

    class Throttled(DynamoDBStore):
        def get(self, keys):
            if keys == ["v1#a#0"]:
                raise StoreUnavailableError("throttled")
            return {}

    monkeypatch.setattr("resilient_lambda._commands.replay.DynamoDBStore", Throttled)
    done = replay("--from-queue", parked, "--table", "t")

    assert (done.code, world.bodies(source)) == (1, ["h"])
    assert sorted(world.all_bodies("parked.fifo")) == ["g0", "g1", "g2"]
    assert done.output.startswith("looked at 4, sent 1, failed 1, cannot be sent 2")


def test_nothing_overtakes_a_letter_that_is_refused(world, replay, source, parked):
    """It does not say where it came from, so it may be of the same queue; those before it go."""
    park(world, parked, "first", fifo_note())
    park(world, parked, "nowhere")
    park(world, parked, "last", fifo_note())
    done = replay("--from-queue", parked)

    assert (done.code, world.bodies(source)) == (1, ["first"])
    assert "1 x does not say which queue it came from" in done.output
    assert "1 x a letter before it, of the same group or partition key, was not sent" in done.output


def test_what_cannot_be_read_holds_its_group_back_too(world, replay, source, parked):
    """Another program's attribute under our name."""
    broken = {"error": "E", "attributes": {"x": {"DataType": "Binary", "BinaryValue": "no hex"}}}
    park(world, parked, "broken", broken)
    park(world, parked, "last", fifo_note())
    done = replay("--from-queue", parked)

    assert (done.code, world.messages(source)) == (1, [])


def test_what_is_not_meant_holds_nothing_back(world, replay, source, parked):
    """Who filters, chooses."""
    park(world, parked, "other", fifo_note(error="ValueError"))
    park(world, parked, "meant", fifo_note())
    done = replay("--from-queue", parked, "--error-type", "KeyError")

    assert (done.code, world.bodies(source)) == (0, ["meant"])


def test_a_group_of_another_queue_is_another_group(world, replay, source, parked):
    """Both are called the same."""
    park(world, parked, "lost", fifo_note(origin=f"{ACCOUNT}:gone.fifo"))
    park(world, parked, "order", fifo_note())
    done = replay("--from-queue", parked)

    assert (done.code, world.bodies(source)) == (1, ["order"])


def test_a_queue_that_is_named_keeps_the_groups_too(world, replay, source, parked):
    """Across requests: objects are taken ten at a time."""
    world.bucket("letters")
    record = {"eventSource": "aws:sqs", "attributes": {"MessageGroupId": "g"}}
    for number in range(15):
        letter = envelope({**record, "body": f"{number:02}"}, source="sqs-fifo", origin=SOURCE)
        world.s3.put_object(Bucket="letters", Key=f"{number:02}", Body=letter)
    sends = []

    def refuse_second(number, name, when):
        if (name, when) == ("sqs.send_message", "before"):
            sends.append(number)
            if len(sends) == 2:
                raise refusal("InternalError", "SendMessage")

    world.on_call = refuse_second
    done = replay("--from-s3", "s3://letters/", "--to-queue", source)

    assert (done.code, world.bodies(source), len(sends)) == (1, ["00"], 2)
    assert done.output.startswith("looked at 15, sent 1, failed 1, cannot be sent 13")


def test_a_partition_key_is_kept_across_requests(world, replay):
    """What is left of a key stays until the end of the run; other keys go."""
    world.kinesis.create_stream(StreamName="clicks", ShardCount=1)
    world.bucket("letters")
    for number in range(12):
        key = "b" if number == 11 else "a"
        letter = envelope(kinesis_record("AA==", key=key), source="kinesis", origin=STREAM)
        world.s3.put_object(Bucket="letters", Key=f"{number:02}", Body=letter)
    puts = []

    def refuse_first(number, name, when):
        if (name, when) == ("kinesis.put_record", "before"):
            puts.append(number)
            if len(puts) == 1:
                raise refusal("InternalFailure", "PutRecord")

    world.on_call = refuse_first
    done = replay("--from-s3", "s3://letters/")

    assert (done.code, len(puts)) == (1, 2)
    assert done.output.startswith("looked at 12, sent 1, failed 1, cannot be sent 10")


def test_a_consumer_s_records_go_back_to_its_stream(world, replay):
    """With enhanced fan-out the event names the consumer, which takes nothing."""
    world.kinesis.create_stream(StreamName="clicks", ShardCount=1)
    letters = world.queue("letters")
    consumer = f"{STREAM}/consumer/app:1540591608"
    record = {**kinesis_record("AA=="), "eventSourceARN": consumer}
    world.park(letters, envelope(record, source="kinesis", origin=consumer))
    world.park(letters, envelope(record, source="kinesis", origin=None))
    done = replay("--from-queue", letters, "--source", STREAM)

    assert (done.code, world.calls.count("kinesis.put_record")) == (0, 2)


def test_letters_that_no_look_reaches_are_told(world, replay, source, parked):
    """A FIFO queue hands out ten of a group, and hides the rest behind them."""
    for number in range(30):
        park(world, parked, f"{number}", fifo_note(error="KeyError" if number < 12 else "CardDeclined"))
    done = replay("--from-queue", parked, "--error-type", "CardDeclined")
    shown = replay("--from-queue", parked, "--dry-run")

    assert (done.code, shown.code) == (1, 1)
    assert done.output.startswith("looked at 10, sent 0, failed 0, cannot be sent 0, not meant 10\n")
    assert "about 20 letters were not looked at: in a FIFO queue the first letters of a group" in done.output
    assert "about 20 letters were not looked at" in shown.output


def test_without_a_look_at_the_queue_nothing_is_said_of_the_rest(world, replay, source, parked):
    """Nobody knows how many there are, or the permission went away meanwhile."""
    for number in range(12):
        park(world, parked, f"{number}", fifo_note())
    asked = []

    def refuse_later(number, name, when):
        if (name, when) == ("sqs.get_queue_attributes", "before"):
            asked.append(number)
            if len(asked) > 1:
                raise refusal("AccessDenied", "GetQueueAttributes")

    world.on_call = refuse_later
    done = replay("--from-queue", parked, "--dry-run")

    assert (done.code, len(asked)) == (0, 2)
    assert "were not looked at" not in done.output
