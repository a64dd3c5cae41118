"""The pure decision: which failures are worth another invocation, of what, with which payload."""

from __future__ import annotations

import json

import pytest

from resilient_lambda import DestinationRecord
from resilient_lambda._core.allowed_functions import AllowedFunctions, Home
from resilient_lambda._core.destination_envelopes import DELAYED
from resilient_lambda._core.reinvoke import (
    MOST_EVENT_BYTES,
    Park,
    Reinvoke,
    Rules,
    decide,
    mark_of,
    of_message,
    to_message,
)
from resilient_lambda._core.reserved import KEY, Mark, put_on
from resilient_lambda.testing import destination_record

ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
HOME = Home("aws", "us-east-1", "123456789012")


def rules(**changes):
    """Rules for `ARN` alone."""
    found = Rules(AllowedFunctions([ARN, f"{ARN}:live"]), 3, frozenset({"timeout"}), None, counts=False)
    return found._replace(**changes)


def decided(said, found=None, counted=None):
    """Return what becomes of a record that says *said*."""
    record = DestinationRecord.model_validate(said)
    return decide(record, mark_of(record.request_payload, record.request_id, counted), found or rules(), HOME)


def test_a_timeout_is_invoked_again_with_its_event_and_the_mark():
    """The event comes as it was, with attempt, root and time of the first failure under the reserved key."""
    said = destination_record({"job": 1}, request_id="r-1")
    found = decided(said)

    assert isinstance(found, Reinvoke)
    assert (found.function, found.qualifier, found.tenant_id, found.carries_mark) == (ARN, None, None, True)
    at_s = DestinationRecord.model_validate(said).at_s
    assert json.loads(found.payload) == put_on({"job": 1}, Mark(2, "r-1", at_s, "r-1"))


def test_the_qualifier_stays():
    """What an alias was invoked with is invoked under the alias."""
    found = decided(destination_record({}, function_arn=f"{ARN}:live"))

    assert isinstance(found, Reinvoke)
    assert (found.function, found.qualifier) == (ARN, "live")


def test_the_tenant_stays_if_the_record_names_one():
    """A field of the context that would name the tenant is handed on."""
    said = destination_record({})
    said["requestContext"]["tenantId"] = "blue"

    assert decided(said).tenant_id == "blue"


def test_the_root_and_its_time_stay_over_all_attempts():
    """The second re-invocation names the first invocation, not the one that has just failed."""
    payload = put_on({"job": 1}, Mark(2, "root", 5.0))
    found = decided(destination_record(payload, request_id="second"))

    assert found.mark == Mark(3, "root", 5.0, "second")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (destination_record({}, condition="Success"), "OnSuccess"),
        (destination_record({}, kind="handler"), "exception of its own"),
        (destination_record({}, kind="out_of_memory"), "memory"),
        (destination_record({}, kind="exit"), "exited"),
        (destination_record({}, function_arn=f"{ARN}:other"), "not among functions="),
        (destination_record({}, function_arn="worker"), "by its ARN"),
        (destination_record(put_on({}, Mark(3, "root", None))), "3 of 3"),
        (destination_record([1]), "no object"),
        (destination_record(None), "null"),
        (destination_record({"text": "x" * MOST_EVENT_BYTES}), "bytes with its mark"),
        ({**destination_record({}), "responsePayload": None}, "no error of the function"),
        ({name: value for name, value in destination_record({}).items() if name != "requestPayload"}, "requestPayload"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,  # records hold new ids and times
)
def test_everything_else_is_parked_and_says_why(said, reason):
    """Each of these is set aside, with a reason for people."""
    found = decided(said)

    assert isinstance(found, Park)
    assert reason in found.reason


def test_a_batch_of_a_stream_is_parked_with_where_it_is():
    """The record of a batch has no events, but names the shard and the sequence numbers."""
    said = destination_record({})
    info = {"shardId": "shard-7", "startSequenceNumber": "11", "endSequenceNumber": "22", "streamArn": "arn:s"}
    found = decided({**said, "KinesisBatchInfo": info})

    assert isinstance(found, Park)
    assert all(part in found.reason for part in ("shard-7", "11", "22", "arn:s"))


@pytest.mark.parametrize("kind", ["out_of_memory", "exit"])
def test_other_kinds_are_invoked_again_if_asked_for(kind):
    """``also=`` names them."""
    assert isinstance(decided(destination_record({}, kind=kind), rules(kinds=frozenset({kind}))), Reinvoke)


def test_a_predicate_adds_failures_of_allowed_functions_only():
    """It is asked of what failed otherwise, and never of a function that must not be invoked."""
    asked = []

    def predicate(record):
        asked.append(record.error_type)
        return record.error_type == "ValueError"

    found = decided(destination_record({}, kind="handler"), rules(predicate=predicate))
    refused = decided(destination_record({}, kind="handler", function_arn=f"{ARN}-2"), rules(predicate=predicate))
    unwanted = decided(destination_record({}, kind="exit"), rules(predicate=predicate))

    assert isinstance(found, Reinvoke)
    assert isinstance(refused, Park)
    assert isinstance(unwanted, Park)
    assert asked == ["ValueError", "Runtime.ExitError"]


def test_a_payload_that_is_no_object_is_sent_as_it_was_where_attempts_are_counted():
    """It carries no mark; the count says which attempt it will be."""
    found = decided(destination_record([1, "ü"]), rules(counts=True), counted=Mark(2, "root", None))

    assert isinstance(found, Reinvoke)
    assert (json.loads(found.payload), found.mark.attempt, found.carries_mark) == ([1, "ü"], 3, False)


def test_half_a_character_is_sent_as_it_came():
    """JSON may hold a lone surrogate, UTF-8 not: it is escaped."""
    found = decided(destination_record({"text": "\ud83d"}))

    assert json.loads(found.payload)["text"] == "\ud83d"


def waited(**changes):
    """Return a message of the delay queue, parsed."""
    found = decided(destination_record({"job": 1}, function_arn=f"{ARN}:live", request_id="r"))
    kept = json.loads(to_message(found))[DELAYED]
    return {**kept, **changes}


def test_what_has_waited_is_what_was_decided():
    """The message of the delay queue says all that the decision said."""
    said = destination_record({"job": 1}, function_arn=f"{ARN}:live", request_id="r")
    said["requestContext"]["tenantId"] = "blue"
    found = decided(said)

    assert of_message(json.loads(to_message(found))[DELAYED], rules(), HOME) == found


@pytest.mark.parametrize(
    "kept",
    [
        None,
        {},
        waited(mark=None),
        waited(function=f"{ARN}-2"),
        waited(function=None),
        waited(qualifier="other"),
        waited(qualifier=7),
        waited(mark={"attempt": 4, "root": "r"}),
        waited(mark={"attempt": 1, "root": "r"}),
        waited(payload=[1]),
        {name: value for name, value in waited().items() if name != "payload"},
    ],
)
def test_what_others_put_into_the_delay_queue_is_parked(kept):
    """The delay queue is asked no less than a destination: only allowed functions, only so many attempts."""
    assert isinstance(of_message(kept, rules(), HOME), Park)


def test_a_mark_in_a_waiting_payload_is_said_anew():
    """What the message says of its attempt counts, not what the payload brought along."""
    found = of_message(waited(payload={KEY: {"attempt": 1, "root": "x"}}), rules(), HOME)

    assert json.loads(found.payload)[KEY]["attempt"] == 2
