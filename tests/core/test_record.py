"""`Record`: lazy, and silent about its payload."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.keys import is_missing
from resilient_lambda._core.record import EventRecord, Record
from resilient_lambda._core.sources import DYNAMODB, INVOCATION, KINESIS, SQS, Data, open_batch, row_of
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    dynamodb_record,
    kafka_event,
    kafka_record,
    kinesis_record,
    rabbitmq_event,
    rabbitmq_message,
    s3_record,
    sqs_record,
)

KAFKA, S3 = row_of("kafka"), row_of("s3")


def record_of(body, **fields):
    """Return a record with this body."""
    return Record({**sqs_record("x", message_id="m", receives=2), "body": body, **fields}, SQS)


def test_a_record_reads_what_the_event_holds():
    """Id, source, body, receive count and the item itself."""
    record = record_of("text")

    assert (record.id, record.source, record.body, record.receives) == ("m", "sqs", "text", 2)
    assert record.raw["body"] == "text"
    assert record.lane is None
    assert not record.is_event


@pytest.mark.parametrize("identifier", [None, 5, [], {}, ""])
def test_an_id_that_is_no_text_is_empty(identifier):
    """The answer can name only texts."""
    assert record_of("x", messageId=identifier).id == ""


def test_json_is_parsed_once():
    """Every call returns the same object, and so does the value of a bare record."""
    record = record_of('{"a": [1]}')

    assert record.json() == {"a": [1]}
    assert record.json() is record.json()
    assert record.value is record.json()


@pytest.mark.parametrize("body", ["", "{", "nojson", "[" * 100_000, "9" * 5_000], ids=lambda body: repr(body)[:12])
def test_a_body_that_is_no_json_is_an_invalid_record(body):
    """The message names the record, not what it holds; a second call says the same."""
    record = record_of(body)
    for _ in range(2):
        with pytest.raises(InvalidRecordError, match="'m' is not JSON"):
            record.json()


@pytest.mark.parametrize("body", [None, 5, [], {}, True], ids=repr)
def test_a_body_that_is_no_text_is_an_invalid_record(body):
    """SQS sends texts only; the message names the type."""
    with pytest.raises(InvalidRecordError, match=f"the body is {type(body).__name__}, not text"):
        record_of(body).json()


def test_a_missing_body_is_an_invalid_record():
    """There is nothing to parse."""
    with pytest.raises(InvalidRecordError):
        Record({"messageId": "m"}, SQS).json()


def test_the_validated_value_takes_the_place_of_the_parsed_one():
    """`with_value` returns the same record, and the JSON stays."""
    record = record_of("1")

    assert record.with_value("validated") is record
    assert (record.value, record.json()) == ("validated", 1)


@given(st.text())
def test_the_representation_never_shows_the_body(body):
    """Only source and id."""
    assert repr(record_of(body)) == "Record(sqs, 'm')"


@pytest.mark.parametrize("event", [{"a": 1}, {"id": "business"}, [1], "text", 5, None], ids=repr)
def test_an_event_is_its_own_json(event):
    """No parsing, no copy, and its id is the request's, whatever the event holds."""
    record = EventRecord(event, INVOCATION, "request-1")

    assert record.json() is event
    assert record.value is event
    assert record.is_event
    assert (record.id, record.receives, record.source) == ("request-1", None, "invocation")
    assert (record.default_key, record.key, record.lane, record.origin) == (None, None, None, "")
    assert (record.change, record.is_tombstone, record.headers) == (None, False, [])


def test_an_event_has_its_json_as_body():
    """For sinks, which send texts."""
    assert EventRecord({"a": [1, "ü"]}, INVOCATION, "r").body == '{"a": [1, "\\u00fc"]}'


def test_an_event_that_is_no_json_has_no_body():
    """Only a hand-made one can be so; the message does not show it."""
    with pytest.raises(InvalidRecordError) as raised:
        _ = EventRecord({"a": object()}, INVOCATION, "r").body

    assert "object" not in str(raised.value)


def test_content_is_read_once():
    """What was asked for is kept, for all that read it."""
    calls = []

    def content_of(raw):
        calls.append(raw)
        return "1"

    record = Record({}, SQS._replace(content_of=content_of))

    assert (record.body, record.json(), record.value, record.content) == ("1", 1, 1, "1")
    assert len(calls) == 1


@pytest.mark.parametrize("sent", [b"\x00\xff", b"", "text"], ids=repr)
def test_the_body_of_what_was_decoded_is_what_was_sent(sent):
    """A structure made of bytes has them as its body, and itself as its value."""
    record = Record({}, KINESIS._replace(content_of=lambda raw: Data(1.5, sent)))

    assert (record.body, record.value, record.json()) == (sent, 1.5, 1.5)


@pytest.mark.parametrize("data", [None, 5, "YQ", "YQ==YQ==", "Y Q==", "YQ==\n", "ä", "YQ=a", "=", "-_8="], ids=repr)
def test_what_is_no_base64_is_an_invalid_record(data):
    """Python skips what is no base64 unless told not to, and gives other bytes than were sent."""
    raw = kinesis_record("x")
    raw["kinesis"]["data"] = data

    with pytest.raises(InvalidRecordError) as raised:
        _ = Record(raw, KINESIS).body

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_bytes_that_are_no_utf8_are_a_body_but_no_json():
    """Whoever takes bytes can read them."""
    record = Record(kinesis_record(b"\xff\xfe\xfd"), KINESIS)

    assert record.body == b"\xff\xfe\xfd"
    with pytest.raises(InvalidRecordError):
        record.json()


@pytest.mark.parametrize(
    "headers",
    [5, "x", [5], ["x"], [{"a": 5}], [{"a": "x"}], [{"a": [1, "x"]}], [{"a": [256]}], [{"a": [-129]}], [{"a": [1.5]}]],
    ids=repr,
)
def test_headers_of_an_odd_shape_are_an_invalid_record(headers):
    """Nothing else of the record is."""
    record = Record({**kafka_record("1"), "headers": headers}, KAFKA)

    with pytest.raises(InvalidRecordError, match="not lists of bytes"):
        _ = record.headers
    assert record.json() == 1


@pytest.mark.parametrize("headers", [None, [], [{}]], ids=repr)
def test_there_may_be_no_headers(headers):
    """None of these is an error."""
    assert Record({**kafka_record("1"), "headers": headers}, KAFKA).headers == []


def test_headers_keep_their_order_and_may_come_twice():
    """Their bytes are signed in the event."""
    sent = [("a", b"\x00\x7f\x80\xff"), ("b", b""), ("a", b"2")]

    assert Record(kafka_record("1", headers=sent), KAFKA).headers == sent


def test_a_record_without_a_value_is_a_tombstone():
    """Whether the event has null or leaves it out; an empty value is none."""
    missing = kafka_record(None)
    del missing["value"]
    records = [Record(raw, KAFKA) for raw in (kafka_record(None), missing, kafka_record(""))]

    assert [record.is_tombstone for record in records] == [True, True, False]
    assert [record.body for record in records] == [b"", b"", b""]
    assert [record.json() for record in records[:2]] == [None, None]


@pytest.mark.parametrize(("key", "expected"), [(None, None), ("", b""), ("k", b"k"), (b"\xff", b"\xff")])
def test_a_key_of_kafka_is_bytes_or_none(key, expected):
    """An empty key is a key."""
    assert Record(kafka_record("1", key=key), KAFKA).key == expected


def test_a_stream_with_keys_only_gives_the_keys():
    """The view of the stream decides what there is; with only the other image, too, the keys are the value."""
    raw = dynamodb_record({"id": 1, "n": 2})
    image = raw["dynamodb"].pop("NewImage")
    keys_only = Record(raw, DYNAMODB)
    old_only = Record({**raw, "dynamodb": {**raw["dynamodb"], "OldImage": image}}, DYNAMODB)

    assert keys_only.value == old_only.value == {"id": 1}
    assert (keys_only.new_image, old_only.old_image) == (None, {"id": 1, "n": 2})


@pytest.mark.parametrize(
    ("field", "value"),
    [("eventName", "OTHER"), ("eventName", None), ("eventName", []), ("dynamodb", {}), ("dynamodb", 5)],
)
def test_a_change_that_says_nothing_is_an_invalid_record(field, value):
    """Neither an image nor keys, or no change that there is."""
    with pytest.raises(InvalidRecordError):
        _ = Record({**dynamodb_record({"id": 1}), field: value}, DYNAMODB).value


@pytest.mark.parametrize("image", [5, [], "x", {"a": 5}, {"a": {}}, {"a": {"N": "x"}}, {"a": {"S": 5}}], ids=repr)
def test_an_image_that_dynamodb_does_not_write_is_an_invalid_record(image):
    """The message does not show it."""
    raw = dynamodb_record({"id": 1})
    raw["dynamodb"]["NewImage"] = image
    record = Record(raw, DYNAMODB)

    for read in (lambda: record.value, lambda: record.new_image):
        with pytest.raises(InvalidRecordError, match=r"^the record's NewImage is not as DynamoDB writes it$"):
            read()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a.txt", "a.txt"),
        ("a+b%2Bc", "a b+c"),
        ("%C3%BC/%e2%82%ac", "ü/€"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("ü", "ü"),
        ("%FF", "\ufffd"),
        ("", ""),
    ],
)
def test_the_key_of_an_object_is_decoded(written, key):
    """Like a form, and without an error for what nobody encodes so."""
    raw = s3_record("x")
    raw["s3"]["object"]["key"] = written
    record = Record(raw, S3)

    assert record.value["s3"]["object"]["key"] == key
    assert raw["s3"]["object"]["key"] == written


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_key_of_an_object_survives(key):
    """What S3 encodes is decoded to the same."""
    assert Record(s3_record(key), S3).value["s3"]["object"]["key"] == key


@pytest.mark.parametrize("s3", [None, 5, {}, {"object": None}, {"object": {"key": 5}}], ids=repr)
def test_a_record_of_s3_that_names_no_object_is_invalid(s3):
    """It has no id and no default key either."""
    record = Record({**s3_record("x"), "s3": s3}, S3)

    assert (record.id, record.default_key, record.origin) == ("", None, "")
    with pytest.raises(InvalidRecordError, match="names no S3 object"):
        _ = record.value


def test_what_has_no_sequencer_is_told_apart_by_its_time():
    """S3 gives one only where an object is created or removed; tags that were set twice are two events."""
    raw = s3_record("x", event_name="ObjectTagging:Put")
    del raw["s3"]["object"]["sequencer"]
    first = Record({**raw, "eventTime": "2026-01-01T00:00:00.000Z"}, S3)
    second = Record({**raw, "eventTime": "2026-01-01T00:00:01.000Z"}, S3)
    unknown = Record({**raw, "eventTime": None, "eventName": None}, S3)

    assert first.default_key == ["orders", "x", "null", "2026-01-01T00:00:00.000Z", "ObjectTagging:Put"]
    assert first.default_key != second.default_key
    assert unknown.default_key == ["orders", "x", "null", "unknown time", "unknown event"]


def test_a_topic_that_is_made_again_has_other_keys():
    """Its offsets begin at 0 again; the time tells its records from those of the first one."""
    raw = {**kafka_record("1", offset=0), "timestamp": 1}
    delivery = open_batch(kafka_event([{**raw, "timestamp": time} for time in (1, 2, None)], cluster_arn="arn"))
    keys = [Record(raw, delivery.source).default_key for raw in delivery.raws]

    assert keys == [["arn", "orders", 0, 0, time] for time in (1, 2, "unknown time")]


@pytest.mark.parametrize(
    ("event", "unknown"),
    [
        (kafka_event(["1"], cluster_arn=None), "unknown cluster"),
        (activemq_event(["1"]), "unknown broker"),
        (rabbitmq_event([rabbitmq_message("1", message_id="i")]), "unknown broker"),
        (documentdb_event([{"a": 1}]), "unknown cluster"),
    ],
    ids=lambda value: None if isinstance(value, str) else value["eventSource"],
)
def test_an_event_that_does_not_say_its_origin_still_has_keys(event, unknown):
    """A hand-made one; no part of a key may be empty, for that would be a key that is missing."""
    plain = {name: value for name, value in event.items() if name not in {"eventSourceArn", "bootstrapServers"}}
    delivery = open_batch(plain)
    record = Record(delivery.raws[0], delivery.source)

    assert record.default_key[0] == unknown
    assert not is_missing(record.default_key)
    assert record.origin == ""


@pytest.mark.parametrize("offset", [None, "5", True, -1])
def test_a_record_of_kafka_without_an_offset_is_identified_by_nothing(offset):
    """It can be run; if it fails, the batch is raised."""
    delivery = open_batch(kafka_event([{**kafka_record("1"), "offset": offset}]))
    record = Record(delivery.raws[0], delivery.source)

    assert (record.id, record.default_key, record.json()) == ("", None, 1)


@pytest.mark.parametrize("change", [None, 5, "x", []], ids=repr)
def test_a_change_of_documentdb_that_is_no_object_is_an_invalid_record(change):
    """It has no id and no default key either."""
    delivery = open_batch({"eventSource": "aws:docdb", "events": [{"event": change}]})
    record = Record(delivery.raws[0], delivery.source)

    assert (record.id, record.default_key) == ("", None)
    with pytest.raises(InvalidRecordError, match="not an object"):
        _ = record.value
