"""What a function's log says of one invocation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.invocation_trace import LogLine, TracedAttempt, trace_of
from tests.naming import id_of

ID = "7d1a1d5c-0000-4000-8000-000000000001"
OTHER = "7d1a1d5c-0000-4000-8000-000000000002"
NAMES = ["type", "record", "requestId", "status", "errorType", "metrics", "durationMs", "level", "message", "log_level"]
START = f"START RequestId: {ID} Version: $LATEST\n"
END = f"END RequestId: {ID}\n"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB\t"
    "Init Duration: 99.99 ms\t\n"
)
TIMED_OUT = f"2026-11-21T17:00:03.000Z {ID} Task timed out after 3.00 seconds\n\n"


def lines(*texts: str, stream: str = "a", at_s: float = 100.0) -> list[LogLine]:
    """Return *texts* as lines of one stream, one second apart."""
    return [LogLine(at_s + n, stream, text) for n, text in enumerate(texts)]


def platform(kind: str, **record: Any) -> str:
    """Return a line of the platform in JSON."""
    return json.dumps(
        {"time": "2026-11-21T17:00:00.000Z", "type": f"platform.{kind}", "record": {"requestId": ID, **record}}
    )


def test_an_attempt_that_ended_well():
    """With what it took, what it costs, and the memory it used."""
    trace = trace_of(ID, lines(START, END, REPORT))

    assert trace.attempts == (
        TracedAttempt(100.0, 102.0, duration_ms=12.34, billed_ms=13.0, memory_mb=128.0, used_mb=50.0, stream="a"),
    )
    assert (trace.is_found, trace.is_running, trace.has_succeeded) == (True, False, True)
    assert trace.summary == f"{ID}: attempt 1 ended without an error, after 12 ms"


def test_nothing_in_the_log_is_not_found():
    """Which does not say that it never ran."""
    trace = trace_of(ID, [])

    assert (trace.is_found, trace.is_running, trace.has_succeeded) == (False, False, False)
    assert "nothing in the log" in trace.summary


def test_a_start_without_an_end_is_running():
    """As far as the log says until now."""
    trace = trace_of(ID, lines(START))

    assert (trace.is_found, trace.is_running, trace.has_succeeded) == (True, True, False)
    assert "has begun and not ended" in trace.summary


def test_every_retry_is_an_attempt():
    """Lambda retries under the same request id, in the same environment or another."""
    first = lines(START, "[ERROR] ValueError: no\nTraceback", END, REPORT)
    second = lines(START, END, REPORT, at_s=200.0)
    third = lines(START, stream="b", at_s=300.0)
    trace = trace_of(ID, third + second + first)

    assert [(attempt.started_s, attempt.stream) for attempt in trace.attempts] == [(100, "a"), (200, "a"), (300, "b")]
    assert [attempt.error_type for attempt in trace.attempts] == ["ValueError", "", ""]
    assert [attempt.failed for attempt in trace.attempts] == [True, False, False]
    assert trace.is_running


def test_a_line_that_was_found_twice_is_one():
    """Two queries may bring the same line."""
    found = lines(START, "[ERROR] ValueError: no", END)

    assert trace_of(ID, found + found).attempts[0].errors == ("[ERROR] ValueError: no",)


def test_lines_of_one_millisecond_are_put_in_order():
    """A function may start and end in it."""
    trace = trace_of(ID, [LogLine(1.0, "a", text) for text in (REPORT, END, START)])

    assert [(attempt.started_s, attempt.ended_s) for attempt in trace.attempts] == [(1.0, 1.0)]


@pytest.mark.parametrize(
    "texts",
    [
        (START, TIMED_OUT),
        (START, TIMED_OUT, END, REPORT),
        (START, END, REPORT.rstrip() + "\tStatus: timeout\n"),
        (platform("start"), platform("report", status="timeout", metrics={"durationMs": 3000.0})),
        (
            START,
            json.dumps({"level": "ERROR", "message": f"2026-11-21T17:00:03Z {ID} Task timed out after 3.00 seconds"}),
        ),
    ],
    ids=["dated", "with the rest", "in the report", "json", "json line"],
)
def test_a_timeout_is_told_from_other_errors(texts):
    """In each of the shapes that Lambda writes."""
    (attempt,) = trace_of(ID, lines(*texts)).attempts

    assert attempt.timed_out
    assert attempt.failed
    assert attempt.ended_s is not None


def test_a_timeout_says_so_in_the_summary():
    """In words."""
    assert trace_of(ID, lines(START, TIMED_OUT)).summary == f"{ID}: attempt 1 timed out"


@pytest.mark.parametrize(
    ("texts", "error_type"),
    [
        ((START, "[ERROR] ValueError: no\nTraceback (most recent call last):\n", END, REPORT), "ValueError"),
        ((START, "[ERROR] app.errors.Odd\nTraceback", END), "app.errors.Odd"),
        ((START, f"RequestId: {ID} Error: Runtime exited with error: signal: killed\n"), "Runtime.ExitError"),
        ((START, REPORT.rstrip() + "\tStatus: error\tError Type: Runtime.ExitError\n"), "Runtime.ExitError"),
        ((START, REPORT.rstrip() + "\tStatus: error\n"), "error"),
        ((platform("start"), platform("report", status="error", errorType="Function.Odd")), "Function.Odd"),
        ((platform("start"), platform("report", status="failure")), "failure"),
        (
            (
                platform("start"),
                json.dumps({"log_level": "ERROR", "errorMessage": "no", "errorType": "ValueError", "requestId": ID}),
                platform("report", status="error", errorType="Function.Unknown"),
            ),
            "ValueError",
        ),
    ],
    ids=id_of,
)
def test_an_attempt_says_what_it_failed_of(texts, error_type):
    """The function's exception, before what the report makes of it."""
    (attempt,) = trace_of(ID, lines(*texts)).attempts

    assert attempt.error_type == error_type
    assert attempt.failed
    assert error_type in trace_of(ID, lines(*texts)).summary


@pytest.mark.parametrize(
    "text",
    [
        f"[ERROR]\t2026-11-21T17:00:00.000Z\t{ID}\tit went wrong, and was caught",
        json.dumps({"level": "ERROR", "message": "caught", "errorType": "ValueError", "requestId": ID}),
        json.dumps({"level": "ERROR", "message": "caught"}),
    ],
    ids=["text", "json", "json of nobody"],
)
def test_a_logged_error_is_shown_and_is_no_failure(text):
    """The function caught it and went on."""
    (attempt,) = trace_of(ID, lines(START, text, END, REPORT)).attempts

    assert attempt.errors == (text,)
    assert not attempt.failed


@pytest.mark.parametrize(
    "text",
    [
        f"[INFO]\t2026-11-21T17:00:00.000Z\t{ID}\tthe worker said: x Task timed out after 3.00 seconds",
        f"[ERROR]\t2026-11-21T17:00:00.000Z\t{ID}\tRequestId: {OTHER} Error: Task timed out after 3.00 seconds",
        json.dumps({"level": "INFO", "requestId": ID, "message": "Task timed out after 3.00 seconds"}),
        json.dumps({"level": "ERROR", "requestId": ID, "message": "it said: Task timed out after 3.00 seconds"}),
        json.dumps({"level": "ERROR", "message": f"2026-11-21T17:00:03Z {OTHER} Task timed out after 3.00 seconds"}),
        f"2026-11-21T17:00:03.000Z {OTHER} Task timed out after 3.00 seconds",
    ],
    ids=["info", "error", "json info", "json error", "json of another", "of another"],
)
def test_a_timeout_that_is_merely_quoted_is_none(text):
    """Who invokes functions logs what they failed of."""
    trace = trace_of(ID, lines(START, text, END, REPORT))

    assert trace.has_succeeded


def test_an_error_that_was_logged_for_another_invocation_is_passed_over():
    """It may stand in the same stream, between the same lines, in the window that was asked for."""
    other = f"[ERROR]\t2026-11-21T17:00:00.000Z\t{OTHER}\tanother order failed"

    assert trace_of(ID, lines(START, other, END)).attempts[0].errors == ()


def test_json_lines_of_the_platform():
    """The other log format says the same."""
    metrics = {"durationMs": 12.34, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 50, "odd": "x"}
    trace = trace_of(
        ID,
        lines(
            platform("start", version="$LATEST"),
            platform("runtimeDone", status="success"),
            platform("report", status="success", metrics=metrics),
        ),
    )

    assert trace.attempts == (
        TracedAttempt(100.0, 102.0, duration_ms=12.34, billed_ms=13.0, memory_mb=128.0, used_mb=50.0, stream="a"),
    )


def test_a_report_alone_says_when_it_began():
    """Where the window begins after the start."""
    assert trace_of(ID, lines(REPORT, at_s=100.0)).attempts[0].started_s == pytest.approx(100 - 0.01234)


def test_an_end_alone_does_not():
    """It ended within the window; that is all."""
    assert trace_of(ID, lines(END)).attempts[0].started_s is None


@pytest.mark.parametrize(
    "text",
    [
        f"START RequestId: {OTHER} Version: $LATEST",
        f"the user's own line about {ID}",
        f"RequestId: {OTHER} Error: Runtime exited with error: signal: killed",
        json.dumps({"type": "platform.start", "record": {"requestId": OTHER}}),
        platform("initReport"),
        json.dumps({"level": "ERROR", "message": "x", "requestId": OTHER}),
        json.dumps({"level": "INFO", "message": f"about {ID}"}),
        json.dumps({"type": "platform.start", "record": "odd"}),
        f'{{"half of {ID}',
        "{}",
        "",
    ],
)
def test_other_lines_are_passed_over(text):
    """Of other invocations, of the user's, and what only looks like JSON."""
    assert not trace_of(ID, lines(text)).is_found


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from([ID, OTHER, "ERROR", "platform.start", "timeout", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@given(ODD.map(json.dumps) | st.text() | st.text().map(lambda text: f"START RequestId: {text}"))
def test_a_line_of_any_shape_can_be_read(text):
    """It is the user's own log; nothing in it stops the trace."""
    trace = trace_of(ID, lines(START, text, END))

    assert trace.is_found


def test_a_line_that_is_too_deep_is_passed_over():
    """A user may log anything."""
    assert trace_of(ID, lines(START, '{"a":' + "[" * 100_000, END)).has_succeeded


def test_error_lines_are_counted_out():
    """A function that logs an error a million times does not fill the trace."""
    trace = trace_of(ID, lines(START, *[f"[ERROR] number {n}" for n in range(1_000)]))

    assert len(trace.attempts[0].errors) == 20
