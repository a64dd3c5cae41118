"""A search index on this machine, and AWS in memory."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

import pytest

from resilient_lambda.testing import in_memory


class Index:
    """
    A search index.

    Attributes:
        documents: What it holds, by id.
        calls: How often it was called.
        busy: Ids for which it has no time.
    """

    def __init__(self) -> None:
        self.documents: dict[str, dict] = {}
        self.calls = 0
        self.busy: set[str] = set()

    def answer(self, method: str, document_id: str, body: bytes) -> int:
        """Do what is asked; return the HTTP status."""
        self.calls += 1
        if document_id in self.busy:
            return 429
        if method == "PUT":
            self.documents[document_id] = json.loads(body)
            return 200
        return 404 if self.documents.pop(document_id, None) is None else 200


@pytest.fixture
def index(monkeypatch):
    """Serve the index that the handler calls."""
    api = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(api.answer(self.command, unquote(self.path.rpartition("/")[2]), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_DELETE = do_PUT

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("SEARCH_URL", f"http://127.0.0.1:{server.server_port}/products")
        yield api
        server.shutdown()


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the queue of parked changes in memory."""
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked")
    with in_memory() as fakes:
        yield fakes
