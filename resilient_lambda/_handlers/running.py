"""
How the records of one batch are run and settled.

The end has a fixed order: records are run or given back, then the policies write what is left (journal, unknown
claims), then dead letters are sent, confirmed and their claims settled, then the policies close (heartbeat joined).
Nothing is left running when the handler returns: Lambda freezes the environment then.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from .._core.model import Disposition, Failure
from .._core.record import Record
from .._policies.call import logger
from .._policies.compose import close, expect, finish, is_failure, refuse_awaitable
from .._policies.refusals import not_started
from ..events import RecordSettled
from .settling import Letter, give_back, is_reporting, park, report, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._core.model import Outcome
    from .._core.sources import Source
    from .._policies.call import Call, Invocation
    from .plan import Plan


class Batch:
    """One invocation: which records are given back, and which letters are to be sent."""

    __slots__ = (
        "_is_reporting",
        "_letters",
        "_plan",
        "failed_ids",
        "invocation",
        "judges_failures",
        "settle_success",
    )

    def __init__(self, plan: Plan, invocation: Invocation) -> None:
        self._plan = plan
        self.invocation = invocation
        # Nobody hears of a success unless there are observers, so the hot path need not call anything.
        self.settle_success = self._report_success if invocation.observers else None
        self._is_reporting = is_reporting()
        self._letters: list[Letter] = []
        self.failed_ids: list[str] = []
        # Where failures are neither told nor sent to a sink, nobody needs the verdict on them.
        self.judges_failures = self._is_reporting or bool(invocation.observers) or plan.dead_letter is not None

    @property
    def has_letters(self) -> bool:
        """True if dead letters wait to be sent."""
        return bool(self._letters)

    def _report_success(self, record: Record[Any], *, ran: bool = True) -> None:
        self.invocation.emit(RecordSettled(record.id, Disposition.ACK, None, None, ran))

    def settle(self, record: Record[Any], outcome: Outcome, call: Call | None = None) -> None:
        """Settle a record whose run has ended; a dead letter waits for its sink."""
        held = None if call is None else call.held
        if not isinstance(outcome, Failure):
            if held is not None:  # a policy outside made a success of what was to be set aside
                held.settle(parked=None)
            if self.settle_success is not None:
                self.settle_success(record, ran=outcome.ran)
            return
        attempts = record.receives if self._plan.asks_receives else None
        disposition = self._plan.dispose(outcome, attempts)
        if disposition is Disposition.DEAD_LETTER or held is not None:
            self._letters.append(Letter(record.id, record, outcome, held))
        else:
            self._conclude(record, outcome, disposition)

    def give_back(self, record: Record[Any]) -> None:
        """Settle a record that was not started, for want of time."""
        self._conclude(record, not_started(), Disposition.RETRY)

    def _conclude(self, record: Record[Any], failure: Failure, disposition: Disposition) -> None:
        if disposition is Disposition.RETRY:
            self.failed_ids.append(record.id)
        if self._is_reporting:
            report("record", record.id, failure, disposition)
        if self.invocation.observers:
            self.invocation.emit(settled(record.id, failure, disposition))

    def give_letters_back(self) -> None:
        """Have released what waits for its letter, as none will be sent: something has ended the batch."""
        give_back(self._letters)

    async def park(self) -> None:
        """Send the dead letters; acknowledge what the sink confirmed, give back the rest."""
        letters, self._letters = self._letters, []
        if letters:
            try:
                dispositions = await park(self._plan, self.invocation, letters)
            except Exception:  # whatever a sink does: what nobody has confirmed goes back
                logger.exception("the dead letters could not be sent; their records go back")
                dispositions = [Disposition.RETRY] * len(letters)
            for letter, disposition in zip(letters, dispositions, strict=True):
                self._conclude(letter.record, letter.failure, disposition)


def run_plain(plan: Plan, batch: Batch, arguments: Iterator[Any], source: Source, context: Any) -> None:
    """Run records one after the other where no policy stands between: the hot path, without a coroutine."""
    function, settle_success = _bound(plan, context), batch.settle_success
    now, stop_at_s = batch.invocation.io.now, batch.invocation.stop_at_s
    judges_failures, failed_ids = batch.judges_failures, batch.failed_ids
    for argument in arguments:
        if now() >= stop_at_s:
            batch.give_back(_record(argument, source))
            continue
        try:
            returned = function(argument)
            if returned is not None:
                refuse_awaitable(returned)
        except BaseException as error:  # the border to user code
            if not is_failure(error, batch.invocation.io):
                raise
            if judges_failures:
                batch.settle(_record(argument, source), Failure(error, plan.classifier.classify(error)))
            else:
                failed_ids.append(_record(argument, source).id)
        else:
            if settle_success is not None:
                settle_success(_record(argument, source))


async def run_plain_async(plan: Plan, batch: Batch, arguments: Iterator[Any], source: Source, context: Any) -> None:
    """Do what `run_plain` does, for ``async def``."""
    function, settle_success = _bound(plan, context), batch.settle_success
    now, stop_at_s = batch.invocation.io.now, batch.invocation.stop_at_s
    judges_failures, failed_ids = batch.judges_failures, batch.failed_ids
    for argument in arguments:
        if now() >= stop_at_s:
            batch.give_back(_record(argument, source))
            continue
        try:
            returned = await function(argument)
            if returned is not None:
                refuse_awaitable(returned)
        except BaseException as error:  # the border to user code
            if not is_failure(error, batch.invocation.io):
                raise
            if judges_failures:
                batch.settle(_record(argument, source), Failure(error, plan.classifier.classify(error)))
            else:
                failed_ids.append(_record(argument, source).id)
        else:
            if settle_success is not None:
                settle_success(_record(argument, source))
    await batch.park()


async def run_with_policies(plan: Plan, batch: Batch, records: Iterable[Record[Any]]) -> None:
    """Run records one after the other inside the policies."""
    invocation = batch.invocation
    calls: list[Call | None] = [
        plan.call(record, invocation, before_suspect=batch.park, is_last_resort=False) for record in records
    ]
    put_off: list[Call] = []
    try:
        expect(plan.policies, calls, invocation)
        for number, call in enumerate(calls):
            assert call is not None
            await _run_one(plan, batch, call)
            calls[number] = None  # what has run is not kept
            if call.put_off is not None:
                put_off.append(call)
        # What may end the environment runs when its neighbours are done, the likeliest culprit after the others
        # (protocols.md A6). Whoever waits for a twin, perhaps until time is up, does so last, and while nothing is
        # held: two environments that wait for each other's letters would wait for ever (C3).
        for call in sorted(put_off, key=lambda call: call.put_off or inf):
            await batch.park()
            call.is_last_resort, call.put_off = True, None
            await _run_one(plan, batch, call)
        await finish(plan.policies, invocation)
        await batch.park()
    finally:
        batch.give_letters_back()
        await close(plan.policies, invocation)


async def _run_one(plan: Plan, batch: Batch, call: Call) -> None:
    """Run one record, and settle it unless a policy puts it off."""
    if batch.invocation.io.now() >= batch.invocation.stop_at_s:
        batch.give_back(call.record)
        return
    outcome = await plan.run(call)
    if call.put_off is None or call.is_last_resort:
        batch.settle(call.record, outcome, call)


def _bound(plan: Plan, context: Any) -> Callable[[Any], Any]:
    """Return the function of one argument that the loop calls."""
    function, convert = plan.function, plan.parameter.convert
    if plan.parameter.is_plain:
        return (lambda argument: function(argument, context)) if plan.signature.takes_context else function
    if plan.signature.takes_context:
        return lambda record: function(convert(record), context)
    return lambda record: function(convert(record))


def _record(argument: Any, source: Source) -> Record[Any]:
    return argument if isinstance(argument, Record) else Record(argument, source)
