"""What the delaying proxy has counted, asked without importing anything that a measured process would not have."""

from __future__ import annotations

import http.client
import json


def statistics(proxy_url: str) -> dict[str, float]:
    """Return what the proxy has counted so far."""
    connection = http.client.HTTPConnection(proxy_url.partition("://")[2], timeout=10)
    try:
        connection.request("GET", "/proxy")
        counted: dict[str, float] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return counted
