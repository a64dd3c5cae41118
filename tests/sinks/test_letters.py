"""What a dead letter says: the envelope of every source, the note, and the digest that tells letters apart."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from resilient_lambda import NonRetryableError
from resilient_lambda._io.blocking import drive
from resilient_lambda.sinks._letter import UNSENDABLE
from tests.sinks import events
from tests.sinks.events import EVENTS, fifo, kafka, kafka_event, kinesis, rabbitmq, rabbitmq_event
from tests.sinks.services import SERVICES, Client, event_record, park, records_of, sqs_records

OURS = "resilient_lambda"
ENVELOPES = {name: service for name, service in SERVICES.items() if name != "sqs"}


@pytest.fixture(params=ENVELOPES.values(), ids=ENVELOPES.keys())
def service(request):
    """Each service that gets every record in an envelope."""
    return request.param


@pytest.fixture
def write(time):
    """Return the letters that a sink gets for records, as texts."""

    def write(service, records, **options):
        client = Client(service)
        answers = park(service.sink(client), time, records, **options)
        assert all(isinstance(answer, str) for answer in answers)
        return client.texts

    return write


@pytest.fixture
def digest(write):
    """Return the digest of one record's letter."""

    def digest(record):
        return json.loads(write(SERVICES["s3"], [record])[0])[OURS]["dedup"]

    return digest


def note_in(write, record):
    """Return the note of one record's letter."""
    return json.loads(write(SERVICES["s3"], [record])[0])[OURS]


def first(*raws):
    """Return the record of an event with these records."""
    return records_of({"Records": list(raws)})[0]


@pytest.mark.parametrize("name", EVENTS)
def test_a_record_of_any_source_is_kept_whole(service, write, time, name):
    """As the event had it, with where it came from and why it is here."""
    (record,) = records_of(EVENTS[name])
    envelope = json.loads(write(service, [record])[0])
    note = envelope[OURS]

    assert envelope["record"] == record.raw
    assert (note["v"], note["error"], note["message"]) == (1, "NonRetryableError", "poison")
    assert (note["source"], note["id"], note["origin"]) == (name, record.id, record.origin)
    assert note.get("lane") == record.lane
    assert datetime.fromisoformat(note["at"].replace("Z", "+00:00")) == datetime.fromtimestamp(time.now(), timezone.utc)
    assert set(note) <= {"v", "error", "message", "source", "id", "origin", "dedup", "at", "lane", "delivery"}


@pytest.mark.parametrize("name", sorted(set(EVENTS) - {"sqs-fifo"}))
def test_a_queue_gets_other_sources_in_an_envelope_too(write, name):
    """The same envelope, as the body."""
    (record,) = records_of(EVENTS[name])

    assert json.loads(write(SERVICES["sqs"], [record])[0])["record"] == record.raw


EVENT_FIELDS = {
    "kafka": {"eventSource": "aws:kafka", "eventSourceArn": events.CLUSTER_ARN},
    "activemq": {"eventSource": "aws:mq", "eventSourceArn": events.BROKER_ARN},
    "rabbitmq": {"eventSource": "aws:rmq", "eventSourceArn": events.BROKER_ARN, "queue": "queue::/"},
    "documentdb": {"eventSource": "aws:docdb", "eventSourceArn": events.DOCUMENTS_ARN},
}


@pytest.mark.parametrize("name", EVENTS)
def test_what_only_the_event_said_is_kept(write, name):
    """Records of Kafka, MQ and DocumentDB do not say their source: a replay to a function needs it."""
    envelope = json.loads(write(SERVICES["s3"], records_of(EVENTS[name]))[0])

    assert envelope.get("event") == EVENT_FIELDS.get(name)


def test_kafka_of_ones_own_has_no_arn(write):
    """The event says its source and brokers, and nothing is made up."""
    event = kafka_event(kafka(), eventSource="SelfManagedKafka", bootstrapServers="a:9092")
    envelope = json.loads(write(SERVICES["s3"], records_of(event))[0])

    assert envelope["event"] == {"eventSource": "SelfManagedKafka", "bootstrapServers": "a:9092"}
    assert envelope[OURS]["origin"] == ""


@pytest.mark.parametrize(
    "event", [{"a": 1}, [1], "text", 5, None, {"source": "sqs"}, {"attributes": {"x": 1}}], ids=repr
)
@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_any_event_is_kept(write, service, event):
    """A whole event of whatever JSON type, under its request id."""
    envelope = json.loads(write(service, [event_record(event, "r-1")])[0])

    assert envelope["record"] == event
    assert (envelope[OURS]["source"], envelope[OURS]["id"], envelope[OURS]["origin"]) == ("invocation", "r-1", "")


ODD = {
    "half a character": {"a": "\ud83d"},
    "no character": {"a": "\ufffe\uffff"},
    "control characters": {"a": "\x00\x01\x1f\x7f"},
    "scripts": {"ä": "€😀"},
    "lone name": {"\udc00": 1},
    "numbers as names": {1: {None: 2}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_odd_texts_arrive(write, service, odd):
    """What no service takes as it is is escaped, so that nothing is lost of it."""
    (text,) = write(service, [event_record(odd)])

    text.encode()  # half a character cannot be sent
    assert json.loads(text)["record"] == json.loads(json.dumps(odd))
    assert not set(text) & {"\x00", "\x01", "\x1f", "\ufffe", "\uffff"}


def test_bytes_are_kept_as_base64(write):
    """Events hold none; those that a test makes may."""
    (text,) = write(SERVICES["s3"], [event_record({"data": b"\x00\xff", "tags": {"x"}})])

    assert json.loads(text)["record"] == {"data": "AP8=", "tags": "{'x'}"}


@pytest.mark.parametrize("message", ["x" * 100_000, "é" * 100_000, "😀" * 100_000, "\x00\ud800\uffff" * 1_000, ""])
def test_the_errors_text_is_cut(write, message):
    """At most 500 bytes of it, in whatever script, and it is JSON."""
    note = json.loads(write(SERVICES["s3"], sqs_records(1), error=NonRetryableError(message))[0])[OURS]

    assert len(json.dumps(note["message"], ensure_ascii=False).encode()) <= 500
    assert note["message"] or not message


def test_long_fields_leave_the_errors_text_two_hundred_bytes(write):
    """An S3 key of a kilobyte fills the note: there is still something of the reason."""
    record = first(events.s3("k" * 1_000))
    note = json.loads(write(SERVICES["s3"], [record], error=NonRetryableError("x" * 900))[0])[OURS]

    assert 150 < len(note["message"]) <= 200


def test_an_error_with_an_endless_name_is_named_in_short(write):
    """A class made at run time."""
    endless = type("E" * 5_000, (NonRetryableError,), {})
    note = json.loads(write(SERVICES["s3"], sqs_records(1), error=endless("x"))[0])[OURS]

    assert note["error"] == "E" * 128


def test_the_stored_key_is_kept_where_it_is_known(time):
    """A letter may come with the key of its idempotency record: a replay clears a remembered failure by it."""
    client = Client(SERVICES["s3"])
    (record,) = sqs_records(1)
    letters = [(record, ValueError("x"), "v1#orders#abc")]
    drive(SERVICES["s3"].sink(client).send(time, letters, until_s=float("inf")))

    assert client.envelopes[0][OURS]["key"] == "v1#orders#abc"


@pytest.mark.parametrize("name", EVENTS)
def test_the_digest_is_the_same_at_each_delivery(digest, name):
    """Sent twice by a crash: one digest."""
    assert digest(*records_of(EVENTS[name])) == digest(*records_of(EVENTS[name]))


DIFFERENT = {
    "another message": (first(fifo("m1")), first(fifo("m2"))),
    "sent again under its old id": (first(fifo(sequence="1")), first(fifo(sequence="2"))),
    "another shard": (first(kinesis(shard="shardId-1")), first(kinesis(shard="shardId-2"))),
    "another offset": (records_of(kafka_event(kafka(1)))[0], records_of(kafka_event(kafka(2)))[0]),
    "another cluster": (
        records_of(kafka_event(kafka(), eventSource="SelfManagedKafka", bootstrapServers="a:9092"))[0],
        records_of(kafka_event(kafka(), eventSource="SelfManagedKafka", bootstrapServers="b:9092"))[0],
    ),
    "one id used twice": (
        records_of(rabbitmq_event(rabbitmq(data="AA==")))[0],
        records_of(rabbitmq_event(rabbitmq(data="AQ==")))[0],
    ),
    "an object written again": (first(events.s3(sequencer="0A")), first(events.s3(sequencer="0B"))),
    "another request": (event_record({}, "r-1"), event_record({}, "r-2")),
    "no id": (records_of(rabbitmq_event(rabbitmq(None)))[0], records_of(rabbitmq_event(rabbitmq(None)))[0]),
    "no request id": (event_record({}, ""), event_record({}, "")),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_two_letters_have_two_digests(digest, one, other):
    """A FIFO queue and a bucket would keep one of two letters with one digest, and the other would be lost."""
    assert digest(one) != digest(other)


def test_what_cannot_be_sent_is_what_xml_does_not_have():
    """Of all code points: SQS and SNS take those of XML, and UTF-8 has no surrogates."""
    every = "".join(map(chr, range(0x110000)))
    taken = [(0x9, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF)]

    assert UNSENDABLE.sub("", every) == "".join(every[first : last + 1] for first, last in taken)


def test_a_letter_says_what_its_delivery_is_called(write):
    """Where the id alone does not tell it from others: a replay clears the failure of that one only."""
    (stream,) = records_of(EVENTS["kinesis"])
    (queue,) = records_of(EVENTS["sqs-fifo"])

    assert note_in(write, stream)["delivery"] == stream.delivery != stream.id
    assert "delivery" not in note_in(write, queue)


def test_two_functions_have_two_letters_of_one_record(write, monkeypatch):
    """They read one stream, and set aside into one bucket: none may replace the other's letter."""
    notes = []
    for function in ("billing", "search", "billing"):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
        notes.append(note_in(write, *records_of(EVENTS["kinesis"])))

    assert [note["function"] for note in notes] == ["billing", "search", "billing"]
    assert notes[0]["dedup"] == notes[2]["dedup"] != notes[1]["dedup"]
