"""One schedule on the simulator: a worker, the re-invoker, what is between them, and what is known of all."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import (
    DeadLetter,
    Delay,
    DynamoDBStore,
    Idempotency,
    Record,
    batch_handler,
    current_attempt,
    resilient_handler,
    timeout_reinvoker,
)
from resilient_lambda.testing import Delivery, sns_event, sns_record

if TYPE_CHECKING:
    from resilient_lambda.testing.simulator.invocations.asynchronous import AsynchronousCalls
    from resilient_lambda.testing.simulator.source import Source

    from .schedule import Schedule

DELAYS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/delays"
DELAY_S = 45.0
MOST_INVOCATIONS = 2_000
# The worker's queue is the first source: what doubles its own events, Lambda's own retries look like.
WORKER_SOURCE, MOST_EVENTS = 1, 64
current: ContextVar[Stage] = ContextVar("stage")


class Start(NamedTuple):
    """
    The worker's function has begun.

    Attributes:
        attempt: Which invocation it is by the reserved key, from 1.
        root: Lambda's request id of the first; "" in the first itself.
        request_id: Lambda's id of this one, the same for its own retries.
        invocation: The number of the run in the simulation.
        place: Its place among all that happened.
    """

    job: int
    attempt: int
    root: str
    request_id: str
    invocation: int
    place: int


class Stage:
    """
    A schedule that is played.

    Attributes:
        starts: All starts of the worker's function, in order.
        parked: Job and reason of what the re-invoker has set aside, with the number of the invocation that did.
        keys_seen: Whatever the function of the user found in its event.
    """

    def __init__(self, schedule: Schedule, delivery: Delivery, *, reinvoker: Any = None, worker: Any = None) -> None:
        self.schedule = schedule
        self.delivery = delivery
        self.starts: list[Start] = []
        self.parked: list[tuple[int, str, int]] = []
        self.keys_seen: set[str] = set()
        self._counts: Counter[int] = Counter()
        deployed = delivery.function(
            worker or worker_of(schedule.worker, has_store=schedule.receiver_has_store),
            name="worker",
            timeout_s=schedule.timeout_s,
        )
        self.reinvoker = delivery.function(reinvoker or reinvoker_of(schedule), name="reinvoker", timeout_s=30.0)
        # The events of the worker come first, for `WORKER_SOURCE`; where their records go is known afterwards.
        self.calls: AsynchronousCalls = delivery.asynchronous(
            deployed, name="worker", retries=schedule.retries, on_failure=_Later(self)
        )
        self.readers: list[Source] = []
        self.destination = self._destination()
        if schedule.delay == "queue":
            self.readers.append(delivery.sqs(self.reinvoker, name="delays", max_receives=1000, dead_letter=True))

    def play(self) -> None:
        """Send all jobs, and let everything happen."""
        delivery, token = self.delivery, current.set(self)
        try:
            for job in self.schedule.jobs:
                event: Any = {"job": job.number}
                if self.schedule.worker == "batch":
                    event = sns_event([sns_record(event, message_id=f"message-{job.number}")])
                self.calls.send(event, after_s=job.at_s)
            delivery.faults(**self.schedule.faults)
            delivery.run(for_s=self.schedule.quiet_after_s)
            delivery.faults()
            while self.is_under_way and delivery.invocations < MOST_INVOCATIONS:
                delivery.run(for_s=600.0)
            if delivery.invocations < MOST_INVOCATIONS:
                delivery.run()  # what waits in a schedule, or is late
        finally:
            current.reset(token)

    @property
    def is_under_way(self) -> bool:
        """There is something that has not come to its end."""
        return any(source.waiting or source.in_flight for source in self.delivery.sources)

    def work(self, job: int, request_id: str) -> None:
        """Be the worker's function."""
        attempt, delivery = current_attempt(), self.delivery
        self._counts[job] += 1
        place = len(delivery.happenings)
        self.starts.append(
            Start(job, attempt.invocation, attempt.root_request_id, request_id, delivery.invocation, place)
        )
        delivery.step("start")
        if self._counts[job] <= self.schedule.jobs[job].hangs:
            delivery.work(2 * self.schedule.timeout_s)
        delivery.effect(("done", job))

    def park(self, record: Record[Any], error: BaseException) -> None:
        """Be the sink of the re-invoker."""
        job = self.job_of(str(record.body))
        self.delivery.effect(("parked", job))
        self.parked.append((job, str(error), self.delivery.invocation))

    def job_of(self, text: str) -> int:
        """Return which job a record is about, in whatever envelope it is."""
        found = re.search(r"job\W+(\d+)", text)
        if found is None:
            (key,) = [key for key in self._objects() if key in text]
            found = re.search(r"job\W+(\d+)", self._objects()[key].decode())
        assert found is not None, text
        return int(found[1])

    def _objects(self) -> dict[str, bytes]:
        return self.destination.objects

    def _destination(self) -> Any:
        delivery, kind = self.delivery, self.schedule.destination
        first, _, rest = kind.partition("-")
        reader: Any
        if first == "sqs" or rest:
            # A record is lost if the queue gives it up; it is meant to be kept until it is dealt with.
            reader = delivery.sqs(self.reinvoker, name="records", max_receives=1000, dead_letter=True)
        else:
            reader = delivery.asynchronous(self.reinvoker, name="records", dead_letter=True)
        self.readers.append(reader)
        if first in {"sqs", "lambda"}:
            return reader
        if first == "sns":
            return delivery.topic(reader, raw=rest.endswith("raw"))
        return delivery.bus(reader) if first == "eventbridge" else delivery.bucket(reader)


class _Later:
    """A destination that is known once the worker is deployed."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def take(self, record: dict[str, Any], function: Any) -> Any:
        destination = self._stage.destination
        if hasattr(destination, "take"):
            return destination.take(record, function)
        destination.send(json.dumps(record))
        return json.dumps(record), {}


def left_alone() -> list[str]:
    """Return the faults that do not happen: duplicates of the worker's own events."""
    return [f"duplicate:{WORKER_SOURCE}.{number}" for number in range(MOST_EVENTS)]


def _park(record: Record[Any], error: BaseException) -> None:
    current.get().park(record, error)


@cache
def worker_of(kind: str, *, has_store: bool) -> Any:
    """Return a worker, made once for all schedules."""
    if kind == "batch":

        @batch_handler(policies=[Idempotency(DynamoDBStore("worker"), namespace="worker")] if has_store else [])
        def batch(record: Record, context: Any) -> None:
            current.get().work(record.json()["job"], context.aws_request_id)

        return batch
    policies = [Idempotency(DynamoDBStore("worker"), key="job", namespace="worker")] if has_store else []
    if kind == "single":

        @resilient_handler(policies=policies)
        def single(event: dict[str, Any], context: Any) -> None:
            current.get().keys_seen |= set(event)
            current.get().work(event["job"], context.aws_request_id)

        return single

    @resilient_handler(policies=policies)
    async def single_async(event: dict[str, Any], context: Any) -> None:
        current.get().keys_seen |= set(event)
        current.get().work(event["job"], context.aws_request_id)

    return single_async


def reinvoker_of(schedule: Schedule) -> Any:
    """Return the re-invoker of a schedule, made once for all that are alike."""
    return _reinvoker(schedule.delay, schedule.max_attempts, schedule.also, has_store=schedule.reinvoker_has_store)


@cache
def _reinvoker(delay: str, max_attempts: int, also: Any, *, has_store: bool) -> Any:
    delays = {
        "none": None,
        "queue": Delay.sqs(DELAYS_URL, wait=DELAY_S),
        "schedule": Delay.schedule(env="SCHEDULER_ROLE_ARN", dead_letter_env="LOST_ARN", wait=DELAY_S),
    }
    return timeout_reinvoker(
        functions=["worker"],
        max_attempts=max_attempts,
        delay=delays[delay],
        also=also,
        dead_letter=DeadLetter(_park),
        store=DynamoDBStore("reinvoker") if has_store else None,
        namespace="reinvoker",
    )
