"""
A claim on one idempotency key, held while the function runs.

One writer per claim: heartbeat, completion, release and `ensure_owned` all pass the claim's gate, each writes over the
version that the one before it wrote, so the owner is never refused by its own item (protocols.md B2, B3).
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING

from .._core.cas import Stored
from .._core.idempotency import (
    AlreadyCompleted,
    CompleteOver,
    Entry,
    Status,
    as_read,
    believes,
    completed,
    decide_refused_completion,
    failed,
    owner_of,
    parse,
    released,
    render,
    renewed,
)
from .._core.model import Category, Classification, Verdict
from .._io.blocking import drive
from ..errors import ItemTooLargeError, LeaseLostError, StoreError, StoreUnavailableError
from ..events import ReleaseFailed, ResultDropped
from .store_calls import attempt, once

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.cas import Expected
    from ..stores.base import Store
    from .call import Invocation

# A completion that is refused again and again meets a key that changes hands faster than it can write.
COMPLETION_ROUNDS = 6
LEASE_LOST = Classification(Verdict.RETRYABLE, Category.CONFLICT, reason="lease lost")

_current: ContextVar[ActiveClaim | None] = ContextVar("resilient_lambda_claim", default=None)


class Completion(Enum):
    """What became of a completion."""

    RECORDED = "recorded"  # the key is completed, by this write or by another worker's
    LOST = "lost"  # another worker holds the key now: journal it, in case that one fails
    UNRECORDED = "unrecorded"  # the store could not be reached: journal it


def current_claim() -> ActiveClaim:
    """
    Return the claim under which the current record or event is being run.

    Raises:
        RuntimeError: No `Idempotency` policy holds a claim here.
    """
    claim = _current.get()
    if claim is None:
        raise RuntimeError(
            "there is no claim here: current_claim() works inside the function of a handler with an Idempotency policy"
        )
    return claim


class ActiveClaim:
    """
    The claim of the record that is being run; `current_claim` returns it.

    Attributes:
        key: The stored key: the same for every delivery of the event, fit as idempotency key of what you call.
        attempt: 1 for the first run, one more for each run that failed. Crashes are not counted.
        entry: What is stored now, as far as this environment knows.
        is_lost: True once another environment was seen to hold the key.
        is_refused: True once `ensure_owned` has told the function that the key is not its own.
        is_settled: True once the claim has ended, so that nothing renews it.
    """

    __slots__ = (
        "_gate",
        "_invocation",
        "_keep_s",
        "_lease_s",
        "_n",
        "_skew_s",
        "_store",
        "_token",
        "entry",
        "is_lost",
        "is_refused",
        "is_settled",
        "key",
    )

    def __init__(
        self,
        key: str,
        entry: Entry,
        *,
        store: Store,
        invocation: Invocation,
        lease_s: float,
        skew_s: float,
        keep_s: float,
    ) -> None:
        self.key = key
        self.entry = entry
        self.is_lost = False
        self.is_refused = False
        self._store = store
        self._invocation = invocation
        self._lease_s = lease_s
        self._skew_s = skew_s
        self._keep_s = keep_s
        self._n = int(entry.version.rpartition(".")[2])
        self._gate = invocation.io.gate()
        self.is_settled = False

    def __repr__(self) -> str:
        return f"<claim on {self.key}, attempt {self.attempt}>"

    @property
    def attempt(self) -> int:
        """1 for the first run, one more for each run that failed."""
        return self.entry.attempts + 1

    def ensure_owned(self, *, for_s: float = 0.0) -> None:
        """
        Make sure that the key is this environment's for another *for_s* seconds; call it before an effect.

        Costs nothing while the lease is long enough, one conditional write otherwise.

        Args:
            for_s: For how long, in seconds.

        Raises:
            LeaseLostError: Another environment holds the key, or it could not be made sure. The event is delivered
                again, whatever your function does after this.
            RuntimeError: Called in an ``async def`` handler; use `aensure_owned` there.
        """
        if self._is_asynchronous():
            raise RuntimeError("in an async handler, use: await current_claim().aensure_owned(...)")
        drive(self._ensure_owned(for_s))

    async def aensure_owned(self, *, for_s: float = 0.0) -> None:
        """Do what `ensure_owned` does, in an ``async def`` handler."""
        await self._ensure_owned(for_s)

    def _is_asynchronous(self) -> bool:
        return self._invocation.io.is_asynchronous

    async def _ensure_owned(self, for_s: float) -> None:
        if not self.is_lost and believes(self.entry, now_s=self._invocation.io.now(), skew_s=self._skew_s, for_s=for_s):
            return
        try:
            async with self._gate:
                if not self.is_lost:
                    await self._renew_gated(max(self._lease_s, for_s + self._skew_s))
        except StoreError as error:
            self.is_refused = True
            raise LeaseLostError(f"the lease on {self.key} could not be renewed: {type(error).__name__}") from error
        if self.is_lost:
            self.is_refused = True
            raise LeaseLostError(f"the claim on {self.key} is no longer this environment's")

    async def beat(self) -> None:
        """
        Renew the lease for the heartbeat; never one that has lapsed, never one that is settled.

        Tried once: completion waits for the beat that is under way, and the next beat is the next try.
        """
        try:
            async with self._gate:
                if self.is_settled or self.is_lost or self._invocation.io.now() >= self.entry.lease_until_s:
                    return
                await self._renew_gated(self._lease_s, repeats=False)
        except StoreError:
            return  # the next beat tries again; until then the lease still holds

    async def _renew_gated(self, lease_s: float, *, repeats: bool = True) -> None:
        io = self._invocation.io
        for _ in range(2):
            self._n += 1
            entry = renewed(self.entry, n=self._n, now_s=io.now(), lease_s=lease_s, keep_s=self._keep_s)
            if await self._put_gated(entry, repeats=repeats):
                return

    async def _put_gated(self, entry: Entry, *, repeats: bool = True) -> bool:
        """
        Write *entry* over what this environment wrote last; False if it is worth another try.

        A refusal by an earlier write of our own, whose answer was late, adopts that write's version (protocols.md B1);
        any other refusal means that the claim is lost.
        """
        write = (self.key, render(entry), as_read(self.entry))
        if repeats:
            answer = await attempt(self._invocation, self._store.put_if, *write)
        else:
            answer = await once(self._invocation, self._store.put_if, *write)
        if isinstance(answer, Stored):
            self.entry = entry
            return True
        current = parse(answer.current)
        if (
            current is not None
            and current.status is Status.IN_PROGRESS
            and owner_of(current.version) == owner_of(entry.version)
        ):
            self.entry = current
            return False
        self.is_lost = True
        return True

    async def complete(self, result: str | bytes | None) -> Completion:
        """
        Record the success with its encoded *result*.

        A success is never turned into a failure: where the store cannot be reached, the caller's journal keeps it.
        """
        self.is_settled = True
        try:
            async with self._gate:
                try:
                    return await self._complete_gated(result)
                except ItemTooLargeError:
                    self._invocation.emit(ResultDropped(self.key, "too large for the store"))
                    return await self._complete_gated(None)
        except StoreError:
            return Completion.UNRECORDED

    async def _complete_gated(self, result: str | bytes | None) -> Completion:
        io = self._invocation.io
        expected: Expected = as_read(self.entry)
        for _ in range(COMPLETION_ROUNDS):
            self._n += 1
            entry = completed(self.entry, n=self._n, now_s=io.now(), keep_s=self._keep_s, result=result)
            answer = await attempt(self._invocation, self._store.put_if, self.key, render(entry), expected)
            if isinstance(answer, Stored):
                self.entry = entry
                return Completion.RECORDED
            current = parse(answer.current)
            refusal = decide_refused_completion(current, entry, now_s=io.now(), skew_s=self._skew_s)
            if isinstance(refusal, CompleteOver):
                expected = refusal.expected
                continue
            if isinstance(refusal, AlreadyCompleted):
                self.entry = refusal.entry
                return Completion.RECORDED
            self.is_lost = True
            return Completion.LOST
        raise StoreUnavailableError(f"the key {self.key} changed hands {COMPLETION_ROUNDS} times during the completion")

    async def release(self, *, error: str | None, resets: bool = False) -> None:
        """
        Give the key back.

        Args:
            error: Class name of the failure, which counts as an attempt; None if the function did not run.
            resets: True to forget earlier attempts: the event is in the sink, a redrive starts afresh.
        """
        await self._settle_failure(
            lambda n, now_s: released(self.entry, n=n, now_s=now_s, keep_s=self._keep_s, error=error, resets=resets)
        )

    async def fail(self, *, error: str, parked: str, remember_s: float) -> None:
        """Remember the failure for *remember_s* seconds, with what the sink answered (protocols.md I)."""
        await self._settle_failure(
            lambda n, now_s: failed(self.entry, n=n, now_s=now_s, remember_s=remember_s, error=error, parked=parked)
        )

    async def _settle_failure(self, make: Callable[[int, float], Entry]) -> None:
        self.is_settled = True
        try:
            async with self._gate:
                for _ in range(2):
                    self._n += 1
                    entry = make(self._n, self._invocation.io.now())
                    if await self._put_gated(entry):
                        return
        except StoreError as error:
            self._invocation.emit(ReleaseFailed(self.key, type(error).__name__))

    def resume(self, invocation: Invocation) -> None:
        """Go on under *invocation*: a success of an earlier one is still to be recorded."""
        self._invocation = invocation
        self._gate = invocation.io.gate()

    def __enter__(self) -> None:
        """Make this the claim that `current_claim` returns."""
        self._token = _current.set(self)

    def __exit__(self, *exc_info: object) -> None:
        """Make it no longer so."""
        _current.reset(self._token)


class UnenforcedClaim(ActiveClaim):
    """What `current_claim` returns where nothing is enforced, or nothing is claimed: it never says that it was lost."""

    __slots__ = ()

    async def _ensure_owned(self, for_s: float) -> None:
        pass
