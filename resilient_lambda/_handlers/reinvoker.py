"""`timeout_reinvoker`: the Lambda handler that has other functions invoked again when they timed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from .._core.allowed_functions import AllowedFunctions
from .._core.functions import is_coroutine_function
from .._core.options import number, one_of, text
from .._core.record import Record
from .._io.initialising import is_initialising
from .._policies.idempotency import Idempotency
from ..errors import ConfigurationError
from ..sinks import DeadLetter
from .batch import batch_handler
from .single import resilient_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.model import Outcome
    from .._policies.call import Call, Invocation
    from .._policies.compose import Policy, Proceed
    from ..destinations import DestinationRecord
    from ..events import Observer
    from ..stores.base import Store
    from .delay import Delay
    from .reinvoking import Reinvoking

    class ReinvokerEntryPoint(Protocol):
        """What `timeout_reinvoker` returns: a Lambda handler."""

        __name__: str

        def __call__(self, event: Any, context: Any) -> dict[str, Any] | None: ...


MOST_ATTEMPTS = 15  # Lambda ends a chain of 16
MOST_ATTEMPTS_QUEUED = 8
_KINDS = ("out_of_memory", "exit")


def timeout_reinvoker(
    *,
    functions: Sequence[str],
    dead_letter: DeadLetter,
    max_attempts: int = 3,
    delay: Delay | None = None,
    store: Store | None = None,
    also: Sequence[Literal["out_of_memory", "exit"]] = (),
    predicate: Callable[[DestinationRecord], object] | None = None,
    observers: Sequence[Observer] = (),
    namespace: str | None = None,
    keep_s: float = 86_400,
    margin_s: float | None = None,
    client: Any = None,
    s3_client: Any = None,
) -> ReinvokerEntryPoint:
    """
    Return a Lambda handler for the ``OnFailure`` destination of other functions: what timed out is invoked again.

    It takes the record in every form: from Lambda itself, an SQS batch, SNS, EventBridge, and the notification of an S3
    object. The function gets its event once more, asynchronously, under the qualifier that it was invoked with. What is
    not invoked again goes to *dead_letter*, with the whole record and the reason.

    Args:
        functions: Which functions may be invoked: ARNs, or names of functions in this one's own account and region,
            with the qualifier where they are invoked with one (``"worker:live"``); without, ``$LATEST`` alone.
        dead_letter: Where everything else goes.
        max_attempts: Invocations of one event, the first included, from 2 to 15; at most 8 with ``Delay.sqs``.
            Lambda's own retries of one invocation count as one.
        delay: How long a re-invocation waits, and where; by default it is sent at once.
        store: Keeps a record that comes twice from being acted on twice, and counts the attempts of payloads that are
            no objects; without it those are set aside.
        also: Failures that are worth another invocation beside timeouts.
        predicate: Called with each record that is of an allowed function and failed of something else; what is true
            has it invoked again.
        observers: Callables that take an event of `resilient_lambda.events`.
        namespace: Of the keys in *store*; the name of this function by default.
        keep_s: For how long *store* remembers, in seconds.
        margin_s: As for `batch_handler`.
        client: A boto3 Lambda client, as for `LambdaInvoker`.
        s3_client: A boto3 S3 client, for records in S3; by default one is built when needed: connect 1 s, read 2 s,
            no retries.

    Raises:
        ConfigurationError: An option is wrong. At import.
        UnknownEventError: The event has ``Records`` of no known source, or of several; from the handler.
        BatchFailedError: The whole event comes back: records of SNS or S3 that must be delivered again; from the
            handler.
    """
    if not isinstance(dead_letter, DeadLetter):
        raise ConfigurationError(
            f"dead_letter={dead_letter!r} is no DeadLetter; what is not invoked again must go somewhere, "
            "DeadLetter.sqs(url=...) for example"
        )
    number("max_attempts", max_attempts, at_least=2, is_whole=True)
    allowed = AllowedFunctions(functions)
    _check_attempts(max_attempts, delay)
    if not isinstance(also, list | tuple | set | frozenset):
        raise ConfigurationError(f"also={also!r} must be a list of {', '.join(map(repr, _KINDS))}")
    for kind in also:
        one_of("also", kind, _KINDS)
    number("keep_s", keep_s, above=0)
    if namespace is not None:
        text("namespace", namespace)
    for option, given, method in (("client", client, "invoke"), ("s3_client", s3_client, "get_object")):
        if given is not None and not hasattr(given, method):
            raise ConfigurationError(f"{option}={given!r} is no boto3 client that has {method}()")
    if predicate is not None and not callable(predicate):
        raise ConfigurationError(f"predicate={predicate!r} must be a function that takes a DestinationRecord")
    if is_coroutine_function(predicate):  # its coroutine would be true of every record
        raise ConfigurationError("predicate= is an async function; write it with def, for it decides at once")

    def build() -> Reinvoking:
        from .._core.reinvoke import Rules
        from .reinvoking import Options, Reinvoking  # with all that records need, and nothing at import does

        rules = Rules(allowed, max_attempts, frozenset({"timeout", *also}), predicate, store is not None)
        return Reinvoking(Options(rules, delay, store, namespace, keep_s, client, s3_client))

    lazy = _Lazy(build)
    policies: list[Policy] = [lazy]
    if store is not None:
        policies.append(
            Idempotency(
                store,
                key=lambda record: lazy.reinvoking.key_of(record),  # noqa: PLW0108  # not before it is needed
                namespace=namespace,
                keep_s=keep_s,
                remember_failures_s=keep_s,  # a record that was set aside, and comes again, is not set aside twice
                on_missing_key="skip",
            )
        )

    def handle_record(record: Record[Any]) -> None:
        lazy.reinvoking.handle(record)

    options: dict[str, Any] = {
        "policies": policies,
        "dead_letter": dead_letter,
        "observers": observers,
        "margin_s": margin_s,
        "model": Record,
    }
    batch = batch_handler(**options)(handle_record)
    single = resilient_handler(**options)(handle_record)
    if is_initialising():
        lazy.warm()

    def reinvoker(event: Any, context: Any) -> dict[str, Any] | None:
        """Have invoked again what timed out."""
        if isinstance(event, dict) and isinstance(event.get("Records"), list):
            return batch(event, context)
        single(event, context)
        return None

    reinvoker.__annotations__ = {}
    return reinvoker


class _Lazy:
    """The policy that does the work, built when it is warmed or first used."""

    def __init__(self, build: Callable[[], Reinvoking]) -> None:
        self._build = build
        self._built: Reinvoking | None = None

    @property
    def reinvoking(self) -> Reinvoking:
        if self._built is None:
            self._built = self._build()
        return self._built

    def warm(self) -> None:
        self.reinvoking.warm()

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        return await self.reinvoking.around(call, proceed)

    async def close(self, invocation: Invocation) -> None:
        await self.reinvoking.close(invocation)


def _check_attempts(max_attempts: int, delay: Any) -> None:
    if max_attempts > MOST_ATTEMPTS:
        raise ConfigurationError(
            f"max_attempts={max_attempts} is too many: Lambda ends a chain of 16; give at most {MOST_ATTEMPTS}"
        )
    if delay is None:
        return
    from .delay import Delay as Waiting  # who gives one has loaded it

    if not isinstance(delay, Waiting):
        raise ConfigurationError(f"delay={delay!r} is no Delay; use Delay.sqs(...) or Delay.schedule(...)")
    if delay.is_queue and max_attempts > MOST_ATTEMPTS_QUEUED:
        raise ConfigurationError(
            f"max_attempts={max_attempts} is too many with Delay.sqs: each attempt comes past the re-invoker twice, "
            "and Lambda ends a chain in which a function comes 16 times; give at most 8"
        )
