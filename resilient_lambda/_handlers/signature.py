"""The user's function as the decorators see it: is it asynchronous, how many parameters, what annotation."""

from __future__ import annotations

import sys
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING, Any

from .._core.functions import CO_COROUTINE, unwrap
from .._named_tuple import NamedTuple
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CO_VARARGS = 0x04
_CO_GENERATOR = 0x20
_CO_ITERABLE_COROUTINE = 0x100
_CO_ASYNC_GENERATOR = 0x200


class Signature(NamedTuple):
    """
    What a decorator needs to know of a function.

    Attributes:
        name: Its name.
        is_asynchronous: True for ``async def``.
        takes_context: True if it has a second positional parameter.
        annotation: The annotation of its first parameter, None if there is none.
    """

    name: str
    is_asynchronous: bool
    takes_context: bool
    annotation: Any


def read_signature(function: Callable[..., Any]) -> Signature:
    """
    Read the signature of a function, method, partial or object with ``__call__``.

    Raises:
        ConfigurationError: It cannot be a handler: not callable, a generator, or without a parameter.
    """
    if not callable(function) or isinstance(function, type):
        raise ConfigurationError(f"a handler must be a function, not {function!r}")
    outer, skipped, named = unwrap(function)
    name = _name(function, outer)
    code = getattr(outer, "__code__", None)
    if not isinstance(code, CodeType):
        raise ConfigurationError(f"{name} is built in; wrap it in a def that takes the record")
    if code.co_flags & _CO_VARARGS and not code.co_argcount:
        # A wrapper that passes everything on: functools.wraps keeps the way to the parameters.
        outer = _innermost(outer)
    flags = code.co_flags | outer.__code__.co_flags
    if flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR):
        raise ConfigurationError(f"{name} is a generator: its body would never run; return instead of yield")
    is_asynchronous = bool(flags & (CO_COROUTINE | _CO_ITERABLE_COROUTINE))
    code = outer.__code__
    first = code.co_varnames[: code.co_argcount][skipped:]
    if not first and not code.co_flags & _CO_VARARGS:
        raise ConfigurationError(f"{name} takes no positional parameter; it must take the record (or event)")
    required = first[: max(0, len(first) - len(outer.__defaults__ or ()))]
    if first and first[0] in named:
        raise ConfigurationError(f"{first[0]!r}, the first parameter of {name}, is bound by name; bind it by position")
    open_required = [parameter for parameter in required if parameter not in named]
    if len(open_required) > 2:
        raise ConfigurationError(f"{name} needs {len(open_required)} arguments; it is given the record and the context")
    by_name = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    missing = sorted(set(by_name) - set(outer.__kwdefaults__ or ()) - named)
    if missing:
        raise ConfigurationError(f"{name} needs {', '.join(missing)} by name; give them defaults")
    second = first[1] if len(first) > 1 and first[1] not in named else None
    return Signature(
        name,
        is_asynchronous=is_asynchronous,
        takes_context=second is not None and (second in open_required or second == "context"),
        annotation=_annotation(_innermost(outer), first[0]) if first else None,
    )


def _name(function: Any, outer: Any) -> str:
    if isinstance(getattr(function, "__name__", None), str):
        return str(function.__name__)
    if isinstance(function, partial):
        return str(getattr(outer, "__name__", type(function).__name__))
    return type(function).__name__


def _innermost(function: Any) -> Any:
    """Follow ``__wrapped__``, which functools.wraps leaves, to where the parameters and annotations are."""
    seen = function
    while isinstance(getattr(getattr(seen, "__wrapped__", None), "__code__", None), CodeType):
        seen = seen.__wrapped__
    return seen


def _annotation(function: Any, parameter: str) -> Any:
    try:
        return function.__annotations__.get(parameter)
    except NameError as error:
        if sys.version_info < (3, 14):
            raise
        # Annotations are evaluated lazily there, all at once: one of the others may be for type checkers only.
        from annotationlib import Format, get_annotations  # type: ignore[import-not-found,unused-ignore]

        found = get_annotations(function, format=Format.FORWARDREF).get(parameter)
        if type(found).__name__ == "ForwardRef":
            raise _unresolved(function, found.__forward_arg__, error) from error
        return found


def resolve(function: Callable[..., Any], annotation: Any, local_names: Mapping[str, Any]) -> Any:
    """
    Return the type that *annotation* means.

    Args:
        local_names: Names that count besides the function's globals.

    Raises:
        ConfigurationError: It is a text with names that are not known here.
    """
    if not isinstance(annotation, str):
        return annotation
    inner = _innermost(unwrap(function)[0])
    try:
        return eval(annotation, getattr(inner, "__globals__", {}), dict(local_names))  # the user's own source text
    except Exception as error:  # whatever evaluating an annotation may raise
        raise _unresolved(function, annotation, error) from error


def _unresolved(function: Any, annotation: str, error: Exception) -> ConfigurationError:
    name = getattr(function, "__name__", repr(function))
    return ConfigurationError(
        f"the annotation {annotation!r} of {name}'s first parameter cannot be resolved ({error}); "
        "import it outside `if TYPE_CHECKING:`, or pass model="
    )
