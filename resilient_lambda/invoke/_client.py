"""Lambda's Invoke API through botocore: one request, one answer, and what it means that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import function_names
from .._core.functions import is_coroutine_function
from ..errors import ConfigurationError, OutcomeUnknownError
from ..stores import _aws_client as aws
from ._bounds import bound, read_within
from ._seam import InvokeAnswer

if TYPE_CHECKING:
    from ._seam import InvokeRequest

# Raised after the request was sent, or perhaps sent; by name, so that nothing is imported for it. That no connection
# was made is said by botocore's ConnectionError, which is not among them.
_AFTER_SENDING = {"HTTPClientError", "IncompleteReadError", "ResponseParserError", "SSLError"}


class LambdaClient:
    """
    The clients of an invoker, built when they are needed.

    Args:
        region: That of the ARNs that are invoked, or ``AWS_REGION``, by default.
        client: The user's own; None to have one built.
        logs_client: The same for CloudWatch Logs.

    Raises:
        ConfigurationError: What was passed is no such client.
    """

    def __init__(self, *, region: str | None, endpoint_url: str | None, client: Any, logs_client: Any) -> None:
        _check_client("client", client, "invoke", "lambda")
        _check_client("logs_client", logs_client, "filter_log_events", "logs")
        if client is not None:
            aws.warn_of_long_connect(client, "LambdaInvoker")
        self._region = region
        self._endpoint_url = endpoint_url
        self._given = client
        self._given_logs = logs_client
        self._prepared: Any = None

    def warm(self) -> None:
        """Build the client, and have botocore do all of a call but the sending."""
        client = self.connected("")
        if self._given is None:
            aws.rehearse(client, "Invoke", "invoke", FunctionName="warm", Payload=b"{}")

    def connected(self, function: str) -> Any:
        """
        Return the client for *function*.

        Raises:
            ConfigurationError: boto3 is missing, no region is known, or the endpoint is no URL.
        """
        client = self._given
        if client is None:
            client = aws.shared_client("lambda", region=self._region_of(function), endpoint_url=self._endpoint_url)
        if client is not self._prepared:
            if self._given is not None:
                aws.forbid_retries_within_single_try(client, "Invoke")
            bound(client)
            self._prepared = client
        return client

    def logs(self, function: str) -> Any:
        """
        Return the client of CloudWatch Logs for *function*.

        Raises:
            ConfigurationError: As `connected`.
        """
        client = self._given_logs or aws.shared_client("logs", region=self._region_of(function))
        bound(client)
        return client

    def _region_of(self, function: str) -> str | None:
        if self._region is None and ":" in function and (found := function_names.parse(function)) is not None:
            return found.region or None
        return self._region

    def invoke(self, request: InvokeRequest) -> InvokeAnswer:
        """
        Send *request* once, whatever retries the client has, and wait for its answer for as long as the request says.

        Raises:
            OutcomeUnknownError: It was sent, and no answer came.
            Exception: What botocore raises: Lambda refused, or was not reached.
        """
        client = self.connected(request.function)
        arguments = _arguments(request)
        if request.tenant_id is not None:
            _check_knows_tenants(client)
        try:
            with read_within(request.timeout_s), aws.single_try():
                answer = client.invoke(**arguments)
                payload = answer["Payload"].read()  # a stream: the connection may still break
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            if was_perhaps_sent(error):
                raise unknown_outcome(request, error) from error
            raise
        return InvokeAnswer(
            answer["StatusCode"],
            payload,
            answer.get("FunctionError") or "",
            answer.get("ResponseMetadata", {}).get("RequestId", ""),
            answer.get("ExecutedVersion") or "",
            _text_of(answer.get("LogResult")),
        )


def _text_of(log: str | None) -> str:
    if not log:
        return ""
    from base64 import b64decode  # botocore has loaded it

    return b64decode(log).decode("utf-8", "replace")


def was_perhaps_sent(error: BaseException) -> bool:
    """Tell whether the request was sent, or perhaps sent, and the connection broke before there was an answer."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        # Something between here and Lambda has answered, a proxy or a gateway: with a status, but without a name.
        code = str((response.get("Error") or {}).get("Code") or "")
        if code in ("", "Unknown") or (code.isdigit() and int(code) >= 500):
            return True
        status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        return isinstance(status, int) and status >= 500 and not _is_refusal(code)
    names = {parent.__name__ for parent in type(error).__mro__}
    if "SSLError" in names and "certificate" in str(error).lower():
        return False  # refused before anything was sent
    return bool(names & _AFTER_SENDING) or isinstance(error, (TimeoutError, ConnectionResetError, BrokenPipeError))


def _is_refusal(code: str) -> bool:
    """Tell whether a server fault of this name says that nothing was started: any other name may be a gateway's."""
    from .._core.aws_codes import INVOKE
    from .._core.aws_errors import BY_CODE
    from .._core.model import Category

    return code in INVOKE or (code in BY_CODE and BY_CODE[code].category is Category.THROTTLING)


def has_surely_not_run(error: BaseException) -> bool:
    """Tell whether *error* says that the function was not started: Lambda refused it by name, or was not reached."""
    if was_perhaps_sent(error):
        return False
    # Anything else than botocore's errors may come from what was done with the answer.
    return isinstance(getattr(error, "response", None), dict) or any(
        parent.__module__.partition(".")[0] == "botocore" for parent in type(error).__mro__
    )


def unknown_outcome(request: InvokeRequest, error: Exception) -> OutcomeUnknownError:
    """Return what to raise instead of *error*."""
    return OutcomeUnknownError(
        f"no answer of {request.function!r} ({type(error).__name__}, read timeout {request.timeout_s:.3g} s): it may"
        " have run, or be running still; another call would start it once more",
        function=request.function,
        waited_s=request.timeout_s,
    )


def _arguments(request: InvokeRequest) -> dict[str, Any]:
    given = {
        "Qualifier": request.qualifier,
        "TenantId": request.tenant_id,
        "ClientContext": request.client_context,
        "LogType": "Tail" if request.log else None,
        "Payload": request.payload or None,
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    return {"FunctionName": request.function, "InvocationType": request.invocation_type, **arguments}


def _check_client(option: str, client: Any, method: str, service: str) -> None:
    found = getattr(client, method, None)
    if client is not None and (not callable(found) or is_coroutine_function(found)):
        raise ConfigurationError(f"{option} is a {type(client).__name__}; pass boto3.client({service!r})")


def _check_knows_tenants(client: Any) -> None:
    # Without validation, an older botocore would leave the tenant out, and the function would run for nobody.
    if hasattr(client, "meta"):
        members = client.meta.service_model.operation_model("Invoke").input_shape.members
        if "TenantId" not in members:
            raise ConfigurationError("tenant_id= needs a newer boto3: this one does not know TenantId; update it")
