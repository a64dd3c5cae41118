"""What `Retry` does as a policy, once a run has failed. Loaded with that failure, or in INIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.model import Failure, Outcome
from .._core.retrying import GiveUp
from ..errors import LeaseLostError
from ..events import RetryGaveUp, RetryScheduled
from .refusals import LEASE_LOST
from .tries import Tries, current_claim

if TYPE_CHECKING:
    from .call import Call
    from .compose import Proceed
    from .retry import Retry

TICK_S = 0.001  # what is left of a wait that another record of the lane has waited


async def run_again(retry: Retry, call: Call, proceed: Proceed, outcome: Outcome) -> Outcome:
    """
    Run *call* again after it has come to *outcome*, as often as *retry* allows; return what came of it.

    What was not run is not run again: a bounce, what was cut short, and what goes on although it was cancelled.
    """
    invocation = call.invocation
    name = f"{'event' if invocation.source.name == 'invocation' else 'record'} {call.record.id}"
    until_s = min(invocation.stop_at_s, invocation.deadline.at_s)
    tries = Tries(retry, invocation.io, name, until_s=until_s)
    while isinstance(outcome, Failure) and outcome.ran and not (call.is_still_running or call.is_left):
        error = outcome.error
        if not isinstance(error, Exception):  # sys.exit(), a cancelled task: nobody has meant those for another try
            break
        why = _decide(tries, outcome, error, call, retry)
        if why is not None:
            if tries.failed > 1 or why is not GiveUp.NOT_RETRYABLE:
                _tell_end(tries, call, error, why)
            break
        if invocation.observers:
            category = tries.verdict.category.value
            invocation.emit(
                RetryScheduled(call.record.id, tries.failed + 1, tries.wait_s, type(error).__name__, category)
            )
        wait_s = tries.wait_s
        if call.is_together and call.ended_s is not None:  # records that were run together wait at the same time
            wait_s += call.ended_s - invocation.io.monotonic()
        if wait_s > TICK_S:
            await tries.wait(wait_s)
        claim = current_claim()
        try:
            if claim is not None:
                await claim.ensure_held(0.0)
        except LeaseLostError as lost:  # the new owner decides
            tries.stop(error, GiveUp.LEASE)
            _tell_end(tries, call, error, GiveUp.LEASE)
            return Failure(lost, LEASE_LOST, ran=False)
        if not invocation.may_start():
            tries.stop(error, GiveUp.DEADLINE)
            _tell_end(tries, call, error, GiveUp.DEADLINE)
            break
        call.ended_s = None  # until it has run: a policy inside may fail before that
        tries.begin()
        try:
            outcome = await proceed(call)
        finally:
            tries.end()
    else:
        if not isinstance(outcome, Failure):
            tries.release()
    return outcome


def _decide(tries: Tries, outcome: Failure, error: Exception, call: Call, retry: Retry) -> GiveUp | None:
    verdict = outcome.classification if retry.classifier is None else None
    takes_s = call.invocation.pace.longest_s
    if not call.is_together:
        return tries.fail(error, verdict, takes_s=takes_s)
    # One failure of a function that takes a whole lane is that of all its records, and so is the retry.
    decided = call.invocation.sessions.setdefault(retry, {})
    if id(outcome) in decided:
        _, leader, why = decided[id(outcome)]
        tries.follow(leader)
        return why  # type: ignore[no-any-return]
    why = tries.fail(error, verdict, takes_s=takes_s)
    decided[id(outcome)] = (outcome, tries, why)  # which keeps the outcome, so that its id stays its own
    return why


def _tell_end(tries: Tries, call: Call, error: Exception, why: GiveUp) -> None:
    if call.invocation.observers:
        call.invocation.emit(RetryGaveUp(call.record.id, tries.failed, why.value, type(error).__name__))
