"""What was found, in words for people or as JSON. Pure."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from .._core.model import SOURCES
from .._core.retriers import BY_SOURCE, RETRIERS, Retrier
from ._explain_finding import FUNCTION, REFUSAL, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.model import Classification

WIDTH = 100
SCOPES = {
    FUNCTION: "if it left the function: who runs it again, and when",
    REFUSAL: "if it is what Lambda answered: who tries again to invoke it, and when",
}


def report(finding: Finding, source: str = "") -> list[str]:
    """
    Return the lines that explain *finding*.

    Args:
        source: The one event source that is asked for; "" for all.
    """
    lines = [*_field("what", finding.what)]
    if finding.verdict is not None:
        lines += _field("verdict", _verdict(finding.verdict))
        lines += _field("because", f"{SOURCES[finding.verdict.source]}: {finding.verdict.reason}")
    for name, fact in finding.facts.items():
        lines += _field(name, str(fact))
    for text in finding.now:
        lines += _field("now", text)
    for scope in finding.scopes:
        lines += ["", f"{SCOPES[scope]}"]
        for retrier in _retriers(finding, source):
            lines += _wrapped(f"  {retrier.name:<13} ", again(retrier, scope))
            if scope == FUNCTION and finding.verdict is not None:
                lines += _wrapped(f"{'':15} ", f"here: {ours(retrier, finding.verdict, is_ended=finding.is_ended)}")
    if REFUSAL in finding.scopes and finding.verdict is not None and not finding.verdict.is_retryable:
        lines += ["", "No retry helps: whoever tries again does so in vain until the cause is mended."]
    return lines


def as_json(finding: Finding, source: str = "") -> dict[str, Any]:
    """Return *finding* for programs."""
    found: dict[str, Any] = {"what": finding.what, "verdict": None, "facts": dict(finding.facts), "now": [*finding.now]}
    if finding.verdict is not None:
        verdict, category, wait_s, reason, decided_by = finding.verdict
        found |= {"verdict": verdict.value, "category": category.value, "retry_after_s": wait_s}
        found |= {"reason": reason, "source": decided_by}
    found["retries"] = [
        {
            "when": scope,
            "source": retrier.name,
            "by": again(retrier, scope),
            **(
                {"here": ours(retrier, finding.verdict, is_ended=finding.is_ended)}
                if scope == FUNCTION and finding.verdict is not None
                else {}
            ),
        }
        for scope in finding.scopes
        for retrier in _retriers(finding, source)
    ]
    return found


def again(retrier: Retrier, scope: str) -> str:
    """Say who tries again, and when."""
    return retrier.after_failure if scope == FUNCTION else retrier.after_refusal


def ours(retrier: Retrier, verdict: Classification, *, is_ended: bool) -> str:
    """Say what a handler of this library does."""
    if is_ended:
        return retrier.ended
    return retrier.retryable if verdict.is_retryable else retrier.permanent


def _verdict(found: Classification) -> str:
    what = "retryable" if found.is_retryable else "not retryable"
    wait = "" if found.retry_after_s is None else f", asks for a wait of {found.retry_after_s:g} s"
    return f"{what}, {found.category.value.replace('_', ' ')}{wait}"


def _retriers(finding: Finding, source: str) -> Iterable[Retrier]:
    wanted = source or finding.only
    return (BY_SOURCE[wanted],) if wanted else RETRIERS


def _field(name: str, text: str) -> list[str]:
    return _wrapped(f"{name:<12} ", text)


def _wrapped(begin: str, text: str) -> list[str]:
    return fill(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False).split(
        "\n"
    )
