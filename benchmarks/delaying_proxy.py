"""
A network of known length: a proxy in a process of its own that holds every HTTP request back, then passes it on.

    python -m benchmarks.delaying_proxy PORT DELAY_MS     before 127.0.0.1:PORT; prints its own port

It lives until its standard input ends, and counts what it passes on: ``GET /proxy`` answers
``{"requests": ..., "late_ms": ..., "cpu_ms": ...}``, where ``late_ms`` is by how much the median request was held back
longer than asked. Connections are kept open on both sides, one to the engine for each of a client's.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from statistics import median

HOST = "127.0.0.1"
STATISTICS = b"GET /proxy "
LATEST = 10_000  # of so many requests the lateness is kept


class Counted:
    """What passed through."""

    def __init__(self) -> None:
        self.requests = 0
        self.late_s: deque[float] = deque(maxlen=LATEST)

    def answer(self) -> bytes:
        """Return the HTTP response that tells it."""
        late_ms = median(self.late_s) * 1000 if self.late_s else 0.0
        body = json.dumps({"requests": self.requests, "late_ms": late_ms, "cpu_ms": time.process_time() * 1000})
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Engine(asyncio.Protocol):
    """The connection to the engine: its bytes go back as they come."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Pass on a part of a response."""
        self._client.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Hang up where the engine did, so that the client meets what it would meet without the proxy."""
        self._client.close()


class Client(asyncio.Protocol):
    """A client's connection: whole requests are cut from the stream and held back."""

    def __init__(self, port: int, delay_s: float, counted: Counted) -> None:
        self._port = port
        self._delay_s = delay_s
        self._counted = counted
        self._received = bytearray()
        self._engine: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where the answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._client = transport

    def data_received(self, data: bytes) -> None:
        """Hold back each request that has come completely."""
        self._received += data
        while (length := request_length(self._received)) is not None:
            request = bytes(self._received[:length])
            del self._received[:length]
            if request.startswith(STATISTICS):
                self._client.write(self._counted.answer())
                continue
            self._counted.requests += 1
            loop = asyncio.get_running_loop()
            due_s = loop.time() + self._delay_s
            if self._engine is None and self._connecting is None:
                self._connecting = loop.create_task(self._connect())
            loop.call_at(due_s, self._pass_on, request, due_s)

    def connection_lost(self, error: Exception | None) -> None:
        """Hang up at the engine too."""
        if self._engine is not None:
            self._engine.close()

    async def _connect(self) -> None:
        # While the first request waits: a connection costs the client nothing that it would not cost without a proxy.
        loop = asyncio.get_running_loop()
        self._engine, _ = await loop.create_connection(lambda: Engine(self._client), HOST, self._port)

    def _pass_on(self, request: bytes, due_s: float) -> None:
        if self._engine is None:  # still connecting: rare, and part of the lateness
            asyncio.get_running_loop().call_later(0.0002, self._pass_on, request, due_s)
            return
        self._counted.late_s.append(asyncio.get_running_loop().time() - due_s)
        self._engine.write(request)


def request_length(received: bytearray) -> int | None:
    """Return how many bytes the first request has, None while it is not complete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    body = 0
    for line in bytes(received[:end]).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            body = int(value)
    length = end + 4 + body
    return length if len(received) >= length else None


async def serve(port: int, delay_s: float) -> None:
    """Print the proxy's port and serve until standard input ends."""
    counted = Counted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(port, delay_s, counted), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
