"""Records of Lambda destinations, as AWS writes them."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from ._notification_events import _now

ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker:$LATEST"

_ERRORS: dict[str, tuple[str, str]] = {
    "timeout": ("Sandbox.Timedout", "RequestId: {} Error: Task timed out after 30.00 seconds"),
    "out_of_memory": ("Runtime.ExitError", "RequestId: {} Error: Runtime exited with error: signal: killed"),
    "exit": ("Runtime.ExitError", "RequestId: {} Error: Runtime exited with error: exit status 1"),
}


def destination_record(
    payload: Any = None,
    *,
    function_arn: str = ARN,
    kind: Literal["timeout", "out_of_memory", "exit", "handler"] = "timeout",
    condition: str = "RetriesExhausted",
    request_id: str | None = None,
) -> dict[str, Any]:
    """
    Return what Lambda writes to the ``OnFailure`` destination of a function that is invoked asynchronously.

    Args:
        payload: The event that the function was given.
        function_arn: With its qualifier, as AWS writes it.
        kind: What the last attempt failed of; ``"handler"`` is an exception of the function's own.
        condition: Why Lambda gave up.
        request_id: That of the invocation; a new one by default.

    Source: "Capturing records of Lambda asynchronous invocations", AWS Lambda Developer Guide.
    """
    name = request_id or str(uuid.uuid4())
    error: dict[str, Any]
    if kind == "handler":
        error = {
            "errorMessage": "boom",
            "errorType": "ValueError",
            "requestId": name,
            "stackTrace": ["-"],
        }
    else:
        error_type, message = _ERRORS[kind]
        error = {"errorType": error_type, "errorMessage": message.format(name)}
    return {
        "version": "1.0",
        "timestamp": _now(),
        "requestContext": {
            "requestId": name,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": error,
    }
