"""A Lambda endpoint that answers as scripted, over real connections."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Seen(NamedTuple):
    """One request that has arrived; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


class Reply(NamedTuple):
    """
    What is done with one request.

    Attributes:
        hangs: True to answer only when the server ends.
        breaks: True to reset the connection instead, after the body of the request was read.
        cuts: True to close the connection in the middle of the answer's body.
    """

    status: int = 200
    body: bytes = b"null"
    headers: Mapping[str, str] = {}
    hangs: bool = False
    breaks: bool = False
    cuts: bool = False


def refusal(name: str, status: int, message: str = "no", **fields: Any) -> Reply:
    """Return how Lambda refuses."""
    body = json.dumps({"Type": "User", "message": message, **fields}).encode()
    return Reply(status, body, {"x-amzn-ErrorType": name, "Content-Type": "application/json"})


def failure(payload: dict[str, Any], **headers: str) -> Reply:
    """Return what Lambda answers when the function has failed."""
    return Reply(200, json.dumps(payload).encode(), {"X-Amz-Function-Error": "Unhandled", **headers})


class LambdaServer:
    """
    A context manager.

    Attributes:
        url: Where it listens.
        seen: The requests, in order of their arrival.
        script: The replies to the next requests; beyond it every one is accepted, and answered by null.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: list[Reply] = []
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LambdaServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, seen: Seen) -> Reply:
        """Keep a request and return what is done with it."""
        with self._lock:
            self.seen.append(seen)
            self._arrived.set()
            if self.script:
                return self.script.pop(0)
        kind = seen.headers.get("x-amz-invocation-type", "RequestResponse")
        return {"Event": Reply(202, b""), "DryRun": Reply(204, b"")}.get(kind, Reply())

    def wait_for_a_request(self) -> None:
        """Wait until the first request has arrived."""
        assert self._arrived.wait(30)

    def wait_for_the_end(self) -> None:
        """Wait until the server ends."""
        self._ended.wait(30)


def _handler_of(server: LambdaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.take(Seen(self.path, headers, body, self.client_address))
            if reply.hangs:
                self.close_connection = True
                server.wait_for_the_end()
                return
            if reply.breaks:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in {"x-amzn-RequestId": f"request-{len(server.seen)}", **reply.headers}.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body) + (100 if reply.cuts else 0)))
            self.end_headers()
            if reply.status != 204:
                self.wfile.write(reply.body)
            if reply.cuts:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client has gone
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    return Handler
