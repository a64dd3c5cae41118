"""Checks of options: a wrong one fails at import, with the value, what is allowed, and what to do."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..errors import ConfigurationError


def number(
    option: str, value: Any, *, above: float | None = None, at_least: float | None = None, is_whole: bool = False
) -> None:
    """
    Check that *value* is a finite number within its bounds; None is left to the caller.

    Raises:
        ConfigurationError: It is not.
    """
    kinds = (int,) if is_whole else (int, float)
    bound = f"more than {above:g}" if above is not None else f"at least {at_least:g}" if at_least is not None else ""
    if (
        isinstance(value, bool)
        or not isinstance(value, kinds)
        or not isfinite(value)
        or (above is not None and value <= above)
        or (at_least is not None and value < at_least)
    ):
        kind = "a whole number" if is_whole else "a finite number"
        raise ConfigurationError(f"{option}={value!r} must be {kind}{', ' if bound else ''}{bound}")


def one_of(option: str, value: Any, allowed: tuple[str, ...]) -> None:
    """
    Check that *value* is one of *allowed*.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ConfigurationError(f"{option}={value!r} must be one of {', '.join(map(repr, allowed))}")


def text(option: str, value: Any) -> None:
    """
    Check that *value* is a text that is not empty.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{option}={value!r} must be a text, and not an empty one")
