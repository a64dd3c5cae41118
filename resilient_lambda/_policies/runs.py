"""One run under a claim: the function is run, and what came of it is recorded (the truth table of protocols.md J)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.model import Disposition, Failure, Success
from .._io.base import GivenUp
from ..errors import CrashLoopError, LeaseLostError, StoreError
from ..events import ClaimLost, CompletionUnrecorded, FailedAfterCommit, ResultDropped
from .call import logger
from .held_claim import HeldClaim
from .holding import Completion
from .local import Done
from .refusals import LEASE_LOST, crash_loop, not_started
from .results import UnstorableResultError, encode

if TYPE_CHECKING:
    from .._core.model import Outcome
    from .call import Call, Invocation
    from .claim import ActiveClaim
    from .claiming import Terms
    from .compose import Proceed
    from .local import Local
    from .session import Session


# For how long a source may bring one batch back again and again. Not for as long as a success: the same bytes that are
# published once more, after a fix, should run.
PARKED_S = 6 * 3_600


class Runs:
    """
    How runs begin and end.

    Args:
        remember_failures_s: For how long a permanent failure is remembered, in seconds; None if it is not.
        commits_each: True to record each end before the next run begins.
        observes: True to run even what has ended its environments too often.
    """

    def __init__(
        self, terms: Terms, local: Local, *, remember_failures_s: float | None, commits_each: bool, observes: bool
    ) -> None:
        self._terms = terms
        self._local = local
        self._remember_failures_s = remember_failures_s
        self._commits_each = commits_each
        self._observes = observes

    async def run(self, taken: ActiveClaim, call: Call, proceed: Proceed, session: Session) -> Outcome:
        """Run *call* under the claim *taken*."""
        if taken.entry.lapses:
            # The last run of this key ended without a word, and this one may end the environment. So all that has
            # ended is recorded, and what waits for the sink goes there first; and as the first lapse may have been a
            # neighbour's doing, it does not count (protocols.md A6).
            await session.settle()
            await call.before_suspect()
        earlier = taken.entry.attempts + taken.entry.lapses - 1
        is_loop = taken.entry.lapses > 1 and call.max_attempts is not None and earlier >= call.max_attempts
        if is_loop and not self._observes:
            return await self._settle(taken, call, crash_loop(taken.entry), session)
        if not call.invocation.may_start():  # claiming, or waiting for the store, took what time there was
            session.unstarted.append(taken)
            return not_started()
        try:
            with taken:
                outcome = await proceed(call)
        except BaseException as error:
            if isinstance(error, GivenUp) or (isinstance(error, GeneratorExit) and call.invocation.io.is_asynchronous):
                raise  # the answer is out, or the event loop is gone; nothing can be awaited
            if not taken.is_committed and type(error).__name__ != "SuspendExecution":  # it goes on later (B6)
                name = type(error).__name__
                session.commits.add(taken, lambda: taken.releasing(error=name))
                await session.commits.catch_up()
            raise
        return await self._settle(taken, call, outcome, session)

    async def _settle(self, taken: ActiveClaim, call: Call, outcome: Outcome, session: Session) -> Outcome:
        if taken.is_committed:
            return self._settle_committed(taken, call.invocation, outcome)
        if call.is_still_running:
            taken.is_settled = True  # renewed no more; the lease ends on its own (protocols.md B5)
            return outcome
        if taken.refusal is not None and (isinstance(outcome, Success) or isinstance(taken.refusal, StoreError)):
            # The function was told that the key is not its own, or that its commit failed, and swallowed it; or nobody
            # knows whether it took effect (protocols.md A8).
            is_attempt = not isinstance(taken.refusal, LeaseLostError | StoreError)
            outcome = Failure(taken.refusal, LEASE_LOST, ran=is_attempt)
        if isinstance(outcome, Success):
            self._complete(taken, call.invocation, outcome, session)
        else:
            held = HeldClaim(
                taken,
                outcome,
                session.commits,
                delivery=call.record.delivery,
                remember_s=self._remember_failures_s,
                remember_parked_s=self._remember_parked_s(call.invocation, outcome),
                result=self._answer_to_remember(call, outcome),
            )
            if call.dispose(outcome, taken.attempt) is Disposition.DEAD_LETTER:
                call.held = held  # settled once the sink has answered
            else:
                held.settle(parked=None)
        if self._commits_each or (session.is_last and not call.is_together):
            await session.commits.catch_up()
            call.invocation.emit_posted()
        else:
            session.commits.begin()
        return outcome

    def _answer_to_remember(self, call: Call, failure: Failure) -> str | bytes | None:
        if call.answer_of is None or self._remember_failures_s is None:
            return None
        return encode(call.answer_of(failure))  # the library's own answer: small, and JSON

    def _remember_parked_s(self, invocation: Invocation, failure: Failure) -> float | None:
        # Where one record ends its environment, others may: then the answer that acknowledges this one is lost, so it
        # comes back from a queue, too, and would begin anew, to end as many environments as before.
        comes_back = invocation.source.brings_back_done or isinstance(failure.error, CrashLoopError)
        if comes_back and self._terms.form.remembers_failures:
            return min(PARKED_S, self._terms.keep_s)
        return None

    def _settle_committed(self, taken: ActiveClaim, invocation: Invocation, outcome: Outcome) -> Outcome:
        """Acknowledge what `commit_with` has recorded, whatever happened after it (protocols.md B16)."""
        done = Done(taken.entry.expires_at_s, taken.entry.fingerprint, taken.result)
        self._local.cache.put(taken.key, done)
        if isinstance(outcome, Success):
            return outcome
        name = type(outcome.error).__name__
        logger.warning("%s raised %s after its commit; it is acknowledged, for it is done", taken.key, name)
        invocation.emit(FailedAfterCommit(taken.key, name))
        return Success(done.value())

    def _complete(self, taken: ActiveClaim, invocation: Invocation, outcome: Success, session: Session) -> None:
        result = None
        if invocation.source.keeps_results or self._terms.form.keeps_results:
            try:
                result = encode(outcome.value, compresses=self._terms.form.compresses)
            except UnstorableResultError as error:
                # The effect has happened: done without a result beats running it again (protocols.md D4).
                logger.warning("the result of %s is not kept: %s; a replay returns None", taken.key, error)
                invocation.emit(ResultDropped(taken.key, str(error)))
        done = Done(invocation.io.now() + self._terms.keep_s, taken.entry.fingerprint, result)
        local = self._local

        def conclude(completion: object) -> None:
            if completion is Completion.RECORDED:
                local.cache.put(taken.key, done)
                return
            local.journal.put(taken.key, taken, done)
            if completion is Completion.LOST:
                invocation.post(ClaimLost(taken.key))
            else:
                session.unrecorded += 1
                invocation.post(CompletionUnrecorded(taken.key))

        session.commits.add(taken, lambda: taken.completing(result), conclude)
