"""The warehouse's API, and what its answers mean for the levels."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from resilient_lambda import NonRetryableError, RetryableError, current_deadline


def write(levels: dict[str, int | None]) -> None:
    """
    Set the level of each article, None to remove it: the same the second time.

    Raises:
        NonRetryableError: The warehouse refuses these levels, and will do so again.
        RetryableError: It is busy or broken. Without an answer it is an OSError, which is retried as well.
    """
    if not levels:
        return
    request = Request(
        os.environ["WAREHOUSE_URL"],
        data=json.dumps(levels).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urlopen(request, timeout=max(0.1, min(10, current_deadline().remaining_s()))):
            pass
    except HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise RetryableError(f"the warehouse answered {error.code}") from error
        raise NonRetryableError(f"the warehouse refused the levels with {error.code}") from error
