"""The options of a `Classifier`, checked when the user's module is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import ConfigurationError
from .error_classes import NOT_FOR_PARKING
from .functions import CO_COROUTINE
from .model import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable


def checked(option: str, value: Any, check: Callable[[str, Any], None]) -> tuple[Any, ...]:
    """
    Return the entries of an option, each of which *check* accepts.

    Raises:
        ConfigurationError: It is no collection, or one of its entries is wrong.
    """
    entries = _entries(option, value)
    for entry in entries:
        check(option, entry)
    return entries


def verdicts(kind: str, retryable: Any, non_retryable: Any, check: Callable[[str, Any], None]) -> dict[Any, Verdict]:
    """
    Return what the user listed in both options of one *kind*, "" or "_codes", as one table.

    Raises:
        ConfigurationError: One of them is wrong, or one entry is in both.
    """
    names = f"retryable{kind}", f"non_retryable{kind}"
    table = dict.fromkeys(checked(names[0], retryable, check), Verdict.RETRYABLE)
    for entry in checked(names[1], non_retryable, check):
        if table.setdefault(entry, Verdict.NON_RETRYABLE) is Verdict.RETRYABLE:
            _refuse(names[1], entry, f"is in {names[0]} too; take it out of one of them")
    return table


def check_rule(option: str, rule: Any) -> None:
    """Refuse what is no rule."""
    if _is_class_of(rule, BaseException):
        _refuse(option, rule, "is an exception class; list it in retryable= or non_retryable=")
    if not callable(rule):
        _refuse(option, rule, "cannot be called; give functions from an error to a Classification or None")
    code = getattr(rule, "__code__", None)
    if code is not None and code.co_flags & CO_COROUTINE:
        _refuse(option, rule, "is an async function; a rule decides at once, so write it with def")


def check_class(option: str, entry: Any) -> None:
    """Refuse what is no class of errors, or one that says that the event has not had its turn."""
    if isinstance(entry, BaseException):
        _refuse(option, entry, f"is an instance; give the class {type(entry).__name__}")
    if not _is_class_of(entry, Exception):
        _refuse(option, entry, "is not a subclass of Exception; give classes of exceptions")
    if option == "non_retryable" and issubclass(entry, NOT_FOR_PARKING):
        _refuse(option, entry, "means that the event has not had its turn; setting it aside would lose it: take it out")


def check_code(option: str, entry: Any) -> None:
    """Refuse what is no error code."""
    if not isinstance(entry, str) or not entry:
        _refuse(option, entry, 'is not an error code; give texts such as "ConditionalCheckFailedException"')


def _entries(option: str, value: Any) -> tuple[Any, ...]:
    """Return the entries of an option, or refuse one that is no collection."""
    if not isinstance(value, (str, bytes, type)):
        try:
            return tuple(value)
        except TypeError:
            pass
    raise ConfigurationError(f"{option}={value!r} is not a collection; write {option}=[...], even for one entry")


def _is_class_of(entry: Any, parent: type) -> bool:
    return isinstance(entry, type) and issubclass(entry, parent)


def _refuse(option: str, entry: object, why: str) -> NoReturn:
    raise ConfigurationError(f"{option}: {entry!r} {why}")
