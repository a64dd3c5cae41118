"""The ledger's API, and what its answers mean for the booking."""

import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from resilient_lambda import NonRetryableError, RetryableError, current_deadline


def book(account: str, amount_cents: int, *, idempotency_key: str) -> None:
    """
    Book an amount on an account.

    Raises:
        NonRetryableError: The ledger refuses this booking, and will do so again.
        RetryableError: It is busy or broken. Without an answer it is an OSError, which is retried as well.
    """
    request = Request(
        os.environ["LEDGER_URL"],
        data=json.dumps({"account": account, "amount_cents": amount_cents}).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        method="POST",
    )
    try:
        # Never longer than there is time: the other accounts of the batch want to be answered, too.
        with urlopen(request, timeout=max(0.1, min(5, current_deadline().remaining_s()))):
            pass
    except HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise RetryableError(f"the ledger answered {error.code}") from error
        raise NonRetryableError(f"the ledger refused the booking with {error.code}") from error
