"""How large a letter and a request may be, to the byte, and where letters go that are larger."""

from __future__ import annotations

import json

import pytest

from resilient_lambda import DeadLetter
from resilient_lambda.errors import SinkError
from resilient_lambda.testing import sqs_event, sqs_record
from tests.sinks.services import S3, Client, EventBridge, Sns, Sqs, api_error, event_record, park, records_of

MEBIBYTE = 1_048_576
NOT_ALLOWED = api_error("AccessDenied", 403)
# What one letter, and all letters of one request together, may have at most.
LIMITS = {Sqs: MEBIBYTE, Sns: 262_144, EventBridge: 999_999}
# What is counted besides the letter's text. EventBridge: source and detail type.
BESIDES = {Sqs: 0, Sns: 0, EventBridge: len("resilient_lambda") + len("Dead letter")}


@pytest.fixture(params=LIMITS, ids=lambda service: service.name)
def service(request):
    """Each service that has a limit."""
    return request.param


@pytest.fixture
def client(service):
    """A client of the service under the test's control."""
    return Client(service)


def event_of(service, time, size_bytes, fill="x"):
    """Return an event whose letter counts exactly *size_bytes*."""
    probe = Client(service)
    park(service.sink(probe), time, [event_record({"a": ""})])
    rest = size_bytes - len(probe.texts[0].encode()) - BESIDES[service]
    count, more = divmod(rest, len(fill.encode()))
    return event_record({"a": fill * count + "x" * more})


@pytest.mark.parametrize("fill", ["x", "ä", "😀"])
def test_a_letter_of_exactly_the_limit_is_sent(service, client, time, fill):
    """Bytes are counted, not characters."""
    record = event_of(service, time, LIMITS[service], fill)
    (answer,) = park(service.sink(client), time, [record])

    assert isinstance(answer, str)
    assert len(client.texts[0].encode()) + BESIDES[service] == LIMITS[service]


def test_a_letter_of_one_byte_more_is_refused_for_good(service, client, time):
    """Nothing is asked of the service; the answer says what to do, and a neighbour is sent."""
    record = event_of(service, time, LIMITS[service] + 1)
    large, small = park(service.sink(client), time, [record, event_record({})])

    assert isinstance(large, SinkError)
    assert large.is_permanent
    assert "too_large=" in str(large)
    assert isinstance(small, str)
    assert len(client.entries) == 1


def test_two_letters_share_a_request_up_to_exactly_the_limit(service, client, time):
    """One byte more and they are two requests."""
    half = LIMITS[service] // 2
    first, second = event_of(service, time, half), event_of(service, time, LIMITS[service] - half)
    more = event_of(service, time, LIMITS[service] - half + 1)
    park(service.sink(client), time, [first, second])
    park(service.sink(client), time, [first, more])

    assert client.sizes == [2, 1, 1]


def test_eventbridge_counts_the_resource(time):
    """The ARN of the record's origin is a part of the event."""
    client = Client(EventBridge)
    (record,) = records_of(sqs_event([sqs_record("x")]))
    park(EventBridge.sink(client), time, [record])
    (entry,) = client.entries
    counted = sum(len(entry[field]) for field in ("Source", "DetailType", "Detail")) + len(entry["Resources"][0])
    record.raw["body"] = "x" * (1 + LIMITS[EventBridge] - counted)

    assert entry["Resources"] == [record.origin]
    assert isinstance(park(EventBridge.sink(client), time, [record])[0], str)
    record.raw["body"] += "x"
    assert isinstance(park(EventBridge.sink(client), time, [record])[0], SinkError)


def sized_message(time, size_bytes):
    """Return an SQS record with one attribute whose message with the note counts *size_bytes*, and its parts."""
    client = Client(Sqs)
    raw = sqs_record("x", message_id="m", attributes={"a": {"dataType": "String", "stringValue": "ä"}})
    park(Sqs.sink(client), time, records_of({"Records": [raw]}))
    note = client.entries[0]["MessageAttributes"]["resilient_lambda"]["StringValue"]
    attributes = len("a" + "String") + len("ä".encode()) + len("resilient_lambda" + "String") + len(note.encode())
    return records_of({"Records": [{**raw, "body": "x" * (size_bytes - attributes)}]})[0]


def test_a_message_with_its_note_of_exactly_the_limit_is_sent_whole(time):
    """Body, names, types and values of the attributes together."""
    client = Client(Sqs)
    park(Sqs.sink(client), time, [sized_message(time, MEBIBYTE)])

    assert set(client.entries[0]["MessageAttributes"]) == {"a", "resilient_lambda"}


def test_a_message_of_one_byte_more_is_sent_as_the_body_alone(time):
    """Rather that than no dead letter."""
    client = Client(Sqs)
    record = sized_message(time, MEBIBYTE + 1)
    (answer,) = park(Sqs.sink(client), time, [record])

    assert isinstance(answer, str)
    assert client.entries == [{"Id": "0", "MessageBody": record.raw["body"]}]


@pytest.mark.parametrize("option", ["too_large", "otherwise"])
def test_a_message_of_one_byte_more_goes_whole_where_it_has_room(option, time):
    """With another sink nothing need be dropped."""
    client, bucket = Client(Sqs), Client(S3)
    record = sized_message(time, MEBIBYTE + 1)
    (answer,) = park(Sqs.sink(client, **{option: S3.sink(bucket)}), time, [record])

    assert answer.startswith("s3://parking/sqs/")
    assert client.calls == []
    assert bucket.envelopes[0]["record"] == record.raw


def test_a_body_that_is_larger_than_a_message_is_refused_for_good(time):
    """SQS holds no such message; one that says so is odd, and nothing is asked."""
    client = Client(Sqs)
    record = records_of(sqs_event([sqs_record("x" * (MEBIBYTE + 1))]))[0]
    (answer,) = park(Sqs.sink(client), time, [record])

    assert answer.is_permanent
    assert client.calls == []


def test_a_bucket_takes_any_size(time):
    """An object has no limit that an event could reach."""
    client = Client(S3)

    assert isinstance(park(S3.sink(client), time, [event_record("x" * 6_000_000)])[0], str)


# --- where the letter goes that a sink refuses ----------------------------------------------------------------------


def test_only_the_large_letters_go_to_the_sink_for_large_ones(service, client, time):
    """Answers stay with their letters."""
    bucket = Client(S3)
    sink = service.sink(client, too_large=S3.sink(bucket))
    records = [
        event_record({"n": 1}, "r-1"),
        event_of(service, time, LIMITS[service] + 1),
        event_record({"n": 2}, "r-2"),
    ]
    answers = park(sink, time, records)

    assert [answer.startswith("s3://") for answer in answers] == [False, True, False]
    assert [envelope["record"] for envelope in client.envelopes] == [{"n": 1}, {"n": 2}]
    assert [envelope["record"] for envelope in bucket.envelopes] == [records[1].raw]


def test_what_is_refused_for_another_reason_does_not_go_there(service, client, time):
    """That sink is for large letters only."""
    bucket = Client(S3)
    client.script = [lambda entries: service.answer(entries, {0: True})]
    (answer,) = park(service.sink(client, too_large=S3.sink(bucket)), time, [event_record({})])

    assert isinstance(answer, SinkError)
    assert bucket.calls == []


def test_what_is_refused_for_good_falls_through(client, service, time, caplog):
    """No permission for the first sink is no reason to lose a letter; one line of the log says what is wrong."""
    bucket = Client(S3)
    client.script = [NOT_ALLOWED]
    sink = service.sink(client, otherwise=S3.sink(bucket))
    answers = park(sink, time, [event_record({"n": n}, f"r-{n}") for n in range(3)])

    assert all(answer.startswith("s3://") for answer in answers)
    assert len(client.calls) == 1
    assert len(caplog.messages) == 1
    assert "AccessDenied" in caplog.text
    assert sorted(envelope["record"]["n"] for envelope in bucket.envelopes) == [0, 1, 2]


def test_what_may_still_be_taken_does_not_fall_through(client, service, time):
    """A sink that is down for a moment is asked again at the next delivery."""
    bucket = Client(S3)
    client.script = [TimeoutError()] * 3
    (answer,) = park(service.sink(client, otherwise=S3.sink(bucket)), time, [event_record({})])

    assert not answer.is_permanent
    assert bucket.calls == []


def test_a_large_letter_that_the_sink_for_large_ones_refuses_for_good_goes_on(client, service, time):
    """The chain: this sink, the one for large letters, the one for all others."""
    bucket, parked = Client(S3), []
    bucket.script = [NOT_ALLOWED]
    last = DeadLetter(lambda record, error: parked.append(record.id) or "parked")
    sink = service.sink(client, too_large=S3.sink(bucket), otherwise=last)

    assert park(sink, time, [event_of(service, time, LIMITS[service] + 1)]) == ["parked"]
    assert parked == ["request-1"]


def test_an_error_at_the_end_of_the_chain_names_every_reason(client, service, time):
    """So that an operator need not guess which sink it was; it is permanent if the last one is."""
    bucket = Client(S3)
    bucket.script = [TimeoutError()] * 3
    record = event_of(service, time, LIMITS[service] + 1)
    (answer,) = park(service.sink(client, too_large=S3.sink(bucket)), time, [record])

    assert not answer.is_permanent
    assert "bytes" in str(answer)
    assert "S3" in str(answer)


def test_one_sink_for_both_reasons_is_asked_once(client, service, time):
    """A letter is not sent twice to a sink that has refused it, unless it was too large for the first one."""
    bucket = Client(S3)
    client.script = [NOT_ALLOWED]
    fallback = S3.sink(bucket)
    park(service.sink(client, too_large=fallback, otherwise=fallback), time, [event_record({})])

    assert len(bucket.calls) == 1


def test_sinks_of_a_chain_are_checked_and_warmed(monkeypatch):
    """A missing variable or a wrong colour anywhere in it is found at import."""
    monkeypatch.delenv("LARGE", raising=False)

    async def sink(record, error): ...

    with pytest.raises(ValueError, match="LARGE"):
        Sqs.sink(Client(Sqs), too_large=DeadLetter.s3(env="LARGE")).warm()
    with pytest.raises(ValueError, match="async"):
        Sqs.sink(otherwise=DeadLetter(sink)).check(is_asynchronous=False)


def test_a_sink_that_cannot_be_warmed_leaves_it_to_its_fallback(monkeypatch, caplog):
    """A warning, and not the end of the function's start: ``otherwise`` is there for that, and is warmed itself."""
    for name in ("FIRST", "LARGE", "LAST"):
        monkeypatch.delenv(name, raising=False)
    last = Sqs.sink(Client(Sqs))
    too_large = DeadLetter.s3(env="LARGE")
    DeadLetter.sns(env="FIRST", too_large=too_large, otherwise=last).warm()

    assert [name for name in ("FIRST", "LARGE") if name not in caplog.text] == []
    assert caplog.text.count("dead letters will go to") == 2
    with pytest.raises(ValueError, match="LAST"):
        DeadLetter.sns(env="FIRST", otherwise=DeadLetter.sqs(env="LAST")).warm()


@pytest.mark.parametrize("wrap", [str, lambda text: json.dumps({"Message": text})], ids=["plain", "in sns"])
def test_a_body_that_reads_as_a_letter_is_never_sent_alone(time, wrap):
    """A replay would take it for a letter, and its sender would have chosen where that goes."""
    client = Client(Sqs)
    letter = {"resilient_lambda": {"origin": "arn:aws:sqs:us-east-1:1:payouts"}, "record": {"body": ""}}
    body = wrap(json.dumps(letter))
    body += " " * (MEBIBYTE - len(body))
    (answer,) = park(Sqs.sink(client), time, records_of(sqs_event([sqs_record(body)])))

    assert isinstance(answer, SinkError)
    assert answer.is_permanent
    assert client.calls == []
