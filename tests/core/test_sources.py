"""Opening a batch: which source an event is of, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import (
    DYNAMODB,
    INVOCATION,
    KINESIS,
    SOURCE_NAMES,
    SQS,
    SQS_FIFO,
    Answers,
    Data,
    Twin,
    open_batch,
    row_of,
    warm,
)
from resilient_lambda.errors import UnknownEventError
from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    rabbitmq_event,
    rabbitmq_message,
    s3_event,
    sns_event,
    sqs_event,
    sqs_record,
    tumbling_window,
)

KAFKA = row_of("kafka")
MESSAGE = {"messageId": "m", "body": "b", "eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": "3"}}
QUEUE = "arn:aws:sqs:us-east-1:1:q"
EVENTS = {
    "sqs": sqs_event(["1"]),
    "sqs-fifo": sqs_event(["1"], group="g"),
    "kinesis": kinesis_event(["1"]),
    "dynamodb": dynamodb_event([{"id": "1"}]),
    "kafka": kafka_event(["1"]),
    "activemq": activemq_event(["1"]),
    "rabbitmq": rabbitmq_event(["1"]),
    "documentdb": documentdb_event([{"a": 1}]),
    "s3": s3_event(["1"]),
    "sns": sns_event(["1"]),
}


def without_source(event):
    """Return *event* and its records without their source, as a test of a user's may write them."""
    plain = {name: value for name, value in event.items() if name != "eventSource"}
    if "Records" in event:
        plain["Records"] = [
            {name: value for name, value in raw.items() if name not in {"eventSource", "EventSource"}}
            for raw in event["Records"]
        ]
    return plain


def test_every_source_has_an_event_here():
    """The tables of this file leave none out."""
    assert sorted(EVENTS) == list(SOURCE_NAMES)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_a_source_is_found_by_its_event(name):
    """And its one record with it."""
    delivery = open_batch(EVENTS[name])

    assert delivery.source.name == name
    assert len(delivery.raws) == 1


@pytest.mark.parametrize("name", SOURCE_NAMES)
@pytest.mark.parametrize("only", SOURCE_NAMES)
def test_only_the_source_that_was_said_is_taken(name, only):
    """A handler for SQS takes both kinds of queue, any other one kind."""
    if only == name or (only == "sqs" and name == "sqs-fifo"):
        assert open_batch(EVENTS[name], only=only).source.name == name
    else:
        with pytest.raises(UnknownEventError):
            open_batch(EVENTS[name], only=only)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_records_that_do_not_say_their_source_are_of_the_one_that_was_said(name):
    """Without ``source=`` they are refused."""
    event = without_source(EVENTS[name])

    assert open_batch(event, only=name).source.name == name
    with pytest.raises(UnknownEventError):
        open_batch(event)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_an_empty_batch_is_open_and_empty(name):
    """There is nothing to lose."""
    containers = {"Records": [], "records": {}, "messages": [], "rmqMessagesByQueue": {}, "events": []}
    event = {field: containers.get(field, value) for field, value in EVENTS[name].items()}

    assert list(open_batch(event).raws) == []
    assert open_batch(event, only=name).source.name == name


def test_an_empty_batch_is_taken_for_sqs():
    """It does not say what it is."""
    assert open_batch({"Records": []}).source is SQS


@pytest.mark.parametrize("name", ["sqs", "kinesis", "dynamodb", "s3", "sns", "activemq", "documentdb"])
def test_a_batch_is_opened_with_its_own_records(name):
    """Not a copy: ten thousand records are opened for nothing."""
    event = EVENTS[name]
    (own,) = (event[field] for field in ("Records", "messages", "events") if field in event)

    assert open_batch(event).raws is own


def test_records_of_several_partitions_and_queues_are_in_the_order_of_the_event():
    """One flat list."""
    messages = [rabbitmq_message(text, message_id="same") for text in "abc"]
    event = {**rabbitmq_event([]), "rmqMessagesByQueue": {"q::/": messages[:2], "r::/": messages[2:]}}
    delivery = open_batch(event)
    records = [Record(raw, delivery.source) for raw in delivery.raws]

    assert [record.body for record in records] == [b"a", b"b", b"c"]
    assert [record.default_key[1] for record in records] == ["q::/", "q::/", "r::/"]


@pytest.mark.parametrize("arn", [None, 5, "", [], QUEUE, "arn:aws:sqs:us-east-1:1:fifo"], ids=repr)
def test_a_queue_that_is_no_fifo_queue_is_taken_for_a_standard_one(arn):
    """Only the suffix makes a FIFO queue."""
    assert open_batch({"Records": [{**MESSAGE, "eventSourceARN": arn}]}).source is SQS


def test_a_fifo_queue_has_groups_and_a_standard_queue_none():
    """The group of a message of a standard queue is for fairness, not for order."""
    fifo = open_batch({"Records": [sqs_record("1", group="g")]})
    standard = open_batch({"Records": [sqs_record("1", group="g", queue_arn=QUEUE)]})

    assert (fifo.source, Record(fifo.raws[0], fifo.source).lane) == (SQS_FIFO, "g")
    assert (standard.source, Record(standard.raws[0], standard.source).lane) == (SQS, None)


@pytest.mark.parametrize("attributes", [None, [], {}, {"MessageGroupId": 5}, {"MessageGroupId": None}])
def test_fifo_messages_without_a_group_are_one_lane(attributes):
    """So no order that there may be is lost."""
    assert SQS_FIFO.lane_of is not None
    assert SQS_FIFO.lane_of({**MESSAGE, "attributes": attributes}) == ""


@pytest.mark.parametrize("source", [KINESIS, DYNAMODB, KAFKA])
@pytest.mark.parametrize(
    "raw", [{}, {"kinesis": 5}, {"dynamodb": {"Keys": 5}}, {"key": []}, {"dynamodb": {"Keys": None}}]
)
def test_records_without_a_key_are_in_order_with_each_other(source, raw):
    """Under ``order="key"`` they share a lane."""
    assert source.order_key_of(raw) == source.order_key_of({})


def test_keys_of_items_are_told_apart_by_their_types():
    """The number 1 is another item than the text "1"; the order of the attributes does not matter."""
    keys = [
        {"id": {"N": "1"}},
        {"id": {"S": "1"}},
        {"id": {"N": "1"}, "n": {"S": "x"}},
        {"n": {"S": "x"}, "id": {"N": "1"}},
    ]
    found = [DYNAMODB.order_key_of({"dynamodb": {"Keys": key}}) for key in keys]

    assert len(set(found)) == 3
    assert found[2] == found[3]


@pytest.mark.parametrize(("builder", "source"), [(kinesis_event, KINESIS), (dynamodb_event, DYNAMODB)])
@pytest.mark.parametrize("count", [0, 2])
def test_a_tumbling_window_comes_with_its_batch(builder, source, count):
    """Also at its end, where there may be no records to tell the source by."""
    event = builder([{"id": number} for number in range(count)], window=tumbling_window({"a": 1}, is_final=True))
    delivery = open_batch(event)

    assert delivery.source is source
    assert len(delivery.raws) == count
    assert delivery.window is event


def test_an_empty_window_that_does_not_say_its_stream_is_of_kinesis():
    """What is answered is the same."""
    assert open_batch({"Records": [], "window": {}}).source is KINESIS


@pytest.mark.parametrize("event", [sqs_event(["1"]), kinesis_event(["1"]), s3_event(["1"])])
@pytest.mark.parametrize("window", [None, 5, {"start": "x"}])
def test_only_streams_have_windows(event, window):
    """And only an object is one."""
    is_one = isinstance(window, dict) and event["Records"][0]["eventSource"] == "aws:kinesis"

    assert (open_batch({**event, "window": window}).window is not None) == is_one


@pytest.mark.parametrize("name", ["aws:kafka", "aws:SelfManagedKafka", "SelfManagedKafka"])
def test_kafka_has_three_names(name):
    """All of them are in use."""
    assert open_batch({"eventSource": name, "records": {}}).source.name == "kafka"


@pytest.mark.parametrize("name", ["aws:mq", "aws:amq"])
def test_activemq_has_two_names(name):
    """The second one is older."""
    assert open_batch({"eventSource": name, "messages": []}).source.name == "activemq"


KAFKA_RECORD = {"topic": "t", "partition": 0, "offset": 1}


@pytest.mark.parametrize(
    "records",
    [
        {"t-1": [KAFKA_RECORD]},
        {"t": [KAFKA_RECORD]},
        {"t-0": [KAFKA_RECORD, {**KAFKA_RECORD, "topic": "u"}]},
        {"t-0": [{**KAFKA_RECORD, "partition": "0"}]},
        {"t-False": [{**KAFKA_RECORD, "partition": False}]},
        {"t--1": [{**KAFKA_RECORD, "partition": -1}]},
        {"-0": [{**KAFKA_RECORD, "topic": ""}]},
        {"5-0": [{**KAFKA_RECORD, "topic": 5}]},
        {"t-0": [{}]},
        {"t-1": [{**KAFKA_RECORD, "partition": 1}, {**KAFKA_RECORD, "partition": True}]},
        {"t-1": [{**KAFKA_RECORD, "partition": 1.0}]},
        {"t-0": [KAFKA_RECORD, {**KAFKA_RECORD, "topic": ["t"]}]},
        {"t-0": [None]},
        {"t-0": {}},
        {5: []},
        [],
        None,
        "t-0",
    ],
    ids=repr,
)
def test_records_of_kafka_are_under_the_name_of_their_partition(records):
    """The answer names partitions so; any other name would have Lambda deliver the whole batch again."""
    with pytest.raises(UnknownEventError):
        open_batch({"eventSource": "aws:kafka", "records": records})


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [MESSAGE, {**MESSAGE, "eventSource": "aws:kinesis"}]},
        {"Records": [MESSAGE, {"messageId": "m"}]},
        {"Records": [MESSAGE, sqs_record("1", group="g")]},
        {"Records": [{**MESSAGE, "eventSource": ["aws:sqs"]}]},
        {"Records": [{**MESSAGE, "eventSource": ""}]},
        {"Records": [{**MESSAGE, "eventSource": 0, "eventSourceARN": QUEUE}]},
        {"Records": [{**MESSAGE, "eventSource": None}]},
        {"Records": [{**MESSAGE, "EventSource": "aws:sns"}]},
        {"Records": [{**MESSAGE, "eventSource": "aws:sqs2", "eventSourceARN": QUEUE}]},
        {"Records": [{**MESSAGE, "eventSource": "aws:kafka"}]},
        {"Records": [None]},
        {"Records": ["eventSource"]},
        {"Records": [[]]},
        {"Records": [5]},
        {"Records": ""},
        {"Records": {}},
        {"Records": None},
        {"Records": [], "records": {}, "eventSource": "aws:kafka"},
        {"records": {}, "messages": [], "eventSource": "aws:kafka"},
        {"records": {}, "eventSource": "aws:mq"},
        {"records": {}, "eventSource": ["aws:kafka"]},
        {"records": {}, "eventSource": "aws:sqs"},
        {"records": {}},
        {"messages": {}, "eventSource": "aws:mq"},
        {"messages": [5], "eventSource": "aws:mq"},
        {"events": "x", "eventSource": "aws:docdb"},
        {"rmqMessagesByQueue": [], "eventSource": "aws:rmq"},
        {"rmqMessagesByQueue": {"q": 5}, "eventSource": "aws:rmq"},
        {},
        [],
        None,
        5,
        "Records",
    ],
)
@pytest.mark.parametrize("only", [None, "sqs"])
def test_anything_else_is_refused(event, only):
    """With the one documented error, whether a source was said or not."""
    if only and event == {"Records": [MESSAGE, {"messageId": "m"}]}:
        assert len(open_batch(event, only=only).raws) == 2
    else:
        with pytest.raises(UnknownEventError):
            open_batch(event, only=only)


def test_what_is_refused_is_not_shown():
    """A message names sources and types, never what a record holds."""
    event = {"Records": [{**MESSAGE, "body": "secret"}, {**MESSAGE, "body": "secret", "eventSource": "x" * 500}]}

    with pytest.raises(UnknownEventError) as raised:
        open_batch(event)

    assert "secret" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("attributes", "receives"),
    [
        ({"ApproximateReceiveCount": "1"}, 1),
        ({"ApproximateReceiveCount": "1000"}, 1000),
        ({"ApproximateReceiveCount": ""}, None),
        ({"ApproximateReceiveCount": "-1"}, None),
        ({"ApproximateReceiveCount": "1.5"}, None),
        ({"ApproximateReceiveCount": "²"}, None),
        ({"ApproximateReceiveCount": "٣"}, None),
        ({"ApproximateReceiveCount": "9" * 5_000}, None),
        ({"ApproximateReceiveCount": None}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("x", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_receive_count_is_a_number_or_unknown(attributes, receives):
    """What cannot be read as a count is unknown, and raises nothing."""
    assert SQS.receives_of({**MESSAGE, "attributes": attributes}) == receives


def test_the_receive_count_of_a_message_without_attributes_is_unknown():
    """A hand-made record may lack them."""
    assert SQS.receives_of({"messageId": "m"}) is None


@pytest.mark.parametrize("name", sorted(set(SOURCE_NAMES) - {"sqs", "sqs-fifo"}))
def test_only_queues_bring_a_bounced_record_again_for_free(name):
    """Everything else waits for a twin, and claims with a lease that ends soon after a crash."""
    row = row_of(name)

    assert (row.twin, row.has_short_lease) == (Twin.WAIT, True)
    assert (SQS.twin, SQS.has_short_lease) == (Twin.BOUNCE, False)
    assert row.receives_of(open_batch(EVENTS[name]).raws[0]) is None


def test_a_single_event_has_a_short_lease_and_keeps_its_result():
    """A crash must not outlast Lambda's retries, and a duplicate's caller waits for the answer."""
    content = INVOCATION.content_of({"a": 1})

    assert INVOCATION.name not in SOURCE_NAMES
    assert INVOCATION.has_short_lease
    assert INVOCATION.keeps_results
    assert INVOCATION.receives_of({}) is None
    assert isinstance(content, Data)
    assert content.value == {"a": 1}
    assert (INVOCATION.id_of({}), INVOCATION.default_key_of({}), INVOCATION.origin_of({})) == ("", None, "")


def test_the_rows_keep_their_answers():
    """Which sources take which kind of answer is Lambda's, and no detail."""
    kinds = {name: row_of(name).answers for name in SOURCE_NAMES}

    assert kinds == {
        "sqs": Answers.RECORDS,
        "sqs-fifo": Answers.RECORDS,
        "kinesis": Answers.CHECKPOINT,
        "dynamodb": Answers.CHECKPOINT,
        "kafka": Answers.PARTITIONS,
        "activemq": Answers.WHOLE,
        "rabbitmq": Answers.WHOLE,
        "documentdb": Answers.WHOLE,
        "s3": Answers.WHOLE,
        "sns": Answers.WHOLE,
    }


def test_content_with_a_structure_is_never_shown():
    """It may end up in a log line."""
    assert repr(Data({"card": "4111"})) == "Data(...)"


@pytest.mark.parametrize("name", [*SOURCE_NAMES, None])
def test_a_source_that_is_known_can_be_warmed(name):
    """In Lambda's INIT phase, so that the first invocation imports nothing."""
    script = f"""
import sys
from resilient_lambda._core.sources import open_batch, warm
from resilient_lambda._core.record import Record
warm({name!r})
before = set(sys.modules)
delivery = open_batch({EVENTS[name or "sqs"]!r})
record = Record(delivery.raws[0], delivery.source)
record.default_key, record.value, record.key
print(sorted(set(sys.modules) - before))
"""
    warm(name)  # also here, where it has nothing left to load
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_an_event_says_what_a_record_alone_does_not():
    """To deliver it again as it came, this is needed: brokers, the queue, the ARN."""
    kafka = open_batch(kafka_event(["1"], cluster_arn=None))
    rabbit = open_batch(rabbitmq_event(["1"], queue="q"))
    queue = open_batch(sqs_event(["1"]))
    fields = [Record(one.raws[0], one.source).event_fields for one in (kafka, rabbit, queue)]

    assert sorted(fields[0]) == ["bootstrapServers", "eventSource"]
    assert fields[0]["eventSource"] == "SelfManagedKafka"
    assert fields[1] == {
        "eventSource": "aws:rmq",
        "eventSourceArn": Record(rabbit.raws[0], rabbit.source).origin,
        "queue": "q::/",
    }
    assert fields[2] == {}


@pytest.mark.parametrize(
    ("arn", "stream"),
    [
        ("arn:aws:kinesis:eu-west-1:1:stream/clicks", "clicks"),
        ("arn:aws:kinesis:eu-west-1:1:stream/clicks/consumer/app:1540591608", "clicks"),
        ("arn:aws:kinesis:eu-west-1:1:stream/consumer/consumer/consumer:1", "consumer"),
    ],
)
def test_records_that_a_consumer_reads_are_its_stream_s(arn, stream):
    """With enhanced fan-out a record has the consumer's ARN; registered anew, it would have another key."""
    raw = {**kinesis_event(["1"])["Records"][0], "eventSourceARN": arn}
    record = Record(raw, KINESIS)
    origin = f"arn:aws:kinesis:eu-west-1:1:stream/{stream}"

    assert (record.origin, record.default_key[0]) == (origin, origin)


def test_a_table_may_be_called_consumer():
    """Nothing is cut off the ARN of its stream."""
    arn = "arn:aws:dynamodb:eu-west-1:1:table/consumer/stream/2026"
    record = Record({**dynamodb_event([{"id": "1"}])["Records"][0], "eventSourceARN": arn}, DYNAMODB)

    assert (record.origin, record.default_key[0]) == (arn, arn)


def test_a_header_of_kafka_may_have_no_value():
    """Kafka allows it: the record is read all the same."""
    raw = {**kafka_event(["1"])["records"]["orders-0"][0], "headers": [{"h": None}, {"g": [-1, 2]}]}

    assert Record(raw, KAFKA).headers == [("h", b""), ("g", b"\xff\x02")]
