"""What an invoker does, once for both colours: a request, its tries, and the answer read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.options import text
from .._policies.deadline import current as deadline
from ..errors import ConfigurationError, DeadlineExceededError, FunctionError, OutcomeUnknownError
from . import _seam as seam
from ._client import has_surely_not_run, unknown_outcome, was_perhaps_sent
from ._seam import DRY_RUN, EVENT, REQUEST_RESPONSE, InvokeAnswer, InvokeRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.invocation_trace import Trace
    from .._core.invocations import Permission
    from .._core.model import Classification
    from .._io.base import Io
    from .._policies.retry import Retry
    from ._client import LambdaClient

    LogTaker = Callable[[str], object]

# Lambda accepts an event, or answers a dry run, at once; the function is not waited for.
ACCEPTED_WITHIN_S = 10.0
TRACED_S = 86_400.0


class Calls:
    """
    The calls of one invoker.

    Args:
        timeout_s: For how long an answer is waited for at most; None for as long as a function may run.
    """

    def __init__(self, client: LambdaClient, retry: Retry, timeout_s: float | None) -> None:
        self.client = client
        self.retry = retry
        self.timeout_s = timeout_s

    def warm(self) -> None:
        """Load what a call needs, and a refused one, and build the client."""
        from .._core import aws_errors, classify, invocations
        from . import _content

        del aws_errors, classify, invocations, _content
        self.retry.warm()
        self.client.warm()

    async def call(
        self,
        io: Io,
        function: str,
        payload: object,
        *,
        returns: Any,
        qualifier: str | None,
        tenant_id: str | None,
        client_context: dict[str, Any] | None,
        idempotent: bool,
        log: bool | LogTaker,
    ) -> Any:
        """Invoke, wait, and return what the function returned."""
        from .._core.invocations import check_size
        from ._content import context_of, payload_of, result_of, validator_of

        _check(function, qualifier, tenant_id)
        _check_flag(idempotent)
        if returns is not None and returns is not bytes:
            validator_of(returns)  # a wrong one fails before the function runs
        content = payload_of(payload)
        check_size(function, content, is_asynchronous=False)
        context = None if client_context is None else context_of(client_context)
        request = InvokeRequest(function, qualifier, REQUEST_RESPONSE, content, tenant_id, context, bool(log))
        try:
            answer = await self._exchange(io, request, idempotent=idempotent)
        except FunctionError as error:
            if callable(log):
                log(error.log)
            raise
        if callable(log):
            log(answer.log)
        return result_of(answer.payload, returns, function)

    async def send(
        self,
        io: Io,
        function: str,
        payload: object,
        *,
        qualifier: str | None,
        tenant_id: str | None,
        client_context: object,
        idempotent: bool,
    ) -> str:
        """Hand an event over, and return Lambda's request id."""
        from .._core.invocations import check_size
        from ._content import payload_of

        if client_context is not None:
            raise ConfigurationError(
                "client_context= does not travel on asynchronous invocations: Lambda drops it; put it into the payload"
            )
        _check(function, qualifier, tenant_id)
        _check_flag(idempotent)
        content = payload_of(payload)
        check_size(function, content, is_asynchronous=True)
        request = InvokeRequest(function, qualifier, EVENT, content, tenant_id)
        return (await self._exchange(io, request, idempotent=idempotent)).request_id

    async def check(self, io: Io, function: str, *, qualifier: str | None, tenant_id: str | None) -> Permission:
        """Ask whether the caller may invoke."""
        from .._core.invocations import ALLOWED, denial_of
        from ..errors import FunctionNotFoundError

        _check(function, qualifier, tenant_id)
        try:
            await self._exchange(io, InvokeRequest(function, qualifier, DRY_RUN, b"", tenant_id), idempotent=True)
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            code, message = said_by(error)
            if code in ("AccessDeniedException", "AccessDenied"):
                return denial_of(message)
            if code == "ResourceNotFoundException":
                where = f"{function!r}" if qualifier is None else f"{function!r} with the qualifier {qualifier!r}"
                raise FunctionNotFoundError(
                    f"there is no function {where}: look at the name, the region and the account, and whether that "
                    "version or alias exists"
                ) from error
            raise
        return ALLOWED

    async def trace(
        self,
        io: Io,
        function: str,
        request_id: str,
        *,
        start_s: float | None,
        end_s: float | None,
        log_group: str | None,
    ) -> Trace:
        """Look what became of an invocation."""
        from ._logs import Logs

        _check(function, None, None)
        text("request_id", request_id)
        logs = Logs(io, self.client, self.retry, function, log_group)
        start_s = io.now() - TRACED_S if start_s is None else start_s
        return await logs.trace(request_id, start_s=start_s, end_s=end_s)

    async def _exchange(self, io: Io, request: InvokeRequest, *, idempotent: bool) -> InvokeAnswer:
        """Send *request*, again where that is right, and return its answer if it is the right one."""

        async def once() -> InvokeAnswer:
            bounded = request._replace(timeout_s=self._time_left_s(io, request))
            return _checked(await self._send(io, bounded), bounded)

        def classify(error: BaseException) -> Classification:
            from .._core.classify import Classifier
            from .._core.model import Category, Classification, Verdict

            # What may have run: no classifier of the user's can have it run once more. A wrong configuration is an
            # operator's to mend, not another try's.
            if isinstance(error, ConfigurationError) or not (idempotent or has_surely_not_run(error)):
                return Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN, reason="it may have run")
            return (self.retry.classifier or Classifier()).classify(error, now_s=io.now())

        # A request commits nothing: what an event's claim has committed already is not repeated by another try.
        name = f"invoking {request.function}"
        return await self.retry.repeat(io, once, classify=classify, name=name, has_no_commit=True)

    async def _send(self, io: Io, request: InvokeRequest) -> InvokeAnswer:
        if seam.redirect is None:
            return await io.call(self.client.invoke, request)
        try:
            return seam.redirect(request)
        except Exception as error:  # what botocore would raise
            if isinstance(error, (FunctionError, OutcomeUnknownError)) or not was_perhaps_sent(error):
                raise
            raise unknown_outcome(request, error) from error

    def _time_left_s(self, io: Io, request: InvokeRequest) -> float:
        """
        Return for how long the answer may be waited for.

        Raises:
            DeadlineExceededError: For no time.
        """
        from .._core.invocations import LONGEST_S

        longest_s = LONGEST_S if request.invocation_type == REQUEST_RESPONSE else ACCEPTED_WITHIN_S
        if self.timeout_s is not None:
            longest_s = min(longest_s, self.timeout_s)
        left_s = _until_s() - io.now()
        if left_s <= 0:
            raise DeadlineExceededError(f"there is no time left to invoke {request.function!r}; it was not invoked")
        return min(longest_s, left_s)


def _until_s() -> float:
    known = deadline.get()
    return float("inf") if known is None else known.stop_at_s


def _checked(answer: InvokeAnswer, request: InvokeRequest) -> InvokeAnswer:
    if answer.function_error:
        from json import loads

        from .._core.invocations import failure_of

        try:
            said = loads(answer.payload)
        except (ValueError, RecursionError):  # the function's own words, of any shape
            said = None
        raise failure_of(said, request_id=answer.request_id, log=answer.log)
    if request.invocation_type == EVENT and answer.status != 202:
        raise OutcomeUnknownError(
            f"{request.function!r} was sent an event, the answer is {answer.status}, not 202: it may have been lost",
            function=request.function,
        )
    return answer


def said_by(error: BaseException) -> tuple[str, str]:
    """Return AWS's code and message in what botocore raised, "" if there is none."""
    response: Any = getattr(error, "response", None)
    said = response.get("Error") if isinstance(response, dict) else None
    if not isinstance(said, dict):
        return "", ""
    return str(said.get("Code") or ""), str(said.get("Message") or "")


def _check(function: str, qualifier: str | None, tenant_id: str | None) -> None:
    for option, value in (("function", function), ("qualifier", qualifier), ("tenant_id", tenant_id)):
        if value is not None or option == "function":
            text(option, value)


def _check_flag(idempotent: object) -> None:
    # It decides on double starts, and any text would be true.
    if not isinstance(idempotent, bool):
        raise ConfigurationError(f"idempotent={idempotent!r} is neither True nor False")
