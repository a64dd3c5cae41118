"""The table of answers: what a request is told of each failure, and what never leaves."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import re
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel

from resilient_lambda import (
    Classification,
    Classifier,
    CommitConditionError,
    DeadlineExceededError,
    Idempotency,
    InProgressError,
    LambdaInvoker,
    LeaseLostError,
    MemoryStore,
    NonRetryableError,
    RetryableError,
    Verdict,
    resilient_handler,
)
from resilient_lambda._core.http_answer import Problem, problem_of, title_of
from resilient_lambda._core.model import Category, Failure
from resilient_lambda.errors import (
    CallerUnknownError,
    CommitLimitError,
    CrashLoopError,
    FingerprintMismatchError,
    InvalidPayloadError,
    InvalidRecordError,
    MalformedRequestError,
    MissingKeyError,
    RememberedFailureError,
    StoreError,
    StoreUnavailableError,
)
from resilient_lambda.testing import http_event, in_memory, lambda_context
from tests.http.conftest import body_of, header_of, raising
from tests.http.golden import ALB, ALB_LISTS, GOLDEN
from tests.naming import id_of

SECRET = "card 4242 4242"


class Order(BaseModel):
    """What the body must be."""

    total: int


class CardDeclinedError(NonRetryableError):
    """The user's own word."""


def throttled(code):
    """Return the error of an AWS client that was asked to slow down."""
    return ClientError({"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {}}, "PutItem")


TABLE = [
    (MalformedRequestError("the body is not JSON"), 400, None, "the body is not JSON"),
    (InvalidRecordError("total: int_parsing"), 422, None, "total: int_parsing"),
    (NonRetryableError(SECRET), 400, None, None),
    (CardDeclinedError(SECRET), 400, None, None),
    (CommitConditionError(SECRET, index=0), 409, None, None),
    (InProgressError(SECRET, retry_after_s=2.2), 409, 3, "is being handled"),
    (InProgressError(SECRET, retry_after_s=90), 409, 5, "is being handled"),
    (InProgressError(SECRET), 409, 1, "is being handled"),
    (LeaseLostError(SECRET), 409, 1, "is being handled"),
    (DeadlineExceededError(SECRET), 503, 5, None),
    (RetryableError(SECRET), 503, 5, None),
    (RetryableError(SECRET, retry_after_s=0.2), 503, 1, None),
    (RetryableError(SECRET, retry_after_s=61.5), 503, 62, None),
    (RetryableError(SECRET, retry_after_s=1e9), 503, 86_400, None),
    (StoreUnavailableError(SECRET), 503, 5, None),
    (ConnectionError(SECRET), 503, 5, None),
    (TimeoutError(SECRET), 503, 5, None),
    (throttled("ThrottlingException"), 429, 5, None),
    (throttled("AccessDeniedException"), 500, None, None),
    (throttled("ValidationException"), 500, None, None),
    (StoreError(SECRET), 500, None, None),
    (CommitLimitError(SECRET), 500, None, None),
    (CrashLoopError(SECRET), 500, None, None),
    (InvalidPayloadError(SECRET), 500, None, None),
    # Of a handler or a policy within the function: they are not about this request.
    (MissingKeyError(SECRET), 500, None, None),
    (CallerUnknownError(SECRET), 500, None, None),
    (FingerprintMismatchError(SECRET), 500, None, None),
    (ValueError(SECRET), 500, None, None),
    (KeyError(SECRET), 500, None, None),
    (SystemExit(SECRET), 500, None, None),
    (asyncio.CancelledError(SECRET), 500, None, None),
    (json.JSONDecodeError(SECRET, SECRET, 0), 500, None, None),
]


@pytest.mark.parametrize(("error", "status", "retry_after", "detail"), TABLE, ids=id_of)
def test_a_failure_is_answered(make, caplog, error, status, retry_after, detail):
    """By the table of docs/http.md; the text of a user's error is nowhere, neither in the answer nor in the log."""
    context = lambda_context()
    answer = make(raising(error), policies=[])(http_event({"total": 5, "card": SECRET}), context)
    body = body_of(answer)

    assert answer["statusCode"] == body["status"] == status
    assert header_of(answer, "retry-after") == (None if retry_after is None else str(retry_after))
    assert header_of(answer, "content-type") == "application/problem+json"
    assert (detail is None and "detail" not in body) or detail in body["detail"]
    assert body["request_id"] == context.aws_request_id
    assert SECRET not in str(answer)
    assert type(error).__name__ not in answer["body"]
    (line,) = caplog.records
    assert context.aws_request_id in line.getMessage()
    assert type(error).__name__ in line.getMessage()
    assert f"answered {status}" in line.getMessage()
    if not isinstance(error, StoreError | CallerUnknownError):  # the library's own texts hold no data
        assert SECRET not in line.getMessage()


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (MissingKeyError("x"), 400, "Idempotency-Key"),
        (CallerUnknownError("x"), 403, "caller"),
        (FingerprintMismatchError("x"), 422, "used before"),
        (RememberedFailureError("x", error_type="E", parked=None), 500, ""),
    ],
    ids=id_of,
)
def test_a_refusal_of_the_policy_is_answered(error, status, detail):
    """What the library itself refuses is said in its own words."""
    found = problem_of(Failure(error, Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN), ran=False))

    assert found.status == status
    assert found.retry_after_s is None
    assert detail in found.detail


def test_the_log_says_where_it_was_raised(make, caplog):
    """The deepest place in the user's files, with the line: the traceback itself would show the message."""

    def action(event):
        json.loads(SECRET)

    make(action, policies=[])(http_event(), lambda_context())

    assert re.search(r" at action, line \d+ of test_answers.py; it is answered 500", caplog.text)


def test_what_an_invoked_function_answers_is_not_told(make, caplog):
    """The caller cannot mend it, and its function's name is nobody's business; the log says where it was asked for."""

    def action(event):
        return LambdaInvoker().call("internal-pricing", returns=Order)

    with in_memory() as aws:
        aws.answer("internal-pricing", {"total": SECRET})
        answer = make(action, policies=[])(http_event(), lambda_context())

    assert answer["statusCode"] == 500
    assert "internal-pricing" not in answer["body"]
    assert re.search(r"InvalidPayloadError .* at action, line \d+ of test_answers.py", caplog.text)


def test_no_line_is_made_where_nobody_reads_it(make, caplog):
    """Warnings that are switched off cost nothing, and the answer is the same."""
    caplog.set_level(logging.ERROR, "resilient_lambda")

    assert make(raising(ValueError()), policies=[])(http_event(), lambda_context())["statusCode"] == 500
    assert caplog.records == []


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_each_kind_of_event_gets_its_kind_of_answer(make, golden):
    """A load balancer wants a description of the status, and lists of headers where it sends some."""
    answer = make(raising(RetryableError()), policies=[])(golden.event, lambda_context())

    assert ("multiValueHeaders" in answer, "headers" in answer) == (golden.answers_lists, not golden.answers_lists)
    assert answer.get("statusDescription") == ("503 Service Unavailable" if golden.form == "alb" else None)
    assert header_of(answer, "retry-after") == "5"
    assert answer["isBase64Encoded"] is False


@dataclasses.dataclass
class Receipt:
    """A dataclass as a result."""

    order: str
    paid: Decimal


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"a": 1}, {"a": 1}),
        ([1, "b"], [1, "b"]),
        ("text", "text"),
        (False, False),
        (Order(total=5), {"total": 5}),
        (Receipt("a", Decimal("1.5")), {"order": "a", "paid": 1.5}),
        ([Order(total=5)], [{"total": 5}]),
    ],
    ids=id_of,
)
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_what_is_no_response_becomes_one(make, golden, value, body):
    """200 with the JSON of it, for duplicates too."""
    handler = make(lambda event: value)

    for _ in range(2):
        answer = handler(golden.event, lambda_context())

        assert answer["statusCode"] == 200
        assert body_of(answer) == body
        assert header_of(answer, "content-type") == "application/json"
        assert answer.get("statusDescription") == ("200 OK" if golden.form == "alb" else None)


@pytest.mark.parametrize("event", [ALB, ALB_LISTS], ids=["texts", "lists"])
def test_nothing_becomes_no_content(make, event):
    """None is 204, without a body."""
    handler = make(lambda event: None)

    assert handler(event, lambda_context())["statusCode"] == 204
    assert handler(event, lambda_context())["body"] == ""


@pytest.mark.parametrize("value", [object(), {"a": {1}}, float("nan")], ids=["object", "set", "nan"])
def test_what_is_no_json_is_an_error_and_done_all_the_same(make, runs, value):
    """The effect has happened, so it does not happen again: a duplicate gets what is known, which is nothing."""
    handler = make(lambda event: value)

    assert handler(http_event(idempotency_key="k"), lambda_context())["statusCode"] == 500
    assert len(runs) == 1
    handler(http_event(idempotency_key="k"), lambda_context())
    assert len(runs) == 1


@pytest.mark.parametrize("rest", [{"body": b"x"}, {"body": "x", "headers": {"a": {1}}}], ids=["bytes", "set"])
def test_a_response_that_is_no_json_is_an_error_and_done_all_the_same(make, runs, rest):
    """Lambda could not write it, and the client would have a bare 502."""
    handler = make(lambda event: {"statusCode": 200, **rest})

    assert handler(http_event(idempotency_key="k"), lambda_context())["statusCode"] == 500
    handler(http_event(idempotency_key="k"), lambda_context())
    assert len(runs) == 1


def test_a_response_with_what_lambda_writes_passes(make):
    """Decimals are written as numbers."""
    answer = {"statusCode": 200, "body": "x", "headers": {"content-length": Decimal(1)}}

    assert make(lambda event: answer, policies=[])(http_event(), lambda_context()) == answer


RESPONSE = {
    "statusCode": 201,
    "headers": {"location": "/orders/7"},
    "multiValueHeaders": {"x-a": ["1", "2"]},
    "cookies": ["a=1; Secure", "b=2"],
    "body": "iVBORw0KGgo=",
    "isBase64Encoded": True,
}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
@pytest.mark.parametrize("local_cache", [0, 10])
def test_a_response_passes_unchanged(make, runs, golden, local_cache):
    """The function's own answer is its own: also for a duplicate, with cookies, lists of headers and base64."""
    policies = [Idempotency(MemoryStore(), local_cache=local_cache)]
    handler = make(lambda event: RESPONSE, policies=policies, headers={"x-ours": "1"})

    assert handler(golden.event, lambda_context()) is RESPONSE
    assert handler(golden.event, lambda_context()) == RESPONSE
    assert len(runs) == 1


@pytest.mark.parametrize(
    "action", [lambda event: {"a": 1}, lambda event: None, raising(ValueError())], ids=["200", "204", "500"]
)
@pytest.mark.parametrize("event", [http_event(idempotency_key="k"), ALB_LISTS], ids=["texts", "lists"])
def test_headers_go_with_the_librarys_answers(make, action, event):
    """For CORS: a browser shows a script no answer without them, not even an error."""
    answer = make(action, headers={"Access-Control-Allow-Origin": "*"})(event, lambda_context())

    assert header_of(answer, "Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"total": 5}', 200),
        (b'{"total": 5}', 200),
        ("", 400),
        (None, 400),
        ("{", 400),
        (b"\xff\xfe\xfa", 400),
        ("[" * 100_000, 400),
        ("[]", 422),
        (json.dumps({"total": SECRET}), 422),
        (json.dumps({SECRET: 5}), 422),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_the_body_is_validated(body, status, policies):
    """No JSON is 400; JSON that does not fit is 422 and says where, never what."""

    @resilient_handler(http=True, policies=policies, principal=None)
    def handler(order: Order):
        return {"total": order.total}

    answer = handler(http_event(body, idempotency_key=str(body)[:99] or "none"), lambda_context())

    assert answer["statusCode"] == status
    assert SECRET not in answer["body"]
    if status == 422:
        assert "detail" in body_of(answer)


@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_a_body_that_is_no_base64_is_malformed(policies):
    """It cannot be compared either, so it is refused before anything runs."""

    @resilient_handler(http=True, policies=policies, principal=None)
    def handler(order: Order):
        pytest.fail("it ran")

    event = {**http_event("?", idempotency_key="k"), "isBase64Encoded": True}

    assert handler(event, lambda_context())["statusCode"] == 400


@pytest.mark.parametrize("depth", [200, 900, 5_000])
def test_a_body_that_is_nested_deeply_is_answered(make, depth):
    """What Python cannot read is compared as text, and what it cannot write again is malformed."""
    status = make()(http_event("[" * depth + "]" * depth, idempotency_key="k"), lambda_context())["statusCode"]

    assert status in (201, 400)


def test_the_users_status_counts(make):
    """``status_of=`` says what an error of the user's means; an answer below 500 tells no more than before."""
    handler = make(raising(CardDeclinedError(SECRET)), policies=[], status_of=lambda error: 402)
    answer = handler(ALB, lambda_context())

    assert answer["statusCode"] == 402
    assert answer["statusDescription"] == "402 Payment Required"
    assert "detail" not in body_of(answer)


@pytest.mark.parametrize("status", [None, 200, 600, "402", True])
def test_what_is_no_status_of_an_error_is_passed_over(make, status):
    """None leaves it to the table; anything else is a mistake, which the log tells."""
    handler = make(raising(CardDeclinedError()), policies=[], status_of=lambda error: status)

    assert handler(http_event(), lambda_context())["statusCode"] == 400


def test_a_status_function_that_raises_is_passed_over(make, caplog):
    """Its mistake is no reason to leave the caller without an answer."""

    def broken(error):
        raise KeyError(SECRET)

    handler = make(raising(CardDeclinedError()), policies=[], status_of=broken)

    assert handler(http_event(), lambda_context())["statusCode"] == 400
    assert "status_of= raised KeyError" in caplog.text
    assert SECRET not in caplog.text


def test_a_status_of_the_users_may_wait_too(make):
    """503 says when to come back, whoever chose it; a 409 that is no twin does not."""
    for status, expected in [(503, "5"), (409, None)]:
        handler = make(raising(CardDeclinedError()), policies=[], status_of=lambda error, status=status: status)

        assert header_of(handler(http_event(), lambda_context()), "retry-after") == expected


def test_an_unknown_status_has_a_title():
    """Whatever the user's function returns, there is an answer."""
    assert title_of(499) == "Error"
    assert Problem(499).detail == ""


def test_the_classifier_decides(make):
    """A rule of the user's makes an error a throttled one."""
    rule = Classification(Verdict.RETRYABLE, Category.THROTTLING, 7.0)
    handler = make(raising(ValueError()), policies=[], classifier=Classifier(rules=[lambda error: rule]))
    answer = handler(http_event(), lambda_context())

    assert answer["statusCode"] == 429
    assert header_of(answer, "retry-after") == "7"


class UpstreamError(Exception):
    """Of which the classifier knows only what the user says."""


INVALID = Classification(Verdict.NON_RETRYABLE, Category.INVALID_INPUT)


@pytest.mark.parametrize(
    ("classifier", "status"),
    [
        (Classifier(), 500),
        (Classifier(retryable=[UpstreamError]), 503),
        (Classifier(non_retryable=[UpstreamError]), 500),
        (Classifier(rules=[lambda error: INVALID]), 400),
    ],
    ids=["unknown", "retryable", "permanent", "invalid"],
)
def test_the_users_word_on_an_error_counts(make, classifier, status):
    """Called retryable it is worth another try, called invalid it is the caller's mistake."""
    handler = make(raising(UpstreamError()), policies=[], classifier=classifier)

    assert handler(http_event(), lambda_context())["statusCode"] == status


def test_a_policy_that_raises_does_not_leave_the_caller_alone(make):
    """Neither does one whose end fails."""

    class Broken:
        async def around(self, call, proceed):
            raise ValueError(SECRET)

        async def finish(self, invocation):
            raise ValueError(SECRET)

    assert make(policies=[Broken()])(http_event(), lambda_context())["statusCode"] == 500


def test_a_context_that_fails_does_not_leave_the_caller_alone(make):
    """Whatever it is, there is an answer."""

    class Context:
        def get_remaining_time_in_millis(self):
            raise ValueError(SECRET)

    answer = make(policies=[])(http_event(), Context())

    assert answer["statusCode"] == 500
    assert "request_id" not in body_of(answer)
