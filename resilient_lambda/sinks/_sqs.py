"""Dead letters to an SQS queue: ten per request, each confirmed by its own entry of the answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._core.backoff import full_jitter_s
from .._core.classify import Classifier, describe
from .._core.model import Category
from .._core.options import text
from .._named_tuple import NamedTuple
from ..errors import ConfigurationError, SinkError
from . import _seam as seam
from ._sqs_message import entry_of, groups_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._io.base import Io
    from ._seam import Letter

TRIES = 3
_CLASSIFIER = Classifier()


class SqsQueue:
    """Sends dead letters to one SQS queue; see `DeadLetter.sqs`."""

    def __init__(self, url: str | None, env: str | None, client: Any) -> None:
        if (url is None) == (env is None):
            raise ConfigurationError("DeadLetter.sqs() needs either url= or env=, the variable that holds the URL")
        text("url" if env is None else "env", env if url is None else url)
        self._url = None if url is None else _checked(url)
        self._env = env
        self._client = client

    def __repr__(self) -> str:
        return f"sqs {self._url or self._env}"

    def check(self, *, is_asynchronous: bool) -> None:
        """Do nothing: a queue fits both colours."""

    def warm(self) -> None:
        """Read the environment and build the client."""
        self._address()
        if seam.redirect is None:
            self._connected()

    def _address(self) -> str:
        if self._url is None:
            assert self._env is not None
            url = os.environ.get(self._env)
            if not url:
                raise ConfigurationError(
                    f"DeadLetter.sqs(env={self._env!r}): the environment variable is not set; set it to the queue's URL"
                )
            self._url = _checked(url)
        return self._url

    def _connected(self) -> Any:
        if self._client is None:
            from ..stores._aws_client import shared_client

            self._client = shared_client("sqs")
        return self._client

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]:
        """Send *letters*, those that were not confirmed again while there is time; return one answer each."""
        if seam.redirect is not None:
            name = self._env or str(self._url)
            return [seam.redirect(name, record, error) for record, error in letters]
        answers: dict[int, str | SinkError] = {}
        entries: list[dict[str, Any]] = []
        for number, (record, error) in enumerate(letters):
            try:
                entries.append(entry_of(number, record, error))
            except Exception as problem:  # the record is the event's own data, of any shape
                answers[number] = SinkError(f"{type(problem).__name__} while the message was made", is_permanent=True)
        for attempt in range(1, TRIES + 1):
            waiting = [entry for entry in entries if _may_try(answers.get(int(entry["Id"])))]
            wait_s = 0.0 if attempt == 1 else full_jitter_s(attempt - 1, base_s=0.1, cap_s=1.0, rand=io.random())
            if not waiting or io.now() + wait_s >= until_s:
                break
            if wait_s:
                await io.sleep(wait_s)
            await self._send_round(io, waiting, answers, until_s)
        out_of_time = SinkError("there was no time left to send the dead letter")
        return [answers.get(number, out_of_time) for number in range(len(letters))]

    async def _send_round(
        self, io: Io, waiting: Sequence[dict[str, Any]], answers: dict[int, str | SinkError], until_s: float
    ) -> None:
        """Send what waits, as long as a request that takes as long as the one before still ends in time."""
        groups = groups_of(waiting)
        took_s = 0.0
        while groups and io.now() + took_s < until_s:
            group = groups.pop(0)
            began_s = io.monotonic()
            answer = await io.call(self._request, group)
            took_s = io.monotonic() - began_s
            if not isinstance(answer, _Refusal):
                answers.update(answer)
                continue
            if answer.is_of_one_letter and len(group) > 1:
                # One bad letter has the whole request refused: the others must not share its fate.
                groups[:0] = [[entry] for entry in group]
                continue
            refused = [group]
            if answer.error.is_permanent and not answer.is_of_one_letter:
                refused, groups = [group, *groups], []  # no permission, no queue: asking again would only hammer
            answers.update({int(entry["Id"]): answer.error for some in refused for entry in some})

    def _request(self, group: Sequence[dict[str, Any]]) -> dict[int, str | SinkError] | _Refusal:
        try:
            url = self._address()
            answer = self._connected().send_message_batch(QueueUrl=url, Entries=group)
        except ConfigurationError as error:
            return _Refusal(SinkError(str(error), is_permanent=True), is_of_one_letter=False)
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            return _refusal(error)
        confirmed: dict[int, str | SinkError] = {
            int(entry["Id"]): SinkError("SQS neither confirmed nor refused the dead letter") for entry in group
        }
        for entry in answer.get("Successful", ()):
            if entry.get("MessageId"):
                confirmed[int(entry["Id"])] = str(entry["MessageId"])
        for entry in answer.get("Failed", ()):
            confirmed[int(entry["Id"])] = SinkError(
                f"SQS refused the dead letter: {entry.get('Code')}", is_permanent=bool(entry.get("SenderFault"))
            )
        return confirmed


class _Refusal(NamedTuple):
    """A request that was refused as a whole. ``is_of_one_letter``: one of its letters may be to blame."""

    error: SinkError
    is_of_one_letter: bool


def _refusal(error: Exception) -> _Refusal:
    verdict = _CLASSIFIER.classify(error)
    failure = SinkError(f"SQS refused the dead letters: {describe(error)}", is_permanent=not verdict.is_retryable)
    failure.__cause__ = error
    is_of_queue = verdict.reason.endswith(("NonExistentQueue", "QueueDoesNotExist"))
    is_invalid = verdict.category is Category.INVALID_INPUT and not verdict.is_retryable
    return _Refusal(failure, is_of_one_letter=is_invalid and not is_of_queue)


def _may_try(answer: str | SinkError | None) -> bool:
    return answer is None or (isinstance(answer, SinkError) and not answer.is_permanent)


def _checked(url: str) -> str:
    if url.endswith(".fifo"):
        raise ConfigurationError(f"{url!r} is a FIFO queue; dead letters of standard queues go to a standard queue")
    return url
