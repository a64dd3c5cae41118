"""Events of any shape, and functions that do anything: a documented answer, or a refusal of what is no request."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from resilient_lambda import Idempotency, MemoryStore, NonRetryableError, RetryableError, resilient_handler
from resilient_lambda._core.http_request import read_request
from resilient_lambda.errors import UnknownEventError
from resilient_lambda.testing import http_event, lambda_context
from tests.http.golden import GOLDEN

SECRET = "s3cr3t"
DOCUMENTED = {201, 204, 400, 403, 409, 422, 429, 500, 503}

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5), st.just(SECRET)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
NAMES = st.sampled_from(
    [
        "version", "routeKey", "rawPath", "rawQueryString", "headers", "multiValueHeaders", "requestContext", "body",
        "isBase64Encoded", "pathParameters", "queryStringParameters", "multiValueQueryStringParameters", "httpMethod",
        "resource", "path", "cookies",
    ]
)  # fmt: skip
CONTEXT_NAMES = st.sampled_from(["authorizer", "identity", "http", "elb", "apiId", "stage", "routeKey"])


@st.composite
def mangled(draw):
    """Return a golden event with some fields replaced by anything, or missing."""
    event = dict(draw(st.sampled_from(GOLDEN)).event)
    for name, value in draw(st.dictionaries(NAMES, JSON, max_size=3)).items():
        event[name] = value
    for name in draw(st.sets(NAMES, max_size=2)):
        event.pop(name, None)
    context = event.get("requestContext")
    if isinstance(context, dict):
        event["requestContext"] = {**context, **draw(st.dictionaries(CONTEXT_NAMES, JSON, max_size=2))}
    return event


class Order(BaseModel):
    """What the body must be."""

    total: int


@pytest.fixture(scope="module")
def lines():
    """What the library has logged."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(record.getMessage())

    handler = Keep()
    logger = logging.getLogger("resilient_lambda")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def is_request(event):
    """Tell whether the event is taken for a request."""
    try:
        read_request(event)
    except UnknownEventError:
        return False
    return True


@settings(max_examples=400)
@given(event=mangled(), takes_body=st.booleans(), principal=st.sampled_from(["caller", None]))
def test_any_event_is_answered_or_refused_whole(lines, event, takes_body, principal):
    """Never another exception; what fails tells nothing of what was sent, neither to the caller nor to the log."""
    lines.clear()

    def of_body(order: Order):
        return {"statusCode": 201}

    def of_event(event):
        return {"statusCode": 201}

    handler = resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal=principal)(
        of_body if takes_body else of_event
    )
    if not is_request(event):
        with pytest.raises(UnknownEventError):
            handler(event, lambda_context())
        return
    answers = [handler(event, lambda_context()) for _ in range(2)]

    assert {answer["statusCode"] for answer in answers} <= {201, 400, 403, 422}
    assert answers[0]["statusCode"] == answers[1]["statusCode"]
    assert SECRET not in str(answers)
    assert SECRET not in str(lines)
    json.dumps(answers)


ERRORS = st.sampled_from(
    [ValueError, KeyError, RetryableError, NonRetryableError, OSError, TimeoutError, MemoryError, SystemExit, Warning]
)
RESULTS = st.one_of(
    JSON,
    st.builds(lambda status: {"statusCode": status, "body": SECRET}, st.sampled_from([200, 201, 404, 429, 503, None])),
    st.builds(object),
    ERRORS.map(lambda kind: kind(SECRET)),
)


@settings(max_examples=300)
@given(results=st.lists(RESULTS, min_size=1, max_size=4), has_idempotency=st.booleans())
def test_whatever_the_function_does_there_is_an_answer(lines, results, has_idempotency):
    """Values, responses, objects, errors: a status, JSON, and no text of an error anywhere."""
    lines.clear()
    left = list(results)

    @resilient_handler(http=True, policies=[Idempotency(MemoryStore())] if has_idempotency else [], principal=None)
    def handler(event):
        result = left.pop(0) if left else None
        if isinstance(result, BaseException):
            raise result
        return result

    for _ in results:
        answer = handler(http_event({"total": 5}, idempotency_key="k"), lambda_context())

        assert "statusCode" in answer
        json.dumps(answer)
        if answer.get("headers", {}).get("content-type") == "application/problem+json":
            assert answer["statusCode"] in DOCUMENTED
            assert SECRET not in str(answer)
    assert SECRET not in str(lines)
