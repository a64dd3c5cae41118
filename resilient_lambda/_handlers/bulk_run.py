"""
How a function that takes a whole lane is run: each record comes through the policies, the function runs once for all
that have arrived, and each record goes on with what came of it.

What arrives holds its claim. So a record that would have to wait for a twin, or whose last run ended without a word,
does not join the others: it runs when nothing else does, alone (protocols.md C3, A6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.model import Failure, Success
from .._policies.arrival import Arrival, Visit
from .._policies.attempt import current
from .._policies.compose import run_function
from .lane_run import LaneRun

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from .._core.model import Outcome
    from .._policies.call import Call
    from .batching import Batch
    from .plan import Plan


class BulkRun(LaneRun):
    """The run of one batch, whole lanes at once."""

    def __init__(self, plan: Plan, batch: Batch, lanes: Sequence[Hashable] | None) -> None:
        super().__init__(plan, batch, lanes)
        if lanes is None:
            self._width = 1  # the whole batch is one list

    async def _run_one(self, number: int) -> None:
        """Run the lane that begins with record *number*, as far as it can be run at once."""
        arrived: list[tuple[int, Call, Arrival, Visit]] = []
        failed: tuple[int, Call, Outcome] | None = None
        next_number: int | None = number
        goes_on = True
        self._lanes.hold(number)
        try:
            while next_number is not None and goes_on:
                call = self._calls[next_number]
                assert call is not None
                if not self._invocation.may_start():
                    self._batch.give_back(call.record)
                    self._end(next_number, stops=True)
                    break
                call.is_together = True
                visit = Visit(self._plan.run(call))
                outcome = await visit.advance()
                if isinstance(outcome, Arrival):
                    arrived.append((next_number, call, outcome, visit))
                    goes_on = not call.is_last_resort  # it was put off, so it runs alone
                elif call.put_off is not None and not call.is_last_resort:
                    self._put_off[next_number] = call
                    self._lanes.pause(next_number)
                    goes_on = not self._lanes.is_ordered
                elif arrived and self._lanes.is_ordered and isinstance(outcome, Failure):
                    failed = next_number, call, outcome  # its turn comes when those before it have run
                    goes_on = False
                else:
                    goes_on = await self._settle(next_number, call, outcome)
                next_number = self._lanes.start_behind(next_number) if goes_on else None
            if arrived:
                await self._run_arrived(arrived)
            if failed is not None and self._lanes.is_stopped(number):
                self._lanes.undo_start(failed[0])
            elif failed is not None:
                await self._settle(*failed)
        except BaseException as error:
            for *_, visit in arrived:
                await visit.end(error)
            raise
        finally:
            self._lanes.let_go(number)

    async def _run_arrived(self, arrived: list[tuple[int, Call, Arrival, Visit]]) -> None:
        """Run the function for all that have arrived, again for those whose policies want it, and settle them."""
        if self._window is not None:
            self._window.keep()
        ends: dict[int, tuple[Call, Outcome]] = {}
        stops = False
        while arrived:
            before = current.get()
            current.set(arrived[0][2].attempt)  # all of them have been tried as often
            try:
                outcomes = await self._run_function(
                    [call for _, call, _, _ in arrived], [a.argument for _, _, a, _ in arrived]
                )
            finally:
                current.set(before)
            again: list[tuple[int, Call, Arrival, Visit]] = []
            for outcome in outcomes:
                number, call, _, visit = arrived[0]
                call.is_left = stops
                found = await visit.advance(outcome)
                del arrived[0]  # now: until then whatever ends the batch ends this, too
                if isinstance(found, Arrival):
                    again.append((number, call, found, visit))
                else:
                    ends[number] = (call, found)
                    # Run again, those behind it would take effect before it does.
                    stops = stops or (self._lanes.is_ordered and isinstance(found, Failure))
            arrived += again
        for number in sorted(ends):
            await self._settle(number, *ends[number])

    async def _run_function(self, calls: list[Call], items: list[Any]) -> list[Outcome]:
        arguments: tuple[Any, ...] = (items,)
        if self._plan.signature.takes_context:
            arguments = (items, self._invocation.context)
        outcomes = self._outcomes(await run_function(self._plan.function, arguments, calls), calls)
        failures = [found for found in outcomes if isinstance(found, Failure)]
        if self._window is not None and failures:
            # What each record has added to the state cannot be told apart: one failure is that of all.
            self._window.restore()
            return [failures[0]] * len(outcomes)
        return outcomes

    def _outcomes(self, outcome: Outcome, calls: list[Call]) -> list[Outcome]:
        """Return what came of each record; one failure is that of all."""
        if isinstance(outcome, Failure) or outcome.value is None:
            return [outcome] * len(calls)
        items = outcome.value
        if not isinstance(items, list | tuple) or len(items) != len(calls):
            what = f"{len(items)} items" if isinstance(items, list | tuple) else type(items).__name__
            error = TypeError(
                f"the function returned {what} for {len(calls)} records; return None, or one item for each"
            )
            return [Failure(error, self._plan.classifier.classify(error))] * len(calls)
        return [self._outcome(item) for item in items]

    def _outcome(self, item: object) -> Outcome:
        if item is None:
            return Success()
        if isinstance(item, Success | Failure):
            return item
        if not isinstance(item, BaseException):
            item = TypeError(f"the function returned {type(item).__name__} for a record; return None or the exception")
        return Failure(item, self._plan.classifier.classify(item))

    async def _settle(self, number: int, call: Call, outcome: Outcome) -> bool:
        """Settle one record; return False if none behind it may start."""
        stops = False
        if self._lanes.is_stopped(number):
            # One before it must be delivered again, so it comes again too, whatever came of it: acknowledged, it would
            # have taken effect before that one.
            self._batch.bring_back(call)
        elif self._lanes.is_ordered:
            stops = await self._batch.settle_in_order(call.record, outcome, call)
        else:
            self._batch.settle(call.record, outcome, call)
        self._calls[number] = None
        self._end(number, stops=stops)
        return not stops
