"""Requests as API Gateway, function URLs and load balancers hand them to a function."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

_ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
_TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/orders/49e9d65c45c6791a"


def http_event(
    body: object = None,
    *,
    method: str = "POST",
    path: str = "/",
    api: Literal["http", "rest", "url", "alb"] = "http",
    route: str | None = None,
    parameters: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    caller: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """
    Return a request.

    Args:
        body: Sent as it is if it is a text, in base64 if it is bytes, as JSON otherwise; None for no body.
        api: From where: an HTTP API of API Gateway, a REST API of it, a function URL, or a load balancer.
        route: The route's template, ``"/orders/{id}"``; the path by default.
        parameters: What the names in the route stand for.
        caller: The subject of a token that API Gateway has checked; of a function URL the ARN of an IAM principal. A
            load balancer makes sure of nobody.
        idempotency_key: The Idempotency-Key header.

    Raises:
        ValueError: A load balancer has no callers.

    Source: "Working with AWS Lambda proxy integrations for HTTP APIs" and "Input format of a Lambda function for proxy
    integration", API Gateway Developer Guide; "Using Lambda with an Application Load Balancer", Lambda Developer Guide.
    """
    if caller is not None and api == "alb":
        raise ValueError("a load balancer makes sure of no caller; give principal= a function of the event")
    all_headers = {"content-type": "application/json", **(headers or {})}
    if idempotency_key is not None:
        all_headers["idempotency-key"] = idempotency_key
    event: dict[str, Any] = {"headers": all_headers, "isBase64Encoded": isinstance(body, bytes), "body": _sent(body)}
    if api in ("http", "url"):
        event.update(
            _version_2(
                method,
                path,
                is_url=api == "url",
                route=route or path,
                parameters=parameters,
                query=query,
                caller=caller,
            )
        )
    else:
        event.update(path=path, httpMethod=method, queryStringParameters=dict(query or {}))
        event.update(
            _rest(method, path, route or path, parameters, caller)
            if api == "rest"
            else {"requestContext": {"elb": {"targetGroupArn": _TARGET_GROUP}}}
        )
    return event


def _version_2(
    method: str,
    path: str,
    *,
    is_url: bool,
    route: str,
    parameters: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
    caller: str | None,
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "api-id.execute-api.us-east-1.amazonaws.com",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default" if is_url else f"{method} {route}",
        "stage": "$default",
    }
    if caller is not None and is_url:
        context["authorizer"] = {"iam": {"userArn": caller, "accountId": "123456789012", "cognitoIdentity": None}}
    elif caller is not None:
        context["authorizer"] = {"jwt": {"claims": {"iss": _ISSUER, "sub": caller}, "scopes": None}}
    event = {
        "version": "2.0",
        "routeKey": context["routeKey"],
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "requestContext": context,
    }
    return event if parameters is None else {**event, "pathParameters": dict(parameters)}


def _rest(
    method: str, path: str, route: str, parameters: Mapping[str, str] | None, caller: str | None
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "api-id",
        "httpMethod": method,
        "identity": {"sourceIp": "192.0.2.1", "userArn": None, "cognitoIdentityId": None},
        "path": f"/prod{path}",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "resourcePath": route,
        "stage": "prod",
    }
    if caller is not None:
        context["authorizer"] = {"claims": {"iss": _ISSUER, "sub": caller}}
    return {
        "resource": route,
        "pathParameters": None if parameters is None else dict(parameters),
        "requestContext": context,
    }


def _sent(body: object) -> str | None:
    if body is None or isinstance(body, str):
        return body
    return b64encode(body).decode() if isinstance(body, bytes) else json.dumps(body)
