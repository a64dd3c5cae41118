"""The search index's API, and what its answers mean for a change."""

import json
import os
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from resilient_lambda import NonRetryableError, RetryableError, current_deadline


def put(document_id: str, document: dict) -> None:
    """Write a document; raises as `_call` does."""
    _call("PUT", document_id, json.dumps(document).encode())


def delete(document_id: str) -> None:
    """Delete a document, if it is there; raises as `_call` does."""
    _call("DELETE", document_id, None)


def _call(method: str, document_id: str, body: bytes | None) -> None:
    """
    Call the index.

    Raises:
        NonRetryableError: It refuses this document, and will do so again.
        RetryableError: It is busy or broken. Without an answer it is an OSError, which is retried as well.
    """
    url = f"{os.environ['SEARCH_URL']}/{quote(document_id, safe='')}"
    request = Request(url, data=body, headers={"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=max(0.1, min(5, current_deadline().remaining_s()))):
            pass
    except HTTPError as error:
        error.close()
        if method == "DELETE" and error.code == 404:
            return
        if error.code == 429 or error.code >= 500:
            raise RetryableError(f"the index answered {error.code}") from error
        raise NonRetryableError(f"the index refused the document with {error.code}") from error
