"""Reading objects of S3."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Made in the INIT phase, and bounded: two tries of five seconds end well before the function's timeout.
_s3 = boto3.client("s3", config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 2}))


class ObjectGone(Exception):
    """There is no such object, or not that version."""


def read(bucket: str, key: str, version_id: str | None) -> bytes:
    """
    Return an object, that version of it if there are versions.

    Raises:
        ObjectGone: There is none.
        ClientError: S3 has refused; the library knows which of its answers are worth another try.
    """
    version = {} if version_id is None else {"VersionId": version_id}
    try:
        return _s3.get_object(Bucket=bucket, Key=key, **version)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion", "404"}:
            raise ObjectGone from None
        raise
