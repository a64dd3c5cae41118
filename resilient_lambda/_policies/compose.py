"""How policies are put around the user's function, and what is called of them: outermost first."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from .._core.model import Failure, Outcome, Success
from .._io.base import Interrupted, StillRunning
from ..errors import LeaseLostError
from .call import Call, Invocation, logger
from .refusals import LEASE_LOST, cut_short

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from .._io.base import Io

    Proceed: TypeAlias = Callable[[Call], Awaitable[Outcome]]
else:
    Proceed = object  # named by annotations only; the real one would import collections.abc's machinery


class Policy(Protocol):
    """
    Something that stands around each run of the user's function.

    ``around`` is ``async def`` also in synchronous handlers, where it must await nothing but ``proceed`` and the
    methods of ``call.invocation.io``. Four more methods are called if they exist: ``warm()`` when the handler is
    decorated inside Lambda's INIT phase, ``expect(calls, invocation)`` before the first record of a batch with the runs
    to come, ``async finish(invocation)`` when all records have run, and ``async close(invocation)`` after the dead
    letters, last of all.
    """

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* with ``await proceed(call)``, or do not; return what came of it. Must not raise."""
        ...


def compose(policies: Sequence[Policy], innermost: Proceed) -> Proceed:
    """Return one callable that does *innermost* inside *policies*, the first of them outermost."""
    step = innermost
    for policy in reversed(policies):
        step = _around(policy, step)
    return step


def running(function: Callable[..., Any], *, takes_context: bool) -> Proceed:
    """Return what runs *function* for one call: the innermost of all."""

    async def innermost(call: Call) -> Outcome:
        try:
            argument = call.prepare()
        except BaseException as error:  # the border to user code: a model, or the record's own data
            if not is_failure(error, call.invocation.io):
                raise
            return Failure(error, call.classify(error))
        arguments = (argument, call.invocation.context) if takes_context else (argument,)
        return await run_function(function, arguments, [call])

    return innermost


async def run_function(function: Callable[..., Any], arguments: tuple[Any, ...], calls: Sequence[Call]) -> Outcome:
    """Run the user's *function* once, for *calls*; return what came of it."""
    invocation, io = calls[0].invocation, calls[0].invocation.io
    invocation.has_started = True
    began_s = io.monotonic()
    try:
        returned = await io.invoke(function, *arguments)
        if returned is not None:
            refuse_awaitable(returned)
        outcome: Outcome = Success(returned)
    except Interrupted:  # how long it takes is not known by that
        return cut_short()
    except StillRunning:
        for call in calls:
            call.is_still_running = True
        return cut_short()
    except LeaseLostError as error:  # the new owner decides
        outcome = Failure(error, LEASE_LOST, ran=False)  # no attempt is counted
    except BaseException as error:  # the border to user code
        if not is_failure(error, io):
            raise
        outcome = Failure(error, calls[0].classify(error))
        forget_locals(error)
    ended_s = io.monotonic()
    invocation.pace.note(ended_s - began_s, len(calls))
    for call in calls:
        call.ended_s = ended_s
    return outcome


def forget_locals(error: BaseException | None) -> None:
    """
    Let go of what the functions that raised *error* had in their hands; where it was raised can still be told.

    Failures are kept until the answer, and a batch of them would keep everything alive that each run has loaded.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        trace = error.__traceback__
        while trace is not None:
            with suppress(RuntimeError):  # a frame that still runs: ours
                trace.tb_frame.clear()
            trace = trace.tb_next
        error = error.__cause__ or error.__context__


def _around(policy: Policy, inner: Proceed) -> Proceed:
    async def step(call: Call) -> Outcome:
        outcome = await policy.around(call, inner)
        if not isinstance(outcome, Success | Failure):
            # Taken for a success, a forgotten `return` would acknowledge events that failed.
            raise TypeError(f"the policy {policy!r} returned {type(outcome).__name__} instead of a Success or Failure")
        return outcome

    return step


def is_failure(error: BaseException, io: Io) -> bool:
    """
    Tell whether *error* is a failure of the user's function, to be settled like any other.

    ``sys.exit()`` is one: let through, it would end the batch at this record on every delivery, and the records behind
    it would never run. A cancellation is one unless this very invocation is being cancelled.
    """
    if isinstance(error, Exception | SystemExit | LeaseLostError):
        return True
    if any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__):  # a TaskGroup, from Python 3.11 on
        return all(is_failure(part, io) for part in getattr(error, "exceptions", ()))
    return type(error).__name__ == "CancelledError" and not io.is_cancelled()


def refuse_awaitable(returned: object) -> None:
    """
    Refuse what would have to be awaited: its body has not run, so acknowledging the event would lose it.

    Raises:
        TypeError: *returned* is awaitable.
    """
    if hasattr(returned, "__await__"):
        close = getattr(returned, "close", None)
        if close is not None:
            close()
        raise TypeError(f"the function returned {type(returned).__name__}, which nobody awaits: make it async def")


def expect(policies: Sequence[Policy], calls: Sequence[Call], invocation: Invocation) -> None:
    """Tell every policy which runs are to come, before the first of them."""
    for policy in policies:
        expecting = getattr(policy, "expect", None)
        if expecting is not None:
            expecting(calls, invocation)


async def finish(policies: Sequence[Policy], invocation: Invocation) -> None:
    """Let every policy write what is still to be written, before the dead letters are sent."""
    await _each(policies, "finish", invocation)


async def close(policies: Sequence[Policy], invocation: Invocation) -> None:
    """Let every policy end what it does beside the function, last of all: nothing may be left running."""
    await _each(policies, "close", invocation)


async def _each(policies: Sequence[Policy], method: str, invocation: Invocation) -> None:
    for policy in policies:
        ending = getattr(policy, method, None)
        if ending is not None:
            try:
                await ending(invocation)
            except Exception:  # a user's policy: what is done is done, and the answer must go out
                logger.exception("%s() of the policy %r failed; the handler goes on", method, policy)
