"""``replay --to-function``: events of the source's shape, and what the function's answer decides."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import ProtocolError

from resilient_lambda._commands._replay_letter import iso
from resilient_lambda._core.sources import open_batch

from .replaying import ACCOUNT, envelope, kinesis_record, note

FUNCTION = "orders-worker"
OLD = "49590338271490256608559692538361571095921575989136588898"
NEW = "149590338271490256608559692538361571095921575989136588898"


def answer_of(*failed):
    """Return what a batch handler answers."""
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def events(world):
    """Return the types and events of all invocations."""
    return [(kind, event) for _, kind, event in world.invocations]


def test_a_message_comes_as_from_its_queue(world, replay, parked):
    """Lambda's spelling, a new id, a first receive, and the function is waited for: its answer counts."""
    world.functions[FUNCTION] = lambda event: answer_of()
    attributes = {"digest": {"DataType": "Binary", "BinaryValue": b"\x00"}}
    world.park(parked, "body", note(), attributes)
    world.messages(parked)
    done = replay("--from-queue", parked, "--to-function", FUNCTION)
    ((kind, event),) = events(world)
    (record,) = event["Records"]

    assert (done.code, kind) == (0, "RequestResponse")
    assert record["body"] == "body"
    assert record["messageAttributes"]["digest"]["binaryValue"] == "AA=="
    assert list(record["messageAttributes"]) == ["digest"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == f"{ACCOUNT}:orders"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageId"] != "m-1"
    assert world.messages(parked) == []


def test_what_the_answer_names_stays(world, replay, parked):
    """Of several messages in one event those that failed."""
    world.functions[FUNCTION] = lambda event: answer_of(*[r["messageId"] for r in event["Records"] if r["body"] > "1"])
    for number in range(4):
        world.park(parked, str(number), note())
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", "10")

    assert done.code == 1
    assert done.output.startswith("looked at 4, sent 2, failed 2")
    assert "2 x the function's answer asks for the record again" in done.output
    assert len(world.invocations) == 1
    assert sorted(world.bodies(parked)) == ["2", "3"]


@pytest.mark.parametrize(
    "result",
    [
        answer_of("unknown"),
        answer_of(""),
        answer_of(None),
        {"batchItemFailures": [{"id": "x"}]},
        {"batchItemFailures": 7},
        {"batchItemFailures": ["x"]},
    ],
)
def test_an_answer_that_lambda_would_not_understand_keeps_all(world, replay, parked, result):
    """Lambda takes it for a failure of the whole batch."""
    world.functions[FUNCTION] = lambda event: result
    world.park(parked, "0", note())
    world.park(parked, "1", note())
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", "2")

    assert (done.code, len(world.messages(parked))) == (1, 2)


@pytest.mark.parametrize("result", [None, {}, "", [], {"batchItemFailures": None}, answer_of()])
def test_an_answer_that_names_nothing_is_a_success(world, replay, parked, result):
    """As it is to Lambda."""
    world.functions[FUNCTION] = lambda event: result
    world.park(parked, "0", note())
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert (done.code, world.messages(parked)) == (0, [])


def test_a_function_that_fails_keeps_its_letters(world, replay, parked):
    """The error's class is told, its text is not."""

    def fail(event):
        raise KeyError("secret")

    world.functions[FUNCTION] = fail
    world.park(parked, "0", note())
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert (done.code, len(world.messages(parked))) == (1, 1)
    assert "the function failed: KeyError" in done.output
    assert "secret" not in done.output + done.complaints


def test_a_function_that_is_not_there_keeps_its_letters(world, replay, parked):
    """Lambda's refusal is told."""
    world.park(parked, "0", note())
    done = replay("--from-queue", parked, "--to-function", "nowhere")

    assert (done.code, len(world.messages(parked))) == (1, 1)
    assert "ResourceNotFoundException" in done.output


def park_stream(world, parked, *numbers):
    """Park Kinesis records with these sequence numbers."""
    for number in numbers:
        record = kinesis_record("AA==", number=number)
        world.park(parked, envelope(record, source="kinesis", origin=record["eventSourceARN"], id=number))


@pytest.mark.parametrize(("failed", "left"), [([NEW], [NEW]), ([OLD], [NEW, OLD]), ([], []), ([OLD, NEW], [NEW, OLD])])
def test_a_checkpoint_keeps_what_comes_after_it(world, replay, parked, failed, left):
    """The lowest sequence number counts, as a number: the longer one is the later one."""
    world.functions[FUNCTION] = lambda event: answer_of(*failed)
    park_stream(world, parked, OLD, NEW)
    replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", "10")
    found = [json.loads(body)["resilient_lambda"]["id"] for body in world.bodies(parked)]
    ((_, event),) = events(world)

    assert sorted(found) == left
    assert [record["kinesis"]["sequenceNumber"] for record in event["Records"]] == [OLD, NEW]


def test_a_kafka_partition_stops_at_its_lowest_offset(world, replay, parked):
    """Records under their topic-partitions, with the event's fields; each partition's later offsets stay."""
    failure = {"partition": "clicks-0", "offset": 5}
    world.functions[FUNCTION] = lambda event: answer_of(failure)
    fields = {"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:eu-west-1:1:cluster/c/1"}
    for partition, offset in ((0, 4), (0, 5), (0, 6), (1, 9)):
        record = {"topic": "clicks", "partition": partition, "offset": offset, "value": "AA=="}
        origin = fields["eventSourceArn"]
        world.park(parked, envelope(record, fields, source="kafka", origin=origin, id=f"clicks-{partition}@{offset}"))
    replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", "10")
    left = [json.loads(body)["record"]["offset"] for body in world.bodies(parked)]
    ((kind, event),) = events(world)

    assert kind == "RequestResponse"
    assert {name: event[name] for name in fields} == fields
    assert {name: len(records) for name, records in event["records"].items()} == {"clicks-0": 3, "clicks-1": 1}
    assert sorted(left) == [5, 6]


@pytest.mark.parametrize(
    ("source", "event", "where"),
    [
        ("dynamodb", None, ("Records", 0)),
        ("s3", None, ("Records", 0)),
        ("sns", None, ("Records", 0)),
        ("activemq", {"eventSource": "aws:mq"}, ("messages", 0)),
        ("rabbitmq", {"eventSource": "aws:rmq"}, ("rmqMessagesByQueue", "replayed::/", 0)),
        ("documentdb", {"eventSource": "aws:docdb"}, ("events", 0)),
        ("invocation", None, ()),
    ],
)
def test_each_source_has_its_shape(world, replay, parked, source, event, where):
    """What the event said of all records is back, and the record is where the source has it."""
    world.functions[FUNCTION] = lambda event: None
    record = {"any": "record"}
    world.park(parked, envelope(record, event, source=source, origin="arn:aws:x:eu-west-1:1:y"))
    done = replay("--from-queue", parked, "--to-function", FUNCTION)
    ((kind, found),) = events(world)
    for step in where:
        found = found[step]

    assert done.code == 0
    assert kind == ("RequestResponse" if source == "dynamodb" else "Event")
    assert found == record
    assert {name: events(world)[0][1][name] for name in event or ()} == (event or {})


@pytest.mark.parametrize(
    ("source", "record", "event"),
    [
        ("sqs", {"eventSource": "aws:sqs", "messageId": "m", "body": "b"}, None),
        ("sqs-fifo", {"eventSource": "aws:sqs", "eventSourceARN": f"{ACCOUNT}:q.fifo", "body": "b"}, None),
        ("kinesis", kinesis_record("AA=="), None),
        ("dynamodb", {"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1"}}, None),
        ("s3", {"eventSource": "aws:s3", "s3": {}}, None),
        ("sns", {"EventSource": "aws:sns", "Sns": {"Message": "m"}}, None),
        ("kafka", {"topic": "t-x", "partition": 3, "offset": 7}, {"eventSource": "SelfManagedKafka"}),
        ("activemq", {"messageID": "m"}, {"eventSource": "aws:mq"}),
        ("rabbitmq", {"data": ""}, {"eventSource": "aws:rmq"}),
        ("documentdb", {"event": {}}, {"eventSource": "aws:docdb"}),
    ],
)
def test_handlers_recognise_each_event(world, replay, parked, source, record, event):
    """What the function gets is a batch of the source that the letter came from."""
    world.functions[FUNCTION] = lambda event: None
    world.park(parked, envelope(record, event, source=source, origin=""))
    replay("--from-queue", parked, "--to-function", FUNCTION)
    ((_, found),) = events(world)
    delivery = open_batch(found)

    assert (delivery.source.name, len(delivery.raws)) == (source, 1)


@pytest.mark.parametrize("event", [[1, 2], "text", 7, None, {}])
def test_an_event_of_any_shape_is_invoked_again(world, replay, parked, event):
    """A whole event need be no object."""
    world.functions[FUNCTION] = lambda event: None
    world.park(parked, envelope(event, source="invocation", origin=""))
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--wait", "--batch", "5")

    assert done.code == 0
    assert events(world) == [("RequestResponse", event)]


def test_different_origins_do_not_share_an_event(world, replay, parked):
    """Nor do whole events; what is alike does, as far as the batch goes."""
    world.functions[FUNCTION] = lambda event: None
    for number in range(2):
        world.park(parked, f"order {number}", note())
        world.park(parked, f"return {number}", note(origin=f"{ACCOUNT}:returns"))
        world.park(parked, envelope({"job": number}, source="invocation", origin=""))
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", "10")
    sizes = sorted(len(event.get("Records", [0])) for _, event in events(world))

    assert (done.code, sizes) == (0, [1, 1, 2, 2])


def test_an_asynchronous_failure_is_the_function_s_own_affair(world, replay, parked):
    """Without ``--wait`` a letter of a source without partial answers is sent once Lambda has accepted it."""

    def fail(event):
        raise KeyError

    world.functions[FUNCTION] = fail
    world.park(parked, envelope({"Sns": {}}, source="sns"))
    done = replay("--from-queue", parked, "--to-function", FUNCTION)
    after = world.messages(parked)
    world.park(parked, envelope({"Sns": {}}, source="sns"))
    waited = replay("--from-queue", parked, "--to-function", FUNCTION, "--wait")

    assert (done.code, after) == (0, [])
    assert (waited.code, len(world.messages(parked))) == (1, 1)


def test_a_key_without_a_table_keeps_what_has_its_old_id(world, replay, parked):
    """The function would take a stream's record for the delivery that failed: a remembered failure would swallow it."""
    world.functions[FUNCTION] = lambda event: None
    record = kinesis_record("AA==", number=OLD)
    world.park(parked, envelope(record, source="kinesis", id=OLD, key="v1#orders#00"))
    world.park(parked, "message", note(key="v1#orders#01"))
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert done.code == 1
    assert done.output.startswith("looked at 2, sent 1, failed 0, cannot be sent 1")
    assert "under which its failure may be remembered: pass --table" in done.output


@pytest.mark.parametrize("source", ["kinesis", "sns"])
def test_a_letter_that_has_just_arrived_in_a_fifo_queue_is_sent(world, replay, source):
    """Failing again, its record is set aside under another deduplication id: there is nothing to wait for."""
    parked = world.queue("parked.fifo")
    world.functions[FUNCTION] = lambda event: None
    letter = envelope(kinesis_record("AA==", number=OLD), source=source, id=OLD, at=iso(time.time() - 60))
    world.park(parked, letter, MessageGroupId="g", MessageDeduplicationId="d")
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert (done.code, world.all_bodies("parked.fifo")) == (0, [])


class BrokenBody:
    """The body of an answer, whose connection breaks while it is read."""

    def __init__(self, error):
        self._error = error

    def read(self):
        """Break."""
        raise self._error


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="x"), ProtocolError("broken"), ConnectionResetError()],
    ids=lambda error: type(error).__name__,
)
def test_an_answer_that_breaks_off_keeps_the_letter(world, replay, parked, error):
    """The function may have run: that is told, and the letter is counted as failed."""
    world.park(parked, "a", note())
    answer = {"StatusCode": 200, "Payload": BrokenBody(error), "ResponseMetadata": {"RequestId": "r"}}
    connect = world.connect

    class Function:
        def invoke(self, **request):
            return answer

    world.connect = lambda service, region: Function() if service == "lambda" else connect(service, region)
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert (done.code, world.bodies(parked)) == (1, ["a"])
    assert done.output.startswith("looked at 1, sent 0, failed 1")
    assert "the answer broke off" in done.output
    assert "the function may have run" in done.output


def park_fifo(world, parked, *bodies, group="g", **fields):
    """Park letters of one message group."""
    for body in bodies:
        world.park(
            parked, body, note(source="sqs-fifo", **{"origin": f"{ACCOUNT}:orders.fifo", **fields}),
            MessageGroupId=group, MessageDeduplicationId=body,
        )  # fmt: skip


def failing(body):
    """Return a function that asks again for the message with this body."""
    return lambda event: answer_of(*[r["messageId"] for r in event["Records"] if r["body"] == body])


@pytest.mark.parametrize("batch", ["1", "10"])
def test_a_function_gets_nothing_ahead_of_a_letter_of_its_group_that_stays(world, replay, batch):
    """In one event its answer decides; in the next one nothing of the group is."""
    parked = world.queue("parked.fifo")
    park_fifo(world, parked, "a1", group="a")
    park_fifo(world, parked, "b1", group="b")
    # Of another event's shape, but of the same queue and group.
    record = {"body": "a2", "eventSource": "aws:sqs", "attributes": {"MessageGroupId": "a"}}
    letter = envelope(record, {"some": "field"}, source="sqs-fifo", origin=f"{ACCOUNT}:orders.fifo")
    world.park(parked, letter, MessageGroupId="a", MessageDeduplicationId="a2")
    world.functions[FUNCTION] = failing("a1")
    done = replay("--from-queue", parked, "--to-function", FUNCTION, "--batch", batch)
    seen = [record["body"] for _, event in events(world) for record in event["Records"]]

    assert sorted(seen) == ["a1", "b1"]
    assert len(world.all_bodies("parked.fifo")) == 2
    assert done.code == 1


def test_a_stream_s_key_keeps_its_order_on_the_way_to_a_function(world, replay, parked):
    """Of Kinesis, DynamoDB and Kafka alike: what comes after a letter that stays is of the same key."""
    world.functions[FUNCTION] = lambda event: 1 / 0
    dynamodb = {"eventSource": "aws:dynamodb", "dynamodb": {"Keys": {"id": {"S": "a"}}, "SequenceNumber": "1"}}
    kafka = {"topic": "t", "partition": 0, "offset": 1, "key": "YQ=="}
    for source, record in (("kinesis", kinesis_record("AA==")), ("dynamodb", dynamodb), ("kafka", kafka)):
        for _ in range(2):
            world.park(parked, envelope(record, source=source, origin="arn:aws:x:eu-west-1:1:y"))
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert len(world.invocations) == 3
    assert done.output.startswith("looked at 6, sent 0, failed 3, cannot be sent 3")


def test_records_without_a_key_have_no_order_to_keep(world, replay, parked):
    """A Kafka record without a key and a standard queue's group hold nothing back."""
    world.functions[FUNCTION] = lambda event: 1 / 0
    for _ in range(2):
        world.park(parked, envelope({"topic": "t", "partition": 0, "offset": 1, "key": None}, source="kafka"))
        world.park(parked, "fair", note(fifo={"group": "tenant"}))
    replay("--from-queue", parked, "--to-function", FUNCTION)

    assert len(world.invocations) == 4


def test_a_letter_that_does_not_say_its_source_is_no_event(world, replay, parked):
    """An envelope without a source stays."""
    world.park(parked, envelope({"a": 1}, source=None))
    done = replay("--from-queue", parked, "--to-function", FUNCTION)

    assert (done.code, world.invocations) == (1, [])
    assert "does not say of which source it is: use --to-queue" in done.output
