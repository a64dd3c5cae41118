"""Requests of every kind: what is read from them, and what is none."""

from __future__ import annotations

import pytest

from resilient_lambda._core.http_caller import caller_of
from resilient_lambda._core.http_request import body_of, header_values, idempotency_key, read_request
from resilient_lambda._core.http_row import HttpRecord
from resilient_lambda.errors import MalformedRequestError, UnknownEventError
from resilient_lambda.testing import http_event
from tests.http.golden import ALB, GOLDEN, HTTP, REST, URL


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_a_request_is_read(golden):
    """Form, method, route, path and caller, from where each kind of event has them."""
    request = read_request(golden.event)

    assert (request.form.value, request.method, request.route) == (golden.form, "POST", golden.route)
    assert request.path == golden.path
    assert caller_of(golden.event) == golden.caller
    assert request.takes_many is golden.answers_lists


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_key_and_body_are_read(golden):
    """Whatever the case of the header's name, in lists or alone; base64 is decoded."""
    record = HttpRecord(golden.event, "id", read_request(golden.event))

    assert idempotency_key(golden.event) == "key-1"
    assert record.json() == {"total": 5}
    assert record.comparable() == ["json", {"total": 5}]


@pytest.mark.parametrize(
    ("event", "query"),
    [(REST, {"color": ["blue", "red"]}), (HTTP, "color=blue&color=red"), (URL, ""), (ALB, {"color": "red"})],
    ids=["REST", "HTTP", "URL", "ALB"],
)
def test_the_query_is_read(event, query):
    """As a text where the event has it, else as what it came apart into."""
    assert read_request(event).query == query


@pytest.mark.parametrize(
    ("api", "golden"), [("rest", REST), ("http", HTTP), ("url", URL), ("alb", ALB)], ids=["rest", "http", "url", "alb"]
)
def test_the_builders_requests_are_like_those_of_aws(api, golden):
    """What `http_event` makes is read like the golden event of its kind, and has no field that AWS does not send."""
    caller = {"alb": None, "url": "arn:aws:iam::111122223333:user/alice"}.get(api, "alice")
    names = None if api in ("url", "alb") else {"id": "7"}
    route = None if api in ("url", "alb") else "/orders/{id}"
    made = http_event(
        {"total": 5}, path="/orders/7", api=api, route=route, parameters=names, caller=caller, idempotency_key="key-1"
    )
    request, expected = read_request(made), read_request(golden)

    assert request._replace(query=None) == expected._replace(query=None)
    assert caller_of(made) == caller_of(golden)
    assert set(made) <= set(golden)
    assert set(made["requestContext"]) <= set(golden["requestContext"])


def test_a_load_balancers_event_has_no_caller():
    """The builder does not make up what a load balancer never sends."""
    with pytest.raises(ValueError, match="load balancer"):
        http_event(api="alb", caller="alice")


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"Records": []},
        {"requestContext": None},
        {"requestContext": {}},
        {"requestContext": {"http": {"method": "GET"}}},
        {"requestContext": {"connectionId": "x", "eventType": "MESSAGE"}, "body": "{}"},
        {"version": "2.0", "requestContext": {"serviceNetworkArn": "arn"}, "method": "GET", "path": "/"},
        {**REST, "httpMethod": None},
        {**HTTP, "requestContext": {"http": {}}},
        {**ALB, "httpMethod": ""},
    ],
    ids=lambda event: str(event)[:60],
)
def test_what_is_no_request_is_refused(event):
    """A queue's batch, a WebSocket's message, a lattice's request: the handler is put before the wrong thing."""
    with pytest.raises(UnknownEventError):
        read_request(event)


@pytest.mark.parametrize(
    "event",
    [{**REST, "type": "REQUEST", "methodArn": "arn"}, {**HTTP, "type": "REQUEST", "routeArn": "arn"}],
    ids=["REST", "HTTP"],
)
def test_an_authorizers_question_is_no_request(event):
    """It looks like one, but what it is answered is a policy: a 200 would be taken for one that is broken."""
    with pytest.raises(UnknownEventError, match="authorizer"):
        read_request(event)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("k", "k"),
        (" k ", "k"),
        ('"k"', "k"),
        (r'"a \"b\" \\c"', r'a "b" \c'),
        ("a,b", "a,b"),
        ("", None),
        ("  ", None),
        ('""', None),
        ("k" * 255, "k" * 255),
    ],
)
def test_an_idempotency_key_is_read(given, key):
    """With quotes, as the IETF's draft wants it, or without them; an empty one is none."""
    assert idempotency_key({"headers": {"IDEMPOTENCY-key": given}}) == key


@pytest.mark.parametrize("given", ["k" * 256, '"k', '"a"b"', '"a", "b"', "käse", "a\nb", '"\\a"', '"k";a=1'])
def test_a_key_that_cannot_be_read_is_malformed(given):
    """Too long, no ASCII, or half a quoted text: nobody guesses what was meant."""
    with pytest.raises(MalformedRequestError):
        idempotency_key({"headers": {"idempotency-key": given}})


def test_several_keys_are_malformed():
    """The same one twice is one; of two, none is taken."""
    assert idempotency_key({"multiValueHeaders": {"Idempotency-Key": ["a", "a"]}}) == "a"
    with pytest.raises(MalformedRequestError, match="several"):
        idempotency_key({"multiValueHeaders": {"Idempotency-Key": ["a"], "idempotency-key": ["b"]}})


def test_several_keys_in_one_text_are_as_many():
    """HTTP APIs and function URLs join what was sent several times; others hand on commas of the client's."""

    def joined(value, version="2.0"):
        return idempotency_key({"version": version, "headers": {"idempotency-key": value}})

    assert joined("a, a") == joined("a,a,") == joined("a") == "a"
    assert joined('"a, a"') == joined("a, a", version="1.0") == "a, a"
    with pytest.raises(MalformedRequestError, match="several"):
        joined("a,b")


@pytest.mark.parametrize(
    "event",
    [{}, {"headers": None}, {"headers": [1]}, {"headers": {1: "a", "idempotency-key": 5}, "multiValueHeaders": {}}],
    ids=str,
)
def test_headers_of_any_shape_are_read(event):
    """What is no header is none."""
    assert header_values(event, "Idempotency-Key") == []


@pytest.mark.parametrize(
    ("event", "body"),
    [({}, ""), ({"body": None}, ""), ({"body": "a"}, "a"), ({"body": "YQ==", "isBase64Encoded": True}, b"a")],
    ids=str,
)
def test_a_body_is_read(event, body):
    """None is an empty one."""
    assert body_of(event) == body


@pytest.mark.parametrize("event", [{"body": {"a": 1}}, {"body": "?", "isBase64Encoded": True}], ids=str)
def test_a_body_that_cannot_be_read_is_malformed(event):
    """No text, or no base64."""
    with pytest.raises(MalformedRequestError):
        body_of(event)


@pytest.mark.parametrize(
    ("body", "compared"),
    [
        (b"\xff\x00", ["bytes", "ff00"]),
        ("a=1&b=2", ["text", "a=1&b=2"]),
        ("", ["text", ""]),
        ('{"b": 1, "a": 2}', ["json", {"a": 2, "b": 1}]),
        ("[" * 100_000, ["text", "[" * 100_000]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_is_compared_as_what_it_is(body, compared):
    """JSON as its value, anything else as it was sent; each is told from the others."""
    event = http_event(body)

    assert HttpRecord(event, "id", read_request(event)).comparable() == compared


def context(**parts):
    """Return an event with this request context."""
    return {"requestContext": {"apiId": "api", **parts}}


IAM = {"userArn": "arn:user", "caller": "AIDA", "cognitoIdentityId": None}


@pytest.mark.parametrize(
    ("event", "caller"),
    [
        (context(), None),
        (context(authorizer={}), None),
        (context(authorizer={"jwt": {"claims": {"sub": "a", "iss": "i"}}}), ["jwt", "i", "a"]),
        (context(authorizer={"claims": {"sub": "a"}}), ["jwt", "", "a"]),
        (context(authorizer={"claims": "a"}), None),
        (context(authorizer={"principalId": "a", "integrationLatency": 3}), ["authorizer", "api", "a"]),
        (context(authorizer={"lambda": {"principalId": "a"}}), ["authorizer", "api", "a"]),
        (context(authorizer={"lambda": {"tenant": "a"}}), None),
        (context(authorizer={"iam": {"userArn": "arn:user"}}), ["iam", "arn:user", ""]),
        (context(authorizer={"iam": {"callerId": "AIDA"}}), ["iam", "AIDA", ""]),
        (
            context(authorizer={"iam": {"userArn": "arn:role", "cognitoIdentity": {"identityId": "us:1"}}}),
            ["iam", "arn:role", "us:1"],
        ),
        (context(authorizer={"iam": {}}), None),
        (context(identity=IAM), ["iam", "arn:user", ""]),
        (context(identity={"caller": "AIDA"}), ["iam", "AIDA", ""]),
        (context(identity={**IAM, "cognitoIdentityId": "us:1"}), ["iam", "arn:user", "us:1"]),
        (context(identity={"apiKeyId": "k", "apiKey": "secret"}), ["api_key", "k"]),
    ],
    ids=str,
)
def test_the_caller_is_whom_aws_has_made_sure_of(event, caller):
    """A token's subject with its issuer, an authorizer's principal with its API, an IAM principal, an API key."""
    assert caller_of(event) == caller


def test_a_token_outdoes_an_api_key():
    """An API key is shared by many; and a token without a subject does not fall back to what is shared."""
    shared = {"apiKeyId": "k"}

    assert caller_of(context(authorizer={"claims": {"sub": "a"}}, identity=shared)) == ["jwt", "", "a"]
    assert caller_of(context(authorizer={"claims": {"iss": "i"}}, identity=shared)) is None
