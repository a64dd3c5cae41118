"""The policies of a handler, as they are checked at import: in an order that keeps the promise, or switched off."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .compose import Policy

CANONICAL_ORDER = ("idempotency", "circuit_breaker", "retry")
SWITCHES = (*CANONICAL_ORDER, "dead_letter", "deadline", "visibility")


def check_order(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """
    Return *policies* if they are policies and in an order that keeps the promise.

    A retry or a breaker outside Idempotency would try, or count, what Idempotency answers without running.

    Raises:
        ConfigurationError: Something is no policy, stands twice, or is out of order.
    """
    found = tuple(policies)
    for policy in found:
        if isinstance(policy, type) or not callable(getattr(policy, "around", None)):
            raise ConfigurationError(
                f"policies holds {policy!r}, which is no policy: give objects such as Idempotency(store, key=...)"
            )
    kinds = [kind for policy in found if (kind := kind_of(policy)) in CANONICAL_ORDER]
    right = [kind for kind in CANONICAL_ORDER if kind in kinds]
    if kinds != right:
        raise ConfigurationError(
            f"policies are given as {kinds}, outermost first; the right order, each once, is {right}"
        )
    return found


def kind_of(policy: object) -> str:
    """Return the name under which operators switch *policy* off, "" if it has none."""
    return str(getattr(policy, "kind", ""))


def without(policy: Policy) -> Policy | None:
    """Return what stands in the place of *policy* while operators have it switched off; mostly nothing."""
    stand_in: Callable[[], Policy] | None = getattr(policy, "switched_off", None)
    return None if stand_in is None else stand_in()


_has_warned = False
_logger = logging.getLogger("resilient_lambda")


def disabled() -> frozenset[str]:
    """Return what operators switched off by ``RESILIENT_LAMBDA_DISABLE``, a comma-separated list; logged once."""
    global _has_warned
    names = {name.strip() for name in os.environ.get("RESILIENT_LAMBDA_DISABLE", "").split(",")} - {""}
    if names and not _has_warned:
        _has_warned = True
        _logger.warning(
            "RESILIENT_LAMBDA_DISABLE switches off: %s", ", ".join(sorted(names & set(SWITCHES))) or "nothing"
        )
        if unknown := names - set(SWITCHES):
            _logger.warning(
                "RESILIENT_LAMBDA_DISABLE holds unknown names: %s; known are %s",
                ", ".join(sorted(unknown)),
                ", ".join(SWITCHES),
            )
    return frozenset(names)
