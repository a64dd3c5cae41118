"""Where tests put what the re-invoker would reach in AWS beside Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Set by `resilient_lambda.testing`. Takes what would be sent for a re-invocation to wait: the queue's URL or the
# schedule group (or the variable that would hold it), the wait in seconds, and the request as boto3 takes it.
delays: Callable[[str, float, dict[str, Any]], None] | None = None

# Set by `resilient_lambda.testing`: returns the content of an S3 object, by bucket, key and version ("" for none).
objects: Callable[[str, str, str], bytes] | None = None
