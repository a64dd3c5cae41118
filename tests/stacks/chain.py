"""A worker, its destination, and the re-invoker of the example, on the emulator."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import TYPE_CHECKING, Any

from tests.engines.ministack import REGION

from .stack import ACCOUNT, FUNCTIONS, PACKAGE_ROOT, PATIENCE_S, package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.ministack import Ministack

EXAMPLE = PACKAGE_ROOT / "examples" / "reinvoker" / "src"
# Each retry has another request id here, so Lambda's own are left out: the library would take them for second arrivals.
RETRIES = 0

_numbers = itertools.count(1)


class Chain:
    """
    What the example's template makes, for one kind of destination.

    Attributes:
        parked_url: The URL of the queue of parked records.
    """

    def __init__(self, ministack: Ministack, destination: str, notes: Path) -> None:
        self._name = f"reports-{destination}-{os.getpid()}-{next(_numbers)}"
        self._notes = notes
        notes.touch()
        self.log = ministack.log
        self._lambda = ministack.client("lambda")
        self._sqs, self._sns = ministack.client("sqs"), ministack.client("sns")
        self._mapping = ""
        self.parked_url = self._sqs.create_queue(QueueName=f"{self._name}-parked")["QueueUrl"]
        self._create("worker", "reports.worker", timeout_s=2)
        self._create("reinvoker", "reinvoker.handler", timeout_s=20)
        self._lambda.put_function_event_invoke_config(
            FunctionName=f"{self._name}-worker",
            MaximumRetryAttempts=RETRIES,
            DestinationConfig={"OnFailure": {"Destination": getattr(self, f"_{destination}")()}},
        )

    def end(self) -> None:
        """Have nothing of it run any more."""
        if self._mapping:
            self._lambda.delete_event_source_mapping(UUID=self._mapping)
        for role in ("worker", "reinvoker"):
            self._lambda.delete_function(FunctionName=f"{self._name}-{role}")

    def send(self, report_id: str, *, hangs: int) -> None:
        """Ask for a report."""
        # The emulator's table is that of all chains: each has its own names in it.
        job = {"report_id": report_id, "of": self._name, "hangs": hangs}
        answer = self._lambda.invoke(
            FunctionName=f"{self._name}-worker", InvocationType="Event", Payload=json.dumps(job)
        )
        assert answer["StatusCode"] == 202

    def starts(self, report_id: str) -> list[dict[str, Any]]:
        """Return what the worker has noted of a report."""
        lines = map(json.loads, self._notes.read_text("utf-8").splitlines())
        return [line for line in lines if line["name"] == report_id]

    def parked(self) -> list[dict[str, Any]]:
        """Return the messages of the queue of parked records."""
        answer = self._sqs.receive_message(
            QueueUrl=self.parked_url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        return answer.get("Messages", [])

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait until *is_so*, and fail if that takes too long."""
        give_up_at = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > give_up_at:
                raise AssertionError(f"it never came to that: {self._notes.read_text()}\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def _create(self, role: str, handler: str, *, timeout_s: int) -> None:
        self._lambda.create_function(
            FunctionName=f"{self._name}-{role}",
            Runtime="provided.al2023",
            Role=f"arn:aws:iam::{ACCOUNT}:role/r",
            Handler=handler,
            Code={"ZipFile": package()},
            Timeout=timeout_s,
            Environment={
                "Variables": {
                    "PYTHONPATH": f"{PACKAGE_ROOT}:{FUNCTIONS}:{EXAMPLE}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "NOTES": str(self._notes),
                    "RESILIENT_LAMBDA_TABLE": "resilience",
                    "WORKER_ARN": self._arn("lambda", "worker"),
                    "PARKED_QUEUE_URL": self.parked_url,
                }
            },
        )

    def _arn(self, service: str, role: str) -> str:
        kind = "function:" if service == "lambda" else ""
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}{self._name}-{role}"

    # What stands between the two functions

    def _lambda_itself(self) -> str:
        return self._arn("lambda", "reinvoker")

    def _sqs_queue(self) -> str:
        self._sqs.create_queue(QueueName=f"{self._name}-records", Attributes={"VisibilityTimeout": "20"})
        self._mapping = self._lambda.create_event_source_mapping(
            EventSourceArn=self._arn("sqs", "records"),
            FunctionName=f"{self._name}-reinvoker",
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )["UUID"]
        return self._arn("sqs", "records")

    def _sns_topic(self) -> str:
        topic = self._sns.create_topic(Name=f"{self._name}-records")["TopicArn"]
        self._sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=self._arn("lambda", "reinvoker"))
        return topic
