"""Dead letters in S3: one object each, under a prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ._replay_calls import CallError, call
from ._replay_letter import Letter, of_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._replay_calls import Clients

ABSENT = ("NoSuchKey", "404", "NotFound")
REPLACED = ("PreconditionFailed", "412", "ConditionalRequestConflict")


class BucketLetters:
    """
    The letters under one prefix.

    Attributes:
        arn: "", for letters do not come from the bucket.
        count: None: S3 counts no objects.
        same_for_s: 0: an object that is replaced is told from what it was.
        warnings: Nothing to know beforehand.
    """

    def __init__(self, address: str, clients: Clients) -> None:
        scheme, _, path = address.partition("://")
        self._bucket, _, self._prefix = path.partition("/")
        if scheme != "s3" or not self._bucket:
            raise ConfigurationError(f"--from-s3 {address!r} is no address of S3: s3://bucket/prefix")
        self._client = clients.get("s3")
        self._objects: Iterator[dict[str, Any]] | None = None
        self._tags: dict[str, str] = {}
        self.arn = ""
        self.count: int | None = None
        self.same_for_s = 0.0
        self.warnings: list[str] = []

    def open(self) -> None:
        """Begin to list the objects."""
        self._objects = self._listed()

    def take(self, most: int) -> list[Letter]:
        """Return the next letters; none at the end."""
        assert self._objects is not None
        letters: list[Letter] = []
        while len(letters) < most and (found := next(self._objects, None)) is not None:
            try:
                answer = call(self._client, "get_object", Bucket=self._bucket, Key=found["Key"])
            except CallError as error:
                if error.code in ABSENT:
                    continue  # another run was faster
                raise
            letter = of_object(
                found["Key"], answer["ETag"], answer["Body"].read(), at_s=answer["LastModified"].timestamp()
            )
            self._tags[letter.identity] = answer["ETag"]
            letters.append(letter)
        return letters

    def holds(self, letter: Letter, *, for_s: float) -> bool:
        """Return True: objects are nobody's."""
        return True

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
