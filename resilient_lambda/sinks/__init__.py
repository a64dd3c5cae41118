"""
Where dead letters go: a record that cannot succeed is set aside, and acknowledged only after the sink confirmed it.

A sink is ``callable(record, error)``; that it returns, confirms. `DeadLetter` wraps one, or sends to AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .._policies.call import logger
from ..errors import ConfigurationError, SinkError
from ._function import Function
from ._letter import Letter
from ._requests import LetterTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.record import Record
    from .._io.base import Io
    from ._aws import AwsSink


class _Target(Protocol):
    def check(self, *, is_asynchronous: bool) -> None: ...

    def warm(self) -> None: ...

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]: ...


class DeadLetter:
    """
    A sink for records that cannot succeed.

    Args:
        sink: ``callable(record, error)``, asynchronous only in asynchronous handlers. Returning confirms; raising
            keeps the record with its source. A text that it returns is kept as the confirmation.

    Raises:
        ConfigurationError: *sink* cannot be called.
    """

    _target: _Target
    _too_large: DeadLetter | None = None
    _otherwise: DeadLetter | None = None

    def __init__(self, sink: Callable[[Record[Any], BaseException], object]) -> None:
        if not callable(sink):
            raise ConfigurationError(f"DeadLetter({sink!r}) needs a callable(record, error)")
        self._target = Function(sink)

    @classmethod
    def sqs(
        cls,
        url: str | None = None,
        *,
        env: str | None = None,
        region: str | None = None,
        client: Any = None,
        too_large: DeadLetter | None = None,
        otherwise: DeadLetter | None = None,
    ) -> DeadLetter:
        """
        Send dead letters to an SQS queue, ten per request, each confirmed by its own entry in the answer.

        The message of a record from SQS has the record's body and attributes, and one attribute ``resilient_lambda``:
        JSON that says what failed and where it came from. Any other record is sent as an envelope in JSON. A FIFO queue
        gets the message's own group and a deduplication id that is new for each delivery.

        Args:
            url: The queue's URL.
            env: The environment variable that holds the URL, read when the handler is warmed or first used.
            region: Default: that of the URL, or ``AWS_REGION``; not together with *client*.
            client: A boto3 SQS client; by default one is built when needed: connect 1 s, read 2 s, no retries.
            too_large: Takes the letters that are larger than 1 MiB. Without it, and without *otherwise*, the body of
                such a message is sent alone.
            otherwise: Takes the letters that the queue refuses for good.

        Raises:
            ConfigurationError: Neither or both of *url* and *env* are given, or an option is of the wrong kind.
        """
        from ._aws import AwsSink
        from ._sqs import Queue

        queue = Queue(strips=too_large is None and otherwise is None)
        return cls._to_aws(AwsSink(queue, url, env, region=region, client=client), too_large, otherwise)

    @classmethod
    def sns(
        cls,
        arn: str | None = None,
        *,
        env: str | None = None,
        region: str | None = None,
        client: Any = None,
        too_large: DeadLetter | None = None,
        otherwise: DeadLetter | None = None,
    ) -> DeadLetter:
        """
        Publish dead letters to an SNS topic, ten per request, each confirmed by its own entry in the answer.

        The message is an envelope in JSON. A FIFO topic gets what `sqs` says of FIFO queues.

        Args:
            arn: The topic's ARN.
            env: The environment variable that holds the ARN, read when the handler is warmed or first used.
            region: Default: that of the ARN, or ``AWS_REGION``; not together with *client*.
            client: A boto3 SNS client; by default one is built when needed: connect 1 s, read 2 s, no retries.
            too_large: Takes the letters that are larger than 256 KiB.
            otherwise: Takes the letters that the topic refuses for good.

        Raises:
            ConfigurationError: Neither or both of *arn* and *env* are given, or an option is of the wrong kind.
        """
        from ._aws import AwsSink
        from ._sns import Topic

        return cls._to_aws(AwsSink(Topic(), arn, env, region=region, client=client), too_large, otherwise)

    @classmethod
    def s3(
        cls,
        bucket: str | None = None,
        *,
        env: str | None = None,
        prefix: str = "",
        region: str | None = None,
        client: Any = None,
        otherwise: DeadLetter | None = None,
    ) -> DeadLetter:
        """
        Put dead letters into an S3 bucket, one object each, of any size: an envelope in JSON.

        The key is ``<prefix>/<source>/<yyyy>/<mm>/<dd>/<id>-<digest>.json``, by the day on which the record was sent
        where the record says so. A letter that is sent twice replaces itself.

        Args:
            bucket: The bucket's name.
            env: The environment variable that holds the name, read when the handler is warmed or first used.
            prefix: What the keys begin with; slashes around it do not count.
            region: Default: ``AWS_REGION``; not together with *client*.
            client: A boto3 S3 client; by default one is built when needed: connect 1 s, read 2 s, no retries.
            otherwise: Takes the letters that the bucket refuses for good.

        Raises:
            ConfigurationError: Neither or both of *bucket* and *env* are given, or an option is of the wrong kind.
        """
        from ._aws import AwsSink
        from ._s3 import Bucket

        return cls._to_aws(AwsSink(Bucket(prefix), bucket, env, region=region, client=client), None, otherwise)

    @classmethod
    def eventbridge(
        cls,
        bus: str | None = None,
        *,
        env: str | None = None,
        source: str = "resilient_lambda",
        region: str | None = None,
        client: Any = None,
        too_large: DeadLetter | None = None,
        otherwise: DeadLetter | None = None,
    ) -> DeadLetter:
        """
        Put dead letters on an EventBridge bus, ten per request, each confirmed by its own id in the answer.

        The event's ``detail`` is an envelope in JSON, its ``detail-type`` is ``Dead letter``, and its one resource the
        ARN that the record came from, if the event said it.

        Args:
            bus: The bus's name or ARN.
            env: The environment variable that holds it, read when the handler is warmed or first used.
            source: The events' ``source``; not one that begins with ``aws.``.
            region: Default: that of the ARN, or ``AWS_REGION``; not together with *client*.
            client: A boto3 EventBridge client (``events``); by default one is built when needed: connect 1 s, read
                2 s, no retries.
            too_large: Takes the letters that are as large as 1 MB or larger.
            otherwise: Takes the letters that the bus refuses for good.

        Raises:
            ConfigurationError: Neither or both of *bus* and *env* are given, or an option is of the wrong kind.
        """
        from ._aws import AwsSink
        from ._eventbridge import EventBus

        return cls._to_aws(AwsSink(EventBus(source), bus, env, region=region, client=client), too_large, otherwise)

    @classmethod
    def _to_aws(cls, sink: AwsSink, too_large: DeadLetter | None, otherwise: DeadLetter | None) -> DeadLetter:
        for option, fallback in (("too_large", too_large), ("otherwise", otherwise)):
            if fallback is not None and not isinstance(fallback, DeadLetter):
                raise ConfigurationError(f"{option}={fallback!r} is no DeadLetter; wrap a function as DeadLetter(...)")
        letters = cls.__new__(cls)
        letters._target = sink
        letters._too_large, letters._otherwise = too_large, otherwise
        return letters

    def __repr__(self) -> str:
        return f"DeadLetter({self._target!r})"

    def check(self, *, is_asynchronous: bool) -> None:
        """
        Check that the sink has the colour of the handler.

        Raises:
            ConfigurationError: An asynchronous sink in a synchronous handler would never run.
        """
        self._target.check(is_asynchronous=is_asynchronous)
        for fallback in self._fallbacks():
            fallback.check(is_asynchronous=is_asynchronous)

    def warm(self) -> None:
        """
        Read the environment and build the clients, where there are any.

        Raises:
            ConfigurationError: A sink cannot be used, and there is no ``otherwise`` to step in.
        """
        for sink in (self._target, self._too_large):
            try:
                if sink is not None:
                    sink.warm()
            except ConfigurationError as error:
                if self._otherwise is None:
                    raise
                # Raised here it would end the function's start, and with it what the fallback is for.
                logger.warning("dead letters will go to %r: %s", self._otherwise, error)
        if self._otherwise is not None:
            self._otherwise.warm()

    async def send(self, io: Io, letters: Sequence[tuple[Any, ...]], *, until_s: float) -> list[str | SinkError]:
        """
        Send *letters*; return, in order, each one's confirmation or why there is none.

        Args:
            letters: The record, its error and, if it is known, the stored idempotency key of each.
            until_s: Wall clock after which nothing is tried again.
        """
        made = [Letter(*letter) for letter in letters]
        answers = await self._target.send(io, made, until_s=until_s)
        for fallback, is_for_all in ((self._too_large, False), (self._otherwise, True)):
            if fallback is None:
                continue
            refused = [n for n, answer in enumerate(answers) if _is_refused(answer, is_for_all)]
            if refused:
                if is_for_all:  # a sink that never works must not go unnoticed because another one steps in
                    logger.warning("%d dead letters go to %r: %s", len(refused), fallback, answers[refused[0]])
                found = await fallback.send(io, [made[n] for n in refused], until_s=until_s)
                for n, answer in zip(refused, found, strict=True):
                    answers[n] = _both(answers[n], answer) if isinstance(answer, SinkError) else answer
        return answers

    def _fallbacks(self) -> list[DeadLetter]:
        return [fallback for fallback in (self._too_large, self._otherwise) if fallback is not None]


def _is_refused(answer: str | SinkError, whatever_the_reason: bool) -> bool:
    """Tell whether the sink will never take the letter, because it is too large or *whatever_the_reason*."""
    if whatever_the_reason:
        return isinstance(answer, SinkError) and answer.is_permanent
    return isinstance(answer, LetterTooLargeError)


def _both(first: str | SinkError, then: SinkError) -> SinkError:
    error = SinkError(f"{first}; then {then}", is_permanent=then.is_permanent)
    error.__cause__ = then
    return error


__all__ = ["DeadLetter"]
