"""Functions of users, looked at without calling them, and without the 4 ms that importing inspect costs."""

from __future__ import annotations

from functools import partial
from types import CodeType, MethodType
from typing import Any

CO_GENERATOR = 0x20  # as in inspect
CO_COROUTINE = 0x80
CO_ASYNC_GENERATOR = 0x200


def unwrap(function: Any) -> tuple[Any, int, set[str]]:
    """Return the plain function inside, how many of its first parameters are bound, and those bound by name."""
    skipped, named = 0, set[str]()
    while True:
        if isinstance(function, partial):
            skipped += len(function.args)
            named |= set(function.keywords)
            function = function.func
        elif isinstance(function, staticmethod):
            function = function.__func__
        elif isinstance(function, MethodType):
            skipped += 1
            function = function.__func__
        elif isinstance(getattr(function, "__code__", None), CodeType):
            return function, skipped, named
        elif isinstance(getattr(type(function).__call__, "__code__", None), CodeType):
            return type(function).__call__, skipped + 1, named
        else:
            return function, skipped, named


def is_coroutine_function(function: Any) -> bool:
    """Tell whether calling *function* gives a coroutine, as far as its code says."""
    code = getattr(unwrap(function)[0], "__code__", None)
    return isinstance(code, CodeType) and bool(code.co_flags & CO_COROUTINE)
