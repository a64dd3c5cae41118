"""Where the lines of an invocation come from: CloudWatch Logs, page by page."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from resilient_lambda import LambdaInvoker
from resilient_lambda.errors import ConfigurationError

ID = "7d1a1d5c-0000-4000-8000-000000000001"
START = f"START RequestId: {ID} Version: $LATEST\n"
END = f"END RequestId: {ID}\n"
REPORT = f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\t\n"
NOW_S = 1_800_000_000.0


class Logs:
    """
    A CloudWatch Logs client that answers as scripted.

    Attributes:
        pages: The answers to the next requests, or errors to raise; beyond them there is nothing.
        requests: What was asked.
    """

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.requests: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        """Answer as `pages` says."""
        self.requests.append(dict(request))
        page = self.pages.pop(0) if self.pages else {"events": []}
        if isinstance(page, Exception):
            raise page
        return page


def page(*texts: str, token: str | None = None, at_s: float = NOW_S) -> dict[str, Any]:
    """Return one answer of FilterLogEvents."""
    events = [
        {"timestamp": int(at_s * 1000) + n, "logStreamName": "a", "message": text} for n, text in enumerate(texts)
    ]
    return {"events": events, "searchedLogStreams": []} | ({} if token is None else {"nextToken": token})


def test_all_pages_are_read_empty_ones_too(io, invoker_of):
    """CloudWatch answers with empty pages while it looks; the end is a page without a token."""
    logs = Logs(
        page(token="1"), page(START, token="2"), *[page(token=f"empty {n}") for n in range(50)], page(END, REPORT)
    )
    trace = invoker_of(logs_client=logs).trace("worker", ID)

    assert [attempt.duration_ms for attempt in trace.attempts] == [12.34]
    assert [request.get("nextToken") for request in logs.requests[:3]] == [None, "1", "2"]
    assert logs.requests[52]["nextToken"] == "empty 49"


def test_a_token_that_comes_back_is_the_end(io):
    """Emulators do that; without an end there would be none."""
    logs = Logs(page(START, token="1"), page(END, token="1"))

    assert LambdaInvoker(logs_client=logs).trace("worker", ID).attempts[0].ended_s is not None


def test_a_throttled_page_is_asked_for_again(io, invoker_of):
    """FilterLogEvents is throttled early; what was read is not read again."""
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "FilterLogEvents")
    logs = Logs(page(START, token="1"), throttled, throttled, page(END))
    trace = invoker_of(logs_client=logs).trace("worker", ID)

    assert trace.has_succeeded
    assert [request.get("nextToken") for request in logs.requests[:4]] == [None, "1", "1", "1"]
    assert len(io.slept_s) == 2


def test_a_log_group_that_does_not_exist_is_an_error(io, invoker_of):
    """It is not the same as a log without the invocation."""
    missing = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "FilterLogEvents")
    with pytest.raises(ClientError):
        invoker_of(logs_client=Logs(missing)).trace("worker", ID)


@pytest.mark.parametrize("function", ["worker", "worker:live", "arn:aws:lambda:us-east-1:123456789012:function:worker"])
def test_the_log_group_is_the_functions_own(io, function):
    """Whatever it is called by."""
    logs = Logs()
    LambdaInvoker(logs_client=logs).trace(function, ID)

    assert logs.requests[0]["logGroupName"] == "/aws/lambda/worker"
    assert logs.requests[0]["filterPattern"] == f'"{ID}"'


def test_another_log_group_can_be_named(io):
    """Functions may share one, or log elsewhere."""
    logs = Logs()
    LambdaInvoker(logs_client=logs).trace("worker", ID, log_group="/mine")

    assert logs.requests[0]["logGroupName"] == "/mine"


def test_the_window_is_the_last_day_by_default(io):
    """Open to its end, for lines come late."""
    logs = Logs()
    LambdaInvoker(logs_client=logs).trace("worker", ID)

    assert logs.requests[0]["startTime"] == int((NOW_S - 86_400) * 1000)
    assert "endTime" not in logs.requests[0]


def test_the_window_can_be_given(io):
    """In seconds since the epoch."""
    logs = Logs()
    LambdaInvoker(logs_client=logs).trace("worker", ID, start_s=10.5, end_s=20.25)

    assert (logs.requests[0]["startTime"], logs.requests[0]["endTime"]) == (10_500, 20_251)


def test_an_exception_that_names_no_request_is_found_in_the_attempts_stream(io, invoker_of):
    """The runtime writes its type without the id: it is looked for between start and end, in that stream alone."""
    logs = Logs(page(START, END, REPORT), page("[ERROR] ValueError: no\nTraceback", at_s=NOW_S))
    (attempt,) = invoker_of(logs_client=logs).trace("worker", ID).attempts

    assert attempt.error_type == "ValueError"
    assert logs.requests[1]["logStreamNames"] == ["a"]
    assert logs.requests[1]["startTime"] == int(NOW_S * 1000)
    assert logs.requests[1]["endTime"] == int(NOW_S * 1000) + 3


def test_what_a_logger_wrote_does_not_hide_the_exception_behind_it(io, invoker_of):
    """logger.exception() and raise: the logger's line names the request and no class, the runtime's the reverse."""
    logged = f"[ERROR]\t2026-11-21T17:00:00.000Z\t{ID}\torder failed"
    logs = Logs(page(START, logged, END, REPORT), page(logged, "[ERROR] ValueError: no\nTraceback", at_s=NOW_S))
    trace = invoker_of(logs_client=logs).trace("worker", ID)

    assert not trace.has_succeeded
    assert trace.attempts[0].error_type == "ValueError"


@pytest.mark.parametrize("arguments", [("", ID), ("worker", ""), ("no name", ID)])
def test_wrong_names_are_refused(io, arguments):
    """Before anything is asked."""
    logs = Logs()
    with pytest.raises(ConfigurationError):
        LambdaInvoker(logs_client=logs).trace(*arguments)

    assert logs.requests == []


def test_under_moto_an_invocation_is_found_among_others(invoker_of):
    """Through a real client."""
    now_ms = int(time.time() * 1000)
    with mock_aws():
        client = boto3.client("logs")
        client.create_log_group(logGroupName="/aws/lambda/worker")
        client.create_log_stream(logGroupName="/aws/lambda/worker", logStreamName="s")
        texts = [START.replace(ID, "another"), END.replace(ID, "another"), START, END, REPORT]
        client.put_log_events(
            logGroupName="/aws/lambda/worker",
            logStreamName="s",
            logEvents=[{"timestamp": now_ms + n, "message": text} for n, text in enumerate(texts)],
        )
        trace = invoker_of(logs_client=client).trace("worker", ID)

    assert [attempt.duration_ms for attempt in trace.attempts] == [12.34]
    assert trace.has_succeeded


def test_under_moto_permission_and_absence():
    """What moto does right of Lambda without Docker: a function that is not there."""
    from resilient_lambda.errors import FunctionNotFoundError

    with mock_aws():
        invoker = LambdaInvoker(client=boto3.client("lambda"))
        with pytest.raises(FunctionNotFoundError):
            invoker.check("nowhere")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            invoker.send("nowhere")
