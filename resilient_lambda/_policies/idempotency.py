"""The idempotency policy: a key is run by one worker at a time, and not again once it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

from .._core.idempotency import Busy, Entry, Replay, ReplayFailure, Take
from .._core.item_format import NATIVE
from .._core.keys import check_namespace, digest
from .._core.model import Disposition, Failure, Outcome, Success
from .._core.options import number, one_of
from .._core.sources import Twin
from ..errors import (
    ConfigurationError,
    CrashLoopError,
    ItemFormatError,
    LeaseLostError,
    MissingKeyError,
    StoreError,
    StoreUnavailableError,
)
from ..events import (
    ClaimLost,
    ClaimTaken,
    CompletionUnrecorded,
    DuplicateSuppressed,
    FailedAfterCommit,
    ResultDropped,
    StoreBypassed,
)
from .ahead import Ahead
from .call import logger
from .claim import LEASE_LOST, ActiveClaim, UnenforcedClaim
from .claiming import Suspect, Terms, Wish, claim, claiming, unread
from .commits import BACKLOG_KEYS
from .held_claim import HeldClaim
from .holding import Completion
from .key_finder import KeyFinder
from .local import Done, Journal, LocalCache
from .procedures import together
from .refusals import attached, crash_loop, in_progress, mismatch, remembered
from .results import UnstorableResultError, encode
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.idempotency import Decision
    from .._core.keys import KeySpec
    from .._core.record import Record
    from ..stores.base import Store
    from .ahead import Candidate
    from .call import Call, Invocation
    from .claiming import Claimed
    from .compose import Policy, Proceed

# Every policy of the process, so that `resilient_lambda.testing.in_memory` can make all of them forget.
living: WeakSet[Idempotency] = WeakSet()


class Idempotency:
    """
    Run each key once: one worker at a time, and not again once it is done.

    Args:
        store: Where claims and completions are kept.
        key: What makes two events the same: a dotted path into the body (``"order.id"``), a list of paths, a
            `JMESPath`, or a function of what your function gets. By default the record's id, which tells redeliveries
            apart from new messages but not two messages that ask for the same thing.
        namespace: Keys of different namespaces never meet. The name of the Lambda function by default.
        keep_s: For how long a completed key is remembered, in seconds.
        lease_s: For how long a claim is exclusive, in seconds, renewed by a heartbeat at a third of it. By default the
            remaining time of the invocation for queues, and 20 s for single events, where a crashed run would
            otherwise block the key for longer than Lambda retries.
        skew_s: By how much the clocks of two environments may differ, in seconds.
        fingerprint: What must be equal in two events of one key, as for *key*; ``True`` for the whole body. Another
            payload under a used key is refused with `FingerprintMismatchError`. By default nothing is compared.
        remember_failures_s: For how long a permanent failure is remembered, in seconds. By default it is not: an event
            that comes again after a fix is run again.
        on_missing_key: ``"error"`` fails the record; ``"skip"`` runs it without protection.
        on_in_progress: What to do while another worker has the key: ``"retry"`` gives the event back, ``"wait"`` waits
            within the invocation; ``"auto"`` waits for single events and gives back messages of a queue.
        on_store_error: ``"retry"`` gives the event back; ``"run"`` runs it without protection.
        commit: ``"group"`` records the ends of a batch's runs together, beside the runs that follow: at most 50 keys or
            one second are unrecorded at any time. ``"each"`` records each before the next record starts.
        layout: ``"powertools"`` keeps items and keys as Powertools' idempotency utility does, so that both work on one
            table during a migration; *namespace* is then what its keys begin with. See docs/coming-from-powertools.md.
        mode: ``"observe"`` runs duplicates too and only reports what would have been suppressed.
        local_cache: How many completed keys each environment remembers by itself; 0 for none.

    Raises:
        ConfigurationError: An option is wrong.
    """

    kind = "idempotency"

    def __init__(
        self,
        store: Store,
        *,
        key: KeySpec | None = None,
        namespace: str | None = None,
        keep_s: float = 86_400,
        lease_s: float | None = None,
        skew_s: float = 2.0,
        fingerprint: KeySpec | bool | None = None,
        remember_failures_s: float | None = None,
        on_missing_key: Literal["error", "skip"] = "error",
        on_in_progress: Literal["auto", "wait", "retry"] = "auto",
        on_store_error: Literal["retry", "run"] = "retry",
        commit: Literal["group", "each"] = "group",
        layout: Literal["native", "powertools"] = "native",
        mode: Literal["enforce", "observe"] = "enforce",
        local_cache: int = 1_000,
    ) -> None:
        if not callable(getattr(store, "put_if", None)) or isinstance(store, type):
            raise ConfigurationError(f"Idempotency({store!r}) needs a store, such as DynamoDBStore('table')")
        one_of("on_missing_key", on_missing_key, ("error", "skip"))
        one_of("on_in_progress", on_in_progress, ("auto", "wait", "retry"))
        one_of("on_store_error", on_store_error, ("retry", "run"))
        one_of("commit", commit, ("group", "each"))
        one_of("layout", layout, ("native", "powertools"))
        one_of("mode", mode, ("enforce", "observe"))
        number("keep_s", keep_s, above=0)
        number("skew_s", skew_s, at_least=0)
        number("local_cache", local_cache, at_least=0, is_whole=True)
        if remember_failures_s is not None:
            number("remember_failures_s", remember_failures_s, above=0)
        if lease_s is not None:
            number("lease_s", lease_s, above=0)
        if lease_s is not None and lease_s < 3 * skew_s:
            raise ConfigurationError(
                f"lease_s={lease_s!r} is too short for skew_s={skew_s!r}: it is renewed at a third of its length and "
                f"trusted until skew_s before its end; give at least {3 * skew_s:g}"
            )
        form = NATIVE
        if layout == "powertools":
            _refuse_beside_powertools(namespace, lease_s=lease_s, remember_failures_s=remember_failures_s)
            from .._core.powertools_format import POWERTOOLS as form
        self.store = store
        self.key = key
        self._namespace = check_namespace(namespace) if namespace is not None else None
        self._terms = Terms(lease_s, skew_s, keep_s, form)
        self._remember_failures_s = remember_failures_s
        self._skips_missing_key = on_missing_key == "skip"
        self._on_in_progress = on_in_progress
        self._runs_on_store_error = on_store_error == "run"
        self._commits_each = commit == "each"
        self._observes = mode == "observe"
        self._key_finder = KeyFinder("key", key) if key is not None else None
        self._compares = fingerprint is not None and fingerprint is not False
        self._fingerprint_finder = (
            None if fingerprint is None or isinstance(fingerprint, bool) else KeyFinder("fingerprint", fingerprint)
        )
        self._can_peek = not (
            self._observes or self._compares or (self._key_finder and self._key_finder.needs_argument)
        )
        self._prefixes: dict[str, str] = {}
        self._local_cache = local_cache
        self.forget()
        living.add(self)

    def __repr__(self) -> str:
        return f"Idempotency({self.store!r}, key={self.key!r})"

    def forget(self) -> None:
        """Forget what this environment knows by itself, as a new environment would: for tests."""
        self._cache = LocalCache(self._local_cache)
        self._journal = Journal()
        self._pace_s = 0.0  # how long a run takes, as far as this environment has seen

    def warm(self) -> None:
        """Load what the first event would load."""
        self._terms.form.digest("")
        self.store.warm()
        for finder in (self._key_finder, self._fingerprint_finder):
            if finder is not None:
                finder.warm()

    def expect(self, calls: Sequence[Call | None], invocation: Invocation) -> None:
        """Take notice of the runs to come, so that their keys can be claimed ahead in bulk."""
        session = self._session(invocation)
        session.ahead = Ahead(
            invocation.io,
            calls,
            wish_of=lambda call: self._wish_of(call, session),
            claim=lambda candidates: self._claim_ahead(candidates, session, invocation),
            pace_s=lambda: self._pace_s,
            stop_at_s=invocation.stop_at_s,
        )

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* unless its key is done or in progress."""
        session = self._session(call.invocation)
        if not session.has_begun:
            await self._begin(session, call.invocation)
        call.invocation.emit_posted()
        candidate = None if session.ahead is None else await session.ahead.take(call)
        fingerprint = ""
        try:
            if candidate is None:
                key = self._key_of(call)
                fingerprint = self._fingerprint_of(call)
            else:
                key, fingerprint = candidate.wish.key, candidate.wish.fingerprint
            known = None if key is None else self._known(key, fingerprint, call.invocation, session)
            if known is None:
                call.prepare()  # what cannot be run is not worth a claim
        except Exception as error:  # the user's key function or model, or a record without its key
            if not self._observes:
                return Failure(error, call.classify(error), ran=False)
            logger.warning("%s has no usable key (%s)", call.record.id, type(error).__name__)
            key, known = None, None  # observing must not change what runs
        if key is None:
            return await self.run_unprotected(call, proceed)
        if known is not None:
            return await self._run_unenforced(key, call, proceed, fingerprint) if self._observes else known
        if not self._runs_on_store_error and not await self._has_room(session):
            full = StoreUnavailableError(
                f"{session.unrecorded} successes of this invocation could not be recorded; no further record is started"
            )
            return Failure(full, call.classify(full), ran=False)
        wish = Wish(key, fingerprint, call, self._terms, []) if candidate is None else candidate.wish
        outcome = await self._claim_and_run(wish, candidate, proceed, session)
        if outcome.ran or isinstance(outcome, Success) or isinstance(outcome.error, CrashLoopError):
            # One run per key and invocation: later records with the key attach to it (protocols.md B10).
            session.outcomes[key] = (fingerprint, outcome)
        return outcome

    async def run_unprotected(self, call: Call, proceed: Proceed) -> Outcome:
        """
        Run *call* without the store, under a claim that stands for nothing.

        Its key is the record's own, or made of the record's id: functions that hand it on as an idempotency key go on
        working.
        """
        try:
            key = self._key_of(call)
        except Exception:  # no usable key, or no namespace
            key = None
        if key is None:
            key = f"unprotected#{digest(call.record.id or call.invocation.io.token())}"
        return await self._run_unenforced(key, call, proceed, "")

    def switched_off(self) -> Policy:
        """Return what stands here while operators have idempotency switched off."""
        return _SwitchedOff(self)

    async def finish(self, invocation: Invocation) -> None:
        """Write what has ended and the journal, give back what was claimed without being run."""
        session: Session | None = invocation.sessions.get(self)
        if session is None:
            return
        await session.settle()
        if self._journal:
            await self._journal.write(self.store, invocation, self._cache, until_s=float("inf"))
        invocation.emit_posted()

    async def close(self, invocation: Invocation) -> None:
        """Write what the sink's answers have ended, join the heartbeat, which until now kept what waited for them."""
        session: Session | None = invocation.sessions.get(self)
        if session is None:
            return
        try:
            await session.settle()
        finally:
            await session.end_heartbeat()
            invocation.emit_posted()

    def peek(self, record: Record[Any], context: Any, now_s: float) -> Done | None:
        """Return what this environment knows to be done under the key of *record*, without I/O; None if nothing."""
        if not self._can_peek or not self._prefixes:
            return None
        prefix = self._prefixes.get(self._namespace or str(getattr(context, "function_name", "")))
        if prefix is None:
            return None
        try:
            value = record.id if self._key_finder is None else self._key_finder.find_in(record)
            return self._cache.get(self._terms.form.stored_key(prefix, value), now_s)
        except Exception:  # `around` meets the same error, and reports it
            return None

    def _prefix(self, invocation: Invocation) -> str:
        name = self._namespace or invocation.function_name
        prefix = self._prefixes.get(name)
        if prefix is None:
            prefix = self._prefixes[name] = self._terms.form.prefix(name)
        return prefix

    def _key_of(self, call: Call) -> str | None:
        value = call.record.id if self._key_finder is None else self._key_finder.find(call)
        try:
            return self._terms.form.stored_key(self._prefix(call.invocation), value)
        except MissingKeyError:
            if self._skips_missing_key:
                return None
            name = "the record's id" if self._key_finder is None else f"the idempotency key {self.key!r}"
            raise MissingKeyError(f"{name} is missing, null or empty in this record") from None

    def _fingerprint_of(self, call: Call) -> str:
        if not self._compares:
            return ""
        finder = self._fingerprint_finder
        return self._terms.form.digest(call.record.json() if finder is None else finder.find(call))

    def _session(self, invocation: Invocation) -> Session:
        session: Session | None = invocation.sessions.get(self)
        if session is None:
            session = invocation.sessions[self] = Session(self.store, invocation, self._active)
        return session

    async def _begin(self, session: Session, invocation: Invocation) -> None:
        session.has_begun = True
        if self._journal:
            # What an outage has left must not take the time of the events that are here now.
            now_s = invocation.io.now()
            until_s = now_s + (invocation.stop_at_s - now_s) / 4
            await self._journal.write(self.store, invocation, self._cache, until_s=until_s)

    async def _has_room(self, session: Session) -> bool:
        """Wait for the store until what has ended is recorded as far as it must be; False if it is not (B9)."""
        if session.commits.is_full:
            await session.commits.flush()
        return session.unrecorded < BACKLOG_KEYS

    def _wish_of(self, call: Call, session: Session) -> Wish | None:
        """Return what *call* wants, None if there is nothing to be claimed for it ahead."""
        try:
            key = self._key_of(call)
            if key is None or key in session.outcomes:
                return None
            fingerprint = self._fingerprint_of(call)
            now_s = call.invocation.io.now()
            if self._cache.get(key, now_s) or self._journal.get(key, now_s):
                return None
            call.prepare()
        except Exception:  # `around` meets the same error, and reports it
            return None
        return Wish(key, fingerprint, call, self._terms, [])

    async def _claim_ahead(self, candidates: list[Candidate], session: Session, invocation: Invocation) -> None:
        """Claim *candidates* in bulk; in another thread."""
        procedures = [claiming(candidate.wish, spares_suspects=not self._observes) for candidate in candidates]
        claims: list[ActiveClaim] = []
        for candidate, decision in zip(candidates, await together(invocation, self.store, procedures), strict=True):
            candidate.decision = decision
            if isinstance(decision, Take):
                candidate.claim = self._active(candidate.wish.key, decision.entry, invocation)
                claims.append(candidate.claim)
        self._watch(session, claims, invocation)

    def _watch(self, session: Session, claims: Sequence[ActiveClaim], invocation: Invocation) -> None:
        if claims and self._terms.needs_heartbeat(invocation):
            lease_s = self._terms.lease_for(invocation)
            session.watch(claims, lease_s / 3, lease_s)

    def _known(self, key: str, fingerprint: str, invocation: Invocation, session: Session) -> Outcome | None:
        """Return what this environment knows of *key* without asking the store, None if nothing."""
        found = session.outcomes.get(key)
        if found is not None:
            if found[0] != fingerprint and isinstance(found[1], Success):
                return mismatch()
            self._report(invocation, key, "same_batch")
            return attached(found[1])
        now_s = invocation.io.now()
        done = self._cache.get(key, now_s) or self._journal.get(key, now_s)
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
            taken, decision = await self._claim(wish, candidate, session)
        except ItemFormatError as error:
            if self._observes:
                return await self._run_unenforced(key, call, proceed, fingerprint)
            return Failure(error, call.classify(error), ran=False)
        except StoreError as error:
            if self._runs_on_store_error or self._observes:
                invocation.emit(StoreBypassed(key, type(error).__name__))
                logger.warning("the store failed (%s); %s is run without protection", type(error).__name__, key)
                entry = wish.tried[-1] if wish.tried else unread(wish)
                stand_in = self._active(key, entry, invocation, is_stand_in=True)
                return await self._run(stand_in, call, proceed, session)
            if wish.tried and isinstance(error, StoreUnavailableError):
                # The claim may have taken effect although nobody said so (protocols.md C2).
                session.unstarted.append(self._active(key, wish.tried[-1], invocation))
            return Failure(error, call.classify(error), ran=False)
        if taken is not None:
            is_takeover = isinstance(decision, Take) and decision.is_takeover
            invocation.emit(ClaimTaken(key, taken.attempt, taken.entry.lapses, is_takeover))
            return await self._run(taken, call, proceed, session)
        if isinstance(decision, Suspect):
            call.put_off = decision.lapses
            decision = Busy(0.0)
        elif isinstance(decision, Busy) and not call.is_last_resort and self._wants_to_wait(invocation):
            call.put_off = 0
        outcome = self._answer(decision, key, fingerprint, invocation)
        return await self._run_unenforced(key, call, proceed, fingerprint) if self._observes else outcome

    async def _claim(
        self, wish: Wish, candidate: Candidate | None, session: Session
    ) -> tuple[ActiveClaim | None, Claimed]:
        """
        Return the claim, taken ahead or now, and what was decided; None if it was not taken.

        Raises:
            StoreError: The store failed.
        """
        call = wish.call
        invocation = call.invocation
        if candidate is not None and candidate.decision is not None:
            if isinstance(candidate.decision, StoreError):
                raise candidate.decision
            if candidate.claim is None:
                return None, candidate.decision
            try:
                await candidate.claim.aensure_owned()  # it may have waited for longer than its lease
            except LeaseLostError:
                session.unstarted.append(candidate.claim)
                wish.tried.clear()
            else:
                return candidate.claim, candidate.decision
        waits = call.is_last_resort and self._wants_to_wait(invocation)
        if waits:
            await session.settle()  # nobody waits for others while others may wait for him (protocols.md C3)
        decision = await claim(
            self.store, wish, waits=waits, spares_suspects=not (call.is_last_resort or self._observes)
        )
        if not isinstance(decision, Take):
            return None, decision
        taken = self._active(wish.key, decision.entry, invocation)
        self._watch(session, [taken], invocation)
        return taken, decision

    async def _run_unenforced(self, key: str, call: Call, proceed: Proceed, fingerprint: str) -> Outcome:
        """Run what would have been suppressed, under a claim that stands for nothing."""
        wish = Wish(key, fingerprint, call, self._terms, [])
        with self._active(key, unread(wish), call.invocation, is_stand_in=True):
            return await proceed(call)

    def _wants_to_wait(self, invocation: Invocation) -> bool:
        if self._observes:
            return False
        if self._on_in_progress == "auto":
            return invocation.source.twin is Twin.WAIT
        return self._on_in_progress == "wait"

    def _active(self, key: str, entry: Entry, invocation: Invocation, *, is_stand_in: bool = False) -> ActiveClaim:
        # Observing must not change what runs, so its claims are taken and completed, but never enforced.
        return (UnenforcedClaim if is_stand_in or self._observes else ActiveClaim)(
            key,
            entry,
            store=self.store,
            terms=self._terms,
            invocation=invocation,
        )

    def _answer(self, decision: Decision, key: str, fingerprint: str, invocation: Invocation) -> Outcome:
        """Return the outcome for an event that is not to be run."""
        if isinstance(decision, Replay):
            entry = decision.entry
            done = Done(entry.expires_at_s, entry.fingerprint or fingerprint, entry.result)
            self._cache.put(key, done)
            self._report(invocation, key, "completed")
            return done.outcome()
        if isinstance(decision, ReplayFailure):
            self._report(invocation, key, "failed")
            return remembered(decision.entry)
        if isinstance(decision, Busy):
            self._report(invocation, key, "in_progress")
            return in_progress(max(0.0, decision.until_s - invocation.io.now()))
        return mismatch()

    def _report(self, invocation: Invocation, key: str, reason: str) -> None:
        if invocation.observers:
            invocation.emit(DuplicateSuppressed(key, reason, is_observed_only=self._observes))

    async def _run(self, taken: ActiveClaim, call: Call, proceed: Proceed, session: Session) -> Outcome:
        invocation = call.invocation
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
        began_s = invocation.io.monotonic()
        try:
            with taken:
                outcome = await proceed(call)
        except GeneratorExit:  # the event loop is gone; nothing can be awaited
            raise
        except BaseException as error:
            if not taken.is_committed and type(error).__name__ != "SuspendExecution":  # it goes on later (B6)
                name = type(error).__name__
                session.commits.add(taken, lambda: taken.releasing(error=name))
                await session.commits.flush()
            raise
        took_s = invocation.io.monotonic() - began_s
        self._pace_s = self._pace_s * 0.8 + took_s * 0.2 if self._pace_s else took_s
        return await self._settle(taken, call, outcome, session)

    async def _settle(self, taken: ActiveClaim, call: Call, outcome: Outcome, session: Session) -> Outcome:
        """Record what came of the run: the truth table of docs/architecture.md."""
        if taken.is_committed:
            return self._settle_committed(taken, call.invocation, outcome)
        if taken.refusal is not None and (isinstance(outcome, Success) or isinstance(taken.refusal, StoreError)):
            # The function was told that the key is not its own, or that its commit failed, and swallowed it; or nobody
            # knows whether it took effect (protocols.md A8).
            is_attempt = not isinstance(taken.refusal, LeaseLostError | StoreError)
            outcome = Failure(taken.refusal, LEASE_LOST, ran=is_attempt)
        if isinstance(outcome, Success):
            self._complete(taken, call.invocation, outcome, session)
        else:
            held = HeldClaim(taken, outcome, self._remember_failures_s, session.commits)
            if call.dispose(outcome, taken.attempt) is Disposition.DEAD_LETTER:
                call.held = held  # settled once the sink has answered
            else:
                held.settle(parked=None)
        if self._commits_each or session.is_last:
            await session.commits.flush()
            call.invocation.emit_posted()
        else:
            session.commits.begin()
        return outcome

    def _settle_committed(self, taken: ActiveClaim, invocation: Invocation, outcome: Outcome) -> Outcome:
        """Acknowledge what `commit_with` has recorded, whatever happened after it (protocols.md B16)."""
        done = Done(taken.entry.expires_at_s, taken.entry.fingerprint, taken.result)
        self._cache.put(taken.key, done)
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

        def conclude(completion: object) -> None:
            if completion is Completion.RECORDED:
                self._cache.put(taken.key, done)
                return
            self._journal.put(taken.key, taken, done)
            if completion is Completion.LOST:
                invocation.post(ClaimLost(taken.key))
            else:
                session.unrecorded += 1
                invocation.post(CompletionUnrecorded(taken.key))

        session.commits.add(taken, lambda: taken.completing(result), conclude)


def _refuse_beside_powertools(namespace: str | None, **options: float | None) -> None:
    if namespace is None:
        raise ConfigurationError(
            "layout='powertools' needs namespace=, what Powertools' keys begin with: its key_prefix, or by default "
            "'<Lambda function>.<module>.<function>' (docs/coming-from-powertools.md)"
        )
    for name, value in options.items():
        if value is not None:
            raise ConfigurationError(
                f"{name}={value!r} cannot be used with layout='powertools': Powertools would take over, or fail; leave "
                "it out until the migration is over"
            )


class _SwitchedOff:
    """Idempotency that operators switched off: `current_claim` goes on working, nothing is claimed."""

    def __init__(self, policy: Idempotency) -> None:
        self._policy = policy

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*."""
        return await self._policy.run_unprotected(call, proceed)
