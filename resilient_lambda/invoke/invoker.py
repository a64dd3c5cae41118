"""`LambdaInvoker`: invoke other functions, wait for their answer or not, ask whether one may, look what became."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._core.options import number, text
from .._io.ambient import ambient_io
from .._io.blocking import drive
from .._io.initialising import is_initialising
from .._policies.retry import Retry
from ..errors import ConfigurationError
from . import _seam as seam
from ._calls import Calls
from ._client import LambdaClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.invocation_trace import Trace
    from .._core.invocations import Permission
    from .awaited import AwaitedInvoker

T = TypeVar("T")


class LambdaInvoker:
    """
    Invokes Lambda functions: `call` waits for the answer, `send` hands over, `check` asks whether one may.

    Safe for threads; nothing of AWS's SDK is loaded before the first call, or INIT.

    Args:
        retry: How what Lambda refuses is tried again, by the name of the error; by default three tries.
        region: Default: that of the ARN which is invoked, then ``AWS_REGION``.
        endpoint_url: Where the API is, for emulators and tests.
        client: A boto3 Lambda client. Its own retries are not used, its connect timeout is. By default one is built
            when needed: connect 1 s, no retries.
        logs_client: A boto3 CloudWatch Logs client, for `trace`.
        timeout_s: For how long one answer of `call` is waited for at most, in seconds; by default for as long as a
            function may run. Never longer than the deadline of the handler that is running. It bounds each read;
            connecting comes on top.

    Raises:
        ConfigurationError: An option is wrong; in INIT also if boto3 is missing, or no region is known.
    """

    __slots__ = ("_aio", "_calls")

    def __init__(
        self,
        *,
        retry: Retry | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        client: Any = None,
        logs_client: Any = None,
        timeout_s: float | None = None,
    ) -> None:
        if retry is None:
            retry = Retry(attempts=3)
        elif not isinstance(retry, Retry):
            raise ConfigurationError(
                f"retry={retry!r} is no Retry; give Retry(attempts=...), attempts=1 for no retries"
            )
        for option, value in (("region", region), ("endpoint_url", endpoint_url)):
            if value is not None:
                text(option, value)
                if client is not None:
                    raise ConfigurationError(f"{option} belongs to the client: pass either it or client=")
        if timeout_s is not None:
            number("timeout_s", timeout_s, above=0)
        clients = LambdaClient(region=region, endpoint_url=endpoint_url, client=client, logs_client=logs_client)
        self._calls = Calls(clients, retry, timeout_s)
        self._aio: AwaitedInvoker | None = None
        if is_initialising():
            self.warm()

    def warm(self) -> None:
        """Load what the first call would have to load, and build the client; done by itself in Lambda's INIT."""
        if seam.redirect is None:
            self._calls.warm()

    @property
    def aio(self) -> AwaitedInvoker:
        """The same methods as coroutines, to be awaited where an event loop runs."""
        if self._aio is None:
            from .awaited import AwaitedInvoker

            self._aio = AwaitedInvoker(self._calls)
        return self._aio

    @overload
    def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: type[T],
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> T: ...

    @overload
    def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: object = None,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> Any: ...

    def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: object = None,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> Any:
        """
        Invoke *function*, wait for it, and return what it returned.

        Args:
            function: Its name or ARN.
            payload: The event: anything that is JSON, pydantic models, data classes; bytes are JSON already, at most
                6,291,456 of them. None is an empty object.
            returns: What the answer is validated as; by default it is returned as JSON has it.
            qualifier: A version or alias.
            tenant_id: For a function that is isolated by tenants: for which one it runs.
            client_context: What the function finds in ``context.client_context``; at most 3,583 bytes in base64.
            idempotent: True if running the function twice for one event does no harm. Then it is also invoked again if
                no answer comes, and if it fails of something that may pass.
            log: True to have the last 4 KB of the function's log in ``FunctionError.log``; or a callable, which is
                given them whether it fails or not.

        Raises:
            FunctionError: The function failed.
            OutcomeUnknownError: No answer came; the function may have run, or be running still.
            PayloadTooLargeError: Nothing was sent.
            InvalidPayloadError: The payload is no JSON, or the answer does not fit *returns*.
            DeadlineExceededError: There was no time left; nothing was sent.
            Exception: What botocore raises where Lambda refuses, or is not reached: a ``ClientError`` with the name of
                the error, for example.
        """
        return drive(
            self._calls.call(
                ambient_io(is_asynchronous=False),
                function,
                payload,
                returns=returns,
                qualifier=qualifier,
                tenant_id=tenant_id,
                client_context=client_context,
                idempotent=idempotent,
                log=log,
            )
        )

    def send(
        self,
        function: str,
        payload: object = None,
        *,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: None = None,
        idempotent: bool = False,
    ) -> str:
        """
        Hand an event over to *function*, which Lambda invokes later, and return Lambda's request id of it.

        Args:
            function: Its name or ARN.
            payload: As for `call`, but at most 1,048,576 bytes.
            qualifier: A version or alias.
            tenant_id: For a function that is isolated by tenants: for which one it runs.
            client_context: Refused: Lambda hands it on synchronous invocations only.
            idempotent: True to send again if no answer comes; then there may be two events. Lambda itself may deliver
                one twice.

        Raises:
            OutcomeUnknownError: No answer came; the event may have been accepted.
            Exception: As `call` does, but never `FunctionError`.
        """
        return drive(
            self._calls.send(
                ambient_io(is_asynchronous=False),
                function,
                payload,
                qualifier=qualifier,
                tenant_id=tenant_id,
                client_context=client_context,
                idempotent=idempotent,
            )
        )

    def check(self, function: str, *, qualifier: str | None = None, tenant_id: str | None = None) -> Permission:
        """
        Return whether the caller may invoke *function*, by a dry run: nothing is run.

        Raises:
            FunctionNotFoundError: There is no such function, version or alias.
            Exception: As `call` does.
        """
        return drive(
            self._calls.check(ambient_io(is_asynchronous=False), function, qualifier=qualifier, tenant_id=tenant_id)
        )

    def trace(
        self,
        function: str,
        request_id: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        log_group: str | None = None,
    ) -> Trace:
        """
        Return what became of an invocation, as far as the function's log in CloudWatch says.

        Args:
            function: Its name or ARN.
            request_id: What `send` returned.
            start_s: Where to begin, in seconds since the epoch; 24 hours ago by default.
            end_s: Where to end; now by default.
            log_group: Where the function logs; ``/aws/lambda/<name>`` by default.

        Raises:
            Exception: What botocore raises: a ``ClientError`` for a log group that does not exist, for example.
        """
        return drive(
            self._calls.trace(
                ambient_io(is_asynchronous=False),
                function,
                request_id,
                start_s=start_s,
                end_s=end_s,
                log_group=log_group,
            )
        )
