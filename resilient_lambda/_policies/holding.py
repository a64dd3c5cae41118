"""
What this environment wrote under one idempotency key last, and how it writes there next.

Each write is a `Procedure` over the version that the one before it wrote, so the owner is never refused by its own
item; whoever carries one out holds the gate: one writer per key (protocols.md B2, B3).
"""

from __future__ import annotations

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
    released,
    renewed,
    version,
)
from ..errors import ItemTooLargeError, StoreError
from ..events import ReleaseFailed, ResultDropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.cas import Expected, Write
    from .call import Invocation
    from .claiming import Terms
    from .procedures import Procedure

# A completion that is refused again and again meets a key that changes hands faster than it can write.
COMPLETION_ROUNDS = 6


class Completion(Enum):
    """What became of a completion."""

    RECORDED = "recorded"  # the key is completed, by this write or by another worker's
    LOST = "lost"  # another worker holds the key now: journal it, in case that one fails
    UNRECORDED = "unrecorded"  # the store could not be reached: journal it


class Holding:
    """
    A key that this environment has claimed.

    Attributes:
        key: The stored key.
        entry: What is stored now, as far as this environment knows.
        gate: Whoever writes under the key is inside.
        is_lost: True once another environment was seen to hold the key.
        is_running: True while the user's function runs under it.
        is_committed: True once `commit_with` has recorded the success: nothing is written over that (protocols.md B16).
        is_settled: True once its end is being written, so that nothing renews it.
    """

    __slots__ = (
        "_invocation",
        "_n",
        "_terms",
        "entry",
        "gate",
        "is_committed",
        "is_lost",
        "is_running",
        "is_settled",
        "key",
    )

    def __init__(self, key: str, entry: Entry, *, terms: Terms, invocation: Invocation) -> None:
        self.key = key
        self.entry = entry
        self.gate = invocation.io.gate()
        self.is_committed = False
        self.is_lost = False
        self.is_running = False
        self.is_settled = False
        self._invocation = invocation
        self._terms = terms
        self._n = int(entry.version.rpartition(".")[2])

    def believes(self, *, for_s: float = 0.0) -> bool:
        """Tell whether this environment may trust its lease for another *for_s* seconds."""
        now_s = self._invocation.io.now()
        return not self.is_lost and believes(self.entry, now_s=now_s, skew_s=self._terms.skew_s, for_s=for_s)

    def resume(self, invocation: Invocation) -> None:
        """Go on under *invocation*: a success of an earlier one is still to be recorded."""
        self._invocation = invocation
        self.gate = invocation.io.gate()

    def renewing(self, lease_s: float) -> Procedure[None]:
        """Make the lease last for *lease_s* seconds from now."""
        for _ in range(2):
            entry = renewed(
                self.entry, n=self.next_number(), now_s=self._now_s(), lease_s=lease_s, keep_s=self._terms.keep_s
            )
            if (yield from self._writing(entry)):
                return

    def completing(self, result: str | bytes | None) -> Procedure[Completion]:
        """
        Record the success with its encoded *result*.

        A success is never turned into a failure: where the store cannot be reached, a journal keeps it. Raises nothing.
        """
        self.is_settled = True
        if self.is_committed:
            return Completion.RECORDED
        try:
            try:
                return (yield from self._completing(result))
            except ItemTooLargeError:
                self._invocation.post(ResultDropped(self.key, "too large for the store"))
                return (yield from self._completing(None))
        except StoreError:
            return Completion.UNRECORDED

    def _completing(self, result: str | bytes | None) -> Procedure[Completion]:
        expected: Expected = as_read(self.entry)
        for _ in range(COMPLETION_ROUNDS):
            entry = self.as_completed(result)
            answer = yield self.write_of(entry, expected)
            if isinstance(answer, Stored):
                self.entry = entry
                return Completion.RECORDED
            current = self._terms.form.parse(answer.current)
            refusal = decide_refused_completion(current, entry, now_s=self._now_s(), skew_s=self._terms.skew_s)
            if isinstance(refusal, CompleteOver):
                expected = refusal.expected
                continue
            if isinstance(refusal, AlreadyCompleted):
                self.entry = refusal.entry
                return Completion.RECORDED
            self.is_lost = True
            return Completion.LOST
        return Completion.UNRECORDED  # the key changes hands faster than it can be written

    def releasing(self, *, error: str | None, resets: bool = False) -> Procedure[None]:
        """
        Give the key back.

        Args:
            error: Class name of the failure, which counts as an attempt; None if the function did not run.
            resets: True to forget earlier attempts: the event is in the sink, a redrive starts afresh.
        """
        keep_s = self._terms.keep_s
        return self._ending(
            lambda n, now_s: released(self.entry, n=n, now_s=now_s, keep_s=keep_s, error=error, resets=resets)
        )

    def failing(
        self, *, error: str, parked: str, delivery: str, remember_s: float, result: str | bytes | None
    ) -> Procedure[None]:
        """
        Remember the failure for *remember_s* seconds, with what the sink answered (protocols.md I).

        Args:
            delivery: The record that failed, which need not be the one for which the key was claimed ahead: taken for
                that one's, the failure would have it acknowledged unrun (protocols.md A1).
        """
        return self._ending(
            lambda n, now_s: failed(
                self.entry._replace(delivery=delivery),
                n=n,
                now_s=now_s,
                remember_s=remember_s,
                error=error,
                parked=parked,
                result=result,
            )
        )

    def parking(self, parked: str) -> Procedure[None]:
        """Add to a failure that is remembered what the sink answered."""
        return self._ending(
            lambda n, now_s: self.entry._replace(version=version(owner_of(self.entry.version), n), parked=parked)
        )

    def _ending(self, make: Callable[[int, float], Entry]) -> Procedure[None]:
        self.is_settled = True
        if self.is_committed:  # while the function ended: what it left behind was still at it
            return
        try:
            for _ in range(2):
                if (yield from self._writing(make(self.next_number(), self._now_s()))):
                    return
        except StoreError as error:  # the lease ends on its own
            self._invocation.post(ReleaseFailed(self.key, type(error).__name__))

    def _writing(self, entry: Entry) -> Procedure[bool]:
        """
        Write *entry* over what this environment wrote last; return False if it is worth another try.

        A refusal by an earlier write of our own, whose answer was late, adopts that write's version (protocols.md B1);
        any other refusal means that the claim is lost.
        """
        answer = yield self.write_of(entry, as_read(self.entry))
        if isinstance(answer, Stored):
            self.entry = entry
            return True
        current = self._terms.form.parse(answer.current)
        if current is not None and self.is_mine(current):
            self.entry = current
            return False
        self.is_lost = True
        return True

    def is_mine(self, current: Entry) -> bool:
        """Tell whether *current* is a claim that an earlier write of this environment's made."""
        return current.status is Status.IN_PROGRESS and owner_of(current.version) == owner_of(self.entry.version)

    def as_completed(self, result: str | bytes | None) -> Entry:
        """Return the entry that records the success, with a version of its own."""
        return completed(
            self.entry, n=self.next_number(), now_s=self._now_s(), keep_s=self._terms.keep_s, result=result
        )

    def write_of(self, entry: Entry, expected: Expected) -> Write:
        """Return the store's write of *entry*."""
        return self._terms.form.write(self.key, entry, expected)

    def next_number(self) -> int:
        """Return the number of the next write: no two of an owner have the same (protocols.md B1)."""
        self._n += 1
        return self._n

    def _now_s(self) -> float:
        return self._invocation.io.now()
