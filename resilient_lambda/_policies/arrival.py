"""
Runs that meet: where a function takes a whole lane, each record comes through the policies by itself, and waits.

`arrive` stands where the function otherwise is: it suspends the record's coroutine there. A `Visit` drives such a
coroutine until it arrives, and on from there once the function has run; what else suspends, in an event loop, is passed
on to the loop.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from .._core.model import Failure, Outcome
from .attempt import current
from .compose import is_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context

    from .attempt import Attempt
    from .call import Call


class Arrival:
    """
    A record's coroutine has come to where the function is run; it goes on with what came of that.

    Attributes:
        argument: What the function gets of it.
        attempt: What `current_attempt` says in its context, which is not the function's.
    """

    __slots__ = ("argument", "attempt")

    def __init__(self, argument: Any, attempt: Attempt | None) -> None:
        self.argument = argument
        self.attempt = attempt

    def __await__(self) -> Generator[Any, Outcome, Outcome]:
        outcome = yield self
        return outcome


async def arrive(call: Call) -> Outcome:
    """Suspend *call* until its lane's function has run; the innermost of all, in place of the function."""
    try:
        argument = call.prepare()
    except BaseException as error:  # the border to user code: a model, or the record's own data
        if not is_failure(error, call.invocation.io):
            raise
        return Failure(error, call.classify(error))
    return await Arrival(argument, current.get())


class Visit:
    """
    One record's way through the policies.

    Args:
        run: The coroutine of all its policies.
    """

    __slots__ = ("_context", "_run")

    def __init__(self, run: Coroutine[Any, Any, Outcome]) -> None:
        self._run = run
        self._context = copy_context()  # of its own: the claims of several records are current at the same time

    async def advance(self, outcome: Outcome | None = None) -> Arrival | Outcome:
        """
        Go on to where the function is run, or to the end.

        Args:
            outcome: What came of the function, once it has run.
        """
        found: Arrival | Outcome = await _Advance(self._run.send, self._context, outcome)
        return found

    async def end(self, error: BaseException) -> None:
        """Have the policies know that *error* has ended the batch: they give back what they hold."""
        with suppress(BaseException):  # it is on its way already
            await _Advance(self._run.throw, self._context, error)


class _Advance:
    __slots__ = ("_context", "_step", "_value")

    def __init__(self, step: Callable[[Any], Any], context: Context, value: Any) -> None:
        self._step = step
        self._context = context
        self._value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        step, value = self._step, self._value
        run: Any = self._step.__self__  # type: ignore[attr-defined]
        while True:
            try:
                yielded = self._context.run(step, value)
            except StopIteration as done:
                return done.value
            if isinstance(yielded, Arrival):
                return yielded
            step = run.send
            try:
                value = yield yielded
            except BaseException as error:  # the event loop's: a cancellation
                step, value = run.throw, error
