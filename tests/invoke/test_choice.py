"""`choose_invocation_type`: which type, and why."""

from __future__ import annotations

import pytest

from resilient_lambda import choose_invocation_type
from resilient_lambda.errors import ConfigurationError
from tests.naming import id_of

CASES = [
    ({"needs_result": True}, "RequestResponse", "only a synchronous invocation brings it back"),
    ({"needs_result": True, "duration_s": 5}, "RequestResponse", "read timeout must be longer than 5 s"),
    ({"needs_result": True, "duration_s": 5, "caller_deadline_s": 29}, "RequestResponse", "5 s fit into the 29 s"),
    ({"needs_result": True, "duration_s": 29, "caller_deadline_s": 29}, "Event", "OnSuccess destination"),
    ({"needs_result": True, "duration_s": 400}, "RequestResponse", "NAT gateways"),
    ({"needs_result": True, "is_idempotent": True}, "RequestResponse", "pass idempotent=True"),
    ({"needs_result": True}, "RequestResponse", "a lost answer is not tried again"),
    ({"needs_result": False}, "Event", "nobody should wait"),
    ({"needs_result": False}, "Event", "make the function idempotent first"),
    ({"needs_result": False, "is_idempotent": True}, "Event", "OnFailure destination"),
    ({"needs_result": False, "payload_bytes": 1_048_576}, "Event", "nobody should wait"),
    ({"needs_result": False, "payload_bytes": 1_048_577}, "RequestResponse", "put the payload into S3"),
    ({"needs_result": False, "payload_bytes": 2_000_000, "is_idempotent": True}, "RequestResponse", "2,000,000 bytes"),
    (
        {"needs_result": True, "duration_s": 60, "caller_deadline_s": 29, "payload_bytes": 2_000_000},
        "Event",
        "1,048,576 bytes at most: put the payload into S3",
    ),
    (
        {"needs_result": False, "duration_s": 60, "caller_deadline_s": 29, "payload_bytes": 2_000_000},
        "Event",
        "put the payload into S3",
    ),
]


@pytest.mark.parametrize(("arguments", "invocation_type", "why"), CASES, ids=id_of)
def test_the_type_and_the_reason(arguments, invocation_type, why):
    """What decided, and what to see to."""
    choice = choose_invocation_type(**arguments)

    assert choice.type == invocation_type
    assert why in choice.why


@pytest.mark.parametrize(("arguments", "invocation_type", "why"), CASES, ids=id_of)
def test_every_choice_has_sources(arguments, invocation_type, why):
    """Pages of AWS's documentation."""
    choice = choose_invocation_type(**arguments)

    assert choice.sources
    assert all(source.startswith("https://docs.aws.amazon.com/") for source in choice.sources)


def test_what_is_not_idempotent_is_warned_of_every_time():
    """Both types can run a function twice."""
    for needs_result in (True, False):
        assert "idempotent" in choose_invocation_type(needs_result=needs_result).why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"duration_s": 901}, "Step Functions"),
        ({"payload_bytes": 6_291_457}, "put it into S3"),
        ({"duration_s": 0}, "duration_s=0"),
        ({"caller_deadline_s": -1}, "caller_deadline_s=-1"),
        ({"payload_bytes": 1.5}, "payload_bytes=1.5"),
    ],
    ids=id_of,
)
def test_what_no_invocation_can_do_is_refused(arguments, said):
    """With what to do instead."""
    with pytest.raises(ConfigurationError, match=said):
        choose_invocation_type(needs_result=True, **arguments)
