"""A proxy in front of DynamoDB that does to chosen calls what networks and busy services do."""

from __future__ import annotations

import json
import threading
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Fault(Enum):
    """What happens to a call."""

    DROP_ANSWER = "the call takes effect, the connection is closed before the answer"
    CLOSE = "the connection is closed before the call reaches the service"
    HANG = "nothing comes back until the proxy is stopped"
    SERVER_ERROR = "500 InternalServerError"
    THROTTLING = "ThrottlingException"
    THROUGHPUT = "ProvisionedThroughputExceededException"
    ACCESS_DENIED = "AccessDeniedException"
    EXPIRED_TOKEN = "ExpiredTokenException"


ANSWERS = {
    Fault.SERVER_ERROR: (500, "InternalServerError"),
    Fault.THROTTLING: (400, "ThrottlingException"),
    Fault.THROUGHPUT: (400, "ProvisionedThroughputExceededException"),
    Fault.ACCESS_DENIED: (400, "AccessDeniedException"),
    Fault.EXPIRED_TOKEN: (400, "ExpiredTokenException"),
}


class FlakyProxy:
    """
    An HTTP server that forwards to *target*; a context manager.

    Attributes:
        endpoint_url: Where it listens.
        calls: The operations that arrived, in order, such as ``PutItem``.
        peers: The addresses of the connections that the calls came over, one per call.
    """

    def __init__(self, target: str) -> None:
        self.calls: list[str] = []
        self.peers: list[tuple[str, int]] = []
        self._target = urlsplit(target)
        self._faults: list[tuple[Fault, str | None]] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server = _server_of(self)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FlakyProxy:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, fault: Fault, *, operation: str | None = None, times: int = 1) -> None:
        """Do *fault* to the next *times* calls, of *operation* only if it is given."""
        with self._lock:
            self._faults += [(fault, operation)] * times

    def arrived(self, operation: str, peer: tuple[str, int]) -> Fault | None:
        """Note a call and return what is to happen to it."""
        with self._lock:
            self.calls.append(operation)
            self.peers.append(peer)
            for index, (_, wanted) in enumerate(self._faults):
                if wanted in (None, operation):
                    return self._faults.pop(index)[0]
        return None

    def forward(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send the call on and return status, headers and body of the answer."""
        connection = HTTPConnection(self._target.hostname or "", self._target.port or 80, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def hang(self) -> None:
        """Wait until the proxy is stopped."""
        self._stopped.wait(60)


def _server_of(proxy: FlakyProxy) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            fault = proxy.arrived(operation, self.client_address)
            if fault is Fault.HANG:
                proxy.hang()
            if fault in (Fault.CLOSE, Fault.HANG):
                self.close_connection = True
                return
            if fault in ANSWERS:
                status, code = ANSWERS[fault]
                self._answer(status, {}, json.dumps({"__type": f"com.amazonaws#{code}", "message": "..."}).encode())
                return
            status, headers, answer = proxy.forward(self.path, dict(self.headers.items()), body)
            if fault is Fault.DROP_ANSWER:
                self.close_connection = True
                return
            self._answer(status, headers, answer)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass  # the test's output is the test's

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

    return Server(("127.0.0.1", 0), Handler)
