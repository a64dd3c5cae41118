"""
Requests written by hand as AWS documents them, and what must be read from each.

They have the shapes of the examples in the API Gateway and Lambda developer guides; the builder of
`resilient_lambda.testing` is compared with them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"


class Golden(NamedTuple):
    """
    One request.

    Attributes:
        name: From where it is.
        event: The event.
        form: What `read_request` says of its kind.
        route: Its template.
        caller: Who calls; None if nobody is known.
        path: What it asks for.
        answers_lists: True if the headers of its answer must be lists.
    """

    name: str
    event: dict[str, Any]
    form: str
    route: str
    caller: list[str | None] | None
    path: str = "/orders/7"
    answers_lists: bool = False


REST = {
    "resource": "/orders/{id}",
    "path": "/orders/7",
    "httpMethod": "POST",
    "headers": {"Accept": "*/*", "Host": "abc.execute-api.us-east-1.amazonaws.com", "Idempotency-Key": "key-1"},
    "multiValueHeaders": {
        "Accept": ["*/*"],
        "Host": ["abc.execute-api.us-east-1.amazonaws.com"],
        "Idempotency-Key": ["key-1"],
    },
    "queryStringParameters": {"color": "red"},
    "multiValueQueryStringParameters": {"color": ["blue", "red"]},
    "pathParameters": {"id": "7"},
    "stageVariables": None,
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "abc",
        "authorizer": {"claims": {"sub": "alice", "iss": ISSUER, "token_use": "id"}},
        "domainName": "abc.execute-api.us-east-1.amazonaws.com",
        "extendedRequestId": "request-id",
        "httpMethod": "POST",
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "sourceIp": "192.0.2.1",
            "user": None,
            "userAgent": "user-agent",
            "userArn": None,
        },
        "path": "/prod/orders/7",
        "protocol": "HTTP/1.1",
        "requestId": "id=",
        "resourceId": "123abc",
        "resourcePath": "/orders/{id}",
        "stage": "prod",
    },
    "body": '{"total": 5}',
    "isBase64Encoded": False,
}

HTTP = {
    "version": "2.0",
    "routeKey": "POST /orders/{id}",
    "rawPath": "/orders/7",
    "rawQueryString": "color=blue&color=red",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"accept": "*/*", "idempotency-key": "key-1"},
    "queryStringParameters": {"color": "blue,red"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "authentication": None,
        "authorizer": {"jwt": {"claims": {"sub": "alice", "iss": ISSUER}, "scopes": ["orders"]}},
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": "POST",
            "path": "/orders/7",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "POST /orders/{id}",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": "eyJ0b3RhbCI6IDV9",
    "pathParameters": {"id": "7"},
    "isBase64Encoded": True,
    "stageVariables": {"stageVariable1": "value1"},
}

URL = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/orders/7",
    "rawQueryString": "",
    "headers": {"x-amz-date": "20260101T000000Z", "idempotency-key": "key-1"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "urlid",
        "authentication": None,
        "authorizer": {
            "iam": {
                "accessKey": "AKIA...",
                "accountId": "111122223333",
                "callerId": "AIDA...",
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": "arn:aws:iam::111122223333:user/alice",
                "userId": "AIDA...",
            }
        },
        "domainName": "urlid.lambda-url.us-west-2.on.aws",
        "domainPrefix": "urlid",
        "http": {
            "method": "POST",
            "path": "/orders/7",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Mar/2021:19:03:58 +0000",
        "timeEpoch": 1615575838000,
    },
    "body": '{"total": 5}',
    "pathParameters": None,
    "isBase64Encoded": False,
    "stageVariables": None,
}

ALB = {
    "requestContext": {
        "elb": {
            "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda/49e9d65c45c6791a"
        }
    },
    "httpMethod": "POST",
    "path": "/orders/7",
    "queryStringParameters": {"color": "red"},
    "headers": {"accept": "*/*", "x-forwarded-for": "192.0.2.1", "idempotency-key": "key-1"},
    "body": '{"total": 5}',
    "isBase64Encoded": False,
}

ALB_LISTS = {
    **{name: value for name, value in ALB.items() if name not in ("headers", "queryStringParameters")},
    "multiValueHeaders": {"accept": ["*/*"], "cookie": ["a=1", "b=2"], "idempotency-key": ["key-1"]},
    "multiValueQueryStringParameters": {"color": ["blue", "red"]},
}

GOLDEN = [
    Golden("REST API", REST, "rest", "/orders/{id}", ["jwt", ISSUER, "alice"], path="/prod/orders/7"),
    Golden("HTTP API", HTTP, "http", "POST /orders/{id}", ["jwt", ISSUER, "alice"]),
    Golden("function URL", URL, "http", "$default", ["iam", "arn:aws:iam::111122223333:user/alice", ""]),
    Golden("load balancer", ALB, "alb", "", None),
    Golden("load balancer with lists", ALB_LISTS, "alb", "", None, answers_lists=True),
]
