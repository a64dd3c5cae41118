"""
Which functions the re-invoker may invoke: those that it was told of, and no other, whatever a record says.

A record may come from anybody who can write to the queue, the topic or the bucket; what it names is compared as a
whole, character by character, with what the code names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._named_tuple import NamedTuple
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST = "$LATEST"

_REST = r"([A-Za-z0-9_-]{1,140})(?::(\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}))?"
_ARN = r"arn:(aws[a-z-]*):lambda:([a-z]{2,8}(?:-[a-z]{1,16}){1,3}-[0-9]{1,2}):([0-9]{12}):function:" + _REST


class Function(NamedTuple):
    """
    A function as its ARN names it.

    Attributes:
        qualifier: A version or alias; "" for ``$LATEST``, which is what an invocation without one runs.
    """

    partition: str
    region: str
    account: str
    name: str
    qualifier: str

    @property
    def arn(self) -> str:
        """The ARN without the qualifier."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        """The ARN with the qualifier, if there is one."""
        return f"{self.arn}:{self.qualifier}" if self.qualifier else self.arn


class Home(NamedTuple):
    """Where the re-invoker itself runs; "" for what is not known."""

    partition: str = ""
    region: str = ""
    account: str = ""


def function_of(arn: object) -> Function | None:
    """Return the function that *arn* names; None if it is no ARN of a function."""
    found = re.fullmatch(_ARN, arn) if isinstance(arn, str) else None
    if found is None:
        return None
    partition, region, account, name, qualifier = found.groups()
    return Function(partition, region, account, name, _plain(qualifier))


def home_of(context_arn: object, region: str) -> Home:
    """
    Return where the function with the ARN *context_arn* runs.

    Args:
        region: What is known otherwise; "" for nothing.
    """
    own = function_of(context_arn)
    return Home(region=region) if own is None else Home(own.partition, own.region, own.account)


class AllowedFunctions:
    """
    The functions that may be invoked.

    Args:
        functions: ARNs, and names of functions in the re-invoker's own account and region; each with the qualifier
            whose events may be invoked again, or without one, which means ``$LATEST`` and nothing else.

    Raises:
        ConfigurationError: One of them is neither an ARN nor a name, or there are none.
    """

    def __init__(self, functions: Sequence[str]) -> None:
        if not isinstance(functions, list | tuple | set | frozenset) or not functions:
            raise ConfigurationError(
                f"functions={functions!r} must be a list of ARNs or names, and not an empty one: what is not in it is "
                "never invoked"
            )
        self._arns: set[Function] = set()
        self._names: set[tuple[str, str]] = set()
        for given in functions:
            function = function_of(given)
            if function is not None:
                self._arns.add(function)
            elif isinstance(given, str) and (found := re.fullmatch(_REST, given)):
                self._names.add((found[1], _plain(found[2])))
            else:
                raise ConfigurationError(
                    f"functions holds {given!r}, which is neither a function's ARN nor its name, with or without a "
                    "qualifier ('worker', 'worker:live'); patterns are not taken"
                )

    def refusal(self, function: Function, home: Home) -> str | None:
        """Return why *function* must not be invoked; None if it may."""
        if function in self._arns:
            return None
        if (function.name, function.qualifier) not in self._names:
            return f"{function.qualified_arn} is not among functions="
        if not home.account:
            return f"the account of this function itself is not known, and functions= does not name {function.arn}"
        if (function.partition, function.region, function.account) != tuple(home):
            return f"{function.qualified_arn} is of another account or region; functions= must name its ARN for that"
        return None


def _plain(qualifier: str | None) -> str:
    return "" if qualifier in (None, LATEST) else str(qualifier)
