"""`LambdaInvoker` against functions that really run: waiting, handing over, asking, and looking what became."""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

import pytest

from resilient_lambda import FunctionError, LambdaInvoker
from resilient_lambda.errors import FunctionNotFoundError, OutcomeUnknownError

from .stack import ACCOUNT, FUNCTIONS, PACKAGE_ROOT, PATIENCE_S, package

_numbers = itertools.count(1)


@pytest.fixture
def function(ministack):
    """A function of this test's own that does what its event says, and may run for three seconds."""
    name = f"invoked-{os.getpid()}-{next(_numbers)}"
    client = ministack.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Handler="invoked.handler",
        Code={"ZipFile": package()},
        Timeout=3,
        Environment={"Variables": {"PYTHONPATH": f"{PACKAGE_ROOT}:{FUNCTIONS}", "PYTHONDONTWRITEBYTECODE": "1"}},
    )
    yield name
    client.delete_function(FunctionName=name)


@pytest.fixture
def invoker(ministack):
    """An invoker with the emulator's clients."""
    return LambdaInvoker(client=ministack.client("lambda"), logs_client=ministack.client("logs"))


def test_the_answer_comes_back(invoker, function):
    """As the type that was asked for."""
    found = invoker.call(function, {"a": 1}, returns=dict[str, Any])

    assert found["echo"] == {"a": 1}


def test_no_payload_is_an_empty_object(invoker, function):
    """The function gets a dict whatever the caller leaves out."""
    assert invoker.call(function)["echo"] == {}


def test_the_functions_own_exception_is_known(invoker, function):
    """Its type and message."""
    with pytest.raises(FunctionError) as raised:
        invoker.call(function, {"raises": "no"}, log=True)

    assert (raised.value.type, raised.value.message, raised.value.kind) == ("ValueError", "no", "handler")


def test_a_function_that_runs_into_its_limit_is_known(invoker, function):
    """From all other failures."""
    with pytest.raises(FunctionError) as raised:
        invoker.call(function, {"sleeps_s": 10})

    assert raised.value.kind == "timeout"


def test_a_read_timeout_is_an_unknown_outcome(ministack, function):
    """The function ends later, and nobody starts it again."""
    impatient = LambdaInvoker(client=ministack.client("lambda"), timeout_s=0.3)
    with pytest.raises(OutcomeUnknownError):
        impatient.call(function, {"sleeps_s": 1.5})


def test_an_event_is_accepted_and_run_later(invoker, function, tmp_path):
    """Handing over returns Lambda's request id before the function has run."""
    notes = tmp_path / "notes"
    request_id = invoker.send(function, {"sleeps_s": 0.2, "notes": str(notes)})
    give_up_at = time.monotonic() + PATIENCE_S
    while not notes.exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)

    assert request_id
    assert notes.exists()


def test_an_invocation_is_found_in_the_log(invoker, function):
    """By its request id: here the one that the function saw, for the emulator answers another one."""
    request_id = invoker.call(function)["request_id"]
    give_up_at = time.monotonic() + PATIENCE_S
    while not (trace := invoker.trace(function, request_id)).is_found and time.monotonic() < give_up_at:
        time.sleep(0.05)

    assert trace.has_succeeded, trace.summary
    assert trace.attempts[0].memory_mb == 128


def test_asking_runs_nothing(invoker, function):
    """A dry run of a function that is there is allowed."""
    assert invoker.check(function)


def test_a_function_that_is_not_there(invoker):
    """Is an error, and no denial."""
    with pytest.raises(FunctionNotFoundError):
        invoker.check("nowhere")
