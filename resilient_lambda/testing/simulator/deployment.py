"""What can be deployed in a simulation: functions, and the sources that deliver to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .function import Function
from .invocation import LATEST
from .invocations.asynchronous import AsynchronousCalls
from .invocations.relays import Bucket, Bus, Topic
from .invocations.synchronous import SynchronousCalls
from .logs.dynamodb import TableStream
from .logs.kafka import KafkaTopic, retries_of
from .logs.kinesis import KinesisStream
from .logs.stream_failures import Limits
from .queues.fifo import FifoQueue
from .queues.sqs import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .function import Cost, Handler
    from .invocations.destinations import Destination
    from .invocations.relays import Listener
    from .source import Key
    from .world import World


class Deployment:
    """
    A function, and a method for each source.

    A source takes a handler, its name (``"app.handler"``), or a `Function` that several of them share.
    """

    _world: World

    def function(
        self,
        handler: Handler | str | None = None,
        *,
        module_globals: Mapping[str, Any] | None = None,
        name: str = "function",
        timeout_s: float = 30.0,
        takes: Cost = 0.05,
        concurrency: int = 1000,
        cold_start: Callable[[], Handler] | None = None,
        cold_start_s: float = 0.25,
    ) -> Function:
        """Return a deployed function that several sources can share; see `Function` for the arguments."""
        return Function(
            self._world,
            handler,
            module_globals=module_globals,
            name=name,
            timeout_s=timeout_s,
            takes=takes,
            concurrency=concurrency,
            cold_start=cold_start,
            cold_start_s=cold_start_s,
        )

    def asynchronous(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "asynchronous",
        key: Key = None,
        retries: int = 2,
        max_age_s: float = 21_600.0,
        on_success: Destination | None = None,
        on_failure: Destination | None = None,
        dead_letter: bool = False,
        qualifier: str = LATEST,
    ) -> AsynchronousCalls:
        """Return the queue of a function's asynchronous invocations; see `AsynchronousCalls` for the arguments."""
        return AsynchronousCalls(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            retries=retries,
            max_age_s=max_age_s,
            on_success=on_success,
            on_failure=on_failure,
            dead_letter=dead_letter,
            qualifier=qualifier,
        )

    def topic(self, *listeners: Handler | str | Listener, name: str = "topic", raw: bool = False) -> Topic:
        """Return a topic of SNS as a destination; see `Topic`. Functions and standard queues listen to it."""
        return Topic(self._world, self._listeners_of(listeners), name=name, raw=raw)

    def bus(self, *listeners: Handler | str | Listener, name: str = "default") -> Bus:
        """Return a bus of EventBridge as a destination; functions and standard queues listen to it."""
        return Bus(self._world, self._listeners_of(listeners), name=name)

    def bucket(self, *listeners: Handler | str | Listener, name: str = "records") -> Bucket:
        """Return a bucket of S3 as a destination; functions and standard queues are notified of its objects."""
        return Bucket(self._world, self._listeners_of(listeners), name=name)

    def sqs(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "sqs",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        window_s: float = 0.0,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> Queue:
        """Return a standard queue; see `Queue` for the arguments."""
        return Queue(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            window_s=window_s,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )

    def fifo(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "fifo",
        key: Key = None,
        visibility_s: float | None = None,
        max_receives: int | None = None,
        dead_letter: bool = False,
        batch_size: int = 10,
        max_concurrency: int | None = None,
        partial: bool = True,
        retention_s: float = 345_600.0,
    ) -> FifoQueue:
        """Return a FIFO queue; see `FifoQueue` for the arguments."""
        return FifoQueue(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            visibility_s=visibility_s,
            max_receives=max_receives,
            dead_letter=dead_letter,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            partial=partial,
            retention_s=retention_s,
        )

    def kinesis(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "kinesis",
        key: Key = None,
        shards: int = 1,
        batch_size: int = 100,
        window_s: float = 0.0,
        retries: int = -1,
        record_age_s: int = -1,
        bisect: bool = False,
        parallelization: int = 1,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 86_400.0,
    ) -> KinesisStream:
        """Return a Kinesis data stream; see `KinesisStream` and `Limits` for the arguments."""
        limits = Limits(batch_size, window_s, retries, record_age_s, bisect, on_failure, partial, retention_s)
        return KinesisStream(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            limits=limits,
            shards=shards,
            parallelization=parallelization,
        )

    def dynamodb(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "dynamodb",
        key: Key = None,
        key_names: Sequence[str] = ("id",),
        shards: int = 1,
        batch_size: int = 100,
        window_s: float = 0.0,
        retries: int = -1,
        record_age_s: int = -1,
        bisect: bool = False,
        parallelization: int = 1,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 86_400.0,
    ) -> TableStream:
        """Return a DynamoDB table with its stream; see `TableStream` and `Limits` for the arguments."""
        limits = Limits(batch_size, window_s, retries, record_age_s, bisect, on_failure, partial, retention_s)
        return TableStream(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            limits=limits,
            key_names=key_names,
            shards=shards,
            parallelization=parallelization,
        )

    def kafka(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "kafka",
        key: Key = None,
        topic: str = "topic",
        partitions: int = 3,
        batch_size: int = 100,
        window_s: float = 0.5,
        share_group: bool = False,
        retries: int | None = None,
        record_age_s: int = -1,
        bisect: bool = False,
        on_failure: str | None = None,
        partial: bool = True,
        retention_s: float = 604_800.0,
    ) -> KafkaTopic:
        """
        Return a Kafka topic; see `KafkaTopic` and `Limits` for the arguments.

        Args:
            retries: -1 by default, in a share group 0; with ``on_failure=``, -1 is as much as 10.
        """
        tries = retries_of(retries, share_group=share_group, on_failure=on_failure)
        limits = Limits(batch_size, window_s, tries, record_age_s, bisect, on_failure, partial, retention_s)
        return KafkaTopic(
            self._world,
            self._function_of(handler),
            name=name,
            key=key,
            topic=topic,
            partitions=partitions,
            limits=limits,
            share_group=share_group,
        )

    def synchronous(
        self,
        handler: Handler | str | Function,
        *,
        name: str = "synchronous",
        key: Key = None,
        attempts: int = 1,
        wait_s: float = 1.0,
    ) -> SynchronousCalls:
        """Return callers that invoke and wait; see `SynchronousCalls` for the arguments."""
        return SynchronousCalls(
            self._world, self._function_of(handler), name=name, key=key, attempts=attempts, wait_s=wait_s
        )

    def _listeners_of(self, listeners: Sequence[Handler | str | Listener]) -> list[Listener]:
        return [each if isinstance(each, AsynchronousCalls | Queue) else self._function_of(each) for each in listeners]

    def _function_of(self, handler: Handler | str | Function) -> Function:
        return handler if isinstance(handler, Function) else self.function(handler)
