"""An S3 on this machine that knows one request, and the rest of AWS in memory."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from resilient_lambda.testing import in_memory

# Clients are made when the handler's module is imported.
os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")


class Bucket:
    """
    A bucket with versions.

    Attributes:
        objects: What it holds, by key and version.
        reads: Which keys were read.
        is_slow: True to ask everybody to slow down.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.reads: list[str] = []
        self.is_slow = False

    def answer(self, key: str, version_id: str) -> tuple[int, bytes]:
        """Return the HTTP status and the body."""
        self.reads.append(key)
        if self.is_slow:
            return 503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        found = self.objects.get((key, version_id))
        if found is None:
            return 404, b"<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>"
        return 200, found


@pytest.fixture(scope="session")
def server():
    """Serve GetObject; which bucket answers is told by each test."""

    class Handler(BaseHTTPRequestHandler):
        bucket = Bucket()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            key = unquote(url.path).partition("/")[2].partition("/")[2]
            status, body = Handler.bucket.answer(key, parse_qs(url.query).get("versionId", [""])[0])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        os.environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{running.server_port}"
        yield Handler
        running.shutdown()


@pytest.fixture
def bucket(server):
    """Return an empty bucket."""
    server.bucket = Bucket()
    return server.bucket


@pytest.fixture
def handler(server):
    """Import the handler once there is an S3."""
    from app import handler

    return handler


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    """Keep the tables and the queue of parked files in memory, under the names that the template gives."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "resilience")
    monkeypatch.setenv("IMPORTS_TABLE", "imports")
    monkeypatch.setenv("PARKED_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/parked")
    with in_memory() as fakes:
        yield fakes
