"""``decode=``: what a user's function makes of a record's bytes, and what becomes of its errors."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
import zlib
from functools import partial

import pytest

from resilient_lambda._core.decoding import checked_decode, decoded
from resilient_lambda._core.envelopes import Envelopes
from resilient_lambda._core.record import Record
from resilient_lambda._core.sources import open_batch
from resilient_lambda.errors import ConfigurationError, InvalidRecordError, NonRetryableError, RetryableError
from resilient_lambda.testing import (
    documentdb_event,
    dynamodb_event,
    kafka_event,
    kinesis_event,
    s3_event,
    sqs_event,
)


def record_of(event, decode):
    """Return the first record of *event*, read through *decode*."""
    delivery = Envelopes(None, decode).open(open_batch(event))
    return Record(delivery.raws[0], delivery.source)


def test_bytes_become_what_the_function_returns():
    """Text and bytes are the body, read as JSON like any other."""
    record = record_of(kinesis_event([gzip.compress(b'{"a": 1}')]), gzip.decompress)

    assert record.body == b'{"a": 1}'
    assert record.json() == {"a": 1}


@pytest.mark.parametrize("made", [bytearray(b"1"), memoryview(b"1"), b"1"], ids=lambda made: type(made).__name__)
def test_all_kinds_of_bytes_are_bytes(made):
    """What reads the body need not know them."""
    assert record_of(kinesis_event(["x"]), lambda sent: made).content == b"1"


@pytest.mark.parametrize("made", [{"a": 1}, [1], 5, None, object()], ids=lambda made: type(made).__name__)
def test_a_structure_is_the_value_and_what_was_sent_the_body(made):
    """No JSON in between: an object of Protobuf is handed over as it is."""
    record = record_of(kinesis_event(["sent"]), lambda sent: made)

    assert record.value is made
    assert record.json() is made
    assert record.body == b"sent"


def test_the_text_of_a_queue_is_given_as_utf8():
    """SQS sends texts."""
    assert record_of(sqs_event(["ä"]), list).value == [0xC3, 0xA4]


def test_a_text_that_is_no_utf8_is_an_invalid_record():
    """Half surrogates come through JSON, and through nothing else."""
    with pytest.raises(InvalidRecordError, match="UnicodeEncodeError"):
        _ = record_of(sqs_event(["\ud800"]), bytes).body


def test_a_tombstone_is_not_decoded():
    """It has no bytes."""
    record = record_of(kafka_event([None]), lambda sent: pytest.fail("called"))

    assert record.is_tombstone
    assert record.value is None


class DecodeError(Exception):
    """What Protobuf raises, by its name."""


DecodeError.__module__, DecodeError.__qualname__ = "google.protobuf.message", "DecodeError"


class TruncatedError(DecodeError):
    """A subclass of it."""


def raising(error):
    """Return a function that raises *error*."""

    def decode(sent):
        raise error

    return decode


def unpack(sent):
    """Read eight bytes."""
    return struct.unpack("<q", sent)


@pytest.mark.parametrize(
    "decode",
    [
        gzip.decompress,
        zlib.decompress,
        lzma.decompress,
        json.loads,
        unpack,
        lambda sent: sent.decode("utf-16"),
        lambda sent: {}[sent],
        lambda sent: sent[99],
        lambda sent: 5 + sent,
        lambda sent: 1 // 0,
        raising(EOFError("payload-7")),
        raising(DecodeError("payload-7")),
        raising(TruncatedError("payload-7")),
    ],
)
def test_bad_data_is_an_invalid_record_that_does_not_show_it(decode):
    """Neither in the text nor in the chain of causes: whoever prints the traceback prints the chain."""
    record = record_of(kinesis_event(["payload-7"]), decode)

    with pytest.raises(InvalidRecordError, match="decode= could not read") as raised:
        _ = record.content
    assert "payload-7" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_a_truncated_archive_is_an_invalid_record():
    """Gzip says so with an EOFError."""
    with pytest.raises(InvalidRecordError):
        _ = record_of(kinesis_event([gzip.compress(b"x" * 100)[:-4]]), gzip.decompress).content


class RegistryError(OSError, ValueError):
    """What HTTP clients raise: some of their errors are of two kinds."""


@pytest.mark.parametrize(
    "error",
    [
        RetryableError("registry is down"),
        NonRetryableError("never"),
        InvalidRecordError("mine"),
        ConfigurationError("mine"),
        TimeoutError("timed out"),
        ConnectionResetError(),
        RegistryError("both"),
        RuntimeError("other"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_about_the_data_passes(error):
    """A schema registry may be down, and the record is not to blame."""
    record = record_of(kinesis_event(["x"]), raising(error))

    with pytest.raises(type(error)) as raised:
        _ = record.content
    assert raised.value is error


def test_an_ioerror_of_bz2_passes():
    """It cannot be told from one of the system: the record comes again, which loses nothing."""
    with pytest.raises(OSError, match="Invalid data stream"):
        _ = record_of(kinesis_event(["x"]), bz2.decompress).content


@pytest.mark.parametrize("event", [dynamodb_event([{"id": 1}]), documentdb_event([{"a": 1}]), s3_event(["a"])])
def test_sources_without_bytes_are_refused(event):
    """The option is a mistake there, and nothing is run."""
    with pytest.raises(ConfigurationError, match="decode= has no bytes to read"):
        decoded(open_batch(event).source, bytes)


async def asynchronous(sent):
    """Return what nobody would await."""
    return sent


@pytest.mark.parametrize(
    "decode", ["gzip", 5, asynchronous, partial(asynchronous)], ids=["text", "number", "async", "partial"]
)
def test_what_is_no_plain_function_is_refused_at_import(decode):
    """A coroutine would be taken for the decoded value."""
    with pytest.raises(ConfigurationError, match="must be a plain function"):
        checked_decode(decode)


def test_none_decodes_nothing():
    """The option's default."""
    assert checked_decode(None) is None
