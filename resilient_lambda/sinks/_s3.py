"""Dead letters to an S3 bucket: one object each, of any size, a few at a time."""

from __future__ import annotations

import re
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, SinkError
from ._letter import UNSENDABLE, envelope_of
from ._requests import Entry, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.record import Record
    from ._aws import Draft
    from ._requests import Answer

PREFIX_BYTES = 800  # a key takes 1,024
_ID_CHARS = 100
_DIGEST_CHARS = 16
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T")
# Where a record has its own time: the path in it, and the seconds that one of it is; 0 for a date in ISO 8601.
_TIMES: dict[str, tuple[tuple[str, ...], float]] = {
    "sqs": (("attributes", "SentTimestamp"), 0.001),
    "sqs-fifo": (("attributes", "SentTimestamp"), 0.001),
    "kinesis": (("kinesis", "approximateArrivalTimestamp"), 1),
    "dynamodb": (("dynamodb", "ApproximateCreationDateTime"), 1),
    "kafka": (("timestamp",), 0.001),
    "activemq": (("timestamp",), 0.001),
    "documentdb": (("event", "clusterTime", "$timestamp", "t"), 1),
    "s3": (("eventTime",), 0),
    "sns": (("Sns", "Timestamp"), 0),
}


class Bucket:
    """
    How S3 takes letters.

    Args:
        prefix: What the keys begin with.
    """

    title = "S3"
    name = client_name = "s3"
    option = "bucket"
    limits = Limits(entries=1, size_bytes=float("inf"), at_once=8)

    def __init__(self, prefix: str) -> None:
        if not isinstance(prefix, str) or UNSENDABLE.search(prefix) or len(prefix.encode()) > PREFIX_BYTES:
            raise ConfigurationError(f"prefix={prefix!r} must be a text of at most {PREFIX_BYTES} bytes")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def check(self, address: str) -> None:
        """
        Check that it is a name, or the ARN of an access point.

        Raises:
            ConfigurationError: It is a URL, a path or the ARN of a bucket.
        """
        is_access_point = address.startswith("arn:") and ":accesspoint" in address
        if not is_access_point and (address.startswith("arn:") or "/" in address):
            raise ConfigurationError(
                f"DeadLetter.s3(): {address!r} is no bucket's name; give that alone, and prefix= "
                "(in a template !Ref Bucket, not !GetAtt Bucket.Arn)"
            )

    def region_of(self, address: str) -> str | None:
        """Return None: a name says nothing."""
        return None

    def entry_of(self, draft: Draft, address: str) -> Entry:
        """Return an object; a letter that is sent again has the same key."""
        record = draft.letter.record
        body = envelope_of(draft.letter, draft.note).encode()
        name = _UNSAFE.sub("_", record.id)[:_ID_CHARS] or "no-id"
        day = _day(record) or _utc_day(draft.now_s)
        key = f"{self._prefix}{record.source}/{day}/{name}-{draft.dedup[:_DIGEST_CHARS]}.json"
        return Entry(draft.number, {"Key": key, "Body": body, "ContentType": "application/json"}, len(body))

    def send(self, client: Any, address: str, group: Sequence[Entry]) -> dict[int, Answer]:
        """Make one PutObject."""
        (entry,) = group
        answer = client.put_object(Bucket=address, **entry.content)
        if answer.get("ETag"):
            return {entry.number: f"s3://{address}/{entry.content['Key']}"}
        return {entry.number: SinkError("S3 neither confirmed nor refused the dead letter")}


def _day(record: Record[Any]) -> str | None:
    """Return the day on which the record was sent, so that copies of a letter meet; None if it does not say."""
    path, unit_s = _TIMES.get(record.source, ((), 0.0))
    found: Any = record.raw
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not path or found is None or isinstance(found, bool):
        return None
    try:
        if unit_s:
            return _utc_day(float(found) * unit_s)
        date = _DATE.match(found)
        return "/".join(date.groups()) if date else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None  # odd


def _utc_day(at_s: float) -> str:
    return strftime("%Y/%m/%d", gmtime(at_s))
