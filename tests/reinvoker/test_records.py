"""`DestinationRecord` accepts what AWS writes and what emulators write, and tells what is needed of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from resilient_lambda import DestinationRecord
from resilient_lambda.destinations import CONDITIONS, KafkaBatchInfo, StreamBatchInfo
from resilient_lambda.testing import destination_record

ARN = "arn:aws:lambda:us-east-2:123456789012:function:my-function"

# As the developer guide and records of AWS have them, shortened where nothing is read.
ASYNCHRONOUS = {
    "version": "1.0",
    "timestamp": "2019-11-14T18:16:05.568Z",
    "requestContext": {
        "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
        "functionArn": f"{ARN}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"ORDER_IDS": ["9e07af03"]},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "RequestId: e4b46cbf-b738-xmpl-8880-a18cdf61200e Process exited"},
}
STREAM = {
    "requestContext": {
        "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
        "functionArn": ARN,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 4,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
    "version": "1.0",
    "timestamp": "2022-07-13T13:48:01.000Z",
    "KinesisBatchInfo": {
        "shardId": "shardId-000000000001",
        "startSequenceNumber": "49601189658422359378836298521827638475320189012309704722",
        "endSequenceNumber": "49601189658422359378836298522902373528957594348623495186",
        "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
        "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
        "batchSize": 500,
        "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/mystream",
    },
}
KAFKA = {
    **{name: value for name, value in STREAM.items() if name != "KinesisBatchInfo"},
    "KafkaBatchInfo": {
        "batchSize": 500,
        "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/a-2",
        "bootstrapServers": "...",
        "payloadSize": 2039086,
        "recordInfo": {
            "mytopic-0": {
                "firstRecordOffset": "4960",
                "lastRecordOffset": 4970,
                "firstRecordTimestamp": "2019-11-14T00:38:04.835Z",
                "lastRecordTimestamp": 1573691885580,
            }
        },
    },
}


def without(record, *names):
    """Return *record* without some of its fields."""
    return {name: value for name, value in record.items() if name not in names}


def test_a_record_of_an_asynchronous_invocation_is_read():
    """All that the developer guide's example says can be asked for."""
    record = DestinationRecord.model_validate(ASYNCHRONOUS)

    assert record.request_id == "e4b46cbf-b738-xmpl-8880-a18cdf61200e"
    assert (record.function_arn, record.function_name, record.qualifier) == (f"{ARN}:$LATEST", "my-function", "")
    assert (record.condition, record.is_success, record.is_timeout) == ("RetriesExhausted", False, False)
    assert record.request_context.approximate_invoke_count == 3
    assert record.event == {"ORDER_IDS": ["9e07af03"]}
    assert record.response_context is not None
    assert record.response_context.function_error == "Unhandled"
    assert record.at_s == pytest.approx(1573755365.568)
    assert record.batch is None


def test_a_record_of_a_stream_is_read():
    """Shard, sequence numbers and arrival are there; the events are not."""
    record = DestinationRecord.model_validate(STREAM)

    assert isinstance(record.batch, StreamBatchInfo)
    assert (record.batch.shard_id, record.batch.batch_size) == ("shardId-000000000001", 500)
    assert record.response_context is not None
    assert record.response_context.function_error is None
    assert (record.has_payload, record.event) == (False, None)


def test_a_record_of_dynamodb_has_its_own_key():
    """``DDBStreamBatchInfo`` holds what ``KinesisBatchInfo`` holds."""
    said = {**without(STREAM, "KinesisBatchInfo"), "DDBStreamBatchInfo": STREAM["KinesisBatchInfo"]}
    record = DestinationRecord.model_validate(said)

    assert isinstance(record.batch, StreamBatchInfo)
    assert record.batch.where.endswith("49601189658422359378836298522902373528957594348623495186")


def test_a_record_of_kafka_names_offsets_by_partition():
    """Offsets and timestamps come as text or as numbers."""
    record = DestinationRecord.model_validate(KAFKA)

    assert isinstance(record.batch, KafkaBatchInfo)
    assert record.batch.where == (
        "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/a-2, mytopic-0 offsets 4960 to 4970"
    )


def test_a_record_that_is_too_old_has_no_response():
    """With ``RecordAgeExceeded`` no ``responseContext`` comes; a model that demands one refuses the record."""
    said = without(STREAM, "responseContext")
    said["requestContext"] = {**said["requestContext"], "condition": "RecordAgeExceeded"}
    record = DestinationRecord.model_validate(said)

    assert (record.condition, record.response_context, record.error_kind) == ("RecordAgeExceeded", None, "")


@pytest.mark.parametrize("payload", [{"Records": [1]}, '{"Records": [1]}'])
def test_a_batch_in_a_bucket_has_its_event(payload):
    """S3 gets the whole event, as an object or as text."""
    assert DestinationRecord.model_validate({**STREAM, "payload": payload}).event == {"Records": [1]}


def test_a_batch_whose_event_is_broken_has_none():
    """Text that is no JSON is no event."""
    assert DestinationRecord.model_validate({**STREAM, "payload": "{"}).event is None


def test_an_emulators_record_is_read():
    """Without version, timestamp and request id, as ministack writes it; its timeouts name no request."""
    said = {
        "requestContext": {"functionArn": ARN, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "Task timed out after 1.00 seconds", "errorType": "Sandbox.Timedout"},
    }
    record = DestinationRecord.model_validate(said)

    assert (record.request_id, record.timestamp, record.at_s, record.is_timeout) == ("", None, None, True)


@pytest.mark.parametrize(
    "name", ["version", "timestamp", "requestContext", "responseContext", "responsePayload", "requestPayload"]
)
def test_any_field_may_be_missing_or_null(name):
    """What is left still says what it says."""
    assert DestinationRecord.model_validate(without(ASYNCHRONOUS, name)).batch is None
    assert DestinationRecord.model_validate({**ASYNCHRONOUS, name: None}).batch is None


def test_a_payload_that_is_null_is_not_a_payload_that_is_missing():
    """A topic's records leave out a payload that is too large; an event may also be null."""
    assert DestinationRecord.model_validate({**ASYNCHRONOUS, "requestPayload": None}).has_payload
    assert not DestinationRecord.model_validate(without(ASYNCHRONOUS, "requestPayload")).has_payload


def test_what_aws_will_add_is_kept():
    """Unknown fields, and conditions that nobody has documented, are no errors."""
    context = {**ASYNCHRONOUS["requestContext"], "condition": "Novel", "tenantId": "blue"}
    record = DestinationRecord.model_validate({**ASYNCHRONOUS, "requestContext": context, "novel": 1})

    assert record.condition == "Novel"
    assert record.model_extra == {"novel": 1}
    assert record.model_dump(by_alias=True)["requestContext"]["tenantId"] == "blue"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_only_a_success_is_one(condition):
    """Each condition of AWS is read; one of them is no failure."""
    record = DestinationRecord.model_validate(destination_record({}, condition=condition))

    assert record.is_success == (condition == "Success")
    assert record.is_timeout != record.is_success


def test_both_shapes_of_a_timeout_are_timeouts():
    """With the type, and without one but with a date."""
    dated = {"errorMessage": "2019-11-14T18:16:05.568Z r-1 Task timed out after 3.00 seconds"}
    said = destination_record({}, request_id="r-1")

    assert DestinationRecord.model_validate(said).is_timeout
    assert DestinationRecord.model_validate({**said, "responsePayload": dated}).is_timeout


@pytest.mark.parametrize(
    "response",
    [
        {"errorType": "ValueError", "errorMessage": "RequestId: r-1 Error: Task timed out after 3.00 seconds"},
        {"errorType": "Sandbox.Timedout", "errorMessage": "a RequestId: r-1 Error: Task timed out after 3.00 seconds"},
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: r-2 Error: Task timed out after 3.00 seconds"},
        {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: r-1 Error: Task timed out after 3.00 seconds",
            "stackTrace": ["f"],
        },
        {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: r-1 Error: Task timed out after 3.00 seconds",
            "trace": ["f"],
        },
        {"errorMessage": "Task timed out after 3.00 seconds"},
        "Task timed out after 3.00 seconds",
    ],
    ids=["type", "in a text", "another request", "stack", "trace", "no type", "text"],
)
def test_text_that_merely_quotes_a_timeout_is_none(response):
    """A function may raise, or return, what another's error said."""
    said = destination_record({}, request_id="r-1")

    assert not DestinationRecord.model_validate({**said, "responsePayload": response}).is_timeout


@pytest.mark.parametrize("said", [{}, {"a": 1}, {"requestContext": {"http": {}}}, [], "x", None])
def test_other_json_is_refused(said):
    """Almost all may be missing, but not everything."""
    with pytest.raises(ValidationError):
        DestinationRecord.model_validate(said)


def test_names_of_python_may_be_used_to_make_one():
    """In tests of one's own a record is made by keywords."""
    record = DestinationRecord(request_payload=[1], response_payload={"errorType": "E", "errorMessage": "m"})

    assert (record.event, record.error_type, record.error_message, record.error_kind) == ([1], "E", "m", "handler")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*ASYNCHRONOUS, *STREAM, *KAFKA, "payload"]), JSON, max_size=6))
def test_any_json_is_a_record_or_refused(said):
    """Whatever the fields hold, there is a record whose properties can be read, or a ValidationError."""
    try:
        record = DestinationRecord.model_validate(said)
    except ValidationError:
        return

    read = (record.error_kind, record.error_type, record.error_message, record.at_s, record.event, record.qualifier)
    assert len(read) == 6
    assert (
        DestinationRecord.model_validate(json.loads(record.model_dump_json(by_alias=True))).condition
        == record.condition
    )
