"""A function's name in every spelling that the Invoke API takes."""

from __future__ import annotations

import pytest

from resilient_lambda._core.function_names import FunctionName, parse

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("price", FunctionName("price")),
        ("price:live", FunctionName("price", "live")),
        ("price:$LATEST", FunctionName("price", "$LATEST")),
        ("function:price", FunctionName("price")),
        (f"{ACCOUNT}:function:price:7", FunctionName("price", "7", ACCOUNT)),
        (f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:price", FunctionName("price", "", ACCOUNT, "us-east-1")),
        (f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:p:a", FunctionName("p", "a", ACCOUNT, "cn-north-1")),
        (f"arn:aws-us-gov:lambda:us-gov-west-1:{ACCOUNT}:function:p", FunctionName("p", "", ACCOUNT, "us-gov-west-1")),
    ],
)
def test_a_name_has_its_parts(function, expected):
    """What is not said is empty."""
    assert parse(function) == expected


@pytest.mark.parametrize("function", ["", "a b", "arn:aws:sqs:us-east-1:123456789012:q", "a:b:c:d:e", "price\n", "é"])
def test_what_is_no_name_is_none(function):
    """Also with a line break at its end."""
    assert parse(function) is None
