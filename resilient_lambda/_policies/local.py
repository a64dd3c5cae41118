"""What one environment knows by itself: keys that are done for sure, and successes that the store has not got yet."""

from __future__ import annotations

import threading
from math import inf
from typing import TYPE_CHECKING, Any

from .._core.model import Success
from .._named_tuple import NamedTuple
from .holding import Completion
from .procedures import together
from .results import decode

if TYPE_CHECKING:
    from ..stores.base import Store
    from .call import Invocation
    from .claim import ActiveClaim
    from .procedures import Procedure

# A result larger than this is read from the store again rather than kept for the life of the environment.
CACHED_RESULT_BYTES = 4_096
JOURNAL_KEYS = 1_000
WRITES_AT_ONCE = 25  # one request
INSIST_S = 0.2
INSIST_CAP_S = 2.0


class Done(NamedTuple):
    """
    A key whose function succeeded.

    Attributes:
        expires_at_s: Until when this answers duplicates.
        fingerprint: Digest of the payload, "" if none was taken.
        result: The encoded result.
    """

    expires_at_s: float
    fingerprint: str
    result: str | bytes | None

    def value(self) -> Any:
        """Return the result, decoded afresh: callers may change what they get."""
        return None if self.result is None else decode(self.result)

    def outcome(self) -> Success:
        """Return the success."""
        return Success(self.value(), ran=False)


class LocalCache:
    """Completed keys, durable ones only (protocols.md D5); the oldest make room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._done: dict[str, Done] = {}
        self._lock = threading.Lock()

    def get(self, key: str, now_s: float) -> Done | None:
        """Return what is known of *key*, None if nothing or no longer."""
        done = self._done.get(key)
        return done if done is not None and now_s < done.expires_at_s else None

    def put(self, key: str, done: Done) -> None:
        """Remember *key*."""
        if not self._size or (done.result is not None and len(done.result) > CACHED_RESULT_BYTES):
            return
        with self._lock:
            self._done.pop(key, None)
            if len(self._done) >= self._size:
                del self._done[next(iter(self._done))]
            self._done[key] = done


class Journal:
    """
    Successes that could not be recorded: the store was away, or another worker holds the key (protocols.md B4, B8).

    They answer duplicates in this environment, and are written again before the answer and at the next invocation.
    What is still here when the environment dies, runs again.
    """

    def __init__(self) -> None:
        self._unrecorded: dict[str, tuple[ActiveClaim, Done]] = {}

    def __len__(self) -> int:
        return len(self._unrecorded)

    def get(self, key: str, now_s: float) -> Done | None:
        """Return the success of *key*, if it waits here and still counts."""
        found = self._unrecorded.get(key)
        return found[1] if found is not None and now_s < found[1].expires_at_s else None

    def put(self, key: str, claim: ActiveClaim, done: Done) -> None:
        """Keep the success of *key*; beyond 1,000 keys the oldest is given up."""
        if len(self._unrecorded) >= JOURNAL_KEYS:
            del self._unrecorded[next(iter(self._unrecorded))]
        self._unrecorded[key] = (claim, done)

    async def write(
        self, store: Store, invocation: Invocation, cache: LocalCache, *, until_s: float, repeats: bool
    ) -> None:
        """
        Write what waits, until the store fails again or time is up.

        Args:
            until_s: Wall clock after which no further write is begun.
            repeats: False to try each write once.
        """
        waiting = list(self._unrecorded.items())
        for start in range(0, len(waiting), WRITES_AT_ONCE):
            now_s = invocation.io.now()
            if now_s >= until_s or not invocation.has_time_for_store():
                return
            completing: list[Procedure[Completion]] = []
            written: list[tuple[str, Done]] = []
            for key, (claim, done) in waiting[start : start + WRITES_AT_ONCE]:
                if now_s >= done.expires_at_s:  # written now, it would answer events that are none of its duplicates
                    self._unrecorded.pop(key, None)
                    continue
                claim.resume(invocation)
                completing.append(claim.completing(done.result))
                written.append((key, done))
            ends = await together(invocation, store, completing, repeats=repeats)
            for (key, done), completion in zip(written, ends, strict=True):
                if completion is Completion.RECORDED:
                    self._unrecorded.pop(key, None)  # another invocation of the process may have been faster
                    cache.put(key, done)
                # If LOST, another worker still holds the key. Should it fail or die, this success is written over what
                # it left.
            if ends and all(end is Completion.UNRECORDED for end in ends):
                invocation.is_store_away = True  # so the events at hand ask it once
                return


class Local:
    """
    What one environment knows by itself.

    Attributes:
        cache: Completed keys.
        journal: Successes that are still to be recorded.
    """

    def __init__(self, cache_size: int) -> None:
        self._cache_size = cache_size
        self.forget()

    def forget(self) -> None:
        """Forget everything, as a new environment would."""
        self.cache = LocalCache(self._cache_size)
        self.journal = Journal()

    def swap_memory(self, memory: tuple[LocalCache, Journal] | None) -> tuple[LocalCache, Journal]:
        """Put *memory*, None for a new environment's, in the place of what is known here, and return that."""
        known = self.cache, self.journal
        self.cache, self.journal = memory or (LocalCache(self._cache_size), Journal())
        return known

    def find(self, key: str, now_s: float) -> Done | None:
        """Return what is known of *key*, None if nothing."""
        return self.cache.get(key, now_s) or self.journal.get(key, now_s)

    async def write_journal(
        self, store: Store, invocation: Invocation, *, until_s: float = inf, repeats: bool = True
    ) -> None:
        """Write the journal, see `Journal.write`."""
        if self.journal:
            await self.journal.write(store, invocation, self.cache, until_s=until_s, repeats=repeats)

    async def insist_on_journal(self, store: Store, invocation: Invocation) -> None:
        """Write the journal, again and again while the store is away: half of the margin is left for the rest."""
        if invocation.deadline_s is None:
            return
        until_s = (min(invocation.stop_at_s, invocation.end_at_s) + invocation.end_at_s) / 2
        wait_s = INSIST_S
        while self.journal and invocation.is_store_away and invocation.io.now() + wait_s < until_s:
            await invocation.io.sleep(wait_s)
            wait_s = min(2 * wait_s, INSIST_CAP_S)
            await self.write_journal(store, invocation, until_s=until_s, repeats=False)
