"""The claim as the user's function sees it: `current_claim()`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._core.cas import Stored
from .._core.idempotency import Status, as_read
from .._core.keys import digest
from .._io.blocking import drive
from ..errors import (
    CommitLimitError,
    ConfigurationError,
    ItemTooLargeError,
    LeaseLostError,
    StoreError,
    StoreUnavailableError,
)
from ..events import ResultDropped
from .holding import Holding
from .procedures import alone
from .results import UnstorableResultError, encode
from .store_calls import attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from .._core.cas import PutResult, Write
    from .._core.idempotency import Entry
    from ..stores.base import Store, TransactItem
    from .call import Invocation
    from .claiming import Terms

# A commit that is refused by an earlier write of this environment goes over that one; more than once is odd.
COMMIT_ROUNDS = 3
TOKEN_CHARACTERS = 36  # DynamoDB's limit

_current: ContextVar[ActiveClaim | None] = ContextVar("resilient_lambda_claim", default=None)


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


class ActiveClaim(Holding):
    """
    The claim of the record that is being run; `current_claim` returns it.

    Attributes:
        key: The stored key: the same for every delivery of the event, fit as idempotency key of what you call.
        attempt: 1 for the first run, one more for each run that failed. Crashes are not counted.
        refusal: Why the event must be delivered again whatever the function returns; None if it need not.
    """

    __slots__ = ("_store", "_token", "refusal", "result")

    def __init__(self, key: str, entry: Entry, *, store: Store, terms: Terms, invocation: Invocation) -> None:
        super().__init__(key, entry, terms=terms, invocation=invocation)
        self._store = store
        self.refusal: BaseException | None = None
        self.result: str | bytes | None = None

    def __repr__(self) -> str:
        return f"<claim on {self.key}, attempt {self.attempt}>"

    @property
    def attempt(self) -> int:
        """1 for the first run, one more for each run that failed."""
        return self.entry.attempts + 1

    @property
    def has_committed(self) -> bool:
        """True once `commit_with` has succeeded: what has taken effect must not be run again."""
        return self.is_committed

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
        self._refuse_in_async_handler("aensure_owned")
        with self._invocation.io.shield():
            drive(self.aensure_owned(for_s=for_s))

    async def aensure_owned(self, *, for_s: float = 0.0) -> None:
        """Do what `ensure_owned` does, in an ``async def`` handler."""
        self._refuse_after_the_run()
        await self.ensure_held(for_s)

    def commit_with(self, items: Sequence[TransactItem], *, result: Any = None) -> None:
        """
        Write *items* and record the event as done, all of it or nothing: one DynamoDB transaction.

        The only way to effects that happen exactly once, however the environment dies. Call it once, as the last thing
        that your function does; an exception that is raised after it is reported, and the event is acknowledged. After
        one that failed, the event is delivered again whatever your function returns, unless another one succeeds.

        Args:
            items: At most 99 of ``{"Put": {...}}``, ``{"Update": {...}}``, ``{"Delete": {...}}`` and
                ``{"ConditionCheck": {...}}`` with the parameters of DynamoDB's TransactWriteItems; values as plain
                Python (``{"id": "a", "total": 5}``) or as DynamoDB writes them (``{"id": {"S": "a"}}``). See also
                `put_if_absent`.
            result: What a duplicate of the event is answered with; the function has not returned yet.

        Raises:
            CommitConditionError: A condition of *items* does not hold; nothing was written.
            CommitLimitError: *items* are not what one transaction can hold, or *result* cannot be stored.
            LeaseLostError: Another environment holds the key; nothing was written.
            StoreUnavailableError: It was not found out whether the transaction took effect; the next delivery will.
            StoreError: Refused for good: no such table, no permission.
            ConfigurationError: The store cannot do transactions.
            RuntimeError: Called twice, or in an ``async def`` handler; use `acommit_with` there.
        """
        try:
            self._refuse_in_async_handler("acommit_with")
        except RuntimeError as error:
            self.refusal = error  # who swallows it has not done what he meant to do
            raise
        with self._invocation.io.shield():
            self._doubt()
            drive(self._commit_with(items, result))

    def acommit_with(self, items: Sequence[TransactItem], *, result: Any = None) -> Awaitable[None]:
        """Do what `commit_with` does, in an ``async def`` handler."""
        self._doubt()
        return self._commit_with(items, result)

    def _doubt(self) -> None:
        """
        Take the commit for undone until it is known otherwise.

        One that is never awaited, is cancelled in the middle, perhaps by a timeout of the user's, or raises what the
        function swallows, must not pass for done (protocols.md A8).
        """
        if not self.is_committed:
            self.refusal = StoreUnavailableError(
                f"it was not found out whether the commit of {self.key} took effect, or it was never awaited"
            )

    def _refuse_in_async_handler(self, instead: str) -> None:
        if self._invocation.io.is_asynchronous:
            raise RuntimeError(f"in an async handler, use: await current_claim().{instead}(...)")

    def _refuse_after_the_run(self) -> None:
        """Refuse a task or thread that the function left behind: its event is another run's business by now (B5)."""
        if not self.is_running:
            raise LeaseLostError(f"the run under the claim on {self.key} is over")

    async def ensure_held(self, for_s: float) -> None:
        """Do what `ensure_owned` does, also while the function does not run."""
        if self.believes(for_s=for_s):
            return
        try:
            async with self.gate:
                if not self.is_lost:
                    lease_s = max(self._terms.lease_for(self._invocation), for_s + self._terms.skew_s)
                    await alone(self._invocation, self._store, self.renewing(lease_s))
        except StoreError as error:
            self.refusal = LeaseLostError(f"the lease on {self.key} could not be renewed: {type(error).__name__}")
            raise self.refusal from error
        if self.is_lost:
            raise self._lost()

    def _lost(self) -> LeaseLostError:
        self.is_lost = True
        lost = self.refusal = LeaseLostError(f"the claim on {self.key} is no longer this environment's")
        return lost

    async def _commit_with(self, items: Sequence[TransactItem], result: Any) -> None:
        try:
            await self._commit(list(items), result)
        except Exception as error:  # the user's to handle; but if he swallows it, the event is not done
            self.refusal = error
            raise
        self.refusal = None

    async def _commit(self, items: list[TransactItem], result: Any) -> None:
        self._refuse_after_the_run()
        if not callable(getattr(self._store, "transact", None)):
            raise ConfigurationError(f"commit_with() needs a store with transactions, not {self._store!r}")
        try:
            encoded = encode(result, compresses=self._terms.form.compresses)
        except UnstorableResultError as error:
            raise CommitLimitError(f"result= cannot be stored: {error}") from error
        # Inside the gate: a renewal beside the transaction would make DynamoDB refuse both (protocols.md B16).
        async with self.gate:
            try:
                await self._commit_gated(items, encoded)
            except ItemTooLargeError:
                if encoded is None:
                    raise
                self._invocation.post(ResultDropped(self.key, "too large for the store"))
                await self._commit_gated(items, None)

    async def _commit_gated(self, items: Sequence[TransactItem], result: str | bytes | None) -> None:
        if self.is_committed:
            raise RuntimeError("commit_with() was called twice; put all items into one call")
        if self.is_lost:
            raise self._lost()
        for _ in range(COMMIT_ROUNDS):
            entry = self.as_completed(result)
            answer = await self._transact(self.write_of(entry, as_read(self.entry)), items, entry.version)
            if isinstance(answer, Stored):
                self.entry = entry
                self.result = result
                self.is_committed = self.is_settled = True
                return
            current = self._terms.form.parse(answer.current)
            if current is None or not self.is_mine(current):
                break
            self.entry = current  # a renewal whose answer was lost
        raise self._lost()

    async def _transact(self, own: Write | None, items: Sequence[TransactItem], version: str) -> PutResult:
        # One token per version: repetitions are recognised by DynamoDB for ten minutes, and by the version for ever.
        token = digest(version)[:TOKEN_CHARACTERS]
        store: Any = self._store
        try:
            answer: PutResult = await attempt(self._invocation, store.transact, own, items, token=token)
        except StoreUnavailableError:
            if own is not None and await self._is_stored(version):
                return Stored()
            raise
        return answer

    async def _is_stored(self, version: str) -> bool:
        found = (await attempt(self._invocation, self._store.get, [self.key])).get(self.key)
        current = self._terms.form.parse(found)
        return current is not None and current.version == version and current.status is Status.COMPLETED

    def __enter__(self) -> None:
        """Make this the claim that `current_claim` returns."""
        self._token = _current.set(self)
        self.is_running = True

    def __exit__(self, *exc_info: object) -> None:
        """Make it no longer so."""
        self.is_running = False
        _current.reset(self._token)


class UnenforcedClaim(ActiveClaim):
    """What `current_claim` returns where nothing is enforced, or nothing is claimed: it never says that it was lost."""

    __slots__ = ("_has_committed",)

    @property
    def has_committed(self) -> bool:
        """True once the items of the user's were written."""
        return getattr(self, "_has_committed", False)

    def _refuse_after_the_run(self) -> None:
        pass

    async def ensure_held(self, for_s: float) -> None:
        """Do nothing."""

    async def _commit_gated(self, items: Sequence[TransactItem], result: str | bytes | None) -> None:
        if items:
            await self._transact(None, items, self.as_completed(None).version)
            self._has_committed = True
