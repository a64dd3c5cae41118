"""The same function in both colours, so that one test holds for `def` and for `async def`."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def as_sync(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function* as it is."""
    return function


def as_async(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an ``async def`` that does what *function* does, with its name, annotation and globals."""
    parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
    template: Callable[..., Any]
    if len(parameters) == 2:

        async def template(first, context):
            return function(first, context)
    else:

        async def template(first):
            return function(first)

    # With the globals of the module that wrote it: that is where annotations given as text are looked up.
    twin = FunctionType(template.__code__, function.__globals__, function.__name__, None, template.__closure__)
    if parameters[0] in function.__annotations__:
        twin.__annotations__ = {"first": function.__annotations__[parameters[0]]}
    return twin


COLOURS = {"sync": as_sync, "async": as_async}
