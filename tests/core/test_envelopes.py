"""Envelopes inside SQS bodies: what is read, what identifies it, and what stays one message."""

from __future__ import annotations

import json

import pytest

from resilient_lambda._core.batch import answer
from resilient_lambda._core.envelopes import Envelopes
from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import open_batch
from resilient_lambda.errors import ConfigurationError, InvalidRecordError
from resilient_lambda.testing import (
    eventbridge_envelope,
    kinesis_event,
    s3_event,
    s3_record,
    sns_envelope,
    sns_event,
    sqs_event,
    sqs_record,
)

TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2014-10-13T15:57:02.089Z",
    "Bucket": "orders",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


def opened(unwrap, *bodies, decode=None, group=None):
    """Return the delivery of messages with these *bodies*, and its records."""
    records = [sqs_record(body, message_id=f"m{number}", group=group) for number, body in enumerate(bodies)]
    delivery = Envelopes(unwrap, decode).open(open_batch(sqs_event(records)))
    return delivery, [Record(raw, delivery.source) for raw in delivery.raws]


def test_a_notification_of_sns_is_its_message():
    """Its id is the default key, for SNS that delivers twice makes two messages of it; the answer names the message."""
    delivery, records = opened("sns", sns_envelope({"a": 1}, message_id="n"), sns_envelope("text", message_id="n"))

    assert [record.body for record in records] == ['{"a": 1}', "text"]
    assert records[0].json() == {"a": 1}
    assert [record.default_key for record in records] == ["n", "n"]
    assert [record.id for record in records] == ["m0", "m1"]
    assert delivery.source.name == "sqs"


def test_an_event_of_eventbridge_is_its_detail():
    """Identified by the event's own id, which it keeps when an archive is replayed."""
    _, (record,) = opened("eventbridge", eventbridge_envelope({"a": [1]}, event_id="e"))

    assert record.value == {"a": [1]}
    assert record.body == '{"a": [1]}'
    assert (record.id, record.default_key) == ("m0", "e")


def test_an_event_of_s3_is_its_object():
    """With the key decoded, and S3's own identity."""
    delivery, (record,) = opened("s3", s3_event([s3_record("red flower.jpg", sequencer="0A", version_id="v")]))

    assert record.value["s3"]["object"]["key"] == "red flower.jpg"
    assert record.default_key == ["orders", "red+flower.jpg", "v", "0A", "ObjectCreated:Put"]
    assert json.loads(delivery.raws[0]["body"])["Records"][0]["s3"]["object"]["key"] == "red+flower.jpg"


@pytest.mark.parametrize("unwrap", ["s3", ["s3"], ("sns", "s3")])
def test_several_objects_are_several_records_of_one_message(unwrap):
    """Each runs by itself; the answer names the message if any of them fails, and names it once."""
    event = s3_event(["a b", "c", "d"])
    delivery, records = opened(unwrap, event if unwrap != ("sns", "s3") else sns_envelope(event), s3_event([]))

    assert [record.value["s3"]["object"]["key"] for record in records[:3]] == ["a b", "c", "d"]
    assert len({str(record.default_key) for record in records}) == 4
    assert [record.id for record in records] == ["m0", "m0", "m0", "m1"]
    assert answer(delivery.source, delivery.raws[1:3]) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


@pytest.mark.parametrize("unwrap", ["s3", ("sns", "s3")])
def test_each_of_several_objects_is_a_message_that_could_have_been_sent(unwrap):
    """What a dead letter is made of holds the one object only, and is read in the same way."""
    event = s3_event(["a b", "c"])
    delivery, _ = opened(unwrap, event if unwrap == "s3" else sns_envelope(event, message_id="n"))
    one = dict(delivery.raws[1])
    _, (again,) = opened(unwrap, one["body"])

    assert again.value["s3"]["object"]["key"] == "c"
    assert "md5OfBody" not in one  # it was that of the whole body
    assert {name: one[name] for name in ("messageId", "receiptHandle", "attributes", "eventSource")} == {
        name: delivery.raws[0][name] for name in ("messageId", "receiptHandle", "attributes", "eventSource")
    }


def test_a_message_with_one_object_is_not_copied():
    """The usual message of S3 has one."""
    event = sqs_event([s3_event(["a"])])
    delivery = Envelopes("s3", None).open(open_batch(event))

    assert delivery.raws[0] is event["Records"][0]


@pytest.mark.parametrize("unwrap", ["s3", ("sns", "s3")])
def test_the_test_event_of_s3_is_acknowledged(unwrap):
    """S3 sends it when a notification is set up; there is nothing to run."""
    delivery, records = opened(unwrap, TEST_EVENT if unwrap == "s3" else sns_envelope(TEST_EVENT))

    assert records == []
    assert answer(delivery.source, delivery.raws) == {"batchItemFailures": []}


NO_ENVELOPES = ["text", "", "[]", "{}", "null", "5", "[" * 100_000, {"Records": []}, {"Records": [5]}, {"Records": {}}]
ODD = [
    {"Message": 5, "TopicArn": "t"},
    {"Message": "x"},
    {"detail": {}},
    {"detail-type": "x"},
    {**TEST_EVENT, "Records": []},
    {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
]


@pytest.mark.parametrize("unwrap", ["sns", "s3", "eventbridge", ("sns", "s3"), ("sns", "eventbridge")])
@pytest.mark.parametrize("body", [*NO_ENVELOPES, *ODD], ids=lambda body: str(body)[:40])
def test_a_body_without_the_envelope_is_an_invalid_record(unwrap, body):
    """It stays one record with the id of its message as its key; nothing of it is shown."""
    _, (record,) = opened(unwrap, body)

    assert (record.id, record.default_key) == ("m0", "m0")
    with pytest.raises(InvalidRecordError, match=r"is no (event|notification) of|names no S3 object") as raised:
        _ = record.value
    assert "aws:sqs" not in str(raised.value)


def test_a_bad_envelope_inside_a_good_one_keeps_the_outer_identity():
    """As far as it can be read."""
    _, (record,) = opened(("sns", "s3"), sns_envelope("text", message_id="n"))

    assert record.default_key == "n"
    with pytest.raises(InvalidRecordError):
        _ = record.value


def test_an_envelope_without_an_id_keeps_the_id_of_its_message():
    """The content can be read all the same."""
    envelope = {name: part for name, part in sns_envelope("1").items() if name != "MessageId"}
    _, (record,) = opened("sns", envelope)

    assert (record.default_key, record.value) == ("m0", 1)


def test_several_objects_of_a_group_keep_its_order():
    """They are in the lane of their message."""
    _, records = opened("s3", s3_event(["a", "b"]), group="g")

    assert [record.lane for record in records] == ["g", "g"]


def test_what_was_unwrapped_can_be_decoded():
    """The message of SNS is given to ``decode=`` as bytes."""
    _, (record,) = opened("sns", sns_envelope("abc"), decode=lambda sent: sent[::-1])

    assert record.body == b"cba"


@pytest.mark.parametrize(
    "unwrap",
    ["", "SNS", "kafka", 5, [], (), ["sns", 5], ["sns", "sns"], ("s3", "sns"), ("eventbridge", "s3"), {"sns"}],
    ids=repr,
)
def test_a_wrong_option_fails_at_import(unwrap):
    """With the value and what is allowed."""
    with pytest.raises(ConfigurationError, match='must be "sns", "s3" or "eventbridge"'):
        Envelopes(unwrap, None)


@pytest.mark.parametrize("unwrap", ["s3", ("sns", "eventbridge")])
def test_what_has_a_structure_cannot_be_decoded(unwrap):
    """There are no bytes left."""
    with pytest.raises(ConfigurationError, match="leaves no bytes for decode="):
        Envelopes(unwrap, bytes)


@pytest.mark.parametrize("event", [kinesis_event(["1"]), sns_event(["1"]), s3_event(["1"])])
def test_only_queues_have_envelopes(event):
    """In any other batch the option is a mistake, and nothing is run."""
    with pytest.raises(ConfigurationError, match="leave it out"):
        Envelopes("sns", None).open(open_batch(event))
