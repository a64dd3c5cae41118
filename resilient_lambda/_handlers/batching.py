"""What becomes of the records of one batch: acknowledged, given back, or set aside in the dead-letter sink."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from .._core.batch import answer
from .._core.model import Disposition, Failure
from .._core.record import Record
from .._policies import deadline
from .._policies.call import logger
from .._policies.compose import forget_locals
from .._policies.refusals import cut_short, not_started
from ..errors import BatchFailedError
from ..events import LaneStopped, RecordSettled
from . import window
from .settling import Letter, give_back, is_reporting, park, report, settled
from .visibility import hide, wants
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core.model import Outcome
    from .._core.sources import Delivery, Raw
    from .._policies.call import Call, Invocation
    from .plan import Plan


class Batch:
    """
    One invocation: which records are given back, and which letters are to be sent.

    Attributes:
        delivery: What Lambda delivered.
        window: The tumbling window that it is part of, None if there is none.
        failed: What must be delivered again.
        judges_failures: True if somebody wants the verdict on a failure.
        settle_success: Tells observers of a success; None if there are none, so the hot path need not call anything.
    """

    __slots__ = (
        "_backoff",
        "_first_error",
        "_is_reporting",
        "_letters",
        "_plan",
        "_tokens",
        "_waits",
        "delivery",
        "failed",
        "invocation",
        "judges_failures",
        "settle_success",
        "window",
    )

    def __init__(self, plan: Plan, invocation: Invocation, delivery: Delivery) -> None:
        self._plan = plan
        self.delivery = delivery
        self.invocation = invocation
        self.settle_success = self._report_success if invocation.observers else None
        self._is_reporting = is_reporting()
        self._letters: list[Letter] = []
        self._first_error: BaseException | None = None
        timeout_s = invocation.deadline.at_s - invocation.io.now()
        self._backoff = None if plan.visibility is False else wants(plan.visibility, delivery.source.name, timeout_s)
        self._waits: list[tuple[Raw, Failure]] = []  # messages to be hidden
        self.failed: list[Raw] = []
        self.judges_failures = (
            self._is_reporting
            or bool(invocation.observers)
            or plan.dead_letter is not None
            or self._backoff is not None
        )
        self.window = None if delivery.window is None else Window(delivery.window)

    def __enter__(self) -> None:
        """Make this the batch whose deadline and window the user's function sees."""
        self._tokens = deadline.current.set(self.invocation.deadline), window.current.set(self.window)

    def __exit__(self, *exc_info: object) -> None:
        """Make it no longer so."""
        deadline.current.reset(self._tokens[0])
        window.current.reset(self._tokens[1])

    def plain_lanes(self) -> Iterator[tuple[Iterator[Any], str | None]]:
        """Yield what the plain loop takes, lane by lane, each with its name; None where records stand alone."""
        source, raws = self.delivery.source, self.delivery.raws
        lane_of = source.lane_of
        lanes: dict[str | None, Sequence[Raw]] = {None: raws}
        if lane_of is not None:
            grouped: dict[str | None, list[Raw]] = {}
            for raw in raws:
                grouped.setdefault(lane_of(raw), []).append(raw)
            lanes = dict(grouped)
        for name, lane in lanes.items():
            yield iter(lane) if self._plan.parameter.takes_raw else map(Record, lane, repeat(source)), name

    def leave_rest(self, arguments: Iterator[Any], lane: str | None) -> None:
        """Settle what the plain loop has not started in *lane*."""
        if lane is not None:
            self.leave([argument.raw if isinstance(argument, Record) else argument for argument in arguments], lane)

    @property
    def needs_end(self) -> bool:
        """True if anything is left to be done before the answer."""
        return bool(self._letters or self._waits) or self.window is not None

    def _report_success(self, record: Record[Any], *, ran: bool = True) -> None:
        self.invocation.emit(RecordSettled(record.id, Disposition.ACK, None, None, ran))

    def settle(self, record: Record[Any], outcome: Outcome, call: Call | None = None) -> Disposition:
        """Settle a record whose run has ended; if it is to be set aside, it waits for its sink."""
        held = None if call is None else call.held
        if not isinstance(outcome, Failure):
            if held is not None:  # a policy outside made a success of what was to be set aside
                held.settle(parked=None)
            if self.settle_success is not None:
                self.settle_success(record, ran=outcome.ran)
            return Disposition.ACK
        attempts = record.receives if self._plan.asks_receives else None
        disposition = self._plan.dispose(outcome, attempts)
        if disposition is Disposition.DEAD_LETTER or held is not None:
            forget_locals(outcome.error)
            self._letters.append(Letter(record.id, record, outcome, held))
            return Disposition.DEAD_LETTER
        self._conclude(record, outcome, disposition)
        return disposition

    async def settle_in_order(self, record: Record[Any], outcome: Outcome, call: Call | None = None) -> bool:
        """
        Settle a record before the next one of its lane starts; return True if none may.

        What decides is what became of the record, not the verdict: a dead letter is sent and confirmed first
        (protocols.md C10).
        """
        disposition = self.settle(record, outcome, call)
        if disposition is Disposition.DEAD_LETTER:
            (disposition,) = await self._send([self._letters.pop()])
            if disposition is Disposition.DEAD_LETTER:
                return self._plan.stop_lane_on_dead_letter
        return disposition is Disposition.RETRY

    def give_back(self, record: Record[Any]) -> None:
        """Settle a record that was not started, for want of time."""
        self._conclude(record, not_started(), Disposition.RETRY)

    def give_up(self, record: Record[Any]) -> None:
        """Settle a record whose function goes on although its time is over; it is never set aside (B5)."""
        self._conclude(record, cut_short(), Disposition.RETRY)

    def bring_back(self, call: Call) -> None:
        """Have a record delivered again that has run, because one before it in its lane must be."""
        if call.held is not None:
            call.held.settle(parked=None)
        self.failed.append(call.record.raw)
        self.invocation.redelivers_done = True
        if self._backoff is not None:
            self._waits.append((call.record.raw, not_started()))

    def leave(self, raws: Sequence[Raw], lane: str) -> None:
        """Settle the records that were not started because their *lane* has stopped before them."""
        if raws:
            self.failed.extend(raws)
            if self._backoff is not None:
                self._waits.extend(zip(raws, repeat(not_started())))
            if self._is_reporting:
                logger.warning("%d records behind it, in lane %s, were not started; they are returned", len(raws), lane)
            if self.invocation.observers:
                self.invocation.emit(LaneStopped(lane, len(raws)))

    def _conclude(self, record: Record[Any], failure: Failure, disposition: Disposition) -> None:
        if disposition is Disposition.RETRY:
            self.failed.append(record.raw)
            self._first_error = self._first_error or failure.error
            if self._backoff is not None:
                failure.error.__traceback__ = None  # it would keep alive what the run had in its hands
                self._waits.append((record.raw, failure))
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
            await self._send(letters)

    async def _send(self, letters: list[Letter]) -> list[Disposition]:
        try:
            dispositions = await park(self._plan, self.invocation, letters)
        except Exception:  # whatever a sink does: what nobody has confirmed goes back
            logger.exception("the dead letters could not be sent; their records go back")
            dispositions = [Disposition.RETRY] * len(letters)
        for letter, disposition in zip(letters, dispositions, strict=True):
            self._conclude(letter.record, letter.failure, disposition)
        return dispositions

    def note_redelivery(self) -> None:
        """Tell the policies whether Lambda will deliver again what is done: it should be recorded, if at all it can."""
        if self.failed and self.delivery.source.brings_back_done:
            self.invocation.redelivers_done = True

    async def end(self) -> None:
        """Do what is left when all records are settled: dead letters, the end of a window, visibility."""
        await self.park()
        if self.window is not None and self.window.is_final and not self.failed and self._plan.window_end is not None:
            await self._plan.current_io().invoke(self._plan.window_end, self.window)  # which does not cut it short
        if self._waits and self._backoff is not None:
            await hide(self.invocation, self._waits, self._backoff, until_s=self.invocation.end_at_s)

    def answer(self) -> dict[str, Any]:
        """
        Return the answer to Lambda.

        Raises:
            BatchFailedError: The source takes no partial answer, or one cannot be given.
        """
        try:
            if self.failed and self._plan.raise_if_all_failed and len(self.failed) >= len(self.delivery.raws):
                raise BatchFailedError(f"all {len(self.failed)} records of the batch must be delivered again")
            found = answer(self.delivery.source, self.failed)
        except BatchFailedError as error:
            raise error from self._first_error
        if self.window is not None:
            found["state"] = self.window.checked()
        return found
