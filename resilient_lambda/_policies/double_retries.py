"""A warning for what is tried again twice: by `Retry`, and by the boto3 client inside it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .retry import Retry

_ADVICE = (
    "each of its tries is one more for each of Retry's; make that client with "
    "botocore.config.Config(retries={'total_max_attempts': 1}), or leave out Retry"
)


def warn_of_client(function: Any, retry: Retry) -> None:
    """Warn, once for each *retry*, if *function* is a method of a client of botocore's that retries."""
    while isinstance(function, partial):
        function = function.func
    client: Any = getattr(function, "__self__", None)
    if not type(client).__module__.startswith("botocore.") or retry.has_warned:
        return
    settings = getattr(getattr(getattr(client, "meta", None), "config", None), "retries", None)
    tries = settings.get("total_max_attempts") if isinstance(settings, dict) else None
    if tries != 1:  # none is botocore's default: several
        retry.has_warned = True
        name = getattr(function, "__name__", "?")
        logging.getLogger("resilient_lambda").warning(
            "Retry stands around %s of a boto3 client that retries by itself; %s", name, _ADVICE
        )


def warn_of_answer(error: Exception, name: str, retry: Retry) -> None:
    """Warn, once for each *retry*, if the answer of AWS in *error* came after retries of botocore's own."""
    if retry.has_warned:
        return
    response: Any = getattr(error, "response", None)
    metadata: Any = response.get("ResponseMetadata") if isinstance(response, dict) else None
    retries: Any = metadata.get("RetryAttempts") if isinstance(metadata, dict) else None
    if isinstance(retries, int) and retries > 0:
        retry.has_warned = True
        logging.getLogger("resilient_lambda").warning(
            "%s failed after %d retries of its boto3 client, and is tried again by Retry; %s", name, retries, _ADVICE
        )
