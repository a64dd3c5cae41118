"""A wrong option of a handler of requests fails at import, and says what to do."""

from __future__ import annotations

import asyncio

import pytest

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    MemoryStore,
    resilient_handler,
)
from resilient_lambda.errors import UnknownEventError
from resilient_lambda.testing import http_event, lambda_context, sqs_event
from tests.naming import id_of


async def asynchronous(event):
    """Decide later, which is too late."""


def function(event):
    """Answer."""
    return {"statusCode": 200, "event": event}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policies": [Idempotency(MemoryStore())]}, "principal="),
        ({"policies": [Idempotency(MemoryStore(), key="id")]}, "principal="),
        ({"policies": [Idempotency(MemoryStore(), namespace="n", layout="powertools")], "principal": None}, "layout="),
        ({"policies": Idempotency(MemoryStore())}, "policies="),
        ({"principal": "user"}, "principal='user'"),
        ({"principal": 5}, "principal=5"),
        ({"principal": asynchronous}, "principal= is an async"),
        ({"failed_if": asynchronous}, "failed_if= is an async"),
        ({"failed_if": 500}, "failed_if=500"),
        ({"status_of": {ValueError: 400}}, "status_of="),
        ({"status_of": asynchronous}, "status_of= is an async"),
        ({"headers": {"a": 1}}, "headers="),
        ({"headers": {"": "1"}}, "headers="),
        ({"headers": {"a": "b\r\nset-cookie: c"}}, "headers="),
        ({"headers": [("a", "b")]}, "headers="),
        ({"headers": {"Retry-After": "5"}}, "'Retry-After'"),
        ({"methods": "POST"}, "methods='POST'"),
        ({"methods": ["post"]}, "methods="),
        ({"methods": [5]}, "methods="),
        ({"methods": []}, "methods="),
        ({"methods": 5}, "methods=5"),
        ({"methods": iter(["POST"])}, "methods="),
        ({"dead_letter": DeadLetter(print)}, "dead_letter="),
        ({"max_attempts": 3}, "max_attempts=3"),
    ],
    ids=id_of,
)
def test_a_wrong_option_is_refused(options, said):
    """With the value, or the name, of what is wrong."""
    with pytest.raises(ConfigurationError, match=said.replace("(", r"\(")):
        resilient_handler(http=True, **options)(function)


@pytest.mark.parametrize(
    "options",
    [
        {"principal": "caller"},
        {"principal": None},
        {"failed_if": bool},
        {"status_of": id},
        {"headers": {"a": "b"}},
        {"methods": ["POST"]},
    ],
    ids=id_of,
)
def test_an_option_of_requests_needs_http(options):
    """Left without effect, it would be taken for one that protects."""
    with pytest.raises(ConfigurationError, match="needs http=True"):
        resilient_handler(**options)(function)


def test_http_is_true_or_false():
    """Nothing that is only truthy."""
    with pytest.raises(ConfigurationError, match="http='yes'"):
        resilient_handler(http="yes")(function)


def test_without_idempotency_nobody_need_be_named():
    """There is no key that could be anybody's."""
    assert resilient_handler(http=True)(function)(http_event(), lambda_context())["statusCode"] == 200


@pytest.mark.parametrize("event", [sqs_event(["{}"]), {}, None, "text"], ids=["queue", "empty", "nothing", "text"])
def test_what_is_no_request_is_raised(make, runs, event):
    """No caller waits for an answer there: a 200 would acknowledge a batch."""
    with pytest.raises(UnknownEventError, match="http=True"):
        make()(event, lambda_context())
    assert runs == []


def test_the_handler_can_be_awaited(make):
    """``aio`` answers inside a running loop."""
    answer = asyncio.run(make().aio(http_event(idempotency_key="k"), lambda_context()))

    assert answer == {"statusCode": 201}


def test_the_function_itself_is_there_for_tests():
    """``event_handler`` is what was decorated."""
    assert resilient_handler(http=True)(function).event_handler is function
