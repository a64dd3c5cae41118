"""Only functions that the code names are ever invoked, whatever a record says."""

from __future__ import annotations

import pytest

from resilient_lambda import ConfigurationError
from resilient_lambda._core.allowed_functions import AllowedFunctions, Home, function_of, home_of

ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
HOME = Home("aws", "us-east-1", "123456789012")


@pytest.mark.parametrize(
    ("allowed", "arn", "is_allowed"),
    [
        (ARN, ARN, True),
        (ARN, f"{ARN}:$LATEST", True),
        (f"{ARN}:$LATEST", ARN, True),
        (ARN, f"{ARN}:live", False),
        (ARN, f"{ARN}:3", False),
        (f"{ARN}:live", f"{ARN}:live", True),
        (f"{ARN}:live", f"{ARN}:Live", False),
        (f"{ARN}:live", ARN, False),
        ("worker", f"{ARN}:$LATEST", True),
        ("worker", f"{ARN}:$LATEST.PUBLISHED", False),
        ("worker:$LATEST.PUBLISHED", f"{ARN}:$LATEST.PUBLISHED", True),
        ("worker", f"{ARN}:live", False),
        ("worker:live", f"{ARN}:live", True),
        ("worker:live", f"{ARN}:$LATEST", False),
        ("worker", ARN.replace("worker", "worker2"), False),
        ("worker", ARN.replace("123456789012", "210987654321"), False),
        ("worker", ARN.replace("us-east-1", "eu-west-1"), False),
        ("worker", ARN.replace("arn:aws:", "arn:aws-cn:"), False),
        (ARN, ARN.replace("123456789012", "210987654321"), False),
        (ARN.replace("123456789012", "210987654321"), ARN.replace("123456789012", "210987654321"), True),
        (ARN.replace("us-east-1", "us-gov-west-1"), ARN.replace("us-east-1", "us-gov-west-1"), True),
    ],
)
def test_an_arn_is_allowed_as_a_whole_and_a_name_at_home(allowed, arn, is_allowed):
    """Names mean this account and region; without a qualifier ``$LATEST`` alone is meant."""
    function = function_of(arn)

    assert function is not None
    assert (AllowedFunctions([allowed]).refusal(function, HOME) is None) == is_allowed


def test_a_name_is_not_enough_where_the_own_account_is_not_known():
    """Without it nobody can tell whose function a record names; an ARN is compared with an ARN."""
    function = function_of(ARN)
    assert function is not None

    assert "not known" in (AllowedFunctions(["worker"]).refusal(function, Home(region="us-east-1")) or "")
    assert AllowedFunctions([ARN]).refusal(function, Home()) is None


@pytest.mark.parametrize(
    "arn",
    [
        None, 7, "", "worker", f"{ARN}\n", f" {ARN}", f"{ARN}:", f"{ARN}:a:b", f"{ARN}:li ve", f"{ARN}/../other",
        ARN.replace("123456789012", "12345678901"), ARN.replace("123456789012", "１２３４５６７８９０１２"),
        ARN.replace("function", "layer"), ARN.replace(":lambda:", ":Lambda:"), ARN.upper(), f"{ARN}*", ARN[4:],
        ARN.replace("us-east-1", "us-east-1\x00"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_arn_of_a_function_names_none(arn):
    """Odd texts name no function, so nothing is invoked for them."""
    assert function_of(arn) is None


@pytest.mark.parametrize(
    "functions",
    [
        (),
        None,
        "worker",
        [""],
        ["work*"],
        ["*"],
        [7],
        ["worker:"],
        ["us-east-1:123456789012:function:worker"],
        [f"{ARN}\n"],
    ],
    ids=repr,
)
def test_patterns_and_odd_names_are_refused_at_import(functions):
    """Each function is named as a whole, and at least one is."""
    with pytest.raises(ConfigurationError, match="functions"):
        AllowedFunctions(functions)


def test_home_is_where_the_own_arn_says():
    """The context tells account and region; without it the region may still be known."""
    assert home_of(f"{ARN}:live", "eu-west-1") == HOME
    assert home_of(None, "eu-west-1") == Home(region="eu-west-1")
