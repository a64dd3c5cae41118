"""A payments API on this machine, and AWS in memory."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from resilient_lambda.testing import in_memory


class Payments:
    """
    A payments API that charges once per idempotency key.

    Attributes:
        charges: What was charged, by idempotency key.
        fails_with: Statuses for the next requests, which are answered after the charge: the answer is lost.
        refuses_with: Statuses for the next requests, which charge nothing.
    """

    def __init__(self) -> None:
        self.charges: dict[str, dict] = {}
        self.fails_with: list[int] = []
        self.refuses_with: list[int] = []

    def answer(self, key: str, order: dict) -> int:
        """Charge the order, unless told otherwise; return the HTTP status."""
        if self.refuses_with:
            return self.refuses_with.pop(0)
        self.charges.setdefault(key, order)
        return self.fails_with.pop(0) if self.fails_with else 201


@pytest.fixture
def payments(monkeypatch):
    """Serve the payments API that the handler calls."""
    api = Payments()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(api.answer(self.headers["Idempotency-Key"], order))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("PAYMENTS_URL", f"http://127.0.0.1:{server.server_port}/charges")
        yield api
        server.shutdown()


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the table and the queue of parked orders in memory."""
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked")
    with in_memory() as fakes:
        yield fakes
