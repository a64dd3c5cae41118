"""Dead letters to a function of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.functions import is_coroutine_function
from .._policies.compose import is_failure
from ..errors import ConfigurationError, SinkError
from ._requests import OUT_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.record import Record
    from .._io.base import Io
    from ._letter import Letter


class Function:
    """A function that takes a record and its error. That it returns, confirms."""

    def __init__(self, sink: Callable[[Record[Any], BaseException], object]) -> None:
        self._sink = sink
        self._is_asynchronous = is_coroutine_function(sink)

    def __repr__(self) -> str:
        return repr(self._sink)

    def check(self, *, is_asynchronous: bool) -> None:
        """Refuse an asynchronous sink of a synchronous handler."""
        if self._is_asynchronous and not is_asynchronous:
            raise ConfigurationError(f"the sink {self!r} is async, the handler is not: make both async, or neither")

    def warm(self) -> None:
        """Do nothing: a function is ready."""

    async def send(self, io: Io, letters: Sequence[Letter], *, until_s: float) -> list[str | SinkError]:
        """Call the function for each letter, as long as there is time; return one answer each."""
        answers: list[str | SinkError] = []
        longest_s = 0.0
        for letter in letters:
            began_s = io.now()
            # One that is under way at the end of the invocation takes the confirmations of those before it along.
            if began_s >= until_s or began_s + longest_s > until_s:
                answers.append(SinkError(OUT_OF_TIME))
                continue
            try:
                if self._is_asynchronous:
                    answer = await io.invoke(self._sink, letter.record, letter.error)
                else:
                    answer = await io.call(self._sink, letter.record, letter.error)
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
            longest_s = max(longest_s, io.now() - began_s)
        return answers


async def _awaited(answer: Any, io: Io) -> object:
    if io.is_asynchronous:
        return await answer
    if hasattr(answer, "close"):
        answer.close()
    raise TypeError("the sink returned an awaitable, which a synchronous handler cannot await")
