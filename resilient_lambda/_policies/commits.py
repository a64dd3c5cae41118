"""
Group commit: how the ends of runs get into the store beside the runs that follow.

A write starts as soon as none is in flight and takes all that has ended meanwhile, so a batch costs a handful of
requests. What has ended and is not recorded yet would run again if the environment died now, so it is bounded: beyond
50 keys or one second no further record is started until the write is through (protocols.md B9).
"""

from __future__ import annotations

import threading
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import StoreUnavailableError
from .procedures import together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._io.base import Job
    from ..stores.base import Store
    from .call import Invocation
    from .holding import Holding
    from .procedures import Procedure

BACKLOG_KEYS = 50
BACKLOG_S = 1.0
POLL_S = 0.005
LONGEST_CALL_S = 4.0  # connect 1 s, read 2 s, and what a thread takes to begin


class Ending(NamedTuple):
    """
    The end of one run, to be written.

    Attributes:
        write: Returns the procedure that writes it.
        conclude: Is given what came of that.
        added_s: Since when it waits, by the monotonic clock.
    """

    holding: Holding
    write: Callable[[], Procedure[Any]]
    conclude: Callable[[Any], None]
    added_s: float


class Commits:
    """The group commit of one invocation."""

    def __init__(self, store: Store, invocation: Invocation) -> None:
        self._store = store
        self._invocation = invocation
        self._lock = threading.Lock()
        self._waiting: deque[Ending] = deque()
        self._writing: Sequence[Ending] = ()
        self._generation = 0  # one more for each time that a write was given up
        self._added = 0
        self._concluded = 0
        self._is_working = False
        self._job: Job | None = None

    def add(
        self, holding: Holding, write: Callable[[], Procedure[Any]], conclude: Callable[[Any], None] | None = None
    ) -> None:
        """
        Have the end of a run written, now or soon.

        Args:
            conclude: Is given the procedure's result, or the `StoreUnavailableError` that kept it from being tried;
                in another thread.
        """
        with self._lock:
            self._added += 1
            self._waiting.append(Ending(holding, write, conclude or _nothing, self._invocation.io.monotonic()))

    def is_full(self, unrecorded: int) -> bool:
        """
        Tell whether nothing may be started before something is written.

        Args:
            unrecorded: Keys that could not be written, and count as well.
        """
        with self._lock:
            under_way = len(self._writing) + len(self._waiting)
            if not under_way:
                return False
            first = self._writing[0] if self._writing else self._waiting[0]
        return under_way + unrecorded >= BACKLOG_KEYS or self._invocation.io.monotonic() - first.added_s > BACKLOG_S

    def begin(self) -> None:
        """Start writing in the background, unless a write is in flight: that one's end takes what waits now."""
        with self._lock:
            if self._is_working or not self._waiting:
                return
            self._is_working = True
        try:
            self._job = self._invocation.io.start(self._work)
        except RuntimeError:  # no thread to be had
            self._is_working = False

    async def make_room(self, unrecorded: int) -> None:
        """Wait for writes until `is_full` says no."""
        while self.is_full(unrecorded):
            await self._go_on()

    async def catch_up(self) -> None:
        """Wait until what waits now is written; other lanes may go on adding."""
        target = self._added
        while self._concluded < target:
            await self._go_on()

    async def flush(self) -> None:
        """Write all that waits, and return when it is answered and no write is under way."""
        while self._waiting or self._job is not None or self._is_working:
            await self._go_on()

    async def _go_on(self) -> None:
        """Wait for the write that is under way, or do one."""
        left_s = self._invocation.time_left_s()
        if (job := self._job) is not None:
            try:
                if not await job.join(None if left_s == inf else max(0.0, left_s)):
                    self._give_up()
            finally:
                if self._job is job and not self._is_working:  # or else the wait was cancelled (D8)
                    self._job = None
            return
        if self._invocation.io.is_asynchronous or self._invocation.concurrency > 1 or left_s < LONGEST_CALL_S:
            # What a thread writes, a cancelled task cannot tear; all lanes can wait for it, and not for too long.
            self.begin()
        if self._job is None and self._is_working:  # another lane writes, as there is no thread to be had
            await self._invocation.io.sleep(POLL_S)
        elif self._job is None:
            self._is_working = True
            await self._work()

    def _give_up(self) -> None:
        """Take for unrecorded what a store that hangs has not answered: the answer must be out before the deadline."""
        with self._lock:
            unanswered = [*self._writing, *self._waiting]
            self._waiting.clear()
            self._writing = ()
            self._is_working = False
            self._job = None
            self._concluded += len(unanswered)
            self._generation += 1
        # Nor is it asked again where it could hang once more.
        self._invocation.is_store_away = True
        self._invocation.store_call_s = LONGEST_CALL_S
        for ending in unanswered:
            ending.conclude(StoreUnavailableError("the store has not answered in time"))

    async def _work(self) -> None:
        generation = self._generation
        try:
            while group := self._take(generation):
                await self._write(group, generation)
        except BaseException:
            with self._lock:
                if self._generation == generation:
                    self._is_working = False
                    self._writing = ()
            raise

    def _take(self, generation: int) -> list[Ending]:
        with self._lock:
            if self._generation != generation:  # given up
                return []
            group = list(self._waiting)
            self._waiting.clear()
            self._is_working = bool(group)
            self._writing = group
            return group

    async def _write(self, group: list[Ending], generation: int) -> None:
        ends: list[Any] = [StoreUnavailableError("the write was cut short")] * len(group)
        entered: list[int] = []
        try:
            for n, ending in enumerate(group):
                try:
                    await _enter(ending.holding)
                except StoreUnavailableError as error:  # a renewal of it hangs
                    ends[n] = error
                else:
                    entered.append(n)
            found = await together(self._invocation, self._store, [group[n].write() for n in entered])
            for n, end in zip(entered, found, strict=True):
                ends[n] = end
        finally:  # whatever cuts it short: a success is recorded, or it is in the journal
            for n in entered:
                group[n].holding.gate.leave()
            with self._lock:
                is_awaited = self._generation == generation
            if is_awaited:
                for ending, end in zip(group, ends, strict=True):
                    ending.conclude(end)
                with self._lock:
                    self._concluded += len(group)


async def _enter(holding: Holding) -> None:
    if not holding.gate.try_enter():
        await holding.gate.__aenter__()


def _nothing(_: Any) -> None:
    """Conclude nothing."""
