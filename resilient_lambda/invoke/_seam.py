"""What one call of the Invoke API says and is answered; and where tests put their own Lambda."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .._named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_RESPONSE = "RequestResponse"
EVENT = "Event"
DRY_RUN = "DryRun"


class InvokeRequest(NamedTuple):
    """
    One call of the Invoke API.

    Attributes:
        function: The function's name, partial ARN or ARN, as the caller wrote it.
        qualifier: A version or alias; None if the caller named none.
        invocation_type: ``"RequestResponse"``, ``"Event"`` or ``"DryRun"``.
        payload: JSON; empty for a dry run.
        tenant_id: The tenant for whom the function runs; None if it is not isolated by tenants.
        client_context: What the function finds in its context, base64 of JSON; None if nothing was given.
        log: True to have the end of the function's log in the answer.
        timeout_s: For how long the caller waits for the answer, in seconds.
    """

    function: str
    qualifier: str | None
    invocation_type: str
    payload: bytes
    tenant_id: str | None = None
    client_context: str | None = None
    log: bool = False
    timeout_s: float = inf


class InvokeAnswer(NamedTuple):
    """
    What Lambda answers; where it refuses, an exception with a ``response`` comes instead, as botocore raises.

    Attributes:
        status: 200 for RequestResponse, 202 for Event, 204 for DryRun.
        payload: What the function returned, as JSON, or what it failed of; empty unless it was waited for.
        function_error: ``X-Amz-Function-Error``: ``"Unhandled"`` or ``"Handled"`` if the function failed, else "".
        request_id: Lambda's id of the invocation.
        executed_version: The version that ran; "" if unknown.
        log: The last 4 KB of its log as text, if that was asked for.
    """

    status: int = 200
    payload: bytes = b""
    function_error: str = ""
    request_id: str = ""
    executed_version: str = ""
    log: str = ""


# Set by `resilient_lambda.testing`: answers what would be sent to Lambda, or raises what botocore would.
redirect: Callable[[InvokeRequest], InvokeAnswer] | None = None
