"""
The Runtime API that Lambda offers to one process of a function: the four paths that the runtime client calls.

    GET  /2018-06-01/runtime/invocation/next            waits for the next invocation
    POST /2018-06-01/runtime/invocation/<id>/response   the function's answer
    POST /2018-06-01/runtime/invocation/<id>/error      the function raised
    POST /2018-06-01/runtime/init/error                 the module could not be imported

One server serves one process and is thrown away with it, so that a poll which a dead process left behind can never
swallow the next invocation. Every call becomes a *happening* in a queue that the execution environment reads.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTION_NAME = "orders"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION_NAME}"


class Invocation(NamedTuple):
    """One event on its way to the function; Lambda stops the process *timeout_s* after the function has taken it."""

    request_id: str
    event: Any
    timeout_s: float


class Taken(NamedTuple):
    """The process took the invocation at *at_s* of the monotonic clock."""

    at_s: float


class Responded(NamedTuple):
    """The function returned *payload*."""

    payload: Any


class Raised(NamedTuple):
    """The function raised; *error* is what the runtime client made of it."""

    error: dict[str, Any]


class InitFailed(NamedTuple):
    """The module of the handler could not be imported."""

    error: dict[str, Any]


Happening = Taken | Responded | Raised | InitFailed


class RuntimeApi(ThreadingHTTPServer):
    """
    A Runtime API on a free port of 127.0.0.1, for one process.

    Args:
        when_idle: Called when the process asks for work and there is none: the moment at which Lambda freezes it.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, when_idle: Callable[[], None] = lambda: None) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._when_idle = when_idle
        self._offered: Invocation | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return "{}:{}".format(*self.server_address[:2])

    def offer(self, invocation: Invocation) -> None:
        """Hand *invocation* to the process as soon as it asks."""
        with self._changed:
            self._offered = invocation
            self._changed.notify_all()

    def take(self) -> Invocation | None:
        """Wait for an invocation; None when the server is closed."""
        with self._changed:
            if self._offered is None and not self._is_closed:
                self._when_idle()
            self._changed.wait_for(lambda: self._offered is not None or self._is_closed)
            taken, self._offered = self._offered, None
        return None if self._is_closed else taken

    def close(self) -> None:
        """Stop serving and let a waiting poll go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a process that is killed in mid-call breaks its connection, and that is the point."""


class _Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        if self.path != "/2018-06-01/runtime/invocation/next":
            self._answer(404)
            return
        invocation = self.server.take()
        if invocation is None:
            self.close_connection = True
            return
        # First on the record, then on the wire: the answer must not overtake it.
        self.server.happenings.put(Taken(time.monotonic()))
        self._answer(
            200,
            json.dumps(invocation.event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout_s) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # Killed in the middle of its answer: there is no answer.
            self.close_connection = True
            return
        happening = self._happening(body)
        if happening is None:
            self._answer(404)
            return
        self.server.happenings.put(happening)
        self._answer(202, b'{"status":"OK"}')

    def _happening(self, body: bytes) -> Happening | None:
        if self.path == "/2018-06-01/runtime/init/error":
            return InitFailed(json.loads(body))
        call = re.fullmatch(r"/2018-06-01/runtime/invocation/[^/]+/(response|error)", self.path)
        if call is None:
            return None
        return Responded(json.loads(body)) if call[1] == "response" else Raised(json.loads(body))

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests' output is about the function."""
