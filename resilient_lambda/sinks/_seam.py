"""What sinks share, and where tests put theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from .._core.record import Record

    Letter: TypeAlias = tuple[Record[Any], BaseException]

# Set by `resilient_lambda.testing.in_memory`: takes what would be sent to AWS under the sink's name, and confirms.
redirect: Callable[[str, Record[Any], BaseException], str] | None = None
