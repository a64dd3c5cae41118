"""What AWS says of a refused invocation, and what it is taken for."""

from __future__ import annotations

import pytest

from resilient_lambda._core.invocations import ALLOWED, denial_of

USER = "arn:aws:sts::123456789012:assumed-role/caller/session"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:price"
SAID = f"User: {USER} is not authorized to perform: lambda:InvokeFunction on resource: {FUNCTION}"


@pytest.mark.parametrize(
    ("reason", "policy", "is_explicit"),
    [
        ("because no identity-based policy allows the lambda:InvokeFunction action", "identity-based", False),
        ("because no resource-based policy allows the lambda:InvokeFunction action", "resource-based", False),
        ("because no permissions boundary allows the lambda:InvokeFunction action", "permissions boundary", False),
        ("because no session policy allows the lambda:InvokeFunction action", "session", False),
        ("because no VPC endpoint policy allows the lambda:InvokeFunction action", "VPC endpoint", False),
        ("because no service control policy allows the lambda:InvokeFunction action", "service control", False),
        ("with an explicit deny in an identity-based policy", "identity-based", True),
        (f"with an explicit deny in a resource-based policy: {FUNCTION}", "resource-based", True),
        ("with an explicit deny in a service control policy", "service control", True),
        ("with an explicit deny in a resource control policy", "resource control", True),
        ("with an explicit deny in a permissions boundary", "permissions boundary", True),
        ("with an explicit deny", "", True),
        ("", "", False),
    ],
)
def test_the_kind_of_policy_is_read_from_the_message(reason, policy, is_explicit):
    """With who asked, for what, and on what."""
    found = denial_of(f"{SAID} {reason}")

    assert not found
    assert (found.policy, found.is_denied_explicitly) == (policy, is_explicit)
    assert (found.action, found.principal, found.resource) == ("lambda:InvokeFunction", USER, FUNCTION)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("because no identity-based policy allows it", "add it to the role"),
        ("because no resource-based policy allows it", "add a permission to the function"),
        ("because no permissions boundary allows it", "no permissions boundary allows"),
        ("because no session policy allows it", "no session policy allows"),
        ("with an explicit deny in a service control policy", "a policy (service control policy) denies"),
        ("with an explicit deny", "a policy denies"),
        ("for a reason of its own", "for a reason of its own"),
    ],
)
def test_the_reason_says_what_to_do(reason, said):
    """In a sentence; what is not understood is quoted."""
    assert said in denial_of(f"{SAID} {reason}").reason


@pytest.mark.parametrize("message", ["", "no", "User:  is not authorized to perform: ", "\x00" * 5_000])
def test_a_message_of_any_shape_is_a_denial(message):
    """AWS's words are no contract: what cannot be found is left open."""
    found = denial_of(message)

    assert (found.is_allowed, found.action, found.policy, found.principal) == (False, "lambda:InvokeFunction", "", "")
    assert len(found.reason) < 500


def test_the_action_is_aws_s_own_word():
    """Another one than that of a plain invocation, where AWS says so."""
    message = "User: arn:aws:iam::1:user/u is not authorized to perform: lambda:InvokeFunctionUrl"

    assert denial_of(message).action == "lambda:InvokeFunctionUrl"


def test_allowed_is_true():
    """So that one can write ``if invoker.check(...)``."""
    assert ALLOWED
