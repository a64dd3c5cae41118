"""Dead letters in S3: one object each, under a prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._replay_calls import CallError, call, read
from ._replay_letter import Letter, of_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._replay_calls import Clients

ABSENT = ("NoSuchKey", "404", "NotFound")
REPLACED = ("PreconditionFailed", "412", "ConditionalRequestConflict")
ARCHIVED = "InvalidObjectState"
# Of one object, as far as one knows; a key of KMS may be that of one object too.
DENIED = ("AccessDenied", "403", "Forbidden")
MOST_UNREADABLE = 10  # in a row
# No event of Lambda has more than 6 MB; in the JSON of a letter a character may take six times as much.
MOST_BYTES = 64 * 1024 * 1024
SKEW_S = 300.0  # by which the clocks of S3 and of a handler may differ


class BucketLetters:
    """
    The letters under one prefix.

    Args:
        address: ``s3://bucket/prefix``.
        since_s: What was written before it is not read: it was set aside before it was written.

    Attributes:
        arn: "", for letters do not come from the bucket.
        count: None: S3 counts no objects.
        warnings: Nothing to know beforehand.
    """

    def __init__(self, address: str, clients: Clients, *, since_s: float = 0.0) -> None:
        self._bucket, self._prefix = bucket_and_prefix(address)
        self._since_s = since_s
        self._unreadable = 0
        self._client = clients.get("s3")
        self._objects: Iterator[dict[str, Any]] | None = None
        self._tags: dict[str, str] = {}
        self.arn = ""
        self.count: int | None = None
        self.warnings: list[str] = []

    def open(self) -> None:
        """Begin to list the objects."""
        self._objects = self._listed()

    def take(self, most: int) -> list[Letter] | None:
        """Return the next letters; None at the end."""
        assert self._objects is not None
        letters: list[Letter] = []
        while len(letters) < most and (found := next(self._objects, None)) is not None:
            letter = self._letter_of(found)
            if letter is not None:
                letters.append(letter)
        return letters or None

    def _letter_of(self, found: dict[str, Any]) -> Letter | None:
        """
        Return the letter in an object that was listed, None if it is gone.

        Raises:
            CallError: It cannot be read, and neither could those before it; or it is not the object's fault.
        """
        key, at_s = found["Key"], found["LastModified"].timestamp()
        unread = Letter(key, f"{key}|{found['ETag']}", {}, "", "", None, {}, "", at_s)
        if at_s < self._since_s - SKEW_S:
            return unread
        if found["Size"] > MOST_BYTES:
            return unread._replace(problem=f"is larger than any letter: more than {MOST_BYTES >> 20} MiB")
        try:
            answer, content = self._read(key)
        except CallError as error:
            if error.code in ABSENT:
                return None  # another run was faster
            if error.code == ARCHIVED:
                return unread._replace(problem=f"is archived, and must be restored first ({ARCHIVED})")
            self._unreadable += 1
            is_its_own = not error.code or error.code in DENIED or error.code.startswith("KMS.")
            if not is_its_own or self._unreadable >= MOST_UNREADABLE:
                raise
            return unread._replace(problem=f"cannot be read: {error}")
        self._unreadable = 0
        letter = of_object(key, answer["ETag"], content, at_s=answer["LastModified"].timestamp())
        self._tags[letter.identity] = answer["ETag"]
        return letter

    def _read(self, key: str) -> tuple[dict[str, Any], bytes]:
        try:
            answer = call(self._client, "get_object", Bucket=self._bucket, Key=key)
            return answer, read(answer["Body"])
        except CallError as error:
            if error.code:
                raise
        answer = call(self._client, "get_object", Bucket=self._bucket, Key=key)  # what broke off is worth another try
        return answer, read(answer["Body"])

    def holds(self, letter: Letter, *, for_s: float) -> bool:
        """Return True: objects are nobody's."""
        return True

    def unreached(self) -> int:
        """Return 0: objects hide nothing."""
        return 0

    def remove(self, letters: Sequence[Letter]) -> dict[str, str]:
        """Delete *letters*, as they were read; return why, by its identity, for each that could not be."""
        problems: dict[str, str] = {}
        for letter in letters:
            try:
                call(self._client, "delete_object", **self._condition(letter))
            except CallError as error:
                if error.code in REPLACED:
                    # A record that failed again is set aside under the same key: that letter was not sent.
                    problems[letter.identity] = "a newer letter lies under its key, and was left there"
                elif error.code not in ABSENT:
                    problems[letter.identity] = str(error)
        return problems

    def give_back(self) -> None:
        """Do nothing: objects were never taken away."""

    def _condition(self, letter: Letter) -> dict[str, str]:
        request = {"Bucket": self._bucket, "Key": letter.name}
        tag = self._tags[letter.identity]
        if "IfMatch" in self._client.meta.service_model.operation_model("DeleteObject").input_shape.members:
            return {**request, "IfMatch": tag}
        # A botocore of before 2025: looked at just before, which leaves a moment.
        if call(self._client, "head_object", **request)["ETag"] != tag:
            raise CallError("the object is another one by now", REPLACED[0])
        return request

    def _listed(self) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = call(self._client, "list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, **token)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}


def bucket_and_prefix(address: str) -> tuple[str, str]:
    """
    Return what ``s3://bucket/prefix`` names.

    Raises:
        ValueError: It is no address of S3.
    """
    scheme, _, path = address.partition("://")
    bucket, _, prefix = path.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError(f"{address!r} is no address of S3: s3://bucket/prefix")
    return bucket, prefix
