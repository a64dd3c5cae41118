"""A queue with a dead-letter queue, a function that reads it, and what the function has noted."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.engines.ministack import CREDENTIALS, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.engines.ministack import Ministack

FUNCTIONS = Path(__file__).parent / "functions"
PACKAGE_ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
PATIENCE_S = 25.0

_numbers = itertools.count(1)


class Run(NamedTuple):
    """One run of an order, or, with " done" at the end of its name, that it has ended well."""

    name: str
    at_s: float
    receives: int | None = None
    group: str | None = None
    environment: int = 0


def package() -> bytes:
    """Return the deployment package: only what starts AWS's runtime client, which finds the functions by PYTHONPATH."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, f'#!/bin/sh\nexec "{sys.executable}" -m awslambdaric "$_HANDLER"\n')
    return buffer.getvalue()


class Stack:
    """
    One queue and its function.

    Attributes:
        url: The queue's URL.
        dead_url: The URL of its dead-letter queue.
        parked_url: The URL of the queue that the function sets messages aside in.
    """

    def __init__(
        self,
        ministack: Ministack,
        handler: str,
        notes: Path,
        *,
        is_fifo: bool = False,
        visibility_s: int = 1,
        max_receives: int = 10,
        concurrency: int = 2,
        timeout_s: int = 3,
    ) -> None:
        self._name = f"{handler.replace('_', '-')}-{os.getpid()}-{next(_numbers)}"
        self._is_fifo = is_fifo
        self._notes = notes
        notes.touch()
        self._endpoint_url = ministack.endpoint_url
        self._sqs = ministack.client("sqs")
        self._lambda = ministack.client("lambda")
        self.log = ministack.log
        self.dead_url = self._create_queue("dead")
        self.parked_url = self._create_queue("parked")
        redrive = {"deadLetterTargetArn": self._arn(self.dead_url), "maxReceiveCount": max_receives}
        self.url = self._create_queue("orders", VisibilityTimeout=str(visibility_s), RedrivePolicy=json.dumps(redrive))
        self._lambda.create_function(
            FunctionName=self._name,
            Runtime="provided.al2023",
            Role=f"arn:aws:iam::{ACCOUNT}:role/r",
            Handler=f"orders.{handler}",
            Code={"ZipFile": package()},
            Timeout=timeout_s,
            Environment={
                "Variables": {
                    "PYTHONPATH": f"{PACKAGE_ROOT}:{FUNCTIONS}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "NOTES": str(notes),
                    "MENDED": f"{notes}-mended",
                    "PARKED_QUEUE_URL": self.parked_url,
                }
            },
        )
        self._mapping = ""
        self._concurrency = concurrency

    def start(self) -> None:
        """Have the function read the queue from now on: what was sent before comes in one batch."""
        scaling = {} if self._is_fifo else {"ScalingConfig": {"MaximumConcurrency": self._concurrency}}
        self._mapping = self._lambda.create_event_source_mapping(
            EventSourceArn=self._arn(self.url),
            FunctionName=self._name,
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **scaling,
        )["UUID"]

    def end(self) -> None:
        """Have nothing read the queue any more."""
        if self._mapping:
            self._lambda.delete_event_source_mapping(UUID=self._mapping)
        self._lambda.delete_function(FunctionName=self._name)

    def send(self, *orders: dict[str, Any], group: str | None = None) -> None:
        """Send orders, in this order."""
        for order in orders:
            fifo = {} if group is None else {"MessageGroupId": group, "MessageDeduplicationId": order["name"]}
            self._sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(order), **fifo)

    def mend(self) -> None:
        """Have the function take what it has set aside until now."""
        Path(f"{self._notes}-mended").touch()

    def replay(self) -> None:
        """Send what was set aside back to the queue, as operators do."""
        done = subprocess.run(
            [sys.executable, "-m", "resilient_lambda", "replay", "--from-queue", self.parked_url],
            cwd=PACKAGE_ROOT,
            env={
                **CREDENTIALS,
                "PATH": os.environ["PATH"],
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": self._endpoint_url,
                "RESILIENT_LAMBDA_TABLE": "resilience",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def runs(self, name: str | None = None) -> list[Run]:
        """Return the runs of the order of this name, or of all, as they were noted."""
        lines = self._notes.read_text("utf-8").splitlines()
        found = [Run(**json.loads(line)) for line in lines]
        return [run for run in found if name in (None, run.name)]

    @property
    def order_of_ends(self) -> list[str]:
        """The names of the orders that have ended well, in that order."""
        return [run.name.removesuffix(" done") for run in self.runs() if run.name.endswith(" done")]

    def counts(self) -> tuple[int, int]:
        """Return how many messages of the queue are visible, and how many are not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def letters(self, url: str) -> list[dict[str, Any]]:
        """Return the messages of another queue, which stay in it."""
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait until *is_so*, and fail if that takes too long."""
        give_up_at = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > give_up_at:
                raise AssertionError(f"it never came to that; runs: {self.runs()}\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def until_empty(self) -> None:
        """Wait until every message of the queue is deleted or set aside."""
        self.until(lambda: self.counts() == (0, 0))

    def _create_queue(self, purpose: str, **attributes: str) -> str:
        suffix = ".fifo" if self._is_fifo else ""
        if self._is_fifo:
            attributes["FifoQueue"] = "true"
        return self._sqs.create_queue(QueueName=f"{self._name}-{purpose}{suffix}", Attributes=attributes)["QueueUrl"]

    @staticmethod
    def _arn(url: str) -> str:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"


def names_of(runs: Sequence[Run]) -> list[str]:
    """Return the names of *runs*."""
    return [run.name for run in runs]
