"""A ledger on this machine, and AWS in memory."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from resilient_lambda.testing import in_memory


class Ledger:
    """
    A ledger that books once per idempotency key.

    Attributes:
        amounts: What was booked on each account, in order.
        locked: Accounts that take nothing at the moment.
    """

    def __init__(self) -> None:
        self.amounts: dict[str, list[int]] = {}
        self.locked: set[str] = set()
        self._known: set[str] = set()

    def answer(self, key: str, booking: dict) -> int:
        """Book, unless the account is locked; return the HTTP status."""
        if booking["account"] in self.locked:
            return 503
        if key not in self._known:
            self._known.add(key)
            self.amounts.setdefault(booking["account"], []).append(booking["amount_cents"])
        return 201


@pytest.fixture
def ledger(monkeypatch):
    """Serve the ledger that the handler calls."""
    api = Ledger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            booking = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(api.answer(self.headers["Idempotency-Key"], booking))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("LEDGER_URL", f"http://127.0.0.1:{server.server_port}/bookings")
        yield api
        server.shutdown()


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the table and the queue of parked bookings in memory."""
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked.fifo")
    with in_memory() as fakes:
        yield fakes
