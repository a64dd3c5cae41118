"""The harness itself: it freezes, stops, kills and replaces processes as Lambda does."""

from __future__ import annotations

import os
import signal
import time

import pytest

from .environment import Answered, Died, Failed, TimedOut


def test_answer_arrives_with_what_the_context_said(environment_of):
    """The event goes in and the answer comes out as JSON; the context has request id, ARN and the remaining time."""
    result = environment_of("plain.echo").invoke({"order_id": "a"}, timeout_s=3)

    assert isinstance(result, Answered)
    assert result.payload["event"] == {"order_id": "a"}
    assert result.payload["request_id"] == result.request_id
    assert result.payload["arn"].startswith("arn:aws:lambda:")
    assert 0 < result.payload["remaining_ms"] <= 3000


def test_exception_is_a_function_error_and_the_process_lives_on(environment_of):
    """An exception arrives with its class name and message, and the next invocation meets the same process."""
    environment = environment_of("plain.obey")
    before = environment.invoke({"do": "nothing"})
    failed = environment.invoke({"do": "raise"})
    after = environment.invoke({"do": "nothing"})

    assert isinstance(failed, Failed)
    assert (failed.error["errorType"], failed.error["errorMessage"]) == ("LookupError", "no such order")
    assert before.payload["pid"] == after.payload["pid"]


def test_function_is_stopped_at_its_deadline(environment_of):
    """A function that outlives its timeout is killed then, and the next invocation starts a fresh process."""
    environment = environment_of("plain.obey")
    before = environment.invoke({"do": "nothing"})
    started_s = time.monotonic()
    result = environment.invoke({"do": "sleep", "s": 30}, timeout_s=0.2)
    took_s = time.monotonic() - started_s
    after = environment.invoke({"do": "nothing"})

    assert isinstance(result, TimedOut)
    assert 0.2 <= took_s < 5
    assert before.payload["pid"] != after.payload["pid"]
    assert environment.cold_starts == 2


def test_process_is_killed_in_the_middle_of_an_invocation(environment_of):
    """A kill that is due before the answer ends the process by SIGKILL; it is reaped."""
    environment = environment_of("plain.obey")
    pid = environment.invoke({"do": "nothing"}).payload["pid"]
    result = environment.invoke({"do": "sleep", "s": 30}, kill_after_s=0.05)

    assert isinstance(result, Died)
    assert result.exit_code == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_kill_that_comes_after_the_answer_is_none(environment_of):
    """An invocation that ends before its kill is due keeps its process."""
    environment = environment_of("plain.obey")
    first = environment.invoke({"do": "nothing"}, kill_after_s=5)
    second = environment.invoke({"do": "nothing"})

    assert first.payload["pid"] == second.payload["pid"]


def test_exit_code_of_a_function_that_ends_its_process_is_seen(environment_of):
    """``os._exit`` in the function ends the invocation with that code."""
    result = environment_of("plain.obey").invoke({"do": "exit", "code": 7})

    assert isinstance(result, Died)
    assert result.exit_code == 7


def test_module_that_cannot_be_imported_fails_the_invocation(environment_of):
    """The runtime client reports the failed import, and every invocation says so."""
    environment = environment_of("broken.handler")
    results = [environment.invoke({}) for _ in range(2)]

    assert [result.error["errorType"] for result in results] == ["Runtime.ImportModuleError"] * 2
    assert "no_such_module" in results[0].error["errorMessage"]


def test_process_is_frozen_between_invocations(environment_of):
    """A thread left behind makes no progress while there is no invocation, and goes on in the next."""
    environment = environment_of("plain.obey")
    environment.invoke({"do": "tick"})
    before = environment.invoke({"do": "nothing"}).payload["ticks"]
    time.sleep(0.4)
    woken = environment.invoke({"do": "nothing"}).payload["ticks"]
    later = environment.invoke({"do": "sleep", "s": 0.2}).payload["ticks"]

    assert woken - before < 40  # 0.4 s are 80 ticks
    assert later > woken


def test_what_the_function_prints_is_kept(environment_of):
    """The log of the process is there to read after a failure."""
    environment = environment_of("plain.obey")
    environment.invoke({"do": "raise"})

    assert "LookupError: no such order" in environment.printed
