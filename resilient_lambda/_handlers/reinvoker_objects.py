"""Reading a destination's records from S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._core.destination_envelopes import NothingFound, RecordFound, is_record
from . import reinvoker_seam as seam

if TYPE_CHECKING:
    from .._core.destination_envelopes import ObjectFound

# An asynchronous event has 1 MB, a batch in a record 6 MB; as text in JSON either may be twice as long.
MOST_BYTES = 16 * 1_048_576


class Objects:
    """
    Reads records from buckets.

    Args:
        client: The user's S3 client; None to have one built.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, found: ObjectFound) -> RecordFound | NothingFound:
        """
        Return what is in the object *found*; one that cannot be a record's is not read to its end.

        Raises:
            Exception: What the client raises.
        """
        content = self._content(found)
        if content is None:
            return NothingFound(f"the object in bucket {found.bucket} is larger than any record")
        try:
            record = json.loads(content)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or not is_record(record):
            return NothingFound(f"the object in bucket {found.bucket} is no record of a Lambda destination")
        return RecordFound(record)

    def _content(self, found: ObjectFound) -> bytes | None:
        if seam.objects is not None:
            return seam.objects(*found)
        client = self._client
        if client is None:
            from ..stores._aws_client import shared_client

            client = shared_client("s3")
        version = {"VersionId": found.version} if found.version else {}
        body = client.get_object(Bucket=found.bucket, Key=found.key, **version)["Body"]
        try:
            content: bytes = body.read(MOST_BYTES + 1)
        finally:
            body.close()
        return content if len(content) <= MOST_BYTES else None
