"""
`batch_handler`: a function for one record becomes the Lambda handler of a batch.

The end of an invocation has a fixed order: records are run or given back, then the policies end (heartbeat joined,
journal written, unknown claims released), then dead letters are sent and confirmed, then their claims are settled,
and last the answer is made. Nothing is left running when it returns: Lambda freezes the environment then.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._core.batch import answer
from .._core.model import Category, Classification, Disposition, Failure, Verdict
from .._core.options import one_of
from .._core.record import Record
from .._core.sources import BATCH_SOURCES, open_batch
from .._io.blocking import drive
from .._policies.compose import close, finish, is_failure, refuse_awaitable
from ..errors import DeadlineExceededError, UnknownEventError
from ..events import RecordSettled
from .entry import entry_point
from .plan import Plan, local_names_of_caller
from .settling import Letter, is_reporting, park, report, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import ParamSpec

    from .._core.classify import Classifier
    from .._core.model import Outcome
    from .._core.sources import Raw, Source
    from .._policies.call import Call, Invocation
    from .._policies.compose import Policy
    from ..events import Observer
    from ..sinks import DeadLetter
    from .entry import BatchEntryPoint

    P = ParamSpec("P")

R = TypeVar("R")

_NOT_STARTED = Classification(Verdict.RETRYABLE, Category.TIMEOUT, reason="no time left to start")


class _Batch:
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
        if not isinstance(outcome, Failure):
            if self.settle_success is not None:
                self.settle_success(record, ran=outcome.ran)
            return
        attempts = record.receives if self._plan.asks_receives else None
        disposition = self._plan.dispose(outcome, attempts)
        held = None if call is None else call.held
        if disposition is Disposition.DEAD_LETTER or held is not None:
            self._letters.append(Letter(record.id, record, outcome, held))
        else:
            self._conclude(record, outcome, disposition)

    def give_back(self, record: Record[Any]) -> None:
        """Settle a record that was not started, for want of time."""
        error = DeadlineExceededError("the invocation has no time left to start this record")
        self._conclude(record, Failure(error, _NOT_STARTED, ran=False), Disposition.RETRY)

    def _conclude(self, record: Record[Any], failure: Failure, disposition: Disposition) -> None:
        if disposition is Disposition.RETRY:
            self.failed_ids.append(record.id)
        if self._is_reporting:
            report("record", record.id, failure, disposition)
        if self.invocation.observers:
            self.invocation.emit(settled(record.id, failure, disposition))

    async def park(self) -> None:
        """Send the dead letters; acknowledge what the sink confirmed, give back the rest."""
        letters, self._letters = self._letters, []
        if letters:
            dispositions = await park(self._plan, self.invocation, letters)
            for letter, disposition in zip(letters, dispositions, strict=True):
                self._conclude(letter.record, letter.failure, disposition)


def _run_plain(plan: Plan, batch: _Batch, arguments: Iterator[Any], source: Source, context: Any) -> None:
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


async def _run_plain_async(plan: Plan, batch: _Batch, arguments: Iterator[Any], source: Source, context: Any) -> None:
    """Do what `_run_plain` does, for ``async def``."""
    function, settle_success = _bound(plan, context), batch.settle_success
    now, stop_at_s = batch.invocation.io.now, batch.invocation.stop_at_s
    judges_failures, failed_ids = batch.judges_failures, batch.failed_ids
    for argument in arguments:
        if now() >= stop_at_s:
            batch.give_back(_record(argument, source))
            continue
        try:
            await function(argument)
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


async def _run_with_policies(plan: Plan, batch: _Batch, records: Iterator[Record[Any]]) -> None:
    """Run records one after the other inside the policies."""
    invocation = batch.invocation
    try:
        waiting = [record for record in records if not await _run_one(plan, batch, record, may_wait=False)]
        # Whoever has to wait for a twin does so when nothing else is left to do, and while nothing is held: two
        # environments that wait for each other's letters would wait for ever (protocols.md C3).
        for record in waiting:
            await batch.park()
            await _run_one(plan, batch, record, may_wait=True)
        await finish(plan.policies, invocation)
        await batch.park()
    finally:
        await close(plan.policies, invocation)


async def _run_one(plan: Plan, batch: _Batch, record: Record[Any], *, may_wait: bool) -> bool:
    """Run and settle one record; return False if it would rather wait for its twin, which it may not yet."""
    if batch.invocation.io.now() >= batch.invocation.stop_at_s:
        batch.give_back(record)
        return True
    call = plan.call(record, batch.invocation, before_suspect=batch.park, may_wait=may_wait)
    try:
        outcome = await plan.step(call)
    except Exception as error:  # a user's policy that raises although it must not
        outcome = Failure(error, plan.classifier.classify(error))
    if call.would_wait:
        return False
    batch.settle(record, outcome, call)
    return True


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


@overload
def batch_handler(function: Callable[P, R], /) -> BatchEntryPoint[P, R]: ...


@overload
def batch_handler(
    *,
    policies: Sequence[Policy] = (),
    dead_letter: DeadLetter | None = None,
    observers: Sequence[Observer] = (),
    classifier: Classifier | None = None,
    source: str | None = None,
    model: Any = None,
    raw: bool = False,
    max_attempts: int | None = None,
    margin_s: float | None = None,
) -> Callable[[Callable[P, R]], BatchEntryPoint[P, R]]: ...


def batch_handler(
    function: Callable[..., Any] | None = None,
    /,
    *,
    policies: Sequence[Policy] = (),
    dead_letter: DeadLetter | None = None,
    observers: Sequence[Observer] = (),
    classifier: Classifier | None = None,
    source: str | None = None,
    model: Any = None,
    raw: bool = False,
    max_attempts: int | None = None,
    margin_s: float | None = None,
) -> Any:
    """
    Make a function for one record the Lambda handler of a batch; use it bare or with options.

    The handler returns ``{"batchItemFailures": [...]}``, so the event source mapping must have
    ``FunctionResponseTypes: [ReportBatchItemFailures]``. What the function receives follows from the annotation of its
    first parameter: none or `Record` for the record, ``Record[T]`` with the body validated as its ``value``, any other
    type for the body itself. The handler has ``record_handler``, your function, and ``aio(event, context)``, to be
    awaited where a loop is running.

    Args:
        policies: What stands around each run, outermost first, such as `Idempotency`.
        dead_letter: Where records go that cannot succeed; without it they go back to the source.
        observers: Callables that take an event of `resilient_lambda.events`.
        classifier: Which errors are worth another try; by default all but those known to be permanent.
        source: The only source that is taken, ``"sqs"``; by default it is read from the event.
        model: What the body is validated as, instead of the annotation.
        raw: True to hand over the event's own dict, without a `Record` around it.
        max_attempts: Runs that failed after which a record goes to *dead_letter* although it is retryable. Counted by
            `Idempotency`; without it the receive count stands in.
        margin_s: Time before the deadline at which no further record is started, in seconds; by default a tenth of the
            remaining time, at most 5 s.

    Raises:
        ConfigurationError: An option is wrong, or the function cannot be a handler. At import.
        UnknownEventError: The event is of no known source; from the handler, nothing was run.
        BatchFailedError: A record that must be delivered again has no id; from the handler, the whole batch comes back.
    """
    local_names = local_names_of_caller(1)
    if source is not None:
        one_of("source", source, _SOURCE_NAMES)

    def decorate(function: Callable[..., Any]) -> Any:
        plan = Plan(
            function,
            policies=policies,
            dead_letter=dead_letter,
            observers=observers,
            classifier=classifier,
            model=model,
            raw=raw,
            max_attempts=max_attempts,
            margin_s=margin_s,
            local_names=local_names,
            is_event=False,
        )
        return _entry_point(plan, source)

    return decorate if function is None else decorate(function)


def _entry_point(plan: Plan, only_source: str | None) -> Any:
    def begin(event: Raw, context: Any) -> tuple[_Batch, Iterator[Any], Source]:
        source, raws = open_batch(event)
        if only_source is not None and source.name != only_source:
            raise UnknownEventError(f"the batch comes from {source.name}, this handler takes {only_source} only")
        batch = _Batch(plan, plan.open(source, context))
        wants_raw = plan.parameter.takes_raw and not plan.policies
        return batch, iter(raws) if wants_raw else map(Record, raws, repeat(source)), source

    async def run(event: Raw, context: Any) -> dict[str, Any]:
        batch, arguments, source = begin(event, context)
        if plan.policies:
            await _run_with_policies(plan, batch, arguments)
        else:
            await _run_plain_async(plan, batch, arguments, source, context)
        return answer(batch.failed_ids)

    def run_blocking(event: Raw, context: Any) -> dict[str, Any]:
        batch, arguments, source = begin(event, context)
        if plan.policies:
            drive(_run_with_policies(plan, batch, arguments))
        else:
            _run_plain(plan, batch, arguments, source, context)
            if batch.has_letters:
                drive(batch.park())
        return answer(batch.failed_ids)

    return entry_point(plan, run_blocking=run_blocking, run=run, attribute="record_handler")


_SOURCE_NAMES = tuple(sorted(row.name for row in BATCH_SOURCES.values()))
