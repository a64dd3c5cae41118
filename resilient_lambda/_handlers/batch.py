"""`batch_handler`: a function for one record becomes the Lambda handler of a batch."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._core.batch import answer
from .._core.options import one_of
from .._core.record import Record
from .._core.sources import BATCH_SOURCES, open_batch
from .._io.blocking import drive
from ..errors import UnknownEventError
from .entry import entry_point
from .plan import Plan, local_names_of_caller
from .running import Batch, run_plain, run_plain_async, run_with_policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import ParamSpec

    from .._core.classify import Classifier
    from .._core.sources import Raw, Source
    from .._policies.compose import Policy
    from ..events import Observer
    from ..sinks import DeadLetter
    from .entry import BatchEntryPoint

    P = ParamSpec("P")

R = TypeVar("R")


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
    def begin(event: Raw, context: Any) -> tuple[Batch, Iterator[Any], Source]:
        source, raws = open_batch(event)
        if only_source is not None and source.name != only_source:
            raise UnknownEventError(f"the batch comes from {source.name}, this handler takes {only_source} only")
        batch = Batch(plan, plan.open(source, context))
        wants_raw = plan.parameter.takes_raw and not plan.policies
        return batch, iter(raws) if wants_raw else map(Record, raws, repeat(source)), source

    async def run(event: Raw, context: Any) -> dict[str, Any]:
        batch, arguments, source = begin(event, context)
        if plan.policies:
            await run_with_policies(plan, batch, arguments)
        else:
            await run_plain_async(plan, batch, arguments, source, context)
        return answer(batch.failed_ids)

    def run_blocking(event: Raw, context: Any) -> dict[str, Any]:
        batch, arguments, source = begin(event, context)
        if plan.policies:
            drive(run_with_policies(plan, batch, arguments))
        else:
            run_plain(plan, batch, arguments, source, context)
            if batch.has_letters:
                drive(batch.park())
        return answer(batch.failed_ids)

    return entry_point(plan, run_blocking=run_blocking, run=run, attribute="record_handler")


_SOURCE_NAMES = tuple(sorted(row.name for row in BATCH_SOURCES.values()))
