"""Whose an answer is: nobody gets another's, whatever key it sends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import Idempotency, MemoryStore, resilient_handler
from resilient_lambda.testing import http_event, lambda_context
from tests.http.conftest import body_of
from tests.naming import id_of

ROLE = "arn:aws:sts::111122223333:assumed-role/orders/session"
POOL = "arn:aws:sts::111122223333:assumed-role/Cognito_Auth/CognitoIdentityCredentials"


def rest(**context):
    """Return a request to a REST API with this much of a request context."""
    event = http_event({"total": 5}, path="/orders", api="rest", idempotency_key="k")
    event["requestContext"].update(context)
    return event


def http(authorizer):
    """Return a request to an HTTP API whose authorizer says this."""
    event = http_event({"total": 5}, path="/orders", idempotency_key="k")
    event["requestContext"]["authorizer"] = authorizer
    return event


def claims(**said):
    """Return what a JWT authorizer says."""
    return {"jwt": {"claims": said, "scopes": None}}


# No two of these are one caller.
REST_CALLERS = {
    "a subject": rest(authorizer={"claims": {"sub": "a", "iss": "i"}}),
    "another subject": rest(authorizer={"claims": {"sub": "b", "iss": "i"}}),
    "that subject of another issuer": rest(authorizer={"claims": {"sub": "a", "iss": "j"}}),
    "that subject of none": rest(authorizer={"claims": {"sub": "a"}}),
    "a principal of an authorizer": rest(authorizer={"principalId": "a"}),
    "one of another API": rest(authorizer={"principalId": "a"}, apiId="other"),
    "one that is called like a list": rest(authorizer={"principalId": '"a"]'}),
    "an IAM principal": rest(identity={"userArn": "a"}),
    "a role": rest(identity={"userArn": ROLE}),
    "a user of an identity pool": rest(identity={"userArn": POOL, "cognitoIdentityId": "us-east-1:1"}),
    "another one of that pool": rest(identity={"userArn": POOL, "cognitoIdentityId": "us-east-1:2"}),
    "an API key": rest(identity={"apiKeyId": "a"}),
}
HTTP_CALLERS = {
    "a subject": http(claims(sub="a", iss="i")),
    "a subject with a break in it": http(claims(sub="i\na", iss="")),
    "a break at another place": http(claims(sub="a", iss="i\n")),
    "that subject of another issuer": http(claims(sub="a", iss="j")),
    "a principal of an authorizer": http({"lambda": {"principalId": "a"}}),
    "an IAM principal": http({"iam": {"userArn": "a", "cognitoIdentity": None}}),
    "a user of an identity pool": http({"iam": {"userArn": POOL, "cognitoIdentity": {"identityId": "us:1"}}}),
    "another one of that pool": http({"iam": {"userArn": POOL, "cognitoIdentity": {"identityId": "us:2"}}}),
}


@pytest.fixture
def counting(make, runs):
    """Return a handler whose answer says which run it is of."""

    def counting(**options):
        return make(lambda event: {"statusCode": 201, "body": str(len(runs))}, **{"principal": "caller", **options})

    return counting


@pytest.mark.parametrize("callers", [REST_CALLERS, HTTP_CALLERS], ids=["REST", "HTTP"])
def test_no_caller_gets_anothers_answer(counting, callers):
    """One key, one body, one store: as many runs as callers, and each gets its own answer again (bug 18)."""
    handler = counting()
    answers = {name: handler(event, lambda_context())["body"] for name, event in callers.items()}

    assert len(set(answers.values())) == len(callers)
    assert {name: handler(event, lambda_context())["body"] for name, event in callers.items()} == answers


def test_another_caller_learns_nothing_by_a_key(counting):
    """Not even that it was used: another body under it is no mismatch for who never used it."""
    handler = counting()
    handler(http_event({"total": 5}, caller="alice", idempotency_key="k"), lambda_context())
    answer = handler(http_event({"total": 6}, caller="bob", idempotency_key="k"), lambda_context())

    assert answer == {"statusCode": 201, "body": "2"}


@pytest.mark.parametrize(
    "event",
    [
        rest(),
        rest(authorizer={"claims": {"iss": "i"}}),
        rest(authorizer={"claims": {"sub": ""}}, identity={"apiKeyId": "shared"}),
        http(None),
        http(claims(iss="i")),
        http({"lambda": {"tenant": "a"}}),
        http_event({}, api="url", idempotency_key="k"),
        http_event({}, api="alb", idempotency_key="k", headers={"x-amzn-oidc-identity": "forged"}),
    ],
    ids=id_of,
)
def test_a_request_of_nobody_is_refused(counting, runs, caplog, event):
    """403, a line in the log that says what to do, and nothing runs: under a key of everybody's, anybody could read."""
    answer = counting()(event, lambda_context())

    assert answer["statusCode"] == 403
    assert "caller" in body_of(answer)["detail"]
    assert "principal=" in caplog.text
    assert runs == []


def test_a_safe_request_of_nobody_runs(counting):
    """It has no key that could be anybody's."""
    assert counting()(http_event(method="GET"), lambda_context())["statusCode"] == 201


def tenant(event):
    """Return whose request it is, from a header that a load balancer's rule has made sure of."""
    return event["headers"].get("x-tenant")


def of_tenant(name, **options):
    """Return a request of a tenant."""
    headers = {} if name is None else {"x-tenant": name}
    return http_event({"total": 5}, api="alb", path="/orders", headers=headers, idempotency_key="k", **options)


def test_a_function_may_name_the_caller(counting):
    """``principal=`` as a function of the event: each tenant has keys of its own."""
    handler = counting(principal=tenant)
    first, second = (handler(of_tenant(name), lambda_context())["body"] for name in "ab")

    assert (first, second) == ("1", "2")
    assert handler(of_tenant("a"), lambda_context())["body"] == "1"


def test_the_function_is_asked_once_for_each_request(counting):
    """It may take its time: checking a signature, for example."""
    asked = []
    handler = counting(principal=lambda event: asked.append(event) or "a")
    for count in (1, 2):
        handler(of_tenant("a"), lambda_context())

        assert len(asked) == count


@pytest.mark.parametrize("named", [None, "", 5, ["a"], True], ids=repr)
def test_a_function_that_names_nobody_has_the_request_refused(counting, runs, named):
    """What is no text, or an empty one, names nobody."""
    answer = counting(principal=lambda event: named)(of_tenant("a"), lambda_context())

    assert answer["statusCode"] == 403
    assert runs == []


def test_a_function_that_fails_has_the_request_refused(counting, runs, caplog):
    """500, and nothing runs; what it said stays where it was."""

    def broken(event):
        raise KeyError("secret")

    assert counting(principal=broken)(of_tenant("a"), lambda_context())["statusCode"] == 500
    assert runs == []
    assert "secret" not in caplog.text


def test_nobody_can_pass_for_whom_a_function_names(counting):
    """A name that looks like what the library makes of a caller is still a name."""
    store = MemoryStore()
    event = http_event({"total": 5}, caller="a", idempotency_key="k")
    policies = [Idempotency(store)]
    issuer = event["requestContext"]["authorizer"]["jwt"]["claims"]["iss"]
    principals = ["caller", None, lambda event: f'["jwt","{issuer}","a"]', lambda event: "anyone"]
    answers = [counting(principal=each, policies=policies)(event, lambda_context())["body"] for each in principals]

    assert answers == ["1", "2", "3", "4"]


@pytest.mark.parametrize("api", ["http", "rest"])
def test_a_key_is_of_one_method_route_and_path(counting, runs, api):
    """The same key for two orders' payments is two payments; and so is it at another route, or by another method."""
    handler = counting()
    requests = [
        {"path": "/orders/1/pay", "route": "/orders/{id}/pay", "parameters": {"id": "1"}},
        {"path": "/orders/2/pay", "route": "/orders/{id}/pay", "parameters": {"id": "2"}},
        {"path": "/orders/1/pay", "route": "/{proxy+}", "parameters": {"proxy": "orders/1/pay"}},
        {"path": "/orders/1/pay", "route": "/orders/{id}/pay", "parameters": {"id": "1"}, "method": "PUT"},
        {"path": "/orders/1", "route": "/orders/{id}", "parameters": {"id": "1"}},
    ]
    for count, request in enumerate(requests, 1):
        event = http_event({"total": 5}, api=api, caller="a", idempotency_key="k", **request)

        assert handler(event, lambda_context())["body"] == str(count)


@pytest.mark.parametrize("api", ["url", "alb"])
def test_where_there_are_no_routes_a_key_is_of_one_path(counting, api):
    """Function URLs and load balancers know paths only."""
    handler = counting(principal=None)
    for count, path in enumerate(("/orders/1/pay", "/orders/2/pay"), 1):
        answer = handler(http_event({}, api=api, path=path, idempotency_key="k"), lambda_context())

        assert answer["body"] == str(count)


def test_a_key_of_ones_own_is_the_callers_as_well(counting):
    """``key=`` takes the header's place, not the caller's."""
    handler = counting(policies=[Idempotency(MemoryStore(), key="id")])
    for count, caller in enumerate("ab", 1):
        assert handler(http_event({"id": "1"}, caller=caller), lambda_context())["body"] == str(count)


PARTS = st.sampled_from(["", "a", "b", ",", '"', '","', "]", "/", "\n", "\x00", "null", "jwt", "anyone"])
TEXTS = st.lists(PARTS, max_size=3).map("".join)
REQUESTS = st.tuples(
    st.sampled_from(["POST", "PUT"]),
    TEXTS,  # route
    TEXTS,  # path
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    TEXTS.filter(bool),  # subject
    TEXTS,  # issuer
    st.text("ab;/", min_size=1, max_size=3),  # key; a comma would make two of it
)


def event_of(method, route, path, parameters, subject, issuer, key):
    """Return the request that these parts make."""
    event = http_event({"total": 5}, method=method, path=path, route=route or "/", parameters=parameters)
    event["routeKey"] = route
    event["headers"]["idempotency-key"] = key
    event["requestContext"]["authorizer"] = claims(sub=subject, iss=issuer)
    return event


@given(st.lists(REQUESTS, min_size=2, max_size=6))
def test_only_equal_requests_meet(requests):
    """Whatever is in the parts, quotes, commas, brackets: two requests share an answer if all parts are equal."""
    runs = itertools.count()

    @resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal="caller")
    def handler(event):
        return {"statusCode": 201, "body": str(next(runs))}

    answers = {}
    for request in requests:
        body = handler(event_of(*request), lambda_context())["body"]
        identity = repr((*request[:3], sorted(request[3].items()), *request[4:]))

        assert answers.setdefault(identity, body) == body
    assert len(set(answers.values())) == len(answers)
