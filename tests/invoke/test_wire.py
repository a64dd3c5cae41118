"""What goes over the wire: one request for one call, whatever botocore and the network would make of it."""

from __future__ import annotations

import base64
import json
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    SSLError,
)

from resilient_lambda import LambdaInvoker, Retry, resilient_handler
from resilient_lambda.errors import ConfigurationError, DeadlineExceededError, FunctionError, OutcomeUnknownError
from resilient_lambda.invoke._client import has_surely_not_run
from resilient_lambda.testing import lambda_context
from tests.engines.dynamodb_local import free_port
from tests.naming import id_of

from .server import Reply, failure, refusal

THROTTLED = refusal("TooManyRequestsException", 429, Reason="ReservedFunctionConcurrentInvocationLimitExceeded")


def retrying_client(url, **options):
    """Return a boto3 client with the retries that it has by default, and short waits for answers."""
    config = Config(read_timeout=0.2, retries={"total_max_attempts": 3, "mode": "standard"}, **options)
    return boto3.client("lambda", endpoint_url=url, config=config)


def test_an_answer_comes_back(server, invoker_of):
    """What the function returns, as JSON has it."""
    server.script = [Reply(body=b'{"total": 5}')]

    assert invoker_of(endpoint_url=server.url).call("price", {"order_id": "a"}) == {"total": 5}
    assert json.loads(server.seen[0].body) == {"order_id": "a"}
    assert server.seen[0].path == "/2015-03-31/functions/price/invocations"


def test_botocores_defaults_start_a_slow_function_three_times(server):
    """What this library does otherwise: each read timeout is tried again, and each try starts the function."""
    server.script = [Reply(hangs=True)] * 3
    with pytest.raises(Exception, match="Read timeout"):
        retrying_client(server.url).invoke(FunctionName="slow")

    assert len(server.seen) == 3


def test_a_function_slower_than_the_read_timeout_is_started_once(server, io, invoker_of):
    """That no answer came does not say that it has not run: the outcome is unknown, and nothing is sent again."""
    server.script = [Reply(hangs=True)] * 3
    with pytest.raises(OutcomeUnknownError, match=r"'slow'.*ReadTimeoutError") as raised:
        invoker_of(endpoint_url=server.url, timeout_s=0.2).call("slow")

    assert len(server.seen) == 1
    assert (raised.value.function, raised.value.waited_s) == ("slow", 0.2)
    assert io.slept_s == []


def test_a_slow_function_is_started_once_through_a_client_with_retries(server, io, invoker_of):
    """A client of the user's own retries nothing that an invoker sends."""
    server.script = [Reply(hangs=True)] * 3
    with pytest.raises(OutcomeUnknownError):
        invoker_of(client=retrying_client(server.url), timeout_s=0.2).call("slow")

    assert len(server.seen) == 1


def test_a_refusal_is_of_the_classes_of_the_client_that_was_passed(server):
    """As without this library: `except client.exceptions.ResourceNotFoundException`."""
    server.script = [refusal("ResourceNotFoundException", 404), refusal("Unheard", 400)]
    client = retrying_client(server.url)
    invoker = LambdaInvoker(client=client, retry=Retry(attempts=1))
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoker.call("nowhere")
    with pytest.raises(ClientError, match="Unheard"):
        invoker.call("nowhere")

    assert len(server.seen) == 2


def test_a_throttle_is_tried_again_by_the_invoker_only(server, io, invoker_of):
    """Not by the client as well: three tries are three requests."""
    server.script = [THROTTLED] * 9
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        invoker_of(client=retrying_client(server.url)).call("busy")

    assert len(server.seen) == 3


def test_an_idempotent_function_that_does_not_answer_is_invoked_again(server, io, invoker_of):
    """Who says idempotent=True gets tries after a lost answer too."""
    server.script = [Reply(hangs=True), Reply(breaks=True), Reply(body=b'"done"')]

    assert invoker_of(endpoint_url=server.url, timeout_s=0.2).call("slow", idempotent=True) == "done"
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    "reply",
    [Reply(breaks=True), Reply(body=b'{"half', cuts=True), Reply(504, b"<html>timeout</html>"), Reply(502, b"")],
    ids=["reset", "cut", "gateway timeout", "bad gateway"],
)
def test_a_broken_answer_is_an_unknown_outcome(server, io, invoker_of, reply):
    """The request was sent; nobody but the function itself knows what has become of it."""
    server.script = [reply]
    with pytest.raises(OutcomeUnknownError):
        invoker_of(endpoint_url=server.url).call("broken")

    assert len(server.seen) == 1


def test_a_lost_answer_to_an_event_is_an_unknown_outcome(server, io, invoker_of):
    """It may be in Lambda's queue; sent again, there might be two."""
    server.script = [Reply(breaks=True)]
    with pytest.raises(OutcomeUnknownError):
        invoker_of(endpoint_url=server.url).send("worker")

    assert len(server.seen) == 1


def test_a_connection_that_was_never_made_is_tried_again(io, invoker_of):
    """Nothing was sent, so nothing was started."""
    invoker = invoker_of(endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises((EndpointConnectionError, ConnectTimeoutError)):
        invoker.call("nowhere")

    assert len(io.slept_s) == 2


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (THROTTLED, 3),
        (refusal("ServiceException", 500), 3),
        (refusal("EC2ThrottledException", 502), 3),
        (refusal("ResourceNotReadyException", 502), 3),
        (refusal("KMSAccessDeniedException", 502), 1),
        (refusal("ResourceNotFoundException", 404), 1),
        (refusal("InvalidRequestContentException", 400), 1),
    ],
    ids=lambda value: value.headers["x-amzn-ErrorType"] if isinstance(value, Reply) else str(value),
)
def test_a_refusal_is_tried_again_by_its_name(server, io, invoker_of, reply, tries):
    """Not by its status: Lambda uses 502 for what passes and for what does not."""
    server.script = [reply] * tries
    with pytest.raises(ClientError):
        invoker_of(endpoint_url=server.url).call("refused")

    assert len(server.seen) == tries


@pytest.mark.parametrize(
    "reply",
    [refusal("SomethingNew", 500), refusal("GatewayTimeout", 504), refusal("InternalError", 500)],
    ids=["unknown name", "gateway", "not of Invoke"],
)
def test_a_server_fault_under_another_name_is_an_unknown_outcome(server, io, invoker_of, reply):
    """Only the names that Invoke gives say that nothing was started; any other may be a gateway's."""
    server.script = [reply] * 3
    with pytest.raises(OutcomeUnknownError):
        invoker_of(endpoint_url=server.url).call("charge-card")

    assert len(server.seen) == 1


def test_throttling_by_any_name_is_a_refusal(server, io, invoker_of):
    """What is throttled was not started, whatever stands in front of Lambda."""
    server.script = [refusal("ThrottlingException", 503), Reply(body=b"1")]

    assert invoker_of(endpoint_url=server.url).call("busy") == 1


def test_a_throttle_says_how_long_to_wait(server, io, invoker_of):
    """retryAfterSeconds is waited for, and some more, so that a fleet does not come back in one second."""
    server.script = [
        Reply(THROTTLED.status, THROTTLED.body, {**THROTTLED.headers, "Retry-After": "7"}),
        Reply(body=b"1"),
    ]

    assert invoker_of(endpoint_url=server.url).call("busy") == 1
    assert 7 <= io.slept_s[0] <= 11


def test_one_try_when_told_so(server, io, invoker_of):
    """The retry is the caller's to choose."""
    server.script = [THROTTLED]
    with pytest.raises(ClientError):
        invoker_of(endpoint_url=server.url, retry=Retry(attempts=1)).call("busy")

    assert len(server.seen) == 1


def test_each_call_has_its_own_read_timeout_on_one_connection(server):
    """The timeout is of the call, the connections are the client's: no new one for another timeout."""
    invokers = [LambdaInvoker(endpoint_url=server.url, timeout_s=timeout_s) for timeout_s in (5, 7, 11)]
    for invoker in invokers:
        invoker.call("quick")

    assert len({seen.peer for seen in server.seen}) == 1


def test_calls_of_two_threads_do_not_share_a_timeout(server):
    """A short wait in one thread does not cut the long one in another."""
    server.script = [Reply(hangs=True)]
    short = LambdaInvoker(endpoint_url=server.url, timeout_s=0.3)

    def fail() -> None:
        with pytest.raises(OutcomeUnknownError):
            short.call("slow")

    failed = threading.Thread(target=fail)
    failed.start()
    server.wait_for_a_request()
    long = LambdaInvoker(endpoint_url=server.url, timeout_s=20)
    long.call("quick")
    failed.join(10)

    assert not failed.is_alive()


def test_the_wait_ends_before_the_handlers_deadline(server):
    """Inside a handler nothing is waited for longer than the invocation has, margin included."""
    server.script = [Reply(hangs=True)]
    invoker = LambdaInvoker(endpoint_url=server.url)

    @resilient_handler
    def handler(event, context):
        invoker.call("slow")

    with pytest.raises(OutcomeUnknownError) as raised:
        handler({}, lambda_context(timeout_s=0.5))

    assert raised.value.waited_s < 0.5


def test_without_time_nothing_is_sent(server, io):
    """What cannot be waited for is not started."""
    invoker = LambdaInvoker(endpoint_url=server.url)

    @resilient_handler
    def handler(event, context):
        io.advance(60)
        invoker.call("late")

    with pytest.raises(DeadlineExceededError, match="'late'"):
        handler({}, lambda_context(timeout_s=30))

    assert server.seen == []


def test_what_is_asked_for_is_in_the_request(server, invoker_of):
    """Qualifier, tenant, client context and log, as the Invoke API has them."""
    invoker_of(endpoint_url=server.url).call(
        "price", qualifier="live", tenant_id="blue", client_context={"custom": {"a": 1}}, log=True
    )
    seen = server.seen[0]

    assert seen.path.endswith("/price/invocations?Qualifier=live")
    assert seen.headers["x-amz-tenant-id"] == "blue"
    assert json.loads(base64.b64decode(seen.headers["x-amz-client-context"])) == {"custom": {"a": 1}}
    assert seen.headers["x-amz-log-type"] == "Tail"
    assert seen.headers["x-amz-invocation-type"] == "RequestResponse"
    assert seen.body == b"{}"


def test_an_event_is_sent_as_one(server, invoker_of):
    """And Lambda's request id comes back."""
    assert invoker_of(endpoint_url=server.url).send("worker", {"a": 1}, qualifier="3") == "request-1"
    assert server.seen[0].headers["x-amz-invocation-type"] == "Event"
    assert server.seen[0].body == b'{"a":1}'


def test_an_event_that_is_answered_otherwise_may_be_lost(server, io, invoker_of):
    """Only 202 says that Lambda has it."""
    server.script = [Reply(200, b"")]
    with pytest.raises(OutcomeUnknownError, match="200, not 202"):
        invoker_of(endpoint_url=server.url).send("worker")


def test_a_failed_function_says_what_it_failed_of(server, invoker_of):
    """Type, message, stack, Lambda's request id, and the end of the log."""
    said = {"errorType": "ValueError", "errorMessage": "no", "stackTrace": ["  File x"], "requestId": "r"}
    log = base64.b64encode("START é\nEND".encode()).decode()
    server.script = [failure(said, **{"X-Amz-Log-Result": log})]
    with pytest.raises(FunctionError) as raised:
        invoker_of(endpoint_url=server.url).call("broken", log=True)
    error = raised.value

    assert (error.type, error.message, error.kind, error.stack) == ("ValueError", "no", "handler", ("  File x",))
    assert (error.request_id, error.log) == ("request-1", "START é\nEND")
    assert len(server.seen) == 1


def test_a_function_that_timed_out_is_known_as_such(server, io, invoker_of):
    """By what Lambda says of this request; with idempotent=True it is tried again."""
    server.script = [
        failure(
            {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"RequestId: request-{n} Error: Task timed out after 3.00 seconds",
            }
        )
        for n in (1, 2)
    ]
    invoker = invoker_of(endpoint_url=server.url)
    with pytest.raises(FunctionError) as raised:
        invoker.call("slow")

    assert raised.value.kind == "timeout"
    assert invoker.call("slow", idempotent=True) is None
    assert len(server.seen) == 3


def test_the_log_is_given_to_whoever_asks(server, invoker_of):
    """Of a success too."""
    logs = []
    server.script = [Reply(headers={"X-Amz-Log-Result": base64.b64encode(b"END").decode()})]
    invoker_of(endpoint_url=server.url).call("chatty", log=logs.append)

    assert logs == ["END"]


def test_an_sdk_without_tenants_is_refused(server):
    """It would leave the tenant out, and the function would run for nobody."""
    client = boto3.client("lambda", endpoint_url=server.url)
    client.meta.service_model.operation_model("Invoke").input_shape.members.pop("TenantId")
    with pytest.raises(ConfigurationError, match="newer boto3"):
        LambdaInvoker(client=client).call("price", tenant_id="blue")

    assert server.seen == []


def test_a_function_is_called_in_the_region_of_its_arn(server, invoker_of):
    """Unless region= says otherwise."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:price"
    invoker_of(endpoint_url=server.url).call(arn)
    invoker_of(endpoint_url=server.url, region="us-west-2").call(arn)

    assert ["/eu-west-1/lambda/" in seen.headers["authorization"] for seen in server.seen] == [True, False]
    assert "/us-west-2/lambda/" in server.seen[1].headers["authorization"]


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1]", b'{"errorType": 5, "errorMessage": null, "stackTrace": {}}'])
def test_a_failure_of_any_shape_is_one(server, invoker_of, body):
    """A custom runtime may answer what it likes."""
    logs = []
    server.script = [Reply(200, body, {"X-Amz-Function-Error": "Unhandled"})]
    with pytest.raises(FunctionError) as raised:
        invoker_of(endpoint_url=server.url).call("odd", log=logs.append)

    assert (raised.value.type, raised.value.message, raised.value.kind) == ("", "", "handler")
    assert logs == [""]


@pytest.mark.parametrize(
    ("error", "is_sure"),
    [
        (SSLError(endpoint_url="u", error="certificate verify failed"), True),
        (SSLError(endpoint_url="u", error="EOF occurred in violation of protocol"), False),
        (ConnectTimeoutError(endpoint_url="u"), True),
        (NoCredentialsError(), True),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), False),
        (ConnectionResetError(), False),
        (KeyError("StatusCode"), False),
    ],
    ids=id_of,
)
def test_what_surely_has_not_run_is_told_from_the_rest(error, is_sure):
    """By what botocore raises before, and after, the request was sent."""
    assert has_surely_not_run(error) is is_sure


def test_an_untried_error_of_a_dry_run_is_raised(server, io, invoker_of):
    """No answer at all is no denial."""
    server.script = [Reply(breaks=True)] * 3
    with pytest.raises(OutcomeUnknownError):
        invoker_of(endpoint_url=server.url).check("price")

    assert len(server.seen) == 3  # asking twice does no harm
