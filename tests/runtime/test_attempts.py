"""What a re-invocation carries under AWS's own runtime client: the library reads it, no function ever meets it."""

from __future__ import annotations

import pytest

from resilient_lambda.testing import sns_event

from .environment import Answered

KEY = "__resilient_lambda__"
MARK = {"v": 1, "attempt": 3, "root": "1a2b", "first_failed_at": 1_800_000_000.5}
THIRD = {"number": 1, "invocation": 3, "root_request_id": "1a2b", "first_failed_at_s": 1_800_000_000.5}
FIRST = {"number": 1, "invocation": 1, "root_request_id": "", "first_failed_at_s": None}


@pytest.mark.parametrize("handler", ["attempts.single", "attempts.single_async", "attempts.claiming"])
def test_the_reserved_key_does_not_reach_the_function(environment_of, handler):
    """The event is as it was sent first, and ``current_attempt()`` says which invocation this is."""
    environment = environment_of(handler)
    result = environment.invoke({"job_id": "j-1", "nested": {KEY: "theirs"}, KEY: MARK})

    assert isinstance(result, Answered)
    assert result.payload["event"] == {"job_id": "j-1", "nested": {KEY: "theirs"}}
    assert result.payload["attempt"] == THIRD


@pytest.mark.parametrize("handler", ["attempts.single", "attempts.single_async", "attempts.claiming"])
def test_an_event_without_the_key_is_the_first_attempt(environment_of, handler):
    """Also right after an attempt in the same process that was none."""
    environment = environment_of(handler)
    environment.invoke({"job_id": "j-1", KEY: MARK})
    result = environment.invoke({"job_id": "j-2"})

    assert result.payload["event"] == {"job_id": "j-2"}
    assert result.payload["attempt"] == FIRST


@pytest.mark.parametrize("handler", ["attempts.batch_and_told", "attempts.records_and_told"])
def test_the_reserved_key_does_not_reach_the_function_of_a_batch(environment_of, handler):
    """It stands beside ``Records``; the records are as they were, and each is of that attempt."""
    event = sns_event([{"job_id": "j-1"}, {"job_id": "j-2"}])
    result = environment_of(handler).invoke({**event, KEY: MARK})

    assert isinstance(result, Answered)
    assert result.payload["answer"] == {"batchItemFailures": []}
    assert [each["attempt"] for each in result.payload["seen"]] == [THIRD, THIRD]
    assert KEY not in str([each.get("record", each.get("body")) for each in result.payload["seen"]])


def test_a_second_arrival_of_one_attempt_is_not_run(environment_of):
    """Another invocation with the same root and attempt runs nothing, whatever it is about."""
    environment = environment_of("attempts.claiming")
    first = environment.invoke({"job_id": "j-1", KEY: MARK})
    again = environment.invoke({"job_id": "j-2", KEY: MARK})
    later = environment.invoke({"job_id": "j-3"})

    assert first.payload["attempt"] == THIRD
    assert again.payload is None
    assert later.payload["seen"] == [3, 1]


@pytest.mark.parametrize("said", ["theirs", None, {"attempt": 0}, {"attempt": 2}, []], ids=str)
def test_a_key_that_says_nothing_is_taken_off_all_the_same(environment_of, said):
    """It is reserved: what stands there is nobody else's, and an attempt that cannot be read is the first."""
    result = environment_of("attempts.single").invoke({"job_id": "j-1", KEY: said})

    assert result.payload == {"event": {"job_id": "j-1"}, "attempt": FIRST}
