"""`DeadLetter.s3`: which object a letter becomes."""

from __future__ import annotations

import re
from threading import Barrier, Lock

import pytest

from resilient_lambda._io.blocking import BlockingIo
from tests.sinks import events
from tests.sinks.events import EVENTS, SENT_DAY, WITHOUT_TIME, kinesis
from tests.sinks.services import S3, Client, event_record, park, records_of

TODAY = "2027/01/15"  # of virtual time


@pytest.fixture
def keys(time):
    """Return the keys under which records are put."""

    def keys(*records, **options):
        client = Client(S3)
        answers = park(S3.sink(client, **options), time, records)
        assert {answer for answer in answers if isinstance(answer, str)} == {
            f"s3://parking/{k['Key']}" for k in client.calls
        }
        return [call["Key"] for call in client.calls]

    return keys


def test_a_letter_is_one_object_in_json(time):
    """In the bucket, under its key, with its type."""
    client = Client(S3)
    park(S3.sink(client), time, [event_record({"a": "ä"})])
    (call,) = client.calls

    assert set(call) == {"Bucket", "Key", "Body", "ContentType"}
    assert (call["Bucket"], call["ContentType"]) == ("parking", "application/json")
    assert client.envelopes[0]["record"] == {"a": "ä"}


@pytest.mark.parametrize("name", EVENTS)
def test_the_key_has_source_day_id_and_digest(keys, name):
    """The day on which the record was sent, where it says so: copies of a letter meet even after midnight."""
    (key,) = keys(*records_of(EVENTS[name]))
    day = TODAY if name in WITHOUT_TIME else SENT_DAY

    assert re.fullmatch(rf"{name}/{day}/[A-Za-z0-9._-]+-[0-9a-f]{{16}}\.json", key)


@pytest.mark.parametrize("name", EVENTS)
def test_copies_of_a_letter_meet(time, name):
    """A crash between the put and the answer, a day later: the object is replaced, unless the record has no time."""
    client = Client(S3)
    for _ in range(2):
        park(S3.sink(client), time, records_of(EVENTS[name]))
        time.advance(0 if name in WITHOUT_TIME else 86_400)

    assert len({call["Key"] for call in client.calls}) == 1


@pytest.mark.parametrize(
    ("prefix", "beginning"),
    [("", "sqs-fifo/"), ("dead", "dead/sqs-fifo/"), ("/a/b/", "a/b/sqs-fifo/"), ("/", "sqs-fifo/")],
)
def test_a_prefix_stands_before_it(keys, prefix, beginning):
    """Slashes around it do not count."""
    (key,) = keys(*records_of(EVENTS["sqs-fifo"]), prefix=prefix)

    assert key.startswith(beginning)


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        ("simple-1.2_3", "simple-1.2_3"),
        ("../../etc", ".._.._etc"),
        ("a/b c?ä#", "a_b_c_"),
        ("x" * 500, "x" * 100),
        ("\ud83d", "_"),
        ("", "no-id"),
    ],
    ids=ascii,
)
def test_an_id_of_any_kind_is_a_safe_part_of_the_key(keys, identifier, shown):
    """No slashes, no blanks, not endless; the digest tells ids apart that look alike then."""
    (key,) = keys(event_record({}, identifier))

    assert key.rpartition("/")[2].rpartition("-")[0] == shown


def test_ids_that_look_alike_are_two_objects(keys):
    """One would replace the other, and be lost."""
    records = [event_record({}, identifier) for identifier in ("a/b", "a?b", "x" * 200, "x" * 201)]

    assert len(set(keys(*records))) == 4


def test_the_longest_key_is_one_that_s3_takes(keys):
    """1,024 bytes."""
    (key,) = keys(*records_of({"Records": [events.s3("k" * 1_024)]}), prefix="p" * 800)

    assert len(key.encode()) <= 1_024


@pytest.mark.parametrize(
    "arrived_s", [None, "x", True, [], {}, float("inf"), float("nan"), 1e18, -1e18, "9" * 400], ids=repr
)
def test_an_odd_time_is_none(keys, arrived_s):
    """The letter is filed under the day on which it is set aside."""
    (key,) = keys(*records_of({"Records": [kinesis(arrived_s=arrived_s)]}))

    assert key.startswith(f"kinesis/{TODAY}/")


@pytest.mark.parametrize("time_text", [None, 5, "", "yesterday", "2025-11"], ids=repr)
def test_an_odd_date_is_none(keys, time_text):
    """The same for sources that write a date."""
    (key,) = keys(*records_of({"Records": [{**events.s3(), "eventTime": time_text}]}))

    assert key.startswith(f"s3/{TODAY}/")


def test_objects_are_put_a_few_at_a_time():
    """One hundred letters of 50 ms each fit into the margin of an invocation."""
    lock, together, busy, most = Lock(), Barrier(8), 0, 0

    def act(entries):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        together.wait(timeout=5)
        with lock:
            busy -= 1
        return {"ETag": "x"}

    client = Client(S3)
    client.script = [act] * 16
    answers = park(S3.sink(client), BlockingIo(), [event_record({}, f"r-{n}") for n in range(16)])

    assert most == 8
    assert all(answer.startswith("s3://") for answer in answers)
