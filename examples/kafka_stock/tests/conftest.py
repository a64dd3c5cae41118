"""A warehouse on this machine, and AWS in memory."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from resilient_lambda.testing import in_memory


class Warehouse:
    """
    A warehouse.

    Attributes:
        levels: What there is of each article.
        requests: What each request has set.
        busy: Articles for which it has no time.
    """

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self.requests: list[dict] = []
        self.busy: set[str] = set()

    def answer(self, levels: dict) -> int:
        """Set the levels, all or none; return the HTTP status."""
        if self.busy & set(levels):
            return 503
        self.requests.append(levels)
        for article, count in levels.items():
            if count is None:
                self.levels.pop(article, None)
            else:
                self.levels[article] = count
        return 200


@pytest.fixture
def warehouse(monkeypatch):
    """Serve the warehouse that the handler calls."""
    api = Warehouse()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(api.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("WAREHOUSE_URL", f"http://127.0.0.1:{server.server_port}/levels")
        yield api
        server.shutdown()


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the table and the queue of parked records in memory, under the names that the template gives."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "resilience")
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked")
    monkeypatch.setenv("LETTERS_BUCKET", "letters")
    with in_memory() as fakes:
        yield fakes
