"""What `Idempotency` does with its options. Only events need it: it loads in INIT, or with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.idempotency import Busy, Replay, ReplayFailure, Take
from .._core.item_format import NATIVE
from .._core.keys import digest
from .._core.model import Disposition, Failure, Outcome, Success
from ..errors import CrashLoopError, ItemFormatError, StoreError, StoreUnavailableError
from ..events import ClaimTaken, DuplicateSuppressed, StoreBypassed
from .ahead import Ahead, Candidate
from .call import logger
from .call_keys import CallKeys
from .claiming import Suspect, Terms, Wish, unread
from .claims import Claims
from .commits import BACKLOG_KEYS
from .compose import is_failure
from .held_claim import UnsentLetter
from .local import Done, Local
from .refusals import attached, in_progress, mismatch, remembered
from .runs import Runs
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.idempotency import Decision
    from .._core.record import Record
    from ..stores.base import Store
    from .call import Call, Invocation
    from .compose import Proceed
    from .idempotency import Options


class Guard:
    """
    Sees to it that each key is run once.

    Args:
        owner: The policy whose work this is: under it, invocations keep the session.
    """

    def __init__(self, owner: object, store: Store, options: Options) -> None:
        form = NATIVE
        if options.is_powertools:
            from .._core.powertools_format import POWERTOOLS as form
        self._owner = owner
        self._store = store
        self._keys = CallKeys(
            form,
            key=options.key,
            namespace=options.namespace,
            fingerprint=options.fingerprint or False,
            skips_missing=options.skips_missing,
        )
        self._terms = Terms(options.lease_s, options.skew_s, options.keep_s, form)
        self._runs_on_store_error = options.runs_on_store_error
        self._observes = options.observes
        self._claims = Claims(store, self._terms, on_in_progress=options.on_in_progress, observes=self._observes)
        self._local = Local(options.local_cache)
        self._runs = Runs(
            self._terms,
            self._local,
            remember_failures_s=options.remember_failures_s,
            commits_each=options.commits_each,
            observes=self._observes,
        )

    def forget(self) -> None:
        """Forget what this environment knows by itself."""
        self._local.forget()

    def swap_memory(self, memory: Any) -> Any:
        """Put *memory*, None for a new environment's, in the place of what is known here; return that."""
        return self._local.swap_memory(memory)

    def warm(self) -> None:
        """Load what the first key would load."""
        self._keys.warm()

    def expect(self, calls: Sequence[Call], invocation: Invocation) -> None:
        """Take notice of the runs to come, so that their keys can be claimed ahead in bulk."""
        session = self._session(invocation)
        session.ahead = Ahead(
            invocation,
            len(calls),
            wish_of=lambda call: self._wish_of(call, session),
            claim=lambda candidates: self._claims.take_ahead(candidates, session, invocation),
        )

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* unless its key is done or in progress."""
        session = self._session(call.invocation)
        if not session.has_begun:
            await self._begin(session, call.invocation)
        call.invocation.emit_posted()
        ahead = session.ahead
        wish = None if ahead is None else await ahead.begin(call)
        try:
            if wish is None and (key := self._keys.key_of(call)) is not None:
                wish = Wish(key, self._keys.fingerprint_of(call), call, self._terms, [])
            known = candidate = None
            while wish is not None and (known := self._known(wish, session)) is None:
                # What others of this invocation do is waited for here; from then on to `running` nobody else goes on.
                candidate = None if ahead is None else ahead.find(wish.key, wish.fingerprint)
                if (running := session.running.get(wish.key)) is not None:
                    if call.is_together and not call.is_last_resort:
                        call.put_off = 0
                        return in_progress(Busy(0.0), call.invocation.io.now())
                    await running.wait()
                elif ahead is not None and candidate is not None and ahead.is_undecided(candidate):
                    await ahead.decided(candidate)
                else:
                    break
            if known is None:
                call.prepare()  # what cannot be run is not worth a claim
        except BaseException as error:  # the user's key function or model, or a record without its key
            if not is_failure(error, call.invocation.io):
                raise
            if not self._observes:
                return Failure(error, call.classify(error), ran=False)
            logger.warning("%s has no usable key (%s)", call.record.id, type(error).__name__)
            wish, known, candidate = None, None, None  # observing must not change what runs
        if wish is None:
            return await self.run_unprotected(call, proceed)
        if known is not None:
            return await self._run_unenforced(wish.key, call, proceed, wish.fingerprint) if self._observes else known
        if ahead is not None and candidate is not None:
            ahead.take(candidate)
            wish = candidate.wish._replace(call=call)  # it may have been planned for another record of the key
        flag = session.running[wish.key] = call.invocation.io.flag()
        try:
            return await self._run_first(wish, candidate, proceed, session)
        finally:
            del session.running[wish.key]
            flag.set()

    async def _run_first(self, wish: Wish, candidate: Candidate | None, proceed: Proceed, session: Session) -> Outcome:
        """Run the first record of a key in this invocation."""
        try:
            has_room = await self._has_room(session)
        except BaseException:  # the invocation is being cancelled
            session.keep_for_release(candidate)
            raise
        if not has_room and not (self._runs_on_store_error or self._observes):
            session.keep_for_release(candidate)
            full = StoreUnavailableError(
                f"{session.unrecorded} successes of this invocation could not be recorded; no further record is started"
            )
            return Failure(full, wish.call.classify(full), ran=False)
        outcome = await self._claim_and_run(wish, candidate, proceed, session)
        if outcome.ran or isinstance(outcome, Success) or isinstance(outcome.error, CrashLoopError):
            # One run per key and invocation: later records with the key attach to it (protocols.md B10).
            session.outcomes[wish.key] = (wish.fingerprint, outcome)
        return outcome

    async def run_unprotected(self, call: Call, proceed: Proceed) -> Outcome:
        """
        Run *call* without the store, under a claim that stands for nothing.

        Its key is the record's own, or made of the record's id: functions that hand it on as an idempotency key go on
        working.
        """
        try:
            key = self._keys.key_of(call)
        except Exception:  # no usable key, or no namespace
            key = None
        if key is None:
            key = f"unprotected#{digest(call.record.default_key or call.record.id or call.invocation.io.token())}"
        return await self._run_unenforced(key, call, proceed, "")

    async def finish(self, invocation: Invocation) -> None:
        """Write what has ended and the journal, give back what was claimed without being run."""
        session: Session | None = invocation.sessions.get(self._owner)
        if session is None:
            return
        await session.settle(is_last=True)
        await self._local.write_journal(self._store, invocation)
        if invocation.redelivers_done:  # what is not recorded by then is run again for certain (protocols.md B8)
            await self._local.insist_on_journal(self._store, invocation)
        invocation.emit_posted()

    async def close(self, invocation: Invocation) -> None:
        """Write what the sink's answers have ended, join the heartbeat, which until now kept what waited for them."""
        session: Session | None = invocation.sessions.get(self._owner)
        if session is None:
            return
        try:
            await session.settle(is_last=True)
        finally:
            await session.end_heartbeat()
            invocation.emit_posted()
            # A success that waits in the journal keeps its invocation alive: not what that one has seen.
            invocation.sessions.pop(self._owner, None)

    def peek(self, record: Record[Any], context: Any, now_s: float) -> Done | None:
        """Return what this environment knows to be done under the key of *record*, without I/O; None if nothing."""
        if self._observes:
            return None
        try:
            found = self._keys.peek(record, context)
        except Exception:  # `around` meets the same error, and reports it
            return None
        done = None if found is None else self._local.cache.get(found[0], now_s)
        if done is None or found is None:
            return None
        is_other = found[1] and done.fingerprint and done.fingerprint != found[1]
        return None if is_other else done  # `around` refuses it

    def _session(self, invocation: Invocation) -> Session:
        session: Session | None = invocation.sessions.get(self._owner)
        if session is None:
            session = invocation.sessions[self._owner] = Session(self._store, invocation, self._claims.make)
        return session

    async def _begin(self, session: Session, invocation: Invocation) -> None:
        session.has_begun = True
        # What an outage has left must not take the time of the events that are here now.
        now_s = invocation.io.now()
        until_s = now_s + (min(invocation.stop_at_s, invocation.end_at_s) - now_s) / 4
        await self._local.write_journal(self._store, invocation, until_s=until_s, repeats=False)

    async def _has_room(self, session: Session) -> bool:
        """Wait for the store until what has ended is recorded as far as it must be; False if it is not (B9)."""
        await session.commits.make_room(session.unrecorded)
        return session.unrecorded < BACKLOG_KEYS

    def _wish_of(self, call: Call, session: Session) -> Wish | None:
        """Return what *call* wants, None if there is nothing to be claimed for it ahead."""
        try:
            key = self._keys.key_of(call)
            if key is None or key in session.outcomes or key in session.running:
                return None
            fingerprint = self._keys.fingerprint_of(call)
            if self._local.find(key, call.invocation.io.now()):
                return None
            call.prepare()
        except BaseException as error:  # `around` meets the same one, and reports it
            if not is_failure(error, call.invocation.io):
                raise
            return None
        return Wish(key, fingerprint, call, self._terms, [])

    def _known(self, wish: Wish, session: Session) -> Outcome | None:
        """Return what this environment knows of a key without asking the store, None if nothing."""
        key, fingerprint, invocation = wish.key, wish.fingerprint, wish.call.invocation
        found = session.outcomes.get(key)
        if found is not None:
            if found[0] != fingerprint and isinstance(found[1], Success):
                return mismatch()
            self._report(invocation, key, "same_batch")
            return attached(found[1])
        done = self._local.find(key, invocation.io.now())
        if done is None:
            return None
        if fingerprint and done.fingerprint and done.fingerprint != fingerprint:
            return mismatch()
        self._report(invocation, key, "completed")
        return done.outcome()

    async def _claim_and_run(
        self, wish: Wish, candidate: Candidate | None, proceed: Proceed, session: Session
    ) -> Outcome:
        key, fingerprint, call = wish.key, wish.fingerprint, wish.call
        invocation = call.invocation
        try:
            taken, decision = await self._claims.take(wish, candidate, session)
        except ItemFormatError as error:
            if self._observes:
                return await self._run_unenforced(key, call, proceed, fingerprint)
            return Failure(error, call.classify(error), ran=False)
        except StoreError as error:
            if self._runs_on_store_error or self._observes:
                invocation.emit(StoreBypassed(key, type(error).__name__))
                logger.warning("the store failed (%s); %s is run without protection", type(error).__name__, key)
                entry = wish.tried[-1] if wish.tried else unread(wish)
                stand_in = self._claims.make(key, entry, invocation, is_stand_in=True)
                return await self._runs.run(stand_in, call, proceed, session)
            # The claim may have taken effect although nobody said so (protocols.md C2).
            candidate = candidate or Candidate(wish)
            candidate.decision = error
            session.keep_for_release(candidate)
            return Failure(error, call.classify(error), ran=False)
        except BaseException:  # the invocation is being cancelled
            session.keep_for_release(candidate or Candidate(wish))
            raise
        if taken is not None:
            is_takeover = isinstance(decision, Take) and decision.is_takeover
            invocation.emit(ClaimTaken(key, taken.attempt, taken.entry.lapses, is_takeover))
            return await self._runs.run(taken, call, proceed, session)
        if isinstance(decision, Suspect):
            call.put_off = decision.lapses
            decision = Busy(0.0)
        elif isinstance(decision, Busy) and not call.is_last_resort and self._claims.wants_to_wait(invocation):
            call.put_off = 0
        outcome = self._answer(decision, key, fingerprint, invocation)
        if self._observes:
            return await self._run_unenforced(key, call, proceed, fingerprint)
        is_unsent = isinstance(outcome, Failure) and call.dispose(outcome, None) is Disposition.DEAD_LETTER
        if isinstance(decision, ReplayFailure) and isinstance(outcome, Failure) and is_unsent:
            call.held = UnsentLetter(
                self._claims.make(key, decision.entry, invocation), outcome, session.commits
            )  # the sink has refused it so far
        return outcome

    async def _run_unenforced(self, key: str, call: Call, proceed: Proceed, fingerprint: str) -> Outcome:
        """Run what would have been suppressed, under a claim that stands for nothing."""
        wish = Wish(key, fingerprint, call, self._terms, [])
        with self._claims.make(key, unread(wish), call.invocation, is_stand_in=True):
            return await proceed(call)

    def _answer(self, decision: Decision, key: str, fingerprint: str, invocation: Invocation) -> Outcome:
        """Return the outcome for an event that is not to be run."""
        if isinstance(decision, Replay):
            entry = decision.entry
            done = Done(entry.expires_at_s, entry.fingerprint or fingerprint, entry.result)
            self._local.cache.put(key, done)
            self._report(invocation, key, "completed")
            return done.outcome()
        if isinstance(decision, ReplayFailure):
            self._report(invocation, key, "failed")
            return remembered(decision.entry)
        if isinstance(decision, Busy):
            self._report(invocation, key, "in_progress")
            return in_progress(decision, invocation.io.now())
        return mismatch()

    def _report(self, invocation: Invocation, key: str, reason: str) -> None:
        if invocation.observers:
            invocation.emit(DuplicateSuppressed(key, reason, is_observed_only=self._observes))
