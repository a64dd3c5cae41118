"""`batch_handler`: a function for one record becomes the Lambda handler of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .._io.initialising import is_initialising
from ..errors import ConfigurationError
from .entry import entry_point
from .plan import Plan, local_names_of_caller
from .reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import ParamSpec

    from .._core.backoff import Backoff
    from .._core.classify import Classifier
    from .._core.sources import Raw
    from .._policies.compose import Policy
    from ..events import Observer
    from ..sinks import DeadLetter
    from .entry import BatchEntryPoint
    from .window import Window

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
    lane: bool = False,
    unwrap: str | Sequence[str] | None = None,
    decode: Callable[[bytes], Any] | None = None,
    order: Literal["key"] | None = None,
    share_group: bool = False,
    concurrency: int = 1,
    max_attempts: int | None = None,
    stop_lane_on_dead_letter: bool = False,
    raise_if_all_failed: bool = False,
    visibility: Literal["auto", False] | Backoff = "auto",
    window_end: Callable[[Window], Any] | None = None,
    margin_s: float | None = None,
    interrupt: bool = False,
    after_interrupt: Literal["retire", "keep"] = "retire",
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
    lane: bool = False,
    unwrap: str | Sequence[str] | None = None,
    decode: Callable[[bytes], Any] | None = None,
    order: Literal["key"] | None = None,
    share_group: bool = False,
    concurrency: int = 1,
    max_attempts: int | None = None,
    stop_lane_on_dead_letter: bool = False,
    raise_if_all_failed: bool = False,
    visibility: Literal["auto", False] | Backoff = "auto",
    window_end: Callable[[Window], Any] | None = None,
    margin_s: float | None = None,
    interrupt: bool = False,
    after_interrupt: Literal["retire", "keep"] = "retire",
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
        source: The only source that is taken, such as ``"sqs"``; by default it is read from the event. Records that do
            not say where they come from are taken for it.
        model: What the body is validated as, instead of the annotation.
        raw: True to hand over the event's own dict, without a `Record` around it.
        lane: True for a function of ``list[Record]`` or ``list[Record[T]]`` that takes all records of a lane at once,
            those of the batch where there is no order. It returns None, or one item for each record: None for a
            success, the exception for a failure.
        unwrap: The envelope inside SQS messages: ``"sns"``, ``"s3"``, ``"eventbridge"``, or several, outermost first.
        decode: Turns the bytes that were sent into text, bytes or any object: gzip, Avro, Protobuf.
        order: ``"key"`` gives each partition key (Kinesis), item (DynamoDB) or message key (Kafka) a lane of its own
            within the batch. Needs `Idempotency`: records beyond the one that failed are delivered again, too.
        share_group: True for Kafka in ``ConsumptionMode: Queue``, which the event does not tell: no order, and each
            failed record is named.
        concurrency: How many lanes may run at a time, in threads for ``def`` and in tasks for ``async def``.
        max_attempts: Runs that failed after which a record goes to *dead_letter* although it is retryable. Counted by
            `Idempotency`; without it the receive count stands in.
        stop_lane_on_dead_letter: True to start no further record of a lane, in this invocation, after one that was set
            aside.
        raise_if_all_failed: True to raise if not one record succeeded: Lambda then slows its polling of a queue.
        visibility: How long failed messages of a queue stay hidden. ``"auto"`` has them wait exponentially longer, in
            standard queues; False leaves it to the queue; a `Backoff` sets the waits, for FIFO queues too.
        window_end: Called with the `Window` after the last record of a tumbling window.
        margin_s: Time before the deadline at which no further record is started, in seconds; by default a tenth of the
            remaining time, at most 5 s.
        interrupt: True to cut short what still runs at the margin, so that the others are acknowledged in time: by a
            signal, for one record at a time; ``async def`` is cancelled; threads are left to themselves.
        after_interrupt: ``"retire"`` ends the environment at its next invocation after a signal has cut a function
            short, which may have left a lock taken; ``"keep"`` goes on using it.

    Raises:
        ConfigurationError: An option is wrong, or the function cannot be a handler. At import; from the handler, where
            an option does not fit the source of the event, before anything is run.
        UnknownEventError: The event is of no known source; from the handler, nothing was run.
        BatchFailedError: The whole batch comes back: its source takes no partial answer, a record that must be
            delivered again has no id, or *raise_if_all_failed*; from the handler.
    """
    local_names = local_names_of_caller(1)
    reading = Reading(source, unwrap=unwrap, decode=decode, order=order, share_group=share_group)

    def decorate(function: Callable[..., Any]) -> Any:
        plan = Plan(
            function,
            policies=policies,
            dead_letter=dead_letter,
            observers=observers,
            classifier=classifier,
            model=model,
            raw=raw,
            takes_lane=lane,
            concurrency=concurrency,
            max_attempts=max_attempts,
            stop_lane_on_dead_letter=stop_lane_on_dead_letter,
            raise_if_all_failed=raise_if_all_failed,
            visibility=visibility,
            window_end=window_end,
            margin_s=margin_s,
            interrupt=interrupt,
            after_interrupt=after_interrupt,
            local_names=local_names,
            is_event=False,
        )
        if is_initialising():
            from .handling import warm

            warm(reading)
        if order is not None and not plan.given_idempotency:
            raise ConfigurationError(
                f"order={order!r} needs an Idempotency policy: Lambda delivers everything behind the first failure "
                "again, also the records of other keys that are done; Idempotency keeps them from being run twice"
            )
        return _entry_point(plan, reading)

    return decorate if function is None else decorate(function)


def _entry_point(plan: Plan, reading: Reading) -> Any:
    async def run(event: Raw, context: Any) -> dict[str, Any]:
        from .handling import handle

        return await handle(plan, reading, event, context)

    def run_blocking(event: Raw, context: Any) -> dict[str, Any]:
        from .handling import handle_blocking

        return handle_blocking(plan, reading, event, context)

    return entry_point(plan, run_blocking=run_blocking, run=run, attribute="record_handler")
