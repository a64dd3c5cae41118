"""
Why a function failed, and whether another try can help: one verdict per error.

First match wins: the user's rules; the user's exception classes; the user's AWS error codes; this library's own
errors; answers of AWS by their code; known classes, the most specific first; network errno. Anything else is
retryable, because a needless retry costs a delivery and a wrong "permanent" costs an event.

The user's classes and codes change the verdict and leave the category, which says what the error is.

Classes of other packages are known by name, so that none of them is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from ..errors import (
    ConfigurationError,
    LeaseLostError,
    ResilienceError,
)
from .backoff import asked_wait_s
from .describe import describe
from .error_classes import NOT_FOR_PARKING, OWN, judge_class
from .functions import CO_COROUTINE
from .model import Category, Classification, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    Rule: TypeAlias = Callable[[BaseException], Classification | None]

__all__ = ["Classifier", "describe"]

_MAX_CACHED_TYPES = 256
# The judge of AWS's answers, once the first one has come: an import statement on every error costs 1 us.
_judge_answer: Callable[[dict[str, Any]], tuple[str, Classification] | None] | None = None


class Classifier:
    """
    Says of each error whether another try can help.

    Args:
        rules: Functions from an error to a `Classification`, or None to leave it to the next. Not asked about what
            the library itself could not do (`NotRunError`, `StoreError`, `SinkError`, `ConfigurationError`, a lost
            lease). One that raises or returns anything else is passed over, with one warning in the log: a broken rule
            neither loses an event nor parks one.
        retryable: Exception classes, matched as ``except`` does; the most specific class wins.
        non_retryable: Exception classes. None of `NotRunError`, `StoreError`, `SinkError`: those say that the event
            has not had its turn.
        retryable_codes: Error codes of AWS, such as ``"ConditionalCheckFailedException"``.
        non_retryable_codes: Error codes of AWS.

    Raises:
        ConfigurationError: An option is of the wrong kind, or one entry is called both.
    """

    __slots__ = ("_by_class", "_by_code", "_by_type", "_rules", "_warned")

    def __init__(
        self,
        *,
        rules: Iterable[Rule] = (),
        retryable: Iterable[type[Exception]] = (),
        non_retryable: Iterable[type[Exception]] = (),
        retryable_codes: Iterable[str] = (),
        non_retryable_codes: Iterable[str] = (),
    ) -> None:
        self._rules: tuple[Rule, ...] = _checked("rules", rules, _check_rule)
        self._by_class: dict[type, Verdict] = _verdicts("", retryable, non_retryable, _check_class)
        self._by_code: dict[str, Verdict] = _verdicts("_codes", retryable_codes, non_retryable_codes, _check_code)
        self._by_type: dict[type, Classification] = {}
        self._warned: set[int] = set()

    def classify(self, error: BaseException) -> Classification:
        """Return the verdict on *error*; raises nothing, whatever the error's attributes do."""
        try:
            if self._rules and (found := self._ask_rules(error)) is not None:
                return found
            found = self._by_type.get(type(error))
            # Any instance may carry an answer of AWS, and then the class alone decides nothing.
            if found is not None and getattr(error, "response", None) is None:
                return found
            return self._judge(error)
        except Exception as broken:  # a border: properties and metaclasses of foreign errors can raise anything
            _warn("%s cannot be classified (%s); it is retryable", type(error).__name__, type(broken).__name__)
            return Classification(Verdict.RETRYABLE, Category.UNKNOWN, reason=type(error).__name__)

    def _ask_rules(self, error: BaseException) -> Classification | None:
        # What the library itself could not do says nothing of the event: a rule for everything else must not park it.
        if isinstance(error, (*NOT_FOR_PARKING, LeaseLostError, ConfigurationError)):
            return None
        for position, rule in enumerate(self._rules):
            try:
                found: Any = rule(error)
            except Exception as broken:  # a border: the user's code
                self._warn_once(position, f"raised {type(broken).__name__}")
                continue
            if found is None:
                continue
            if isinstance(found, Classification):
                wait_s = asked_wait_s(found.retry_after_s)
                return found if wait_s == found.retry_after_s else found._replace(retry_after_s=wait_s)
            self._warn_once(position, f"returned {type(found).__name__}, not a Classification or None")
        return None

    def _warn_once(self, position: int, what: str) -> None:
        if position not in self._warned:
            self._warned.add(position)
            rule = self._rules[position]
            name = getattr(rule, "__qualname__", type(rule).__name__)
            _warn("classifier rule %s %s; it is passed over: mend it or take it out", name, what)

    def _judge(self, error: BaseException) -> Classification:
        kind = type(error)
        response = getattr(error, "response", None)
        answer = None
        if isinstance(response, dict) and not isinstance(error, ResilienceError):
            answer = (_judge_answer or _load_aws_errors())(cast("dict[str, Any]", response))
        if answer is None:
            found, is_by_type = judge_class(error)
        else:
            found, is_by_type = answer[1], False
        name, verdict = self._listed(kind) if self._by_class else ("", None)
        if verdict is None and answer is not None:
            name, verdict = answer[0], self._by_code.get(answer[0])
        if verdict is not None:
            wait_s = found.retry_after_s if verdict is Verdict.RETRYABLE else None
            found = Classification(verdict, found.category, wait_s, name)
        if is_by_type and response is None:
            if len(self._by_type) >= _MAX_CACHED_TYPES:  # classes made at run time must not fill the memory
                self._by_type.clear()
            self._by_type[kind] = found
        return found

    def _listed(self, kind: type) -> tuple[str, Verdict | None]:
        """Return the user's word on *kind*: the name of the class that they listed, and its verdict."""
        for parent in kind.__mro__:
            if parent in self._by_class:
                return parent.__name__, self._by_class[parent]
            if parent in OWN:
                break
        return "", None


def _load_aws_errors() -> Callable[[dict[str, Any]], tuple[str, Classification] | None]:
    global _judge_answer
    from .aws_errors import judge_answer

    _judge_answer = judge_answer
    return judge_answer


def _entries(option: str, value: Any) -> tuple[Any, ...]:
    """Return the entries of an option, or refuse one that is no collection."""
    if not isinstance(value, (str, bytes, type)):
        try:
            return tuple(value)
        except TypeError:
            pass
    raise ConfigurationError(f"{option}={value!r} is not a collection; write {option}=[...], even for one entry")


def _check_rule(option: str, rule: Any) -> None:
    if _is_class_of(rule, BaseException):
        _refuse(option, rule, "is an exception class; list it in retryable= or non_retryable=")
    if not callable(rule):
        _refuse(option, rule, "cannot be called; give functions from an error to a Classification or None")
    code = getattr(rule, "__code__", None)
    if code is not None and code.co_flags & CO_COROUTINE:
        _refuse(option, rule, "is an async function; a rule decides at once, so write it with def")


def _check_class(option: str, entry: Any) -> None:
    if isinstance(entry, BaseException):
        _refuse(option, entry, f"is an instance; give the class {type(entry).__name__}")
    if not _is_class_of(entry, Exception):
        _refuse(option, entry, "is not a subclass of Exception; give classes of exceptions")
    if option == "non_retryable" and issubclass(entry, NOT_FOR_PARKING):
        _refuse(option, entry, "means that the event has not had its turn; setting it aside would lose it: take it out")


def _check_code(option: str, entry: Any) -> None:
    if not isinstance(entry, str) or not entry:
        _refuse(option, entry, 'is not an error code; give texts such as "ConditionalCheckFailedException"')


def _is_class_of(entry: Any, parent: type) -> bool:
    return isinstance(entry, type) and issubclass(entry, parent)


def _refuse(option: str, entry: object, why: str) -> NoReturn:
    raise ConfigurationError(f"{option}: {entry!r} {why}")


def _checked(option: str, value: Any, check: Callable[[str, Any], None]) -> tuple[Any, ...]:
    entries = _entries(option, value)
    for entry in entries:
        check(option, entry)
    return entries


def _verdicts(kind: str, retryable: Any, non_retryable: Any, check: Callable[[str, Any], None]) -> dict[Any, Verdict]:
    """Return what the user listed in both options of one *kind* as one table."""
    names = f"retryable{kind}", f"non_retryable{kind}"
    table = dict.fromkeys(_checked(names[0], retryable, check), Verdict.RETRYABLE)
    for entry in _checked(names[1], non_retryable, check):
        if table.setdefault(entry, Verdict.NON_RETRYABLE) is Verdict.RETRYABLE:
            _refuse(names[1], entry, f"is in {names[0]} too; take it out of one of them")
    return table


def _warn(message: str, *values: object) -> None:
    import logging

    logging.getLogger("resilient_lambda").warning(message, *values)
