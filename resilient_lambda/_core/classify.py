"""
Why a function failed, and whether another try can help: one verdict per error.

First match wins: the user's rules; the user's exception classes; the user's codes; this library's own errors; answers
of AWS by their code; answers of HTTP clients by their status; known classes, the most specific first; network errno.
What is in an exception group decides for it; an error that says nothing is judged by its cause. Anything else is
retryable, because a needless retry costs a delivery and a wrong "permanent" costs an event.

The user's classes and codes change the verdict and leave the category, which says what the error is.

Classes of other packages are known by name, so that none of them is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..errors import (
    ConfigurationError,
    FunctionError,
    LeaseLostError,
    ResilienceError,
)
from .backoff import asked_wait_s
from .classifier_options import check_class, check_code, check_rule, checked, verdicts
from .describe import describe
from .error_classes import NOT_FOR_PARKING, OWN, is_group, judge_class
from .model import UNKNOWN_SOURCE, Category, Classification, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    Rule: TypeAlias = Callable[[BaseException], Classification | None]

__all__ = ["Classifier", "describe"]

_MAX_CACHED_TYPES = 256
_MAX_DEPTH = 8  # of causes and of groups in groups: chains may be circles
_MAX_MEMBERS = 1_000
_MAX_VISITS = 10_000  # of members in all: groups may hold the same groups many times
# The judge of AWS's answers, once the first one has come: an import statement on every error costs 1 us.
_judge_answer: Callable[[dict[str, Any], float | None], tuple[str, Classification] | None] | None = None


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
        retryable_codes: Error codes of AWS, such as ``"ConditionalCheckFailedException"``; of a function that was
            invoked its ``errorType``.
        non_retryable_codes: As *retryable_codes*.

    What is in a group, and the cause of an error that says nothing, is judged by all of them as if it had been raised.

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
        self._rules: tuple[Rule, ...] = checked("rules", rules, check_rule)
        self._by_class: dict[type, Verdict] = verdicts("", retryable, non_retryable, check_class)
        self._by_code: dict[str, Verdict] = verdicts("_codes", retryable_codes, non_retryable_codes, check_code)
        self._by_type: dict[type, Classification] = {}
        self._warned: set[int] = set()

    def classify(self, error: BaseException, *, now_s: float | None = None) -> Classification:
        """
        Return the verdict on *error*; raises nothing, whatever the error's attributes do.

        Args:
            now_s: Wall clock, for a ``Retry-After`` that is a date in an answer without a ``Date`` of its own.
        """
        try:
            return self._verdict(error, now_s, _MAX_DEPTH)
        except Exception as broken:  # a border: properties and metaclasses of foreign errors can raise anything
            _warn("%s cannot be classified (%s); it is retryable", type(error).__name__, type(broken).__name__)
            return _unknown(error)

    def is_retryable(self, error: BaseException) -> bool:
        """
        Return whether to try again, here and now: a predicate for other libraries' retries.

        False for what is no `Exception`, such as a KeyboardInterrupt, a cancelled task or a lost lease: whoever raised
        that wants to get out.
        """
        return isinstance(error, Exception) and self.classify(error).verdict is Verdict.RETRYABLE

    def _verdict(
        self, error: BaseException, now_s: float | None, depth: int, visits: list[int] | None = None
    ) -> Classification:
        if self._rules and (found := self._ask_rules(error)) is not None:
            return found
        found = self._by_type.get(type(error))
        # Any instance may carry an answer or a cause, and then the class alone decides nothing.
        if (
            found is not None
            and getattr(error, "response", None) is None
            and (error.__cause__ is None or found.source != UNKNOWN_SOURCE)
        ):
            return found
        if isinstance(getattr(error, "exceptions", None), tuple) and is_group(type(error)):
            return self._judge_group(cast("Any", error), now_s, depth, visits)
        found = self._judge(error, now_s)
        if found.source == UNKNOWN_SOURCE and error.__cause__ is not None and depth > 0:
            cause = self._verdict(error.__cause__, now_s, depth - 1, visits)
            if cause.source != UNKNOWN_SOURCE:
                return cause._replace(source="cause")
        return found

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
                return found._replace(retry_after_s=asked_wait_s(found.retry_after_s), source=found.source or "rule")
            self._warn_once(position, f"returned {type(found).__name__}, not a Classification or None")
        return None

    def _warn_once(self, position: int, what: str) -> None:
        if position not in self._warned:
            self._warned.add(position)
            rule = self._rules[position]
            name = getattr(rule, "__qualname__", type(rule).__name__)
            _warn("classifier rule %s %s; it is passed over: mend it or take it out", name, what)

    def _judge(self, error: BaseException, now_s: float | None) -> Classification:
        """Return the verdict on *error* by itself, without its causes."""
        kind = type(error)
        response = getattr(error, "response", None)
        code, found, is_by_type = "", None, False
        if response is not None and not isinstance(error, ResilienceError):
            code, found = _judge_response(response, now_s)
        if found is None:
            found, is_by_type = judge_class(error, now_s)
            if isinstance(error, FunctionError):
                code = getattr(error, "type", "")
        name, verdict = self._listed(kind) if self._by_class else ("", None)
        source = "your class"
        if verdict is None and code:
            name, verdict, source = code, self._by_code.get(code), "your code"
        if verdict is not None:
            found = _overruled(found, verdict, name, source)
        if is_by_type and response is None:
            if len(self._by_type) >= _MAX_CACHED_TYPES:  # classes made at run time must not fill the memory
                self._by_type.clear()
            self._by_type[kind] = found
        return found

    def _judge_group(self, group: Any, now_s: float | None, depth: int, visits: list[int] | None) -> Classification:
        """
        Return the verdict on an exception group: permanent only if all that is in it is.

        Of several that are retryable, one that is throttled decides, and the longest wait that any of them asked for.

        Args:
            visits: How many members were looked at; None in the outermost group.
        """
        visits = [0] if visits is None else visits
        visits[0] += len(group.exceptions)
        if depth == 0 or len(group.exceptions) > _MAX_MEMBERS or visits[0] > _MAX_VISITS:
            return _unknown(group)
        members = [self._verdict(member, now_s, depth - 1, visits) for member in group.exceptions]
        hopeful = [member for member in members if member.is_retryable]
        throttled = [member for member in hopeful if member.category is Category.THROTTLING]
        waits = [member.retry_after_s for member in hopeful if member.retry_after_s is not None]
        found = (throttled or hopeful or members)[0]
        found = found._replace(retry_after_s=max(waits, default=None), source="group")
        # A broad class such as Exception means the members, and has decided on each of them already.
        for parent in type(group).__mro__ if self._by_class else ():
            if not is_group(parent):
                break
            if parent in self._by_class:
                return _overruled(found, self._by_class[parent], parent.__name__, "your class")
        return found

    def _listed(self, kind: type) -> tuple[str, Verdict | None]:
        """Return the user's word on *kind*: the name of the class that they listed, and its verdict."""
        for parent in kind.__mro__:
            if parent in self._by_class:
                return parent.__name__, self._by_class[parent]
            if parent in OWN:
                break
        return "", None


def _overruled(found: Classification, verdict: Verdict, reason: str, source: str) -> Classification:
    wait_s = found.retry_after_s if verdict is Verdict.RETRYABLE else None
    return Classification(verdict, found.category, wait_s, reason, source)


def _unknown(error: BaseException) -> Classification:
    return Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, type(error).__name__, UNKNOWN_SOURCE)


def _judge_response(response: Any, now_s: float | None) -> tuple[str, Classification | None]:
    """Return the code in the answer that hangs on an error, and the verdict; nothing if it says nothing."""
    if isinstance(response, dict):
        judge = _judge_answer or _load_aws_errors()
        return judge(cast("dict[str, Any]", response), now_s) or ("", None)
    from .http_errors import judge_status, status_of

    status = status_of(response)
    return "", None if status is None else judge_status(status, getattr(response, "headers", None), now_s)


def _load_aws_errors() -> Callable[[dict[str, Any], float | None], tuple[str, Classification] | None]:
    global _judge_answer
    from .aws_errors import judge_answer

    _judge_answer = judge_answer
    return judge_answer


def _warn(message: str, *values: object) -> None:
    import logging

    logging.getLogger("resilient_lambda").warning(message, *values)
