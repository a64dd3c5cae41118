"""`resilient_handler`: a function for one event becomes a Lambda handler that runs inside policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._core.model import Disposition, Failure, Success
from .._core.record import EventRecord
from .._core.reserved import KEY as RESERVED
from .._core.sources import INVOCATION
from .._io.blocking import drive
from .._policies import deadline
from .._policies.compose import close, finish
from .._policies.order import kind_of
from ..errors import ConfigurationError, InProgressError, LeaseLostError, RetryableError
from ..events import RecordSettled
from .entry import entry_point
from .plan import Plan, local_names_of_caller
from .settling import Letter, is_reporting, park, report, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import EllipsisType

    from typing_extensions import ParamSpec

    from .._core.classify import Classifier
    from .._policies.compose import Policy
    from .._policies.request_keys import Principal
    from ..events import Observer
    from ..sinks import DeadLetter
    from .entry import EventEntryPoint

    P = ParamSpec("P")

R = TypeVar("R")


@overload
def resilient_handler(function: Callable[P, R], /) -> EventEntryPoint[P, R]: ...


@overload
def resilient_handler(
    *,
    policies: Sequence[Policy] = (),
    dead_letter: DeadLetter | None = None,
    observers: Sequence[Observer] = (),
    classifier: Classifier | None = None,
    model: Any = None,
    max_attempts: int | None = None,
    margin_s: float | None = None,
    http: bool = False,
    principal: Principal | EllipsisType = ...,
    failed_if: Callable[[dict[str, Any]], bool] | None = None,
    status_of: Callable[[BaseException], int | None] | None = None,
    headers: dict[str, str] | None = None,
    methods: Collection[str] | None = None,
) -> Callable[[Callable[P, R]], EventEntryPoint[P, R]]: ...


def resilient_handler(
    function: Callable[..., Any] | None = None,
    /,
    *,
    policies: Sequence[Policy] = (),
    dead_letter: DeadLetter | None = None,
    observers: Sequence[Observer] = (),
    classifier: Classifier | None = None,
    model: Any = None,
    max_attempts: int | None = None,
    margin_s: float | None = None,
    http: bool = False,
    principal: Principal | EllipsisType = ...,
    failed_if: Callable[[dict[str, Any]], bool] | None = None,
    status_of: Callable[[BaseException], int | None] | None = None,
    headers: dict[str, str] | None = None,
    methods: Collection[str] | None = None,
) -> Any:
    """
    Make a function for one event a Lambda handler that runs inside policies; use it bare or with options.

    It returns what the function returns; a duplicate gets the recorded result. A failure is raised, so that Lambda
    retries the event, unless it goes to *dead_letter*: then the handler returns None. Without an annotation, and for
    dicts, the function gets the event itself; any other type is what the event is validated as. The handler has
    ``event_handler``, your function, and ``aio(event, context)``, to be awaited where a loop is running.

    Args:
        policies: What stands around the run, outermost first, such as ``Idempotency(store, key="job_id")``.
        dead_letter: Where events go that cannot succeed; without it the error is raised.
        observers: Callables that take an event of `resilient_lambda.events`.
        classifier: Which errors are worth another try; by default all but those known to be permanent.
        model: What the event is validated as, instead of the annotation.
        max_attempts: Runs that failed after which an event goes to *dead_letter*; counted by `Idempotency`.
        margin_s: Time before the deadline that is kept free, in seconds; by default a tenth of the remaining time, at
            most 5 s. Waiting for a twin ends there.
        http: True for requests of API Gateway, function URLs and load balancers: whatever happens, the caller is
            answered, and the idempotency key is the Idempotency-Key header. The options below are for these; see
            docs/http.md.
        principal: Whose an idempotency key is: ``"caller"`` for whom the authorizer, IAM or the API key names, a
            function from the event to a text, None if all callers are one. To be written with `Idempotency`. Where the
            authorizer names everybody alike, ``"caller"`` makes all callers one; a session name that changes makes one
            caller many.
        failed_if: Tells of a response whether it is a failure, so that it is not recorded; by default 429 and from 500.
        status_of: Gives the status for an error, from 400 to 599, or None for the usual one.
        headers: Go with answers that the library makes: errors, and what is made of a model. For CORS.
        methods: Those that need an idempotency key; by default all but GET, HEAD, OPTIONS and TRACE.

    Raises:
        ConfigurationError: An option is wrong, or the function cannot be a handler. At import.
    """
    local_names = local_names_of_caller(1)

    http_options = {
        "principal": principal, "failed_if": failed_if, "status_of": status_of, "headers": headers, "methods": methods
    }  # fmt: skip
    _check_http(http, http_options, dead_letter=dead_letter, max_attempts=max_attempts)

    def decorate(function: Callable[..., Any]) -> Any:
        if http:
            from .http import http_entry_point  # who handles requests pays for it
            from .http_options import HttpOptions

            return http_entry_point(
                function,
                HttpOptions(**http_options),
                policies=policies,
                observers=observers,
                classifier=classifier,
                model=model,
                margin_s=margin_s,
                local_names=local_names,
            )
        plan = Plan(
            function,
            policies=policies,
            dead_letter=dead_letter,
            observers=observers,
            classifier=classifier,
            model=model,
            raw=False,
            max_attempts=max_attempts,
            margin_s=margin_s,
            local_names=local_names,
            is_event=True,
        )
        for policy in plan.policies:
            if kind_of(policy) == "idempotency" and getattr(policy, "key", None) is None:
                raise ConfigurationError(
                    "resilient_handler needs Idempotency(store, key=...): "
                    "an event has no id that all its deliveries share"
                )
        return entry_point(
            plan,
            run_blocking=_blocking(plan),
            run=lambda event, context: _run(plan, event, context),
            attribute="event_handler",
        )

    return decorate if function is None else decorate(function)


def _check_http(http: Any, options: dict[str, Any], **refused: Any) -> None:
    if not isinstance(http, bool):
        raise ConfigurationError(f"http={http!r} must be True or False")
    for name, value in refused.items():
        if http and value is not None:
            raise ConfigurationError(
                f"{name}={value!r} does not go with http=True: the caller has the answer, and sends the request again "
                "or not; leave it out"
            )
    given = [name for name, value in options.items() if value not in (None, ...) or (name == "principal" and not value)]
    if given and not http:
        raise ConfigurationError(f"{given[0]}= needs http=True")


def _blocking(plan: Plan) -> Callable[[Any, Any], Any]:
    # A duplicate that this environment knows to be done is answered without a coroutine: design decision 3.
    peek = getattr(plan.policies[0], "peek", None) if plan.policies and not plan.observers else None

    def run(event: Any, context: Any) -> Any:
        if peek is not None:
            done = peek(EventRecord(event, INVOCATION, ""), context, plan.current_io().now())
            if done is not None:
                return done.value()
        return drive(_run(plan, event, context))

    return run


async def _run(plan: Plan, event: Any, context: Any, failed_id: str = "") -> Any:
    if isinstance(event, dict) and RESERVED in event:
        return await _run_reinvoked(plan, event, context)
    invocation = plan.open(INVOCATION, context)
    invocation.failed_id = failed_id
    record: EventRecord[Any] = EventRecord(event, INVOCATION, invocation.request_id)
    call = plan.call(record, invocation, before_suspect=_nothing_waits)
    token = deadline.current.set(invocation.deadline)
    try:
        outcome = await plan.run(call)
        await finish(plan.policies, invocation)
        disposition = Disposition.ACK
        if isinstance(outcome, Failure):
            disposition = Disposition.DEAD_LETTER if call.held is not None else plan.dispose(outcome, None)
        if disposition is Disposition.DEAD_LETTER and isinstance(outcome, Failure):
            letter = Letter(invocation.request_id, record, outcome, call.held)
            (disposition,) = await park(plan, invocation, [letter])
    finally:
        if call.held is not None:
            call.held.settle(parked=None)  # unless the sink has it
        await close(plan.policies, invocation)
        deadline.current.reset(token)
    if isinstance(outcome, Success):
        if invocation.observers:
            invocation.emit(RecordSettled(invocation.request_id, Disposition.ACK, None, None, outcome.ran))
        return outcome.value
    if is_reporting():
        report("event", invocation.request_id, outcome, disposition)
    if invocation.observers:
        invocation.emit(settled(invocation.request_id, outcome, disposition))
    if disposition is not Disposition.RETRY:
        return None
    # The runtime reports Exceptions only; anything else would end the environment, and its journal with it.
    if isinstance(outcome.error, LeaseLostError):
        raise InProgressError(str(outcome.error)) from outcome.error
    if not isinstance(outcome.error, Exception):
        raise RetryableError(f"the function ended with {type(outcome.error).__name__}") from outcome.error
    raise outcome.error


async def _run_reinvoked(plan: Plan, event: dict[str, Any], context: Any) -> Any:
    from .reinvoked import Reinvoked  # few events are such

    reinvoked = Reinvoked(event)
    invocation = plan.open(INVOCATION, context)
    if not await reinvoked.is_to_run(plan, invocation):
        invocation.emit(RecordSettled(invocation.request_id, Disposition.ACK, None, None, ran=False))
        return None
    with reinvoked:
        return await _run(plan, reinvoked.event, context, reinvoked.failed_id)


async def _nothing_waits() -> None:
    """Bring nothing to safety: an event stands alone."""
