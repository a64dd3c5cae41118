"""Environments of both libraries for the same function, on one table."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
    idempotent_function,
)
from boto3.dynamodb.types import TypeDeserializer

from resilient_lambda import Idempotency, batch_handler, resilient_handler
from resilient_lambda._core.powertools_format import POWERTOOLS
from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.stores import ABSENT
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.stores import Store
    from resilient_lambda.testing import FakeIo, LambdaContext

PREFIX = "orders"


class Crash(BaseException):
    """The environment dies: nothing after this is written."""


class RealContext:
    """
    What Powertools asks Lambda's context for.

    Args:
        remaining_s: Of the invocation; less than 0 for a worker that has died since.
    """

    function_name = "test-function"

    def __init__(self, remaining_s: float) -> None:
        self._remaining_s = remaining_s

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return int(self._remaining_s * 1000)


class Fleet:
    """
    The environments of a canary: some run Powertools' code, some ours.

    Args:
        store: Ours.
        io: Our clock; None for the real one.
        layer: Options of Powertools' DynamoDBPersistenceLayer.

    Attributes:
        connection: Our way to the table.
        runs: Who ran the function, in order: "theirs" or "ours".
    """

    def __init__(self, client: Any, store: Store, io: FakeIo | None, *, table: str, key: str, **layer: Any) -> None:
        self.client = client
        self.connection = Connection(store)
        self.io = io
        self.key = key
        self.runs: list[str] = []
        self._table = table
        self._layer = layer

    def theirs(self, work: Callable[[Any], Any] = lambda order: None, **config: Any) -> Theirs:
        """Return a new environment that runs Powertools' code."""
        layer = DynamoDBPersistenceLayer(self._table, boto3_client=self.client, **self._layer)
        return Theirs(self, layer, work, config)

    def ours(self, work: Callable[[Any], Any] = lambda order: None, **options: Any) -> Ours:
        """Return a new environment that runs our code."""
        return Ours(self, work, options)

    def order(self, **fields: Any) -> dict[str, Any]:
        """Return the test's order."""
        return {"order_id": self.key, "total": 5, **fields}

    def event(self, *bodies: Any, receives: int = 1) -> dict[str, Any]:
        """Return a batch with *bodies*, or with the test's order; message ids are m0, m1, ..."""
        records = [
            sqs_record(body, message_id=f"m{number}", receives=receives)
            for number, body in enumerate(bodies or [self.order()])
        ]
        return sqs_event(records)

    def context(self, timeout_s: float) -> LambdaContext:
        """Return a context whose remaining time is counted by our clock."""
        make = lambda_context if self.io is None else self.io.context
        return make("test-function", timeout_s=timeout_s)

    def stored_key(self, value: Any = None) -> str:
        """Return the stored key of the order id *value*, by default that of the test's order."""
        return POWERTOOLS.stored_key(POWERTOOLS.prefix(PREFIX), self.key if value is None else value)

    def primary_key(self, value: Any = None) -> dict[str, Any]:
        """Return the item's primary key, as DynamoDB writes it."""
        return {"id": {"S": self.stored_key(value)}}

    def item(self, value: Any = None) -> dict[str, Any] | None:
        """Return what lies in the table, as plain values."""
        found = self.client.get_item(TableName=self._table, Key=self.primary_key(value), ConsistentRead=True)
        if "Item" not in found:
            return None
        return {name: TypeDeserializer().deserialize(attribute) for name, attribute in found["Item"].items()}

    def change(self, **attributes: Any) -> None:
        """Set *attributes* of the test's item by hand; None removes one."""
        for name, value in attributes.items():
            self.client.update_item(
                TableName=self._table,
                Key=self.primary_key(),
                UpdateExpression="REMOVE #n" if value is None else "SET #n = :v",
                ExpressionAttributeNames={"#n": name},
                **({} if value is None else {"ExpressionAttributeValues": {":v": value}}),
            )


class Theirs:
    """One environment that runs Powertools' code."""

    def __init__(self, fleet: Fleet, layer: DynamoDBPersistenceLayer, work: Any, config: dict[str, Any]) -> None:
        self._fleet = fleet
        self._layer = layer
        self._work = work
        self._options = {"event_key_jmespath": "order_id", **config}

    def invoke(self, event: Any = None, *, remaining_s: float = 30.0) -> Any:
        """Invoke the function with a single event."""

        @idempotent(persistence_store=self._layer, config=IdempotencyConfig(**self._options), key_prefix=PREFIX)
        def handler(event, context):
            self._fleet.runs.append("theirs")
            return self._work(event)

        return handler(self._fleet.order() if event is None else event, RealContext(remaining_s))

    def deliver(
        self, event: Any = None, *, remaining_s: float = 30.0, expression: str = "powertools_json(body).order_id"
    ) -> list[str]:
        """Deliver a batch; return the ids that come again. *expression* finds the key in a record."""
        config = IdempotencyConfig(**{**self._options, "event_key_jmespath": expression})
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

        @idempotent_function(
            data_keyword_argument="record", persistence_store=self._layer, config=config, key_prefix=PREFIX
        )
        def process(record):
            self._fleet.runs.append("theirs")
            return self._work(json.loads(record.body))

        context: Any = RealContext(remaining_s)
        config.register_lambda_context(context)
        answer = process_partial_response(
            event=event or self._fleet.event(), record_handler=process, processor=processor, context=context
        )
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class Stuck:
    """
    A worker of Powertools that is in the middle of its function, on a thread, until it is told how to end.

    Args:
        remaining_s: Of its invocation; less than 0 for a worker that lives longer than it should.
    """

    def __init__(self, fleet: Fleet, *, remaining_s: float = 30.0, **config: Any) -> None:
        self._is_in = threading.Event()
        self._may_end = threading.Event()
        self._error: Exception | None = None
        self._result: Any = None
        worker = fleet.theirs(self._work, **config)
        self._thread = threading.Thread(target=self._invoke, args=(worker, remaining_s), daemon=True)
        self._thread.start()
        assert self._is_in.wait(20)

    def _work(self, order: Any) -> Any:
        self._is_in.set()
        assert self._may_end.wait(20)
        if self._error is not None:
            raise self._error
        return self._result

    def _invoke(self, worker: Theirs, remaining_s: float) -> None:
        with contextlib.suppress(ConnectionError):
            worker.invoke(remaining_s=remaining_s)

    def succeed(self, result: Any = "theirs") -> None:
        """Let the function return, and wait until that is recorded."""
        self._result = result
        self._may_end.set()
        self._thread.join(20)

    def fail(self) -> None:
        """Let the function raise, and wait until that is recorded."""
        self._error = ConnectionError()
        self.succeed()


class Connection:
    """
    A store as our environments reach it.

    Attributes:
        before_takeover: Called once, before the first write over an item that was read.
        is_cut: True to let nothing through any more: the environment dies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before_takeover: Callable[[], object] | None = None
        self.is_cut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        """Write, after what comes before."""
        self._before([expected])
        return self._store.put_if(key, item, expected)

    def put_many_if(self, writes: Any) -> Any:
        """Write, after what comes before."""
        self._before([write.expected for write in writes])
        return self._store.put_many_if(writes)

    def _before(self, expectations: list[Any]) -> None:
        if self.is_cut:
            raise StoreUnavailableError("the environment is dead")
        if self.before_takeover is not None and ABSENT not in expectations:
            action, self.before_takeover = self.before_takeover, None
            action()


class Ours:
    """
    One environment that runs our code.

    Attributes:
        events: What observers heard.
    """

    def __init__(self, fleet: Fleet, work: Any, options: dict[str, Any]) -> None:
        self._fleet = fleet
        self.events: list[Any] = []
        self._policy = Idempotency(
            fleet.connection, **{"key": "order_id", "layout": "powertools", "namespace": PREFIX, **options}
        )

        def function(order: dict) -> Any:
            fleet.runs.append("ours")
            return work(order)

        self._function = function

    def invoke(self, event: Any = None, *, timeout_s: float = 30.0) -> Any:
        """Invoke the function with a single event."""
        handler = self._handler(resilient_handler)
        return handler(self._fleet.order() if event is None else event, self._fleet.context(timeout_s))

    def deliver(self, event: Any = None, *, timeout_s: float = 30.0) -> list[str]:
        """Deliver a batch; return the ids that come again."""
        handler = self._handler(batch_handler)
        answer = handler(event or self._fleet.event(), self._fleet.context(timeout_s))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _handler(self, decorator: Any) -> Any:
        return decorator(policies=[self._policy], observers=[self.events.append], model=dict)(self._function)

    def heard(self, kind: type) -> list[Any]:
        """Return the events of one class."""
        return [event for event in self.events if isinstance(event, kind)]
