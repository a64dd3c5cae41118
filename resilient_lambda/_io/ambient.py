"""The Io of code that no handler has given one: functions under `Retry`, and clients of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .base import Io

# Set by `resilient_lambda.testing`: returns the Io for synchronous (False) or asynchronous code.
replacement: Callable[[bool], Io] | None = None


def ambient_io(*, is_asynchronous: bool) -> Io:
    """Return the Io to use now: a test's, or the real one. The asynchronous one loads asyncio."""
    if replacement is not None:
        return replacement(is_asynchronous)
    if is_asynchronous:
        from .aio import IO as asynchronous

        return asynchronous
    from .blocking import IO as blocking

    return blocking
