"""What an invoker sends and makes of answers, over the fakes that users have too."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from resilient_lambda import Classifier, FunctionError, LambdaInvoker, Retry
from resilient_lambda.errors import (
    ConfigurationError,
    FunctionNotFoundError,
    OutcomeUnknownError,
)
from tests.naming import id_of

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:price"


def client_error(code: str, message: str = "no", **fields: Any) -> ClientError:
    """Return what botocore raises when Lambda refuses."""
    return ClientError({"Error": {"Code": code, "Message": message}, **fields}, "Invoke")


def test_a_failed_function_is_an_error_with_what_failed(fakes, invoker_of):
    """The handler's own exception, its type, its message and its stack."""

    def price(event):
        raise ValueError(f"no {event['what']}")

    fakes.answer(ARN, price)
    with pytest.raises(FunctionError) as raised:
        invoker_of().call("price", {"what": "total"})
    error = raised.value

    assert (error.type, error.message, error.kind) == ("ValueError", "no total", "handler")
    assert error.stack
    assert error.request_id
    assert len(fakes.invocations) == 1


@pytest.mark.parametrize("kind", ["timeout", "out_of_memory", "exit", "handler"])
def test_what_failed_a_function_has_a_kind(fakes, invoker_of, kind):
    """The function's time limit, its memory, an exit, or its own exception."""
    fakes.answer("price", FunctionError("Any", "said so", kind=kind))
    with pytest.raises(FunctionError) as raised:
        invoker_of().call("price")

    assert raised.value.kind == kind


def test_a_failed_function_is_tried_again_if_that_may_help_and_does_no_harm(fakes, io, invoker_of):
    """Only with idempotent=True: a timeout passes, a second run of what charged a card does not."""
    fakes.answer("price", FunctionError("", "", kind="timeout"))
    for idempotent, tries in ((False, 1), (True, 3)):
        before = len(fakes.invocations)
        with pytest.raises(FunctionError):
            invoker_of().call("price", idempotent=idempotent)

        assert len(fakes.invocations) - before == tries


@pytest.mark.parametrize(
    ("error", "raised", "tries"),
    [
        (client_error("TooManyRequestsException"), ClientError, 3),
        (client_error("ResourceNotFoundException"), ClientError, 1),
        (ConnectTimeoutError(endpoint_url="u"), ConnectTimeoutError, 3),
        (ReadTimeoutError(endpoint_url="u"), OutcomeUnknownError, 1),
        (TimeoutError(), OutcomeUnknownError, 1),
    ],
    ids=id_of,
)
def test_a_fake_refuses_as_lambda_does(fakes, io, invoker_of, error, raised, tries):
    """An exception of botocore's as an answer is what the call meets, retries and all."""
    fakes.answer("price", error)
    with pytest.raises(raised):
        invoker_of().call("price")

    assert len(fakes.invocations) == tries


@pytest.mark.parametrize("called", ["price", ARN, f"{ARN}:live", "123456789012:function:price", "price:live"])
def test_a_fake_function_is_found_by_any_of_its_names(fakes, called):
    """A name, a partial ARN, an ARN, with a qualifier or without."""
    fakes.answer("price", 5)

    assert LambdaInvoker().call(called) == 5


def test_an_event_is_kept_and_not_run(fakes, invoker_of):
    """Handing over returns an id at once; what stands in for the function is not called."""
    runs = []
    fakes.answer("worker", runs.append)
    invoker = invoker_of()
    ids = {invoker.send("worker", {"n": n}) for n in range(3)}

    assert runs == []
    assert len(ids) == 3
    assert [seen.invocation_type for seen in fakes.invocations] == ["Event"] * 3


def test_a_caller_that_may_is_told_so(fakes, invoker_of):
    """By a dry run."""
    assert invoker_of().check("price", qualifier="live")
    assert fakes.invocations[0].invocation_type == "DryRun"
    assert fakes.invocations[0].qualifier == "live"


def test_a_caller_that_may_not_is_told_what_is_missing(fakes, invoker_of):
    """The action, and the kind of policy that does not allow it."""
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/caller/s is not authorized to perform: lambda:InvokeFunction on "
        f"resource: {ARN} because no identity-based policy allows the lambda:InvokeFunction action"
    )
    fakes.answer("price", client_error("AccessDeniedException", message))
    found = invoker_of().check("price")

    assert not found
    assert (found.action, found.policy, found.resource) == ("lambda:InvokeFunction", "identity-based", ARN)


def test_a_function_that_is_not_there_is_no_denial(fakes, invoker_of):
    """No answer about permission, but an error of its own."""
    fakes.answer("price", client_error("ResourceNotFoundException"))
    with pytest.raises(FunctionNotFoundError, match="'price' with the qualifier 'live'"):
        invoker_of().check("price", qualifier="live")


def test_another_refusal_of_a_dry_run_is_raised(fakes, io, invoker_of):
    """A throttle says nothing about permission."""
    fakes.answer("price", client_error("TooManyRequestsException"))
    with pytest.raises(ClientError):
        invoker_of().check("price")


@pytest.mark.parametrize(
    "options",
    [
        {"retry": 3},
        {"region": ""},
        {"region": "eu-west-1", "client": object()},
        {"endpoint_url": "http://x", "client": object()},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
    ],
    ids=id_of,
)
def test_a_wrong_option_fails_at_once(options):
    """When the invoker is made, which is when the module is imported."""
    with pytest.raises(ConfigurationError):
        LambdaInvoker(**options)


@pytest.mark.parametrize(
    "arguments", [{"function": ""}, {"function": "f", "qualifier": ""}, {"function": 5}], ids=id_of
)
def test_a_wrong_name_fails_before_anything_is_sent(fakes, arguments):
    """An empty name would be another path of the API."""
    with pytest.raises(ConfigurationError):
        LambdaInvoker().call(**arguments)

    assert fakes.invocations == []


def test_an_invoker_serves_many_threads_and_tasks(fakes):
    """Each gets the answer to its own call."""
    fakes.answer("double", lambda event: event * 2)
    invoker = LambdaInvoker(retry=Retry(attempts=1))
    found: dict[int, int] = {}

    async def tasks() -> list[int]:
        return await asyncio.gather(*(invoker.aio.call("double", n, returns=int) for n in range(20)))

    threads = [threading.Thread(target=lambda n=n: found.__setitem__(n, invoker.call("double", n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert asyncio.run(tasks()) == [2 * n for n in range(20)]
    assert found == {n: 2 * n for n in range(20)}


def test_a_log_taker_that_fails_does_not_have_the_function_run_again(fakes, io, invoker_of):
    """What goes wrong after the answer is the caller's, and no reason for another try."""
    with pytest.raises(ZeroDivisionError):
        invoker_of().call("price", log=lambda tail: 1 / 0)

    assert len(fakes.invocations) == 1


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyError("StatusCode")], ids=id_of)
def test_an_error_of_unknown_origin_is_not_tried_again(fakes, io, invoker_of, error):
    """Only what surely has not run is, unless twice does no harm."""
    fakes.answer("price", error)
    for idempotent, tries in ((False, 1), (True, 3)):
        before = len(fakes.invocations)
        with pytest.raises(type(error)):
            invoker_of().call("price", idempotent=idempotent)

        assert len(fakes.invocations) - before == tries


def test_no_classifier_has_a_function_run_twice(fakes, io, invoker_of):
    """Who calls every error retryable speaks of errors, not of what may have been done."""
    retry = Retry(attempts=5, classifier=Classifier(retryable=[Exception]))
    fakes.answer("price", ReadTimeoutError(endpoint_url="u"))
    with pytest.raises(OutcomeUnknownError):
        invoker_of(retry=retry).call("price")

    assert len(fakes.invocations) == 1


def test_a_classifier_decides_about_refusals(fakes, io, invoker_of):
    """A function that is being created is not there for a moment: who wants to wait for it says so."""
    retry = Retry(attempts=2, classifier=Classifier(retryable_codes=["ResourceNotFoundException"]))
    fakes.answer("price", client_error("ResourceNotFoundException"))
    with pytest.raises(ClientError):
        invoker_of(retry=retry).call("price")

    assert len(fakes.invocations) == 2
