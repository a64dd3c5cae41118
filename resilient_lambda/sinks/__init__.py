"""
Where dead letters go: a record that cannot succeed is set aside, and acknowledged only after the sink confirmed it.

A sink is ``callable(record, error)``; that it returns, confirms. `DeadLetter` wraps one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .._core.functions import is_coroutine_function
from .._policies.compose import is_failure
from ..errors import ConfigurationError, SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.record import Record
    from .._io.base import Io
    from ._seam import Letter


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

    def __init__(self, sink: Callable[[Record[Any], BaseException], object]) -> None:
        if not callable(sink):
            raise ConfigurationError(f"DeadLetter({sink!r}) needs a callable(record, error)")
        self._target: _Target = _Function(sink)

    @classmethod
    def sqs(cls, url: str | None = None, *, env: str | None = None, client: Any = None) -> DeadLetter:
        """
        Send dead letters to a standard SQS queue, ten per request, each confirmed by its own entry in the answer.

        The message has the record's body and attributes, and one attribute ``resilient_lambda``: JSON with the error's
        class and message, the source and id of the record, and a digest by which consumers tell duplicates.

        Args:
            url: The queue's URL.
            env: The environment variable that holds the URL, read when the handler is warmed or first used.
            client: A boto3 SQS client; by default one is built when needed: connect 1 s, read 2 s, no retries.

        Raises:
            ConfigurationError: Neither or both of *url* and *env* are given, or it is a FIFO queue.
        """
        from ._sqs import SqsQueue

        letters = cls.__new__(cls)
        letters._target = SqsQueue(url, env, client)
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

    def warm(self) -> None:
        """Read the environment and build the client, where there is one."""
        self._target.warm()

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]:
        """
        Send *letters*; return, in order, each one's confirmation or why there is none.

        Args:
            until_s: Wall clock after which nothing is tried again.
        """
        return await self._target.send(io, letters, until_s=until_s)


class _Function:
    def __init__(self, sink: Callable[[Record[Any], BaseException], object]) -> None:
        self._sink = sink
        self._is_asynchronous = is_coroutine_function(sink)

    def __repr__(self) -> str:
        return repr(self._sink)

    def check(self, *, is_asynchronous: bool) -> None:
        if self._is_asynchronous and not is_asynchronous:
            raise ConfigurationError(f"the sink {self!r} is async, the handler is not: make both async, or neither")

    def warm(self) -> None:
        pass

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]:
        answers: list[str | SinkError] = []
        for record, error in letters:
            if io.now() >= until_s:
                answers.append(SinkError("there was no time left to send the dead letter"))
                continue
            try:
                if self._is_asynchronous:
                    answer = await io.invoke(self._sink, record, error)
                else:
                    answer = await io.call(self._sink, record, error)
                if hasattr(answer, "__await__"):  # a lambda or wrapper around an async function
                    answer = await _awaited(answer, io)
            except BaseException as problem:  # user code
                if not is_failure(problem, io):
                    raise
                failure = SinkError(f"the dead-letter sink raised {type(problem).__name__}")
                failure.__cause__ = problem
                answers.append(failure)
            else:
                answers.append(answer if isinstance(answer, str) and answer else "confirmed")
        return answers


async def _awaited(answer: Any, io: Io) -> object:
    if io.is_asynchronous:
        return await answer
    if hasattr(answer, "close"):
        answer.close()
    raise TypeError("the sink returned an awaitable, which a synchronous handler cannot await")


__all__ = ["DeadLetter"]
