"""Where tests put their sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.record import Record
    from ..errors import SinkError

# Set by `resilient_lambda.testing`: takes what would be sent to AWS under the sink's name, and confirms or refuses.
redirect: Callable[[str, Record[Any], BaseException], str | SinkError] | None = None
