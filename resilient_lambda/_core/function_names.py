"""Names of Lambda functions in all their spellings: a name, a partial ARN, an ARN, each with a qualifier or without."""

from __future__ import annotations

import re

from .._named_tuple import NamedTuple

_NAME = (
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?(?:(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)


class FunctionName(NamedTuple):
    """The parts of a function's name or ARN, each "" if it is not said."""

    name: str
    qualifier: str = ""
    account: str = ""
    region: str = ""


def parse(function: str) -> FunctionName | None:
    """Return the parts of *function*, None if it is no name of a function."""
    found = re.fullmatch(_NAME, function)  # compiled when needed: a cold start need not pay for it
    if found is None:
        return None
    return FunctionName(found["name"], found["qualifier"] or "", found["account"] or "", found["region"] or "")
