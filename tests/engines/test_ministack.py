"""The emulator that tests/stacks run on."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.engines.ministack import Ministack


def test_a_server_ends_with_its_context():
    """It has queues while it lasts, listens on this machine only, and nothing answers afterwards."""
    with Ministack() as engine:
        url = engine.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        endpoint_url = engine.endpoint_url

    assert endpoint_url.startswith("http://127.0.0.1:")
    assert url == f"{endpoint_url}/000000000000/q"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2)
