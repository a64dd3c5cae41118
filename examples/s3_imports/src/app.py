"""Import each file that is uploaded once."""

import os

from objects import ObjectGone, read
from pydantic import BaseModel, Field

from resilient_lambda import (
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    batch_handler,
    current_claim,
    put_if_absent,
)


class Bucket(BaseModel):
    """Where it is."""

    name: str


class Object(BaseModel):
    """What it is; the key is as the object has it, not as the event writes it."""

    key: str
    version_id: str | None = Field(None, alias="versionId")


class Place(BaseModel):
    """The part of an S3 record that matters here."""

    bucket: Bucket
    object: Object


class Upload(BaseModel):
    """One S3 record."""

    s3: Place


@batch_handler(
    policies=[Idempotency(DynamoDBStore())],  # the key: bucket, object, version, sequencer, and what happened
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"),
    # Lambda runs an event three times at most. What has failed in all of them is set aside by itself.
    max_attempts=3,
)
def handler(upload: Upload) -> None:
    """Import one file of amounts, one a line."""
    place = upload.s3
    try:
        content = read(place.bucket.name, place.object.key, place.object.version_id)
    except ObjectGone:
        return  # deleted or replaced since: there is nothing to import, and the new version has an event of its own
    try:
        amounts = [int(line) for line in content.decode().split()]
    except ValueError:
        raise NonRetryableError("the file has a line that is no whole number") from None
    row = {"file": f"{place.object.key}@{place.object.version_id}", "lines": len(amounts), "total": sum(amounts)}
    # The row and the record that it is written are one transaction: both or neither, whatever dies.
    current_claim().commit_with([put_if_absent(os.environ["IMPORTS_TABLE"], row, key="file")])
