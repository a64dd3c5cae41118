"""
What Lambda writes to a destination: `DestinationRecord`, for asynchronous invocations and for event source mappings.

Needs pydantic when it is imported, so nothing that only decorates a handler imports it.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from ._core.allowed_functions import function_of
from ._core.destination_envelopes import is_record
from ._core.function_errors import TIMEOUT, kind_of

SUCCESS = "Success"
# Those that AWS documents; the field is text, for others may come.
CONDITIONS = (
    SUCCESS, "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency",
    "RetryAttemptsExhausted", "RecordAgeExceeded",
)  # fmt: skip


class _Part(BaseModel):
    # What AWS adds is kept; what emulators leave out is None.
    model_config = ConfigDict(extra="allow", populate_by_name=True, alias_generator=to_camel, frozen=True)


class RequestContext(_Part):
    """
    Which invocation the record is about.

    Attributes:
        condition: Why the record was written, one of `CONDITIONS` or a word that AWS adds.
        approximate_invoke_count: How often the function was invoked.
    """

    request_id: str | None = None
    function_arn: str | None = None
    condition: str | None = None
    approximate_invoke_count: int | None = None


class ResponseContext(_Part):
    """
    How the last invocation ended.

    Attributes:
        function_error: None also where a batch was given up after partial answers.
    """

    status_code: int | None = None
    executed_version: str | None = None
    function_error: str | None = None


class StreamBatchInfo(_Part):
    """The batch of a stream of Kinesis or DynamoDB that was given up: where it is, not what was in it."""

    shard_id: str | None = None
    start_sequence_number: str | None = None
    end_sequence_number: str | None = None
    approximate_arrival_of_first_record: str | None = None
    approximate_arrival_of_last_record: str | None = None
    batch_size: int | None = None
    stream_arn: str | None = None

    @property
    def where(self) -> str:
        """Which records of which shard it was, for people."""
        return (
            f"{self.stream_arn or 'a stream'}, shard {self.shard_id}, sequence numbers "
            f"{self.start_sequence_number} to {self.end_sequence_number}"
        )


class OffsetRange(_Part):
    """The records of one topic and partition; offsets as text or as numbers."""

    first_record_offset: str | int | None = None
    last_record_offset: str | int | None = None
    first_record_timestamp: str | int | None = None
    last_record_timestamp: str | int | None = None


class KafkaBatchInfo(_Part):
    """
    The batch of Kafka that was given up.

    Attributes:
        record_info: The records by topic and partition, as in ``"orders-0"``.
    """

    batch_size: int | None = None
    event_source_arn: str | None = None
    bootstrap_servers: Any = None
    payload_size: int | None = None
    record_info: dict[str, OffsetRange] = Field(default_factory=dict)

    @property
    def where(self) -> str:
        """Which records of which partitions it was, for people."""
        ranges = (
            f"{name} offsets {found.first_record_offset} to {found.last_record_offset}"
            for name, found in self.record_info.items()
        )
        return f"{self.event_source_arn or 'a Kafka cluster'}, {', '.join(ranges) or 'no offsets named'}"


class DestinationRecord(_Part):
    """
    What Lambda tells a destination of one asynchronous invocation, or of a batch that an event source mapping gave up.

    ``DestinationRecord.model_validate(json)`` takes the record itself: the body of an SQS message, the ``Message`` of
    a notification, the ``detail`` of an EventBridge event, the content of an S3 object. Unknown fields are kept.

    Attributes:
        request_payload: The event; see `has_payload` for whether the record has one.
        response_payload: What the function returned, or its error.
        payload: In records of batches in S3, the event: an object, or its JSON.
    """

    version: str | None = None
    timestamp: str | None = None
    request_context: RequestContext = RequestContext()
    request_payload: Any = None
    response_context: ResponseContext | None = None
    response_payload: Any = None
    kinesis_batch_info: StreamBatchInfo | None = Field(default=None, alias="KinesisBatchInfo")
    ddb_stream_batch_info: StreamBatchInfo | None = Field(default=None, alias="DDBStreamBatchInfo")
    kafka_batch_info: KafkaBatchInfo | None = Field(default=None, alias="KafkaBatchInfo")
    payload: Any = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, value: Any) -> Any:
        # Nearly all fields may be missing, so anything would do.
        if isinstance(value, dict) and not is_record(value) and not value.keys() & cls.model_fields.keys():
            raise ValueError("this is no record of a Lambda destination")
        return {**value, "requestContext": {}} if _has_null_context(value) else value

    @property
    def request_id(self) -> str:
        """Lambda's id of the invocation, the same for all its attempts; "" if the record does not say."""
        return self.request_context.request_id or ""

    @property
    def function_arn(self) -> str:
        """The function's ARN with its qualifier, ``$LATEST`` if it was invoked without one; "" if it is not said."""
        return self.request_context.function_arn or ""

    @property
    def function_name(self) -> str:
        """The function's name; "" if it is not said."""
        found = function_of(self.function_arn)
        return "" if found is None else found.name

    @property
    def qualifier(self) -> str:
        """The version or alias that was invoked; "" for ``$LATEST``, and if it is not said."""
        found = function_of(self.function_arn)
        return "" if found is None else found.qualifier

    @property
    def condition(self) -> str:
        """Why the record was written; "" if it does not say."""
        return self.request_context.condition or ""

    @property
    def is_success(self) -> bool:
        """True if the function answered."""
        return self.condition == SUCCESS

    @property
    def has_payload(self) -> bool:
        """True if the event is in the record, even if it is null. A topic's records leave out what is too large."""
        return "request_payload" in self.model_fields_set

    @property
    def error_kind(self) -> str:
        """
        ``"timeout"``, ``"out_of_memory"``, ``"exit"``, or ``"handler"`` for an exception of the function's own.

        "" where no invocation failed: after a success, and where the function never ran or its answer is not said.
        """
        if self.is_success or self.response_payload is None:
            return ""
        return kind_of(self.response_payload, self.request_id)

    @property
    def is_timeout(self) -> bool:
        """True if the last attempt ran into the function's time limit, and does not merely quote such an error."""
        return self.error_kind == TIMEOUT

    @property
    def error_type(self) -> str:
        """Lambda's ``errorType``; "" if there is none."""
        return self._error("errorType")

    @property
    def error_message(self) -> str:
        """Lambda's ``errorMessage``, which is the function's own text and may hold data; "" if there is none."""
        return self._error("errorMessage")

    @property
    def at_s(self) -> float | None:
        """When the record was written, in seconds since the epoch; None if it does not say."""
        try:
            found = datetime.fromisoformat((self.timestamp or "").replace("Z", "+00:00"))
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()

    @property
    def batch(self) -> StreamBatchInfo | KafkaBatchInfo | None:
        """The batch that an event source mapping gave up; None if this is about an asynchronous invocation."""
        return self.kinesis_batch_info or self.ddb_stream_batch_info or self.kafka_batch_info

    @property
    def event(self) -> Any:
        """The event that the function was given, also of a batch in S3; None if the record does not have it."""
        if self.batch is None:
            return self.request_payload
        if not isinstance(self.payload, str):
            return self.payload
        try:
            return json.loads(self.payload)
        except (ValueError, RecursionError):
            return None

    def _error(self, name: str) -> str:
        found = self.response_payload.get(name) if isinstance(self.response_payload, dict) else None
        return found if isinstance(found, str) else ""


def _has_null_context(value: Any) -> bool:
    return isinstance(value, dict) and "requestContext" in value and value["requestContext"] is None


__all__ = [
    "CONDITIONS",
    "DestinationRecord",
    "KafkaBatchInfo",
    "OffsetRange",
    "RequestContext",
    "ResponseContext",
    "StreamBatchInfo",
]
