"""
How long a stream or a topic is retried, and what is left of records that were given up.

Sources: "Using Lambda with Kinesis", "Using Lambda with DynamoDB" and "Using Lambda with Amazon MSK", AWS Lambda
Developer Guide; the settings are those of the API's `CreateEventSourceMapping`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..invocations.destinations import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..function import Function

NO_LIMIT = -1
MOST_RECORDS = 10_000
MOST_RETRIES = 10_000
LONGEST_WINDOW_S = 300.0
RECORD_AGE_S = (60, 604_800)
DESTINATIONS = ("sqs", "sns", "s3")

# Lambda waits longer each time that a batch fails; for how long, AWS does not say (?).
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


class Limits(NamedTuple):
    """
    The settings of an event source mapping for a stream or a topic.

    Attributes:
        batch_size: At most so many records go into one invocation.
        window_s: For how long Lambda gathers records, from the first one on, before it invokes with fewer.
        retries: How often a batch is tried again after function errors; -1 for as long as the records are there.
        record_age_s: Records that are older are given up; -1 for none.
        bisect: `BisectBatchOnFunctionError`.
        on_failure: Where the metadata of records that were given up go: "sqs", "sns", or "s3" with their data; None for
            nowhere.
        partial: `ReportBatchItemFailures`: Lambda reads the answer.
        retention_s: How long the source keeps a record.
    """

    batch_size: int = 100
    window_s: float = 0.0
    retries: int = NO_LIMIT
    record_age_s: int = NO_LIMIT
    bisect: bool = False
    on_failure: str | None = None
    partial: bool = True
    retention_s: float = 86_400.0

    def check(self) -> None:
        """
        Refuse what the API refuses.

        Raises:
            ValueError: A setting is out of range.
        """
        low_s, high_s = RECORD_AGE_S
        if not 1 <= self.batch_size <= MOST_RECORDS:
            raise ValueError(f"batch_size={self.batch_size!r} must be from 1 to {MOST_RECORDS:,}")
        if not 0 <= self.window_s <= LONGEST_WINDOW_S:
            raise ValueError(f"window_s={self.window_s!r} must be from 0 to {LONGEST_WINDOW_S:g}")
        if not NO_LIMIT <= self.retries <= MOST_RETRIES:
            raise ValueError(f"retries={self.retries!r} must be -1 for no limit, or from 0 to {MOST_RETRIES:,}")
        if self.record_age_s != NO_LIMIT and not low_s <= self.record_age_s <= high_s:
            raise ValueError(
                f"record_age_s={self.record_age_s!r} must be -1 for no limit, or from {low_s} to {high_s:,}"
            )
        if self.on_failure is not None and self.on_failure not in DESTINATIONS:
            raise ValueError(f"on_failure={self.on_failure!r} must be None or one of {', '.join(DESTINATIONS)}")
        if self.retention_s <= 0:
            raise ValueError(f"retention_s={self.retention_s!r} must be more than 0")


def wait_s(failures: int, sample: float) -> float:
    """
    Return how long Lambda waits after failure number *failures*, from 1, of the same batch (?).

    Args:
        sample: From ``[0, 1)``: waits differ by up to a half.
    """
    longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 16))
    return longest_s * (0.5 + 0.5 * sample)


def on_failure_record(
    function: Function,
    *,
    condition: str,
    request_id: str,
    invocations: int,
    function_error: str | None,
    batch_info: Mapping[str, Any],
    now_s: float,
    payload: str | None,
) -> dict[str, Any]:
    """
    Return what an on-failure destination gets for records that were given up: metadata, not the records.

    Args:
        condition: `EXHAUSTED` or `TOO_OLD`; there is no ``responseContext`` with the latter.
        function_error: "Unhandled" if the function failed; None if it answered, and its last answer reported a failure.
        batch_info: Where the records are to be found, by the name that the source gives it.
        payload: The event, for an S3 bucket alone.

    Source: aws-facts of the project, "Kinesis and DynamoDB streams", recorded on AWS.
    """
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function.arn,
            "condition": condition,
            "approximateInvokeCount": invocations,
        }
    }
    if condition != TOO_OLD:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": function_error,
        }
    record |= {"version": "1.0", "timestamp": timestamp(now_s), **batch_info}
    if payload is not None:
        record["payload"] = payload
    return record


def s3_key(mapping: str, shard: str, record: Mapping[str, Any]) -> str:
    """
    Return the key of the object that holds *record*.

    Args:
        mapping: Where AWS has the UUID of the event source mapping.
    """
    day, _, time = str(record["timestamp"])[:19].partition("T")
    name = f"{day}T{time.replace(':', '.')}-{record['requestContext']['requestId']}"
    return f"aws/lambda/{mapping}/{shard}/{day.replace('-', '/')}/{name}"
