"""
How the records of one batch are run inside the policies, lane by lane, several at a time.

The end has a fixed order: records are run or given back, then the policies write what is left (journal, unknown
claims), then dead letters are sent, confirmed and their claims settled, then the policies close (heartbeat joined).
Nothing is left running when the handler returns: Lambda freezes the environment then.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from .._core.lanes import Lanes
from .._core.model import Failure
from .._core.record import Record
from .._io.base import GivenUp
from .._policies.compose import close, expect, finish

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from .._policies.call import Call
    from .batching import Batch
    from .plan import Plan
    from .reading import Reading


class LaneRun:
    """
    The run of one batch.

    Args:
        lanes: The lane of each record; None if each stands alone.
    """

    def __init__(self, plan: Plan, batch: Batch, lanes: Sequence[Hashable] | None) -> None:
        self._plan = plan
        self._batch = batch
        self._invocation = batch.invocation
        self._window = batch.window
        self._lanes = Lanes(len(batch.delivery.raws), lanes)
        self._put_off: dict[int, Call] = {}
        source = batch.delivery.source
        self._calls: list[Call | None] = [
            plan.call(Record(raw, source), self._invocation, before_suspect=batch.park, is_last_resort=False)
            for raw in batch.delivery.raws
        ]
        self._width = self._invocation.concurrency
        self._has_failed = False
        self._has_started = False
        self._invocation.upcoming = self._upcoming

    async def run(self) -> None:
        """Run all records that may be run, and settle all."""
        policies, invocation, batch = self._plan.policies, self._invocation, self._batch
        try:
            expect(policies, [call for call in self._calls if call is not None], invocation)
            while await self._run_free_lanes():
                # What may end the environment runs when its neighbours are done, the likeliest culprit after the
                # others (protocols.md A6). Whoever waits for a twin, perhaps until time is up, does so last, and while
                # nothing is held: two environments that wait for each other's letters would wait for ever (C3).
                number = min(self._put_off, key=lambda number: (self._put_off[number].put_off or inf, number))
                call = self._put_off.pop(number)
                if self._lanes.is_stopped(number):
                    self._lanes.undo_start(number)
                    continue
                self._lanes.resume(number)
                await batch.park()
                call.is_last_resort, call.put_off = True, None
                await invocation.io.run_lanes(lambda: self._run_one(number), 1)  # noqa: B023 # it is awaited here
                self._settle_given_up()
            self._leave_unstarted()
            batch.note_redelivery()
            await finish(policies, invocation)
            await batch.park()
        finally:
            batch.give_letters_back()
            await close(policies, invocation)
            invocation.upcoming = tuple  # a success in the journal may keep the invocation, but not what it has seen

    def _upcoming(self) -> Iterator[Call]:
        """Yield the calls that have not begun, in the order in which they probably will."""
        for number in self._lanes.upcoming(self._invocation.concurrency):
            call = self._calls[number]
            assert call is not None
            yield call

    async def _run_free_lanes(self) -> bool:
        """Run what can be run; return True if something was put off."""
        self._has_started = True
        while self._has_started and (count := min(self._width, self._lanes.free())):
            self._has_started = False  # lanes that are given up before they have started anything must not come again
            await self._invocation.io.run_lanes(self._run_lane, count)
            self._settle_given_up()
        return bool(self._put_off)

    async def _run_lane(self) -> None:
        """Run one record after the other, of whichever lanes are free, until there is none."""
        try:
            while not self._has_failed and (number := self._lanes.start()) is not None:
                self._has_started = True
                await self._run_one(number)
        except GivenUp:
            raise
        except BaseException:
            self._has_failed = True  # the other lanes end with their records
            raise

    async def _run_one(self, number: int) -> None:
        """Run one record, and settle it unless a policy puts it off."""
        call = self._calls[number]
        assert call is not None
        if not self._invocation.may_start():
            self._batch.give_back(call.record)
            self._end(number, stops=True)
            return
        if self._lanes.is_alone() and not self._put_off:
            call.is_last_resort = True  # nothing else could run instead
        if self._window is not None:
            self._window.keep()
        outcome = await self._plan.run(call)
        if self._window is not None and isinstance(outcome, Failure):
            self._window.restore()
        if call.put_off is not None and not call.is_last_resort:
            self._put_off[number] = call
            self._lanes.pause(number)
            return
        stops = False
        if self._lanes.is_ordered:
            stops = await self._batch.settle_in_order(call.record, outcome, call)
        else:
            self._batch.settle(call.record, outcome, call)
        self._calls[number] = None  # what has run is not kept
        self._end(number, stops=stops)

    def _end(self, number: int, *, stops: bool) -> None:
        self._lanes.end(number, stops=stops)
        if stops:
            for behind in self._lanes.behind(number):
                call = self._calls[behind]
                assert call is not None
                call.is_left = True

    def _settle_given_up(self) -> None:
        """Give back the records whose functions still run although their time is over (protocols.md B5)."""
        for number in sorted(self._lanes.running):
            call = self._calls[number]
            assert call is not None
            self._batch.give_up(call.record)
            self._end(number, stops=True)
            if self._window is not None:
                self._window.restore()

    def _leave_unstarted(self) -> None:
        source, raws = self._batch.delivery.source, self._batch.delivery.raws
        if source.lane_of is None:
            for number in self._lanes.unstarted():
                self._batch.give_back(Record(raws[number], source))
            return
        left: dict[str, list[Any]] = {}
        for number in self._lanes.unstarted():
            left.setdefault(source.lane_of(raws[number]), []).append(raws[number])
        for name, behind in left.items():
            self._batch.leave(behind, name)


def lane_run(plan: Plan, batch: Batch, reading: Reading) -> LaneRun:
    """Return the run of *batch*, record by record or whole lanes at once."""
    lanes = reading.lanes(batch.delivery, by_key=plan.has_idempotency)
    if plan.takes_lane:
        from .bulk_run import BulkRun

        return BulkRun(plan, batch, lanes)
    return LaneRun(plan, batch, lanes)
