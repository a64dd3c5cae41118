"""
ministack, an emulator of AWS with queues, event source mappings and functions: installed once, started on a free port.

``python -m tests.engines.ministack fetch`` fills the cache, an environment of its own under ``.cache/venvs``.

It is no judge of how AWS behaves: what it does differently is said where it matters, in tests/stacks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.engines.dynamodb_local import EngineError, free_port
from tools.venvs import provide

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIREMENT = "ministack==1.5.33"
READY_WITHIN_S = 60.0
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def fetch() -> Path:
    """Return the interpreter of an environment that has ministack, made now or earlier."""
    return provide("ministack", Path(sys.executable), [REQUIREMENT], b"")


class Ministack:
    """One server with its functions' processes, all in memory. A context manager; ``endpoint_url`` says where it is."""

    def __init__(self) -> None:
        self.endpoint_url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="ministack-")
        self._log: IO[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Ministack:
        python = fetch()
        self._log = Path(self._folder.name, "log").open("w+b")
        for _ in range(3):  # another program may take the port between the choice and the start
            port = free_port()
            self.endpoint_url = f"http://127.0.0.1:{port}"
            self._process = subprocess.Popen(
                [python, "-m", "ministack"],
                env=self._environment(port),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that the functions' processes end with it
            )
            try:
                if self._is_ready():
                    return self
            except BaseException:
                self.__exit__()
                raise
            self._end_process()
        output = self.log()[-1000:]
        self._folder.cleanup()
        raise EngineError(f"ministack did not start: {output}")

    def __exit__(self, *exc_info: object) -> None:
        self._end_process()
        for client in self._clients.values():
            client.close()
        if self._log is not None:
            self._log.close()
        self._folder.cleanup()

    def client(self, service: str) -> Any:
        """Return the client of *service* here."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def log(self) -> str:
        """Return what the server and its functions have written."""
        return Path(self._folder.name, "log").read_text("utf-8", "replace")

    def _environment(self, port: int) -> Mapping[str, str]:
        return {
            **CREDENTIALS,
            "PATH": os.environ["PATH"],
            "HOME": self._folder.name,
            "TMPDIR": self._folder.name,
            "STATE_DIR": f"{self._folder.name}/state",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": self.endpoint_url,  # the functions get it
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        give_up_at = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < give_up_at and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.endpoint_url}/_ministack/health", timeout=2).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def _end_process(self) -> None:
        if self._process is not None and self._process.returncode is None:
            # Not waited for yet, so the number is still its own: the server, and the functions that it has started.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: python -m tests.engines.ministack fetch")
    print(os.path.relpath(fetch()))
