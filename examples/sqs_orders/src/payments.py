"""The payments API, and what its answers mean for the order."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from resilient_lambda import NonRetryableError, RetryableError

TIMEOUT_S = 5


def charge(order_id: str, total_cents: int, *, idempotency_key: str) -> None:
    """
    Charge an order.

    Raises:
        NonRetryableError: The API refuses this order, and will do so again.
        RetryableError: The API is busy or broken. Without an answer it is an OSError, which is retried as well.
    """
    request = Request(
        os.environ["PAYMENTS_URL"],
        data=json.dumps({"order_id": order_id, "total_cents": total_cents}).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        method="POST",
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S):
            pass
    except HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise RetryableError(f"the payments API answered {error.code}") from error
        raise NonRetryableError(f"the payments API refused the order with {error.code}") from error
