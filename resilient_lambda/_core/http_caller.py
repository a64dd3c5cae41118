"""
Who calls: what API Gateway or a function URL has made sure of, never what the client says by itself.

Each kind of caller is tagged, and has its parts apart: a caller of one kind can never be taken for one of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .source_fields import is_object, part, part_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def caller_of(event: Mapping[str, Any]) -> list[str | None] | None:
    """
    Return who calls, as a list that no other caller has; None if nobody has made sure.

    The first of these that there is:

    1. the subject of a JWT or Cognito token, with its issuer;
    2. the ``principalId`` that a Lambda authorizer has named, with the API, for it is the authorizer's own;
    3. the ARN of an IAM principal, with the Cognito identity: all users of an identity pool have one role;
    4. the id of an API key.

    A load balancer's headers tell nothing: a rule that authenticates nobody lets a client write them itself.
    """
    context = part(event, "requestContext")
    authorizer = part(context, "authorizer")
    for claims in (part(authorizer, "jwt", "claims"), part(authorizer, "claims")):
        if is_object(claims):
            subject = part_text(claims, "sub")
            # Without a subject it stays unknown: what comes further down is shared by many.
            return ["jwt", part_text(claims, "iss"), subject] if subject else None
    named = part_text(authorizer, "principalId") or part_text(authorizer, "lambda", "principalId")
    if named:
        return ["authorizer", part_text(context, "apiId"), named]
    return _iam(authorizer, context) or _api_key(context)


def _iam(authorizer: Any, context: Any) -> list[str | None] | None:
    iam = part(authorizer, "iam")
    if is_object(iam):
        arn = part_text(iam, "userArn") or part_text(iam, "callerId")
        identity = part_text(iam, "cognitoIdentity", "identityId")
    else:
        arn = part_text(context, "identity", "userArn") or part_text(context, "identity", "caller")
        identity = part_text(context, "identity", "cognitoIdentityId")
    return ["iam", arn, identity] if arn else None


def _api_key(context: Any) -> list[str | None] | None:
    found = part_text(context, "identity", "apiKeyId")
    return ["api_key", found] if found else None
