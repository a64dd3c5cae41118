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
        receipts: By idempotency key.
        fails_with: Statuses for the next requests, which are answered after the charge: the answer is lost.
        refuses_with: Statuses for the next requests, which charge nothing.
    """

    def __init__(self) -> None:
        self.receipts: dict[str, str] = {}
        self.fails_with: list[int] = []
        self.refuses_with: list[int] = []

    def answer(self, key: str) -> int:
        """Charge the order, unless told otherwise; return the HTTP status."""
        if self.refuses_with:
            return self.refuses_with.pop(0)
        self.receipts.setdefault(key, f"r-{len(self.receipts) + 1}")
        return self.fails_with.pop(0) if self.fails_with else 201


@pytest.fixture
def payments(monkeypatch):
    """Serve the payments API that the handler calls."""
    api = Payments()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            key = self.headers["Idempotency-Key"]
            self.send_response(api.answer(key))
            body = json.dumps({"receipt": api.receipts.get(key)}).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("PAYMENTS_URL", f"http://127.0.0.1:{server.server_port}/charges")
        yield api
        server.shutdown()


@pytest.fixture(autouse=True)
def aws():
    """Keep the table in memory."""
    with in_memory() as fakes:
        yield fakes
