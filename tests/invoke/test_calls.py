"""What an invoker sends and makes of answers, over the fakes that users have too."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from resilient_lambda import (
    Classifier,
    FunctionError,
    Idempotency,
    LambdaInvoker,
    MemoryStore,
    Retry,
    RetryBudget,
    current_claim,
    resilient_handler,
)
from resilient_lambda.errors import (
    ConfigurationError,
    FunctionNotFoundError,
    OutcomeUnknownError,
)
from tests.naming import id_of

from .server import Reply, refusal

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


def test_a_lost_answer_is_no_success_to_the_budget(fakes, io, invoker_of):
    """Or else an outage in which nobody answers would earn the retries that keep it up."""
    budget = RetryBudget(3)
    budget.take()
    invoker = invoker_of(retry=Retry(budget=budget))
    fakes.answer("silent", ReadTimeoutError(endpoint_url="u"))
    for _ in range(20):
        with pytest.raises(OutcomeUnknownError):
            invoker.call("silent")

    assert budget.left == 2


def test_a_retry_that_gets_no_answer_has_spent_its_token(server, io, invoker_of):
    """Only a retry that succeeds gives it back."""
    budget = RetryBudget(2)
    invoker = invoker_of(endpoint_url=server.url, retry=Retry(budget=budget))
    refused, lost = refusal("TooManyRequestsException", 429), Reply(breaks=True)
    server.script = [refused, lost, refused, lost, refused]
    for raised in (OutcomeUnknownError, OutcomeUnknownError, ClientError):
        with pytest.raises(raised):
            invoker.call("flaky")

    assert (budget.left, len(server.seen)) == (0, 5)


@pytest.mark.parametrize("has_committed", [False, True], ids=["before", "after a commit"])
def test_a_refusal_is_tried_again_behind_a_commit_too(server, io, has_committed):
    """A request commits nothing: to give up would be to lose the event that goes with the commit."""
    throttled = refusal("TooManyRequestsException", 429)
    server.script = [throttled, throttled]
    functions = LambdaInvoker(endpoint_url=server.url)

    @resilient_handler(policies=[Idempotency(MemoryStore(), key="id")])
    def handler(order):
        if has_committed:
            current_claim().commit_with([])
        return functions.send("ship-order", order)

    assert handler({"id": "a"}, io.context(timeout_s=60)) == "request-3"


@pytest.mark.parametrize("idempotent", ["no", 1, None], ids=str)
@pytest.mark.parametrize("method", ["call", "send"])
def test_idempotent_is_true_or_false(fakes, invoker_of, method, idempotent):
    """It decides on double starts: a text that says no must not mean yes."""
    with pytest.raises(ConfigurationError, match="neither True nor False"):
        getattr(invoker_of(), method)("price", idempotent=idempotent)

    assert fakes.invocations == []


class AwaitedClient:
    """A client of aioboto3, as far as it matters."""

    async def invoke(self, **request: Any) -> None:
        """Answer later."""


@pytest.mark.parametrize("client", ["x", boto3, AwaitedClient(), object()], ids=["text", "module", "awaited", "object"])
@pytest.mark.parametrize("option", ["client", "logs_client"])
def test_what_is_no_client_is_refused_at_once(option, client):
    """Not by the first call in production."""
    with pytest.raises(ConfigurationError, match=rf"^{option} is a \w+; pass boto3.client"):
        LambdaInvoker(**{option: client})


@pytest.mark.parametrize("service", ["dynamodb", "lambda"])
def test_a_client_of_another_service_is_refused(service):
    """Only one of CloudWatch Logs reads logs."""
    with pytest.raises(ConfigurationError, match="logs_client is a"):
        LambdaInvoker(logs_client=boto3.client(service))


@pytest.mark.parametrize(("connect_s", "warnings"), [(60, 1), (1, 0)])
def test_a_client_that_connects_slowly_is_warned_of(caplog, connect_s, warnings):
    """Its connect timeout is used, and the deadline does not cut it."""
    LambdaInvoker(client=boto3.client("lambda", config=Config(connect_timeout=connect_s)))

    assert len(caplog.records) == warnings
    assert all("may take 60 s to connect" in record.getMessage() for record in caplog.records)


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
