"""The idempotency policy: a key is run by one worker at a time, and not again once it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

from .._core.idempotency import Busy, Entry, Replay, ReplayFailure, Take
from .._core.keys import check_namespace, digest, key_prefix, stored_key
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
from ..events import ClaimLost, ClaimTaken, CompletionUnrecorded, DuplicateSuppressed, ResultDropped, StoreBypassed
from .call import logger
from .claim import LEASE_LOST, ActiveClaim, Completion, UnenforcedClaim
from .claiming import Terms, claim, unread
from .held_claim import HeldClaim
from .key_finder import KeyFinder
from .local import Done, Journal, LocalCache
from .refusals import attached, crash_loop, in_progress, mismatch, remembered
from .results import UnstorableResultError, encode
from .session import Session

if TYPE_CHECKING:
    from .._core.idempotency import Decision
    from .._core.keys import KeySpec
    from .._core.record import Record
    from ..stores.base import Store
    from .call import Call, Invocation
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
        mode: Literal["enforce", "observe"] = "enforce",
        local_cache: int = 1_000,
    ) -> None:
        if not callable(getattr(store, "put_if", None)) or isinstance(store, type):
            raise ConfigurationError(f"Idempotency({store!r}) needs a store, such as DynamoDBStore('table')")
        one_of("on_missing_key", on_missing_key, ("error", "skip"))
        one_of("on_in_progress", on_in_progress, ("auto", "wait", "retry"))
        one_of("on_store_error", on_store_error, ("retry", "run"))
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
        self.store = store
        self.key = key
        self._namespace = check_namespace(namespace) if namespace is not None else None
        self._terms = Terms(lease_s, skew_s, keep_s)
        self._remember_failures_s = remember_failures_s
        self._skips_missing_key = on_missing_key == "skip"
        self._on_in_progress = on_in_progress
        self._runs_on_store_error = on_store_error == "run"
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

    def warm(self) -> None:
        """Load what the first event would load."""
        digest("")
        self.store.warm()
        for finder in (self._key_finder, self._fingerprint_finder):
            if finder is not None:
                finder.warm()

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* unless its key is done or in progress."""
        session = await self._session(call.invocation)
        fingerprint = ""
        try:
            key = self._key_of(call)
            fingerprint = self._fingerprint_of(call)
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
        outcome = await self._claim_and_run(key, fingerprint, call, proceed, session)
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
        """Write the journal, give back what may have been claimed without being run."""
        session: Session | None = invocation.sessions.get(self)
        if session is None:
            return
        await self._journal.write(invocation, self._cache, until_s=float("inf"))
        for unknown in session.unknown:
            if not invocation.has_time_for_store():
                return
            await unknown.release(error=None)
            if invocation.is_store_away:
                return  # the leases of the others end on their own

    async def close(self, invocation: Invocation) -> None:
        """Join the heartbeat, which until now kept what waits for the sink."""
        session: Session | None = invocation.sessions.get(self)
        if session is not None:
            await session.end_heartbeat()

    def peek(self, record: Record[Any], context: Any, now_s: float) -> Done | None:
        """Return what this environment knows to be done under the key of *record*, without I/O; None if nothing."""
        if not self._can_peek or not self._prefixes:
            return None
        prefix = self._prefixes.get(self._namespace or str(getattr(context, "function_name", "")))
        if prefix is None:
            return None
        try:
            value = record.id if self._key_finder is None else self._key_finder.find_in(record)
            return self._cache.get(stored_key(prefix, value), now_s)
        except Exception:  # `around` meets the same error, and reports it
            return None

    def _prefix(self, invocation: Invocation) -> str:
        name = self._namespace or invocation.function_name
        prefix = self._prefixes.get(name)
        if prefix is None:
            prefix = self._prefixes[name] = key_prefix(name)
        return prefix

    def _key_of(self, call: Call) -> str | None:
        value = call.record.id if self._key_finder is None else self._key_finder.find(call)
        try:
            return stored_key(self._prefix(call.invocation), value)
        except MissingKeyError:
            if self._skips_missing_key:
                return None
            name = "the record's id" if self._key_finder is None else f"the idempotency key {self.key!r}"
            raise MissingKeyError(f"{name} is missing, null or empty in this record") from None

    def _fingerprint_of(self, call: Call) -> str:
        if not self._compares:
            return ""
        finder = self._fingerprint_finder
        return digest(call.record.json() if finder is None else finder.find(call))

    async def _session(self, invocation: Invocation) -> Session:
        session: Session | None = invocation.sessions.get(self)
        if session is None:
            session = invocation.sessions[self] = Session()
            if self._journal:
                # What an outage has left must not take the time of the events that are here now.
                now_s = invocation.io.now()
                until_s = now_s + (invocation.stop_at_s - now_s) / 4
                await self._journal.write(invocation, self._cache, until_s=until_s)
        return session

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
        self, key: str, fingerprint: str, call: Call, proceed: Proceed, session: Session
    ) -> Outcome:
        invocation = call.invocation
        tried: list[Entry] = []
        try:
            decision = await claim(
                self.store,
                key,
                call,
                self._terms,
                fingerprint=fingerprint,
                waits=call.may_wait and self._wants_to_wait(invocation),
                tried=tried,
            )
        except ItemFormatError as error:
            if self._observes:
                return await self._run_unenforced(key, call, proceed, fingerprint)
            return Failure(error, call.classify(error), ran=False)
        except StoreError as error:
            if self._runs_on_store_error or self._observes:
                invocation.emit(StoreBypassed(key, type(error).__name__))
                logger.warning("the store failed (%s); %s is run without protection", type(error).__name__, key)
                entry = tried[-1] if tried else unread(call, self._terms, fingerprint)
                stand_in = self._active(key, entry, invocation, is_stand_in=True)
                return await self._run(stand_in, call, proceed, session)
            if tried and isinstance(error, StoreUnavailableError):
                # The claim may have taken effect although nobody said so (protocols.md C2).
                session.unknown.append(self._active(key, tried[-1], invocation))
            return Failure(error, call.classify(error), ran=False)
        if isinstance(decision, Take):
            taken = self._active(key, decision.entry, invocation)
            invocation.emit(ClaimTaken(key, taken.attempt, taken.entry.lapses, decision.is_takeover))
            return await self._run(taken, call, proceed, session)
        if isinstance(decision, Busy) and not call.may_wait and self._wants_to_wait(invocation):
            call.would_wait = True
        outcome = self._answer(decision, key, fingerprint, invocation)
        return await self._run_unenforced(key, call, proceed, fingerprint) if self._observes else outcome

    async def _run_unenforced(self, key: str, call: Call, proceed: Proceed, fingerprint: str) -> Outcome:
        """Run what would have been suppressed, under a claim that stands for nothing."""
        with self._active(key, unread(call, self._terms, fingerprint), call.invocation, is_stand_in=True):
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
            invocation=invocation,
            lease_s=self._terms.lease_for(invocation),
            skew_s=self._terms.skew_s,
            keep_s=self._terms.keep_s,
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
        if self._terms.needs_heartbeat(invocation):
            session.watch(taken, invocation, self._terms.lease_for(invocation) / 3)
        if taken.entry.lapses:
            # The last run of this key ended without a word, and this one may end the environment. So what waits for
            # the sink goes there first; and as the first lapse may have been a neighbour's doing, it does not count
            # (protocols.md A6).
            await call.before_suspect()
        earlier = taken.entry.attempts + taken.entry.lapses - 1
        is_loop = taken.entry.lapses > 1 and call.max_attempts is not None and earlier >= call.max_attempts
        if is_loop and not self._observes:
            return await self._settle(taken, call, crash_loop(taken.entry))
        try:
            with taken:
                outcome = await proceed(call)
        except GeneratorExit:  # the event loop is gone; nothing can be awaited
            raise
        except BaseException as error:
            if type(error).__name__ != "SuspendExecution":  # a suspended durable function goes on later (B6)
                await taken.release(error=type(error).__name__)
            raise
        return await self._settle(taken, call, outcome)

    async def _settle(self, taken: ActiveClaim, call: Call, outcome: Outcome) -> Outcome:
        """Record what came of the run: the truth table of docs/architecture.md."""
        if taken.is_refused and isinstance(outcome, Success):
            # The function was told that the key is not its own, and swallowed it (protocols.md A8).
            outcome = Failure(LeaseLostError(f"the claim on {taken.key} was lost"), LEASE_LOST, ran=False)
        if isinstance(outcome, Success):
            await self._complete(taken, call.invocation, outcome)
            return outcome
        held = HeldClaim(taken, outcome, self._remember_failures_s)
        if call.dispose(outcome, taken.attempt) is Disposition.DEAD_LETTER:
            call.held = held  # settled once the sink has answered
        else:
            await held.settle(parked=None)
        return outcome

    async def _complete(self, taken: ActiveClaim, invocation: Invocation, outcome: Success) -> None:
        result = None
        if invocation.source.keeps_results:
            try:
                result = encode(outcome.value)
            except UnstorableResultError as error:
                # The effect has happened: done without a result beats running it again (protocols.md D4).
                logger.warning("the result of %s is not kept: %s; a replay returns None", taken.key, error)
                invocation.emit(ResultDropped(taken.key, str(error)))
        completion = await taken.complete(result)
        done = Done(invocation.io.now() + self._terms.keep_s, taken.entry.fingerprint, result)
        if completion is Completion.RECORDED:
            self._cache.put(taken.key, done)
            return
        self._journal.put(taken.key, taken, done)
        lost = completion is Completion.LOST
        invocation.emit(ClaimLost(taken.key) if lost else CompletionUnrecorded(taken.key))


class _SwitchedOff:
    """Idempotency that operators switched off: `current_claim` goes on working, nothing is claimed."""

    def __init__(self, policy: Idempotency) -> None:
        self._policy = policy

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*."""
        return await self._policy.run_unprotected(call, proceed)
