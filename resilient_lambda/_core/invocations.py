"""The Invoke API's rules: how much it takes, what a function's failure looks like, and what a refusal says."""

from __future__ import annotations

import re
from typing import Any

from .._named_tuple import NamedTuple
from ..errors import FunctionError, PayloadTooLargeError
from .function_errors import kind_of

# Lambda quotas, "Function configuration, deployment, and execution".
SYNCHRONOUS_LIMIT_BYTES = 6_291_456
ASYNCHRONOUS_LIMIT_BYTES = 1_048_576
CONTEXT_LIMIT_BYTES = 3_583  # of base64
# A function runs for 15 minutes at most; the answer may come somewhat later, for INIT is not part of them.
LONGEST_S = 900.0 + 30.0

_LONGEST_SHOWN = 300


def check_size(function: str, payload: bytes, *, is_asynchronous: bool) -> None:
    """
    Check that the invocation takes a payload of this size.

    Raises:
        PayloadTooLargeError: It does not.
    """
    limit = ASYNCHRONOUS_LIMIT_BYTES if is_asynchronous else SYNCHRONOUS_LIMIT_BYTES
    size = len(payload)
    if size <= limit:
        return
    kind = "an asynchronous" if is_asynchronous else "a synchronous"
    raise PayloadTooLargeError(
        f"the payload for {function!r} has {size:,} bytes, {kind} invocation takes {limit:,}: "
        "put it into S3 and send where it is",
        size_bytes=size,
        limit_bytes=limit,
    )


def check_context_size(context: str) -> None:
    """
    Check that a client context, which is base64 already, is no longer than an invocation takes.

    Raises:
        PayloadTooLargeError: It is.
    """
    if len(context) > CONTEXT_LIMIT_BYTES:
        raise PayloadTooLargeError(
            f"client_context has {len(context):,} bytes in base64, an invocation takes {CONTEXT_LIMIT_BYTES:,}: "
            "put it into the payload",
            size_bytes=len(context),
            limit_bytes=CONTEXT_LIMIT_BYTES,
        )


def failure_of(answer: Any, *, request_id: str, log: str = "") -> FunctionError:
    """
    Return what a function has failed of.

    Args:
        answer: What it answered instead of a result, parsed; of any shape, None if it cannot be read.
        request_id: Lambda's id of the invocation, "" if unknown.
        log: The end of its log.
    """
    said: dict[Any, Any] = answer if isinstance(answer, dict) else {}
    error_type, message, stack = said.get("errorType"), said.get("errorMessage"), said.get("stackTrace")
    return FunctionError(
        error_type if isinstance(error_type, str) else "",
        message if isinstance(message, str) else "",
        kind=kind_of(answer, request_id),
        stack=tuple(line for line in stack if isinstance(line, str)) if isinstance(stack, list) else (),
        request_id=request_id,
        log=log,
    )


class Permission(NamedTuple):
    """
    Whether the caller may invoke a function. True if it may, in an ``if`` too.

    Attributes:
        is_allowed: True if it may.
        action: What it must be allowed to do.
        reason: What is missing and where, or what forbids it, in a sentence; "" if it may.
        policy: The kind of policy that does not allow it, or denies it, in AWS's words: ``"identity-based"`` (of the
            caller's role), ``"resource-based"`` (of the function), ``"service control"``, ``"resource control"``,
            ``"permissions boundary"``, ``"session"``, ``"VPC endpoint"``; "" if AWS did not say, or it may.
        is_denied_explicitly: True if a policy denies it: then no other policy can allow it.
        principal: Who asked, as an ARN; "" if AWS did not say.
        resource: The function's ARN as AWS understood it; "" if AWS did not say.
    """

    is_allowed: bool
    action: str = "lambda:InvokeFunction"
    reason: str = ""
    policy: str = ""
    is_denied_explicitly: bool = False
    principal: str = ""
    resource: str = ""

    def __bool__(self) -> bool:
        return self.is_allowed


ALLOWED = Permission(True)

_POLICIES = (
    ("identity-based", "identity-based polic"),
    ("resource-based", "resource-based polic"),
    ("service control", "service control polic"),
    ("resource control", "resource control polic"),
    ("permissions boundary", "permissions boundar"),
    ("session", "session polic"),
    ("VPC endpoint", "vpc endpoint polic"),
)


def denial_of(message: str) -> Permission:
    """
    Return what AWS's *message* says of a refused call.

    The words are AWS's and no contract: whatever cannot be found in them is left empty.
    """
    said = message.lower()
    named = [(said.find(words), policy) for policy, words in _POLICIES if words in said]
    denied = Permission(
        False,
        action=_first(r"not authorized to perform: ([\w-]+:\w+)", message) or "lambda:InvokeFunction",
        policy=min(named)[1] if named else "",
        is_denied_explicitly="explicit deny" in said,
        principal=_first(r"User: (arn:\S+)", message),
        resource=_first(r"on resource: (arn:\S+)", message),
    )
    return denied._replace(reason=_reason(denied, message))


def _first(pattern: str, message: str) -> str:
    found = re.search(pattern, message, re.IGNORECASE)
    return found[1] if found else ""


def _reason(denied: Permission, message: str) -> str:
    who, action = denied.principal or "the caller", denied.action
    on = f" on {denied.resource}" if denied.resource else ""
    policy = denied.policy if denied.policy in ("", "permissions boundary") else f"{denied.policy} policy"
    if denied.is_denied_explicitly:
        denier = f"a policy ({policy})" if policy else "a policy"
        return f"{denier} denies {who} {action}{on} explicitly; no other policy can allow it"
    match denied.policy:
        case "identity-based":
            return f"no identity-based policy of {who} allows {action}{on}: add it to the role"
        case "resource-based":
            return f"no resource-based policy allows {who} {action}{on}: add a permission to the function"
        case "":
            return f"{who} may not {action}{on}: {message[:_LONGEST_SHOWN]}"
        case _:
            return f"no {policy} allows {who} {action}{on}"
