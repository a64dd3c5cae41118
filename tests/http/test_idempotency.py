"""Idempotency of requests: what is replayed, what is refused, what runs again."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from resilient_lambda import (
    Idempotency,
    JMESPath,
    MemoryStore,
    NonRetryableError,
    Retry,
    RetryableError,
    current_claim,
    resilient_handler,
)
from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.events import ClaimTaken, DuplicateSuppressed, RecordSettled
from resilient_lambda.testing import http_event, lambda_context
from tests.http.conftest import body_of, header_of, raising
from tests.http.golden import GOLDEN
from tests.naming import id_of


def order(total=5, key="k", **options):
    """Return a request."""
    return http_event({"total": total}, path="/orders", idempotency_key=key, **options)


def counting(runs, **response):
    """Return an action that answers how often it was run."""
    return lambda event: {"statusCode": 201, "body": str(len(runs)), **response}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_a_repeated_request_gets_the_same_answer(make, runs, golden):
    """Whichever kind of event it is, and however often it comes."""
    handler = make(counting(runs))
    answers = [handler(golden.event, lambda_context()) for _ in range(3)]

    assert answers == [{"statusCode": 201, "body": "1"}] * 3
    assert len(runs) == 1


def test_a_repeated_request_is_known_to_other_environments(make, runs):
    """The answer is in the store."""
    store = MemoryStore()
    first, second = (make(counting(runs), policies=[Idempotency(store)]) for _ in range(2))

    assert first(order(), lambda_context()) == second(order(), lambda_context())
    assert len(runs) == 1


@pytest.mark.parametrize(
    "other", [order(6), order(query={"dry": "1"}), http_event("x", path="/orders", idempotency_key="k")]
)
@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["known here", "known elsewhere"])
def test_another_request_under_a_used_key_is_refused(make, runs, other, is_elsewhere):
    """Another body or another query: the first answer would be a lie. It is refused wherever it arrives."""
    store = MemoryStore()
    handler = make(counting(runs), policies=[Idempotency(store)])
    handler(order(), lambda_context())
    if is_elsewhere:
        handler = make(counting(runs), policies=[Idempotency(store)])
    answer = handler(other, lambda_context())

    assert answer["statusCode"] == 422
    assert "used before" in body_of(answer)["detail"]
    assert len(runs) == 1


def test_the_same_json_in_other_words_is_the_same_request(make, runs):
    """Spaces and the order of names do not matter."""
    handler = make(counting(runs))
    handler(http_event('{"a": 1, "b": 2}', idempotency_key="k"), lambda_context())

    assert handler(http_event('{"b":2,"a":1}', idempotency_key="k"), lambda_context())["statusCode"] == 201
    assert len(runs) == 1


def test_what_is_compared_can_be_chosen(make, runs):
    """A path into the body, or nothing at all."""
    for fingerprint in ("total", False):
        handler = make(counting(runs), policies=[Idempotency(MemoryStore(), fingerprint=fingerprint)])
        runs.clear()
        handler(http_event({"total": 5, "at": 1}, idempotency_key="k"), lambda_context())

        assert handler(http_event({"total": 5, "at": 2}, idempotency_key="k"), lambda_context())["statusCode"] == 201
        assert len(runs) == 1


@pytest.mark.parametrize("key", [None, "", '""', "  "])
def test_a_request_without_its_key_is_refused(make, runs, key):
    """400, before anything runs."""
    answer = make()(order(key=key), lambda_context())

    assert answer["statusCode"] == 400
    assert "Idempotency-Key" in body_of(answer)["detail"]
    assert runs == []


def test_a_key_can_be_left_to_the_client(make, runs):
    """``on_missing_key="skip"`` runs a request without one unprotected."""
    handler = make(counting(runs), policies=[Idempotency(MemoryStore(), on_missing_key="skip")])
    for key in (None, None, "k", "k"):
        handler(order(key=key), lambda_context())

    assert len(runs) == 3


@pytest.mark.parametrize("key", ["k" * 256, '"k'])
def test_a_key_that_cannot_be_read_is_refused(make, runs, key):
    """Also where a missing one would be let pass: the client meant something by it."""
    handler = make(policies=[Idempotency(MemoryStore(), on_missing_key="skip")])

    assert handler(order(key=key), lambda_context())["statusCode"] == 400
    assert runs == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_a_safe_method_needs_no_key(make, runs, method):
    """It changes nothing, so it is run each time, whatever key it carries."""
    handler = make(counting(runs))
    for key in (None, "k", "k"):
        assert handler(order(method=method, key=key), lambda_context())["statusCode"] == 201

    assert len(runs) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"])
def test_any_other_method_needs_one(make, method):
    """Also one that nobody knows."""
    assert make()(order(method=method, key=None), lambda_context())["statusCode"] == 400


def test_one_key_in_two_stages_is_two_requests(make, runs):
    """One function may serve both, with a database for each."""
    handler = make(counting(runs))
    events = [order(api="rest"), order(api="rest")]
    events[1]["requestContext"].update(stage="staging", path="/staging/orders")
    for event in [*events, *events]:
        assert handler(event, lambda_context())["statusCode"] == 201

    assert len(runs) == 2


def test_the_methods_that_need_a_key_can_be_chosen(make, runs):
    """Where PUT and DELETE are idempotent by themselves, their clients need not be asked for keys."""
    handler = make(counting(runs), methods=["POST", "PATCH"])

    assert handler(order(method="PUT", key=None), lambda_context())["statusCode"] == 201
    assert handler(order(method="PATCH", key=None), lambda_context())["statusCode"] == 400


def test_a_claim_is_there_under_every_method(make):
    """Functions that hand its key on go on working where nothing is claimed."""
    keys = []

    def action(event):
        keys.append(current_claim().key)

    handler = make(action)
    handler(order(), lambda_context())
    handler(order(method="GET"), lambda_context())

    assert [key.partition("#")[0] for key in keys] == ["v1", "unprotected"]


@pytest.mark.parametrize("key", ["id", ["tenant", "id"], JMESPath("id"), lambda event: event["rawPath"]], ids=id_of)
def test_a_key_of_ones_own_takes_the_headers_place(make, runs, key):
    """It is found in the body, or by a function of what the function gets; the header does not count then."""
    handler = make(counting(runs), policies=[Idempotency(MemoryStore(), key=key)])
    for header in ("a", None):
        handler(http_event({"id": "1", "tenant": "t"}, path="/x", idempotency_key=header), lambda_context())

    assert len(runs) == 1


def test_a_key_that_is_missing_in_the_body_is_refused(make):
    """400, and so is a body in which it cannot be looked for."""
    handler = make(policies=[Idempotency(MemoryStore(), key="id")])

    assert handler(http_event({"x": 1}), lambda_context())["statusCode"] == 400
    assert handler(http_event("no JSON"), lambda_context())["statusCode"] == 400


@pytest.mark.parametrize("status", [429, 500, 502, 503, "503"])
def test_an_answer_that_says_it_failed_is_not_recorded(make, runs, status):
    """The caller gets it as it is, and the next request with the key runs (bug 17 of the peers)."""
    handler = make(lambda event: {"statusCode": status if len(runs) == 1 else 201, "body": "b", "cookies": ["a=1"]})

    assert handler(order(), lambda_context()) == {"statusCode": status, "body": "b", "cookies": ["a=1"]}
    assert handler(order(), lambda_context())["statusCode"] == 201
    assert handler(order(), lambda_context())["statusCode"] == 201
    assert len(runs) == 2


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 409, 422, 499, "404", None, "x", True])
def test_any_other_answer_is_recorded(make, runs, status):
    """The function has decided: a 404 now is a 404 for this request for ever."""
    handler = make(lambda event: {"statusCode": status})

    assert handler(order(), lambda_context()) == handler(order(), lambda_context()) == {"statusCode": status}
    assert len(runs) == 1


def test_what_has_failed_can_be_chosen(make, runs):
    """``failed_if=`` gets the response, whole; also that which was made of a value."""
    seen = []

    def failed_if(response):
        seen.append(response["statusCode"])
        return response["statusCode"] == 200

    handler = make(lambda event: {"a": 1}, failed_if=failed_if)
    handler(order(), lambda_context())
    handler(order(), lambda_context())

    assert len(runs) == 2
    assert seen == [200, 200]


def test_a_judge_that_raises_is_passed_over(make, runs, caplog):
    """What is done must not run again for a mistake in the judge: the status decides."""

    def failed_if(response):
        raise KeyError("secret")

    handler = make(counting(runs), failed_if=failed_if)

    assert handler(order(), lambda_context()) == handler(order(), lambda_context())
    assert len(runs) == 1
    assert "failed_if= raised KeyError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("error", [ValueError(), NonRetryableError()], ids=repr)
def test_a_failure_is_not_recorded(make, runs, error):
    """The next request with the key is a new try."""
    handler = make(raising(error))
    for _ in range(2):
        handler(order(), lambda_context())

    assert len(runs) == 2


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["here", "elsewhere"])
def test_a_remembered_failure_is_answered_as_it_was(make, runs, is_elsewhere):
    """With ``remember_failures_s`` a permanent failure is the answer to every request with the key, body and all."""

    def declined(error):
        return 402 if type(error) is NonRetryableError else None

    store = MemoryStore()

    def handler():
        policies = [Idempotency(store, remember_failures_s=60)]
        return make(raising(NonRetryableError()), policies=policies, status_of=declined)

    first = handler()
    answer = first(order(), lambda_context())
    second = handler() if is_elsewhere else first

    assert answer["statusCode"] == 402
    assert second(order(), lambda_context()) == answer
    assert second(order(6), lambda_context())["statusCode"] == 422
    assert len(runs) == 1


def test_a_remembered_failure_is_forgotten_in_time(make, time, runs):
    """After that it is a new try."""
    handler = make(raising(NonRetryableError()), policies=[Idempotency(MemoryStore(), remember_failures_s=60)])
    handler(order(), time.context())
    time.advance(61)
    handler(order(), time.context())

    assert len(runs) == 2


def test_a_retryable_failure_is_never_remembered(make, runs):
    """A 503 is no last word."""
    handler = make(lambda event: {"statusCode": 503}, policies=[Idempotency(MemoryStore(), remember_failures_s=60)])
    for _ in range(2):
        handler(order(), lambda_context())

    assert len(runs) == 2


class Order(BaseModel):
    """What the body must be."""

    total: int


def test_a_body_that_does_not_fit_takes_no_key(paint, runs):
    """Nothing ran, so the client may mend its request and send it under the same key."""

    def function(order: Order):
        runs.append(order)

    handler = resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal=None)(paint(function))

    assert handler(order("x"), lambda_context())["statusCode"] == 422
    assert handler(order(5), lambda_context())["statusCode"] == 204
    assert runs == [Order(total=5)]


def test_what_was_committed_is_the_answer(paint):
    """``commit_with(result=)`` is what a duplicate is answered with, as if it had been returned."""

    def function(event):
        current_claim().commit_with([], result={"a": 1})
        return {"statusCode": 201, "body": "first"}

    handler = resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal=None)(function)

    assert handler(order(), lambda_context())["statusCode"] == 201
    assert body_of(handler(order(), lambda_context())) == {"a": 1}


class Away:
    """A store that cannot be reached."""

    def warm(self):
        """Do nothing."""

    def get(self, *arguments):
        raise StoreUnavailableError("away")

    put_if = put_many_if = get


def test_while_the_store_is_away_nothing_runs(make, time, runs):
    """503, with a time to come back: a request that ran unprotected could be run twice."""
    answer = make(policies=[Idempotency(Away())])(order(), time.context())

    assert answer["statusCode"] == 503
    assert header_of(answer, "retry-after") == "5"
    assert runs == []


def test_it_can_run_without_protection(make, time, runs):
    """``on_store_error="run"`` prefers an answer."""
    answer = make(policies=[Idempotency(Away(), on_store_error="run")])(order(), time.context())

    assert answer["statusCode"] == 201


@pytest.mark.parametrize("what", [503, RetryableError("no")], ids=["returned", "raised"])
def test_retries_are_inside(make, time, runs, what):
    """What says that it failed is tried again within the invocation; the answer of the last try counts."""

    def action(event):
        if len(runs) == 3:
            return {"statusCode": 201}
        if isinstance(what, Exception):
            raise what
        return {"statusCode": what}

    handler = make(action, policies=[Idempotency(MemoryStore()), Retry(attempts=3)])

    assert handler(order(), time.context())["statusCode"] == 201
    assert handler(order(), time.context())["statusCode"] == 201
    assert len(runs) == 3


def test_retries_wait_as_long_as_the_answer_asks(make, time, runs):
    """Its own Retry-After counts, as that of an error does."""
    headers = {"retry-after": "7"}
    handler = make(lambda event: {"statusCode": 503, "headers": headers}, policies=[Retry(attempts=2)])
    began_s = time.now()
    handler(order(), time.context(timeout_s=60))

    assert time.now() - began_s >= 7
    assert len(runs) == 2


def test_when_retries_are_spent_the_caller_gets_the_last_answer(make, time, runs):
    """As the function made it."""
    handler = make(lambda event: {"statusCode": 503, "body": str(len(runs))}, policies=[Retry(attempts=2)])

    assert handler(order(), time.context()) == {"statusCode": 503, "body": "2"}


def test_observers_hear_of_requests(make, runs):
    """As of any event: who claimed, what was suppressed, how each request ended."""
    seen = []
    handler = make(counting(runs), observers=[seen.append])
    for _ in range(2):
        handler(order(), lambda_context(request_id="r"))
    handler(order(6), lambda_context(request_id="r"))

    assert [type(event) for event in seen] == [
        ClaimTaken,
        RecordSettled,
        DuplicateSuppressed,
        RecordSettled,
        RecordSettled,
    ]
    assert [event.error_type for event in seen if isinstance(event, RecordSettled)][2:] == ["FingerprintMismatchError"]


def test_observers_hear_of_an_answer_that_says_it_failed(make):
    """It counts as a retryable failure, although the caller got it."""
    seen = []
    make(lambda event: {"statusCode": 503}, policies=[], observers=[seen.append])(order(), lambda_context())

    assert [(event.error_type, event.classification.is_retryable) for event in seen] == [("FailedAnswerError", True)]


def test_operators_can_switch_idempotency_off(make, runs, monkeypatch):
    """Every request runs, and none needs a key or a caller."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")
    handler = make(counting(runs), principal="caller")
    for key in ("k", "k", None):
        assert handler(order(key=key), lambda_context())["statusCode"] == 201

    assert len(runs) == 3


def test_observing_changes_nothing(make, runs):
    """``mode="observe"`` runs duplicates, other requests under the key, and requests without one."""
    handler = make(counting(runs), policies=[Idempotency(MemoryStore(), mode="observe")])
    for event in (order(), order(), order(6), order(key=None)):
        assert handler(event, lambda_context())["statusCode"] == 201

    assert len(runs) == 4


def test_the_policy_that_was_given_stays_as_it_is(paint, runs):
    """One policy may stand in a handler of requests and in one of other events, each with keys of its own."""
    policy = Idempotency(MemoryStore(), key="job")

    def function(event):
        runs.append(event)
        return {"statusCode": 200}

    requests = resilient_handler(http=True, policies=[policy], principal=None)(paint(function))
    events = resilient_handler(policies=[policy])(paint(function))
    requests(http_event({"job": "j"}), lambda_context())
    for _ in range(2):
        events({"job": "j"}, lambda_context())

    assert len(runs) == 2
