"""The payments API, and what its answers mean for the order."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from resilient_lambda import RetryableError

TIMEOUT_S = 5

# What is recorded for good, so only what says no to this charge: not 409, for example, which comes while the API is
# still at work on a charge of the same key, nor 401 and 403, which are about us and not about the customer.
REFUSALS = (402, 422)


class ChargeRefusedError(Exception):
    """The API refuses this charge, and will do so again."""


def charge(order_id: str, total_cents: int, *, idempotency_key: str) -> str:
    """
    Charge an order; return the receipt.

    Raises:
        ChargeRefusedError: The API refuses it.
        RetryableError: The API is busy or broken, or still charging: the page gets a 503, and tries again. Without an
            answer it is an OSError, which comes to the same.
    """
    request = Request(
        os.environ["PAYMENTS_URL"],
        data=json.dumps({"order_id": order_id, "total_cents": total_cents}).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        method="POST",
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return str(json.load(answer)["receipt"])
    except HTTPError as error:
        error.close()
        if error.code in REFUSALS:
            raise ChargeRefusedError(f"the payments API answered {error.code}") from error
        raise RetryableError(f"the payments API answered {error.code}") from error
